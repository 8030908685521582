"""The way of a photo through detection, masking, the second look and its report."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from functions.photos import report
from functions.photos.anonymising import Options, Outcome, anonymise
from functions.photos.decoding import PhotoRefused
from functions.photos.detection import plan
from functions.photos.masking import Kind
from functions.photos.report import Mode
from shared.errors import BackendError
from tests.photo_scenes import COLOURS, STORED, Eyes, Found, saved, street

FACE, PLATE, PERSON = (200, 120, 240, 170), (400, 300, 470, 320), (520, 80, 590, 300)


def pixels(outcome: Outcome | bytes, frame: int = 0) -> Any:
    image = Image.open(io.BytesIO(outcome if isinstance(outcome, bytes) else outcome.file))
    image.seek(frame)
    return np.asarray(image.convert("RGB")).astype(int)


def shows(found: Any, kind: str) -> bool:
    return bool((np.abs(found - np.array(COLOURS[kind])).max(axis=-1) < 60).any())


class Wandering(Eyes):
    """Finds a face wherever it was not asked to look before: something that masking does not end."""

    async def detect(self, model: str, tiles: NDArray[np.uint8]) -> list[Found]:
        """One more, further right each time."""
        self._called(model, tiles)
        left = 20.0 * len(self.tiles)
        box = np.array([[left, 10, left + 10, 20]], dtype=np.float32)
        return [Found(box, np.full(1, 0.9, np.float32), np.zeros(1, np.int32))]


async def test_faces_and_plates_are_masked_and_nothing_else_changes() -> None:
    scene = street((640, 480), face=FACE, plate=PLATE, person=PERSON)
    outcome = await anonymise(saved(scene, "PNG"), Options(), Eyes())
    assert (outcome.decision, outcome.media_type, outcome.suffix) == ("released", "image/png", ".png")
    found = pixels(outcome)
    assert not shows(found, "face")
    assert not shows(found, "plate")
    assert shows(found, "person")
    assert outcome.report.counts == {"face": 1, "plate": 1}
    changed = (found != np.asarray(scene).astype(int)).any(axis=-1)
    assert changed.mean() == pytest.approx(outcome.report.masked_share, abs=0.002)
    assert {look.model for look in outcome.report.looked} == set(outcome.report.models)


@pytest.mark.parametrize("call", [1, 3, 9])
async def test_no_output_when_the_inference_server_goes_away(call: int) -> None:
    with pytest.raises(BackendError):
        await anonymise(saved(street((640, 480), face=FACE)), Options(), Eyes(broken_at=call))


async def test_no_output_without_a_model_for_what_is_asked() -> None:
    with pytest.raises(BackendError, match="plate"):
        await anonymise(saved(street((640, 480))), Options(), Eyes("centerface"))


@pytest.mark.parametrize("orientation", range(1, 9))
async def test_what_is_masked_is_the_same_however_the_camera_was_held(orientation: int) -> None:
    scene = street((320, 240), face=(100, 60, 130, 90), plate=(200, 150, 260, 170))
    lying = scene if orientation == 1 else scene.transpose(STORED[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = Options(mode="fast")
    outcome = await anonymise(saved(lying, quality=97, subsampling=0, exif=exif), options, Eyes())
    upright = await anonymise(saved(scene, quality=97, subsampling=0), options, Eyes())
    assert outcome.report.counts == {"face": 1, "plate": 1}
    one, other = (sorted(masked.box for masked in each.report.masked) for each in (outcome, upright))
    assert np.abs(np.array(one) - np.array(other)).max() <= 1
    assert not shows(pixels(outcome), "face")


async def test_every_frame_of_an_animation_is_masked() -> None:
    frames = [street((200, 160), face=(20 + 40 * n, 40, 50 + 40 * n, 70)) for n in range(3)]
    data = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True, duration=80)
    outcome = await anonymise(data, Options(kinds=("face",), mode="fast"), Eyes())
    assert outcome.report.frames == 3
    assert {masked.frame for masked in outcome.report.masked} == {0, 1, 2}
    for number in range(3):
        assert not shows(pixels(outcome, number), "face")


async def test_what_the_seam_of_a_whole_turn_cuts_is_masked_on_both_sides() -> None:
    whole = street((800, 400), face=(380, 150, 420, 200))
    cut = Image.new("RGB", whole.size)
    cut.paste(whole.crop((400, 0, 800, 400)), (0, 0))
    cut.paste(whole.crop((0, 0, 400, 400)), (400, 0))
    outcome = await anonymise(saved(cut, "PNG"), Options(kinds=("face",), mode="fast"), Eyes())
    assert outcome.report.panorama
    assert not shows(pixels(outcome), "face")
    grey = (pixels(outcome) == 96).all(axis=-1)
    assert grey[175, :30].all()  # 20 pixels of it, and as many as it is grown by
    assert grey[175, -30:].all()


async def test_what_is_still_found_after_two_rounds_is_held() -> None:
    outcome = await anonymise(saved(street((320, 240))), Options(kinds=("face",), mode="fast"), Wandering("centerface"))
    assert (outcome.decision, outcome.report.reason, outcome.report.rounds) == ("held", "still_found", 3)
    assert {masked.round for masked in outcome.report.masked} == {1, 2, 3}


async def test_a_fill_that_looks_like_a_face_does_not_hold_the_photo_back() -> None:
    eyes = Eyes("centerface", sees_fills=True)
    outcome = await anonymise(saved(street((320, 240), face=(50, 50, 90, 90))), Options(kinds=("face",)), eyes)
    assert (outcome.decision, outcome.report.rounds) == ("released", 2)


async def test_small_things_in_a_large_photo_are_looked_at_in_their_own_size() -> None:
    eyes = Eyes("plates")
    scene = street((2000, 500), plate=[(990, 300, 1020, 308), (1960, 20, 1985, 28)])
    outcome = await anonymise(saved(scene, "PNG"), Options(kinds=("plate",), mode="fast"), eyes)
    assert not shows(pixels(outcome), "plate")
    assert all(max(shape[1:3]) <= 1280 and shape[1] % 128 == shape[2] % 128 == 0 for _, shape in eyes.tiles)


async def test_persons_are_masked_by_their_faces_where_no_model_finds_persons() -> None:
    scene = street((640, 800), face=(300, 100, 330, 130))
    outcome = await anonymise(saved(scene, "PNG"), Options(kinds=("person",)), Eyes("centerface"))
    assert outcome.report.counts == {"person": 1}
    left, top, right, bottom = max(masked.box for masked in outcome.report.masked)
    assert left < 285
    assert top < 80
    assert right > 345
    assert bottom > 400


async def test_when_and_where_it_was_taken_is_told_only_where_asked_for() -> None:
    exif = Image.Exif()
    exif[0x0132] = "2026:05:04 12:30:00"
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 8.0, 14.0), 3: "E", 4: (11.0, 34.0, 31.8)})
    data = saved(street((64, 64)), exif=exif)
    options = Options(kinds=("face",), mode="fast", context=True)
    told = (await anonymise(data, options, Eyes())).report
    assert told.captured_at == "2026-05-04T12:30:00"
    assert told.position is not None
    assert (told.position.latitude, told.position.longitude) == (48.14, 11.58)
    untold = (await anonymise(data, Options(kinds=("face",), mode="fast"), Eyes())).report
    assert (untold.captured_at, untold.position) == (None, None)


def test_the_schema_of_the_report_is_the_exported_one() -> None:
    exported = Path(report.__file__).with_name("report.schema.json").read_text()
    assert json.loads(exported) == report.Report.model_json_schema()


async def test_what_is_no_photo_is_refused_before_anything_is_asked() -> None:
    eyes = Eyes()
    with pytest.raises(PhotoRefused):
        await anonymise(b"%PDF-1.7", Options(), eyes)
    assert eyes.tiles == []


@pytest.mark.parametrize("mode", ["accurate", "fast"])
def test_the_second_detector_of_persons_is_asked_where_the_first_is_not_there(mode: Mode) -> None:
    kinds: tuple[Kind, ...] = ("person",)
    both, second = ("centerface", "persons", "persons_pypi"), ("centerface", "persons_pypi")
    asked = [{look.model for look in plan(kinds, mode, models, (1280, 960))} for models in (both, second)]
    assert asked == [{"centerface", "persons"}, {"centerface", "persons_pypi"}]
