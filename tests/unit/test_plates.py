"""The generator of plates and scenes, the split, the measure, and the committed model against its list; no server."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image, ImageDraw

from infra.plates import glyphs
from infra.plates.drawing import plate
from infra.plates.frames import HELD_OUT, UNMARKED, Frame, held_out, read
from infra.plates.measuring import figures, found
from infra.plates.scenes import Picture, scene
from infra.vision.models import MODELS

SIZES = {"line": 3.5, "two": 1.2, "motorcycle": 0.8, "foreign": 1.8}


def pictures() -> list[Picture]:
    street = Image.fromarray(np.random.default_rng(1).integers(0, 255, (360, 640, 3), np.uint8))
    return [Picture(image=street, plates=[(200.0, 200.0, 300.0, 225.0)], unsure=[(10.0, 10.0, 60.0, 22.0)])]


def frame(path: Path, plates: Sequence[Sequence[float]]) -> Frame:
    return Frame(name="one", path=path, plates=np.array(plates, np.float32), unsure=np.empty((0, 4), np.float32))


@pytest.mark.parametrize("shape", SIZES)
def test_a_plate_has_its_shape_and_follows_from_its_seed(shape: str) -> None:
    for seed in range(12):
        drawn = plate(Random(seed), shape=shape)
        assert drawn.width / drawn.height >= SIZES[shape]
        assert drawn.tobytes() == plate(Random(seed), shape=shape).tobytes()
        assert np.asarray(drawn.convert("L")).std() > 20  # something is written on it
    assert plate(Random(1), shape=shape).tobytes() != plate(Random(2), shape=shape).tobytes()


def test_every_sign_is_drawn_and_no_two_alike() -> None:
    seen = set()
    for sign in "0123456789ABCDEFGHIJKLMNPQRSTUVWXYZ-":  # O is drawn as 0 is
        image = Image.new("RGB", (40, 60))
        glyphs.write(ImageDraw.Draw(image), (4, 4), sign, 50, (255, 255, 255))
        seen.add(image.tobytes())
    assert len(seen) == 36


def test_a_scene_follows_from_its_seed_and_holds_its_plates() -> None:
    shown = 0
    for seed in range(12):
        one, same = scene(pictures(), 256, Random(seed)), scene(pictures(), 256, Random(seed))
        assert one.image.tobytes() == same.image.tobytes()
        assert one.plates == same.plates
        assert one.image.size == (256, 256)
        shown += len(one.plates)
        for left, top, right, bottom in (*one.plates, *one.ignored):
            assert 0 <= left < right <= 256
            assert 0 <= top < bottom <= 256
    assert shown > 12


def test_no_frame_is_trained_on_and_measured(tmp_path: Path) -> None:
    apart = held_out()
    assert len(apart) == 84
    assert HELD_OUT.read_text().startswith("#")
    assert not apart & {json.loads(line)["file"] for line in UNMARKED.read_text().splitlines()}
    truth = tmp_path / "plates.jsonl"
    names = [sorted(apart)[0], "plates/another.jpg"]
    truth.write_text("".join(json.dumps({"file": name, "plates": [[1, 2, 30, 9]]}) + "\n" for name in names))
    training, measured = read(truth)
    assert [one.name for one in training] == names[1:]
    assert [one.name for one in measured] == names[:1]


def test_the_measure_counts_what_a_mask_would_hide(tmp_path: Path) -> None:
    photo = tmp_path / "street.png"
    Image.new("RGB", (1280, 720)).save(photo)
    frames = [frame(photo, [[100, 100, 200, 125], [600, 300, 700, 325]])]
    boxes = np.array([[104, 101, 198, 124], [900, 600, 1000, 625]], np.float32)
    results = found(frames, lambda _: (boxes, np.array([0.6, 0.2], np.float32)))
    both, sure = figures(frames, results, 0.1), figures(frames, results, 0.5)
    assert (both.recall, both.cov90, both.found_a_frame) == (0.5, 0.5, 2)
    assert sure.found_a_frame == 1
    assert 0 < sure.masked_share < both.masked_share < both.grown_share * 1.2
    nothing = figures(frames, results, 0.9)
    assert (nothing.recall, nothing.cov90, nothing.masked_share) == (0, 0, 0)


def test_the_model_is_the_one_of_the_list_and_small() -> None:
    (listed,) = (model for model in MODELS if model.name == "plates")
    assert listed.own is not None
    content = listed.own.read_bytes()
    assert hashlib.sha256(content).hexdigest() == listed.sha256
    assert len(content) < 5 * 10**6
    assert (listed.own.parent / "MODEL_CARD.md").is_file()
