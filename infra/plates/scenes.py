"""Pictures to train on: crops of real frames at any size, with drawn plates in place of the real ones and elsewhere.

Everything follows from the seed. A scene is put together of cells (one, or several of different frames), plates are
pasted, then things that only look like plates, then the whole goes through what cameras do.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import cos, exp, log, radians, sin
from random import Random

import numpy as np
from PIL import Image

from infra.plates.cameras import taken
from infra.plates.drawing import plate
from infra.plates.pasting import Box, cut, paste
from infra.plates.surroundings import bumper, decoy, invented


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A real frame in memory."""

    image: Image.Image  # RGB
    plates: Sequence[Box]
    unsure: Sequence[Box] = ()


@dataclass(slots=True)
class Scene:
    """A square picture to train on."""

    image: Image.Image
    plates: list[Box] = field(default_factory=list)
    ignored: list[Box] = field(default_factory=list)

    def free(self, box: Box) -> bool:
        """Whether nothing known lies there."""
        return all(not _meet(box, other) for other in (*self.plates, *self.ignored))


def scene(pictures: Sequence[Picture], side: int, chance: Random) -> Scene:
    """One scene of ``side`` x ``side`` pixels."""
    made = Scene(Image.new("RGB", (side, side)))
    across = chance.choices((1, 2, 3), (0.7, 0.22, 0.08))[0]
    cell = -(-side // across)
    for place in range(across * across):
        corner = (place % across * cell, place // across * cell)
        if chance.random() < 0.12:
            made.image.paste(invented(cell, chance), corner)
        else:
            _fill(made, chance.choice(pictures), corner, cell, chance)
    for _ in range(chance.choice((0, 0, 1, 2, 3))):
        decoy(made.image, made.free, chance)
    for _ in range(chance.choice((0, 0, 1, 1, 2, 4))):
        _paste_somewhere(made, chance)
    made.image = taken(made.image, chance)
    return made


def _fill(made: Scene, picture: Picture, corner: tuple[int, int], cell: int, chance: Random) -> None:
    """A crop of the frame at a scale of its own becomes one cell of the scene."""
    width_, height = picture.image.size
    scale = max(exp(chance.uniform(log(0.22), log(2.6))), cell / height)
    if chance.random() < 0.3:
        scale = max(scale, exp(chance.uniform(log(0.7), log(1.5))))
    reach = cell / scale
    if picture.plates and chance.random() < 0.75:
        goal = chance.choice(list(picture.plates))
        x, y = (goal[0] + goal[2]) / 2, (goal[1] + goal[3]) / 2
        left, top = x - chance.uniform(0.1, 0.9) * reach, y - chance.uniform(0.1, 0.9) * reach
    else:
        left, top = chance.uniform(0, width_ - reach), chance.uniform(0, height - reach)
    left, top = min(max(0.0, left), width_ - reach), min(max(0.0, top), height - reach)
    turn = chance.gauss(0, 4) if chance.random() < 0.4 else 0.0
    piece = picture.image.resize(
        (cell, cell), Image.Resampling.BILINEAR, box=(left, top, left + reach, top + reach), reducing_gap=2.0
    )
    flip = chance.random() < 0.3
    if flip:
        piece = piece.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if turn:
        piece = piece.rotate(turn, Image.Resampling.BILINEAR, fillcolor=chance.choice(((0, 0, 0), (90, 90, 90))))
    local = Scene(piece)
    for boxes, goal_list in ((picture.plates, local.plates), (picture.unsure, local.ignored)):
        for box in boxes:
            moved = _placed(box, (left, top), scale, cell, flip=flip, turn=turn)
            shown = cut(moved, cell)
            if shown is None:
                continue
            whole = (moved[2] - moved[0]) * (moved[3] - moved[1])
            seen = (shown[2] - shown[0]) * (shown[3] - shown[1]) / whole
            (goal_list if seen > 0.6 and shown[2] - shown[0] >= 8 else local.ignored).append(shown)
    for box in list(local.plates):
        if chance.random() < 0.5:
            _replace(local, box, chance)
    made.image.paste(local.image, corner)
    for boxes, goals in ((local.plates, made.plates), (local.ignored, made.ignored)):
        there = (cut(_moved(box, corner), made.image.width) for box in boxes)
        goals.extend(box for box in there if box is not None)


def _replace(made: Scene, box: Box, chance: Random) -> None:
    """A drawn plate where a real one was: on the same car, in the same light."""
    wide, high = box[2] - box[0], box[3] - box[1]
    old = np.asarray(made.image.crop(_whole(box)), dtype=np.float32)
    if old.size == 0:
        return
    drawn = plate(chance, shape=chance.choices((None, "line"), (0.5, 0.5))[0])
    ratio = drawn.width / drawn.height
    if ratio < 3:  # the real one is painted over with the metal above it
        strip = (box[0] - wide * 0.1, box[1] - high * 0.5, box[2] + wide * 0.1, box[1] - high * 0.15)
        over = (box[0] - wide * 0.06, box[1] - high * 0.2, box[2] + wide * 0.06, box[3] + high * 0.2)
        area = _whole(over)
        metal = made.image.crop(_whole(strip)).resize((max(1, area[2] - area[0]), max(1, area[3] - area[1])))
        made.image.paste(metal, area[:2])
        new_wide = wide * (chance.uniform(0.5, 0.7) if ratio > 1.3 else chance.uniform(0.35, 0.45))
    else:
        new_wide = wide * chance.uniform(1.0, 1.06)
    light = (np.percentile(old, 6, axis=(0, 1)), np.percentile(old, 94, axis=(0, 1)))
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    shown = paste(made.image, drawn, (x, y), new_wide, light, chance=chance, steady=True)
    made.plates.remove(box)
    if shown is not None:
        made.plates.append(shown)


def _paste_somewhere(made: Scene, chance: Random) -> None:
    """A drawn plate, most often on a piece of drawn car, where nothing known is."""
    side = made.image.width
    drawn = plate(chance)
    wide = exp(chance.uniform(log(14), log(300))) if chance.random() < 0.92 else chance.uniform(0.45, 0.85) * side
    wide = wide if drawn.width / drawn.height > 3 else wide * 0.6
    wide = max(11.0, wide)
    high = wide * drawn.height / drawn.width
    x, y = chance.uniform(0.05, 0.95) * side, chance.uniform(0.1, 0.97) * side
    grown = chance.uniform(1.15, 2.4)
    around = (x - wide * grown / 2, y - high * grown * 0.8, x + wide * grown / 2, y + high * grown * 0.8)
    if not made.free(around):
        return
    nearby = np.asarray(made.image.crop(_whole(around)), dtype=np.float32)
    if nearby.size == 0:
        return
    bright = float(np.percentile(nearby, 80))
    if chance.random() < 0.7:
        bumper(made.image, around, nearby, chance)
    top = min(255.0, max(45.0, bright * chance.uniform(0.8, 2.2) + chance.uniform(0, 60)))
    tint = np.array([chance.uniform(0.8, 1.0) for _ in range(3)])
    light = (top * chance.uniform(0.0, 0.45) * tint, top * tint)
    shown = paste(made.image, drawn, (x, y), wide, light, chance=chance)
    if shown is not None:
        made.plates.append(shown)


def _placed(box: Box, corner: tuple[float, float], scale: float, cell: int, *, flip: bool, turn: float) -> Box:
    left, top, right, bottom = (
        (box[0] - corner[0]) * scale,
        (box[1] - corner[1]) * scale,
        (box[2] - corner[0]) * scale,
        (box[3] - corner[1]) * scale,
    )
    if flip:
        left, right = cell - right, cell - left
    if not turn:
        return left, top, right, bottom
    angle, middle = radians(-turn), cell / 2
    points = [
        (
            middle + (x - middle) * cos(angle) - (y - middle) * sin(angle),
            middle + (x - middle) * sin(angle) + (y - middle) * cos(angle),
        )
        for x in (left, right)
        for y in (top, bottom)
    ]
    return min(x for x, _ in points), min(y for _, y in points), max(x for x, _ in points), max(y for _, y in points)


def _moved(box: Box, corner: tuple[int, int]) -> Box:
    return box[0] + corner[0], box[1] + corner[1], box[2] + corner[0], box[3] + corner[1]


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _whole(box: Box) -> tuple[int, int, int, int]:
    return int(box[0]), int(box[1]), int(box[2]), int(box[3])
