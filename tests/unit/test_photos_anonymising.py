"""The way of a photo through detection, masking, the second look and its report."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from functions.photos.anonymising import Options, Outcome, anonymise
from functions.photos.decoding import PhotoRefused
from shared.errors import BackendError
from tests.photo_scenes import COLOURS, Eyes, saved, street

FACE, PLATE, PERSON = (200, 120, 240, 170), (400, 300, 470, 320), (520, 80, 590, 300)


def pixels(outcome: Outcome | bytes, frame: int = 0) -> Any:
    image = Image.open(io.BytesIO(outcome if isinstance(outcome, bytes) else outcome.file))
    image.seek(frame)
    return np.asarray(image.convert("RGB")).astype(int)


def shows(found: Any, kind: str) -> bool:
    return bool((np.abs(found - np.array(COLOURS[kind])).max(axis=-1) < 60).any())


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


async def test_what_is_no_photo_is_refused_before_anything_is_asked() -> None:
    eyes = Eyes()
    with pytest.raises(PhotoRefused):
        await anonymise(b"%PDF-1.7", Options(), eyes)
    assert eyes.tiles == []
