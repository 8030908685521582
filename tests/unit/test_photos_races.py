"""What two do to a photo at once, and what is handed in to break the way in; everything in memory."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.requests import Request

from events.photos import AddedBox, PhotoReviewed, PhotoUploaded, Wishes
from events.storage import ObjectStored
from functions.photos import folder
from functions.photos.applying import apply_review
from functions.photos.candidates import Queue
from functions.photos.intake import submit, take_in
from functions.photos.processing import anonymise_photo
from functions.photos.records import Records
from functions.photos.review import Look, review_candidate
from functions.photos.uploads import Taken, forget_photo, receive_photo
from shared.backends import Backends
from shared.http import Problem
from shared.objects import MemoryObjects
from shared.settings import Settings
from shared.state import MemoryState
from shared.stored import Data
from tests.photo_scenes import Eyes, saved, street

SCENE = saved(street((160, 120), face=(40, 40, 70, 80)))


class Storage(MemoryObjects):
    """Does something of its own before the next photo is written into the bucket of finished ones."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Any = None

    async def put(self, bucket: str, key: str, data: Data, content_type: str = "application/octet-stream") -> None:
        """Meanwhile somebody has it deleted, or the worker ends."""
        meanwhile, self.meanwhile = (self.meanwhile, None) if bucket == "photos-out" else (None, self.meanwhile)
        if meanwhile is not None:
            await meanwhile()
        await super().put(bucket, key, data, content_type)

    def names(self) -> set[str]:
        """Every object there is."""
        return {f"{bucket}/{key}" for bucket, objects in self._buckets.items() for key in objects}


def backends(objects: MemoryObjects) -> Backends:
    return Backends(Settings(_env_file=None), state=MemoryState(), objects=objects, vision=Eyes())


async def handed_in(use: Backends) -> PhotoUploaded:
    photo_id = await submit(SCENE, Wishes(), use, secret="secret")
    return await told(use, "photos-in", photo_id)


async def told(use: Backends, bucket: str, key: str) -> PhotoUploaded:
    stored = await use.objects.stat(bucket, key)
    event = ObjectStored(
        bucket=bucket, object_key=key, version=stored.version, size=stored.size, stored_at=stored.modified
    )
    uploaded = await take_in(event, use)
    assert isinstance(uploaded, PhotoUploaded)
    return uploaded


async def test_what_is_masked_again_while_it_is_deleted_stays_deleted() -> None:
    objects = Storage()
    use = backends(objects)
    uploaded = await handed_in(use)
    assert await anonymise_photo(uploaded, use) is not None
    reviewed = PhotoReviewed(
        photo_id=uploaded.photo_id,
        kind="sample",
        decision="approved",
        boxes=(AddedBox(left=0, top=0, right=9, bottom=9),),
    )

    async def forget() -> None:
        await forget_photo(Taken(photo_id=uploaded.photo_id, secret="secret"), use)

    objects.meanwhile = forget
    await apply_review(reviewed, use)
    assert objects.names() == set()


async def test_a_worker_that_ended_while_a_photo_was_deleted_leaves_nothing() -> None:
    objects = Storage()
    use = backends(objects)
    uploaded = await handed_in(use)

    async def forget() -> None:
        await forget_photo(Taken(photo_id=uploaded.photo_id, secret="secret"), use)
        record = await Records(use).get(uploaded.photo_id)
        assert record is not None
        await MemoryObjects.put(objects, "photos-out", uploaded.photo_id + record.suffix, b"finished")
        raise KeyboardInterrupt  # killed before it could take back what it had written

    objects.meanwhile = forget
    with pytest.raises(KeyboardInterrupt):
        await anonymise_photo(uploaded, use)
    assert objects.names()
    assert await anonymise_photo(uploaded, use) is None  # told again
    assert objects.names() == set()


async def test_staff_see_a_tiff_as_a_picture_that_a_browser_shows() -> None:
    use = backends(MemoryObjects())
    photo_id = await submit(saved(street((160, 120), face=(40, 40, 70, 80)), "TIFF"), Wishes(), use)
    await anonymise_photo(await told(use, "photos-in", photo_id), use)
    await Queue(use).add(photo_id, "sample")
    shown = await review_candidate(Look(photo_id=photo_id), use)
    assert shown.media_type == "image/jpeg"
    picture = Image.open(io.BytesIO(shown.body), formats=("JPEG",))
    assert picture.size == (160, 120)
    assert np.abs(np.asarray(picture.convert("RGB"))[60, 55].astype(int) - 96).max() < 8  # masked


async def test_an_object_of_another_bucket_does_not_take_a_photos_place() -> None:
    use = backends(MemoryObjects())
    photo_id = await submit(SCENE, Wishes(), use)
    await use.objects.ensure_bucket("street")
    await use.objects.put("street", photo_id, SCENE + b"another")
    stranger = await told(use, "street", photo_id)
    own = await told(use, "photos-in", photo_id)
    assert own.photo_id == photo_id != stranger.photo_id


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x",
        b"--x\r\nno header\r\n\r\n",
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"1" * 2000,
    ],
)
@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=x"])
async def test_a_form_that_cannot_be_read_is_the_senders_fault(kind: str, body: bytes) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", kind.encode())], "app": object()}
    with pytest.raises(Problem) as problem:
        await receive_photo(Request(scope, receive), backends(MemoryObjects()))
    assert problem.value.status in (400, 422)


def test_results_do_not_mix_with_originals(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "a.jpg").write_bytes(SCENE)
    for target in (source, source / "out", tmp_path):  # tmp_path/in/a.jpg would be a result of tmp_path/in/in/a.jpg
        with pytest.raises(folder.FolderError, match="outside"):
            folder.photos_in(source, target)
    assert len(folder.photos_in(source, tmp_path / "out")) == 1
