"""Photos drawn by chance, with number plates at known places: for benchmarks and tests, of nobody and nowhere."""

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np

from infra.plates.drawing import plate
from infra.plates.pasting import Box, paste
from infra.plates.surroundings import bumper, invented


def draw(folder: Path, count: int, *, size: tuple[int, int] = (1920, 1080), seed: int = 1) -> Path:
    """Write JPEG photos and their list (JSON lines; the boxes as ``plates`` and, to have any, as ``faces``)."""
    lines = []
    for number in range(count):
        chance = Random(seed * 1000 + number)
        image = invented(max(size), chance).crop((0, 0, *size))
        boxes: list[Box] = []
        for place in range(3):
            x, y = size[0] * (place + 0.5) / 3, size[1] * chance.uniform(0.3, 0.8)
            around = (x - size[0] * 0.13, y - size[1] * 0.12, x + size[0] * 0.13, y + size[1] * 0.12)
            bumper(image, around, np.full((1, 1, 3), chance.uniform(30, 160), np.float32), chance)
            light = (np.full(3, 25.0), np.full(3, 225.0))
            found = paste(image, plate(chance, shape="line"), (x, y), size[0] * 0.09, light, chance=chance, steady=True)
            if found is not None:
                boxes.append(found)
        image.save(folder / f"{number:03d}.jpg", quality=92)
        lines.append(_line(number, boxes))
    truth = folder / "photos.jsonl"
    truth.write_text("".join(lines), "utf-8")
    return truth


def _line(number: int, boxes: Sequence[Box]) -> str:
    return json.dumps({"file": f"{number:03d}.jpg", "plates": boxes, "faces": boxes}) + "\n"
