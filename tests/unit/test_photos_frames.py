"""Files of several pictures in the review: each can be looked at, and is masked as a person says; in memory."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from events.photos import AddedBox, PhotoReviewed, Wishes
from functions.photos.applying import apply_review, masked_further
from functions.photos.candidates import Queue
from functions.photos.intake import submit
from functions.photos.places import finished, report
from functions.photos.processing import anonymise_photo
from functions.photos.records import Records
from functions.photos.report import Report
from functions.photos.review import All, Look, review_candidate, review_queue
from shared.backends import Backends
from shared.http import Problem
from shared.objects import MemoryObjects
from tests.photo_scenes import saved, street
from tests.unit.test_photos_races import backends, told

FACE = (40, 40, 70, 80)


def pages(format: str) -> bytes:
    """Two pictures; a file of pages may have them in two sizes."""
    second = street((200, 160) if format == "TIFF" else (160, 120), face=(90, 60, 120, 100))
    return saved(street((160, 120), face=FACE), format, save_all=True, append_images=[second])


async def sampled(data: bytes) -> tuple[Backends, str]:
    use = backends(MemoryObjects())
    photo_id = await submit(data, Wishes(), use)
    await anonymise_photo(await told(use, "photos-in", photo_id), use)
    await Queue(use).add(photo_id, "sample")
    return use, photo_id


async def seen(use: Backends, photo_id: str, frame: int) -> tuple[Any, str]:
    shown = await review_candidate(Look(photo_id=photo_id, frame=frame), use)
    assert shown.media_type == "image/jpeg"
    picture = Image.open(io.BytesIO(shown.body), formats=("JPEG",))
    return np.asarray(picture.convert("RGB")).astype(int), shown.headers["photo-frames"]


@pytest.mark.parametrize("format", ["TIFF", "PNG", "WEBP"])
async def test_staff_see_every_picture_of_a_file_and_no_face_in_any(format: str) -> None:
    use, photo_id = await sampled(pages(format))
    (waiting,) = (await review_queue(All(), use)).candidates
    assert waiting.frames == 2
    (first, count), (second, _) = await seen(use, photo_id, 0), await seen(use, photo_id, 1)
    assert count == "2"
    assert first.shape[:2] == (120, 160)
    assert second.shape[:2] == ((160, 200) if format == "TIFF" else (120, 160))
    assert np.abs(first[60, 55] - 96).max() < 8
    assert np.abs(second[80, 105] - 96).max() < 8
    assert np.abs(second[20, 10] - first[20, 10]).max() < 30  # the scene itself
    with pytest.raises(Problem) as problem:
        await seen(use, photo_id, 2)
    assert problem.value.status == 404


async def test_a_photo_of_one_picture_is_shown_as_the_file_it_is() -> None:
    use, photo_id = await sampled(saved(street((160, 120), face=FACE)))
    record = await Records(use).get(photo_id)
    assert record is not None
    place = finished(use, photo_id, record)
    shown = await review_candidate(Look(photo_id=photo_id), use)
    assert shown.body == await use.objects.get(place.bucket, place.key)
    assert (shown.media_type, shown.headers["photo-frames"]) == ("image/jpeg", "1")


async def test_what_is_missed_is_masked_in_every_picture_or_in_the_one_that_is_named() -> None:
    use, photo_id = await sampled(pages("TIFF"))
    boxes = (
        AddedBox(left=2, top=2, right=20, bottom=12, kind="plate"),
        AddedBox(left=150, top=110, right=195, bottom=150, frame=1),
    )
    reviewed = PhotoReviewed(photo_id=photo_id, kind="sample", decision="approved", boxes=boxes)
    await apply_review(reviewed, use)
    record = await Records(use).get(photo_id)
    assert record is not None
    place, about = finished(use, photo_id, record), report(use, photo_id, record)
    file = await use.objects.get(place.bucket, place.key)
    with Image.open(io.BytesIO(file)) as opened:
        shown = []
        for number in range(2):
            opened.seek(number)
            shown.append(np.asarray(opened.convert("RGB")))
    for picture in shown:
        assert (picture[2:12, 2:20] == 96).all()
    assert (shown[0][112:, 152:] != 96).any()
    assert (shown[1][110:150, 150:195] == 96).all()
    found = Report.model_validate_json(await use.objects.get(about.bucket, about.key))
    assert [(one.frame, one.kind) for one in found.masked if one.model == "review"] == [
        (0, "plate"),
        (1, "plate"),
        (1, "face"),
    ]
    again, after = masked_further(file, boxes, found)  # told again
    assert (again, after) == (file, found)
