"""The measure of what is hidden: known masks give known figures, and what is not hidden counts as nothing."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from typer.testing import CliRunner

from functions.photos.evaluation import Judged, load_truth, look, summary
from functions.photos.masking import Region, mask
from functions.photos.measuring import masked, overlap, seen
from infra.cli.evaluate import app
from shared.errors import StadtfunkError

FACE = (120.0, 80.0, 200.0, 180.0)
REGION = Region(100, 60, 220, 200, "face")


def street() -> Image.Image:
    """Something with detail everywhere, as photos have it."""
    coarse = np.random.default_rng(3).integers(0, 255, (30, 40, 3), np.uint8)
    fine = np.random.default_rng(4).integers(-5, 6, (300, 400, 1))
    large = np.asarray(Image.fromarray(coarse).resize((400, 300), Image.Resampling.BICUBIC), np.int16)
    return Image.fromarray(np.clip(large + fine, 0, 255).astype(np.uint8))


def compressed(image: Image.Image, quality: int) -> NDArray[np.uint8]:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality, subsampling=0)
    return np.asarray(Image.open(file).convert("RGB"))


@pytest.mark.parametrize("fill", ["solid", "blur"])
def test_a_known_mask_hides_what_lies_in_it(fill: str) -> None:
    photo = street()
    output = photo.copy()
    mask(output, [REGION], {"face": fill})  # type: ignore[dict-item]
    found = seen(np.asarray(photo), compressed(output, 95), [FACE, (300, 20, 360, 90)], [FACE], growth=1.6)
    assert (found.boxes, found.hit, found.hidden) == (2, 1, 1)
    assert found.masked == pytest.approx(120 * 140, rel=0.1)
    assert found.psnr_outside > 40


@pytest.mark.parametrize("quality", [95, 75])
def test_an_output_without_a_mask_hides_nothing(quality: int) -> None:
    photo = street()
    found = seen(np.asarray(photo), compressed(photo, quality), [FACE], [], growth=1.6)
    assert (found.hit, found.hidden, found.masked) == (0, 0, 0)


@pytest.mark.parametrize(("right", "quality"), [(353, 75), (385, 75), (386, 85)])
def test_what_a_jpeg_smears_beside_a_mask_is_no_loss_of_the_rest(right: int, quality: int) -> None:
    noise = np.random.default_rng(1).integers(-5, 6, (300, 400, 1))
    file = io.BytesIO()
    Image.fromarray(np.clip(np.array([[[250, 30, 20]]]) + noise, 0, 255).astype(np.uint8)).save(
        file, "JPEG", quality=quality
    )
    photo = Image.open(file)
    output = photo.convert("RGB")
    output.paste((96, 96, 96), (0, 0, right, 300))
    again = io.BytesIO()
    output.save(again, "JPEG", qtables=getattr(photo, "quantization", None))
    found = seen(np.asarray(photo), np.asarray(Image.open(again)), [FACE], [], growth=1.6)
    assert found.psnr_outside >= 45


def test_half_a_mask_does_not_hide_a_face() -> None:
    photo = street()
    output = photo.copy()
    output.paste((96, 96, 96), (100, 60, 165, 200))
    found = seen(np.asarray(photo), np.asarray(output), [FACE], [], growth=1.6)
    assert found.hidden == 0
    assert found.masked > 0


@pytest.mark.parametrize("way", ["brighter", "softer", "moved colours"])
def test_what_changed_and_can_be_seen_is_not_hidden(way: str) -> None:
    photo = street()
    pixels = np.asarray(photo)
    left, top, right, bottom = (int(value) for value in FACE)
    piece = photo.crop((left, top, right, bottom))
    if way == "brighter":
        piece = piece.point(lambda value: min(255, value + 40))
    elif way == "softer":
        piece = piece.filter(ImageFilter.GaussianBlur(0.6))
    else:
        piece = Image.merge("RGB", piece.split()[::-1])
    output = photo.copy()
    output.paste(piece, (left, top))
    assert seen(pixels, np.asarray(output), [FACE], [], growth=1.6).hidden == 0


def test_a_fill_of_the_colour_that_was_there_is_masked_too() -> None:
    photo = street()
    photo.paste((95, 96, 97), (140, 100, 180, 150))  # a patch as grey as the fill, in the middle of the face
    output = photo.copy()
    mask(output, [REGION], {"face": "solid"})
    assert masked(np.asarray(photo), np.asarray(output))[105:145, 145:175].all()


def test_boxes_overlap() -> None:
    assert overlap(FACE, FACE) == 1
    assert overlap(FACE, (300, 300, 310, 310)) == 0


def test_the_figures_of_photos_that_came_out_and_did_not(tmp_path: Path) -> None:
    photo = street()
    for name in ("one.png", "two.png"):
        photo.save(tmp_path / name)
    truth = tmp_path / "faces.jsonl"
    truth.write_text("".join(json.dumps({"file": name, "faces": [FACE]}) + "\n" for name in ("one.png", "two.png")))
    first, second = load_truth(truth, "faces", None)
    assert (first.name, first.true) == ("one.png", [FACE])
    output = photo.copy()
    mask(output, [REGION], {"face": "solid"})
    file = io.BytesIO()
    output.save(file, "PNG")
    figures = summary([look(first, file.getvalue(), [FACE], "faces"), look(second, b"", [], "faces")])
    assert (figures["photos"], figures["boxes"], figures["recall"], figures["cov90"]) == (2, 2, 0.5, 0.5)
    assert figures["masked_share"] == pytest.approx(120 * 140 / 400 / 300 / 2, rel=0.1)
    assert figures["grown_share"] == pytest.approx(128 * 160 / 400 / 300, rel=0.01)
    assert figures["psnr_outside"] == 99


def test_a_photo_that_lies_on_its_side_is_measured_upright(tmp_path: Path) -> None:
    photo = street()
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "side.png"
    photo.transpose(Image.Transpose.ROTATE_90).save(path, exif=exif)
    output = photo.copy()
    mask(output, [REGION], {"face": "solid"})
    file = io.BytesIO()
    output.save(file, "PNG")
    one = Judged(name="side", path=path, true=[FACE])
    assert look(one, file.getvalue(), [FACE], "faces").hidden == 1
    # What a tool writes that ignores the orientation has another shape, and hides nothing that was looked for.
    assert look(one, path.read_bytes(), [FACE], "faces").hidden == 0


def test_a_sample_is_always_the_same_and_a_wrong_list_is_named(tmp_path: Path) -> None:
    truth = tmp_path / "list.jsonl"
    for place in range(10):
        street().resize((8, 6)).save(tmp_path / f"{place}.png")
    lines = [json.dumps({"file": f"{place}.png", "plates": [[0, 0, 2, 2]]}) for place in range(10)]
    truth.write_text("\n".join(lines))
    assert [one.name for one in load_truth(truth, "plates", 3)] == ["0.png", "3.png", "6.png"]
    assert len(load_truth(truth, "plates", 99)) == 10
    with pytest.raises(StadtfunkError, match="line 1: needs 'file' and 'faces'"):
        load_truth(truth, "faces", None)
    truth.write_text('{"file": "none.png", "plates": []}')
    with pytest.raises(StadtfunkError, match=r"line 1: no such file: .*none\.png"):
        load_truth(truth, "plates", None)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (["photos"], "--truth"),
        (["photos", "--truth", "{truth}"], "--kind says"),
        (["photos", "--truth", "{truth}", "--kind", "faces"], "needs 'file' and 'faces'"),
        (["xnext", "--truth", "{truth}", "--kind", "faces"], "'xnext' does not"),
    ],
)
def test_what_cannot_be_judged_is_refused_in_words(told: list[str], said: str, tmp_path: Path) -> None:
    truth = tmp_path / "list.jsonl"
    truth.write_text('{"file": "a.jpg", "plates": []}')
    result = CliRunner().invoke(app, [word.format(truth=truth) for word in told])
    assert result.exit_code != 0
    assert said in " ".join(result.output.split())
