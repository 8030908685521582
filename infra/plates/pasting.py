"""A drawn plate put into a picture: at an angle, in the light of the place, worn and dirty."""

from collections.abc import Sequence
from math import cos, radians, sin
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Box = tuple[float, float, float, float]
Light = tuple[NDArray[Any], NDArray[Any]]  # the darkest and the brightest colour [3]


def paste(
    image: Image.Image,
    drawn: Image.Image,
    centre: tuple[float, float],
    wide: float,
    light: Light,
    *,
    chance: Random,
    steady: bool = False,
) -> Box | None:
    """Paste a plate about ``wide`` pixels wide, at an angle, in that light; the box it fills, cut to the picture."""
    high = wide * drawn.height / drawn.width
    if high < 2.2:
        return None
    skew = 0.25 if steady else 1.0
    lean, tilt = radians(chance.gauss(0, 5) * skew), chance.gauss(0, 0.1) * skew
    far = 1 + chance.gauss(0, 0.12) * skew  # one end is farther away
    narrow = 1.0 if steady else chance.choice((1.0, 1.0, chance.uniform(0.55, 1.0)))
    corners = []
    for a, b in ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)):
        x, y = a * wide * narrow, b * high * (far if a > 0 else 1 / far) + a * wide * tilt
        corners.append((centre[0] + x * cos(lean) - y * sin(lean), centre[1] + x * sin(lean) + y * cos(lean)))
    left, top = min(x for x, _ in corners) - 2, min(y for _, y in corners) - 2
    right, bottom = max(x for x, _ in corners) + 2, max(y for _, y in corners) + 2
    left, top = float(int(left)), float(int(top))
    size = (int(right - left) + 2, int(bottom - top) + 2)
    # The plate is made small first, with a reducing filter; the perspective alone would alias.
    more = 2.0
    step = (max(4, round(wide * more)), max(3, round(high * more)))
    small = drawn.resize(step, Image.Resampling.BOX if step[0] < drawn.width else Image.Resampling.BICUBIC)
    small = _worn(small, light, chance)
    goal = [((x - left) * more, (y - top) * more) for x, y in corners]
    source = ((0, 0), (step[0], 0), (step[0], step[1]), (0, step[1]))
    plane = _perspective(goal, source)
    large = (round(size[0] * more), round(size[1] * more))
    seen = small.transform(large, Image.Transform.PERSPECTIVE, plane, Image.Resampling.BILINEAR)
    cover = Image.new("L", step, 255).transform(large, Image.Transform.PERSPECTIVE, plane, Image.Resampling.BILINEAR)
    soft = chance.choice((0.0, 0.5, 1.0, chance.uniform(0, 0.035) * wide))
    seen, cover = seen.resize(size, Image.Resampling.BOX), cover.resize(size, Image.Resampling.BOX)
    if soft:
        padded = Image.composite(
            seen, image.crop((int(left), int(top), int(left) + size[0], int(top) + size[1])), cover
        )
        seen = padded.filter(ImageFilter.GaussianBlur(soft))
        cover = cover.filter(ImageFilter.GaussianBlur(soft * 0.7))
    image.paste(seen, (int(left), int(top)), cover)
    box = (left + 2, top + 2, right - 2, bottom - 2)
    shown = cut(box, image.width)
    if shown is None or shown[2] - shown[0] < 0.6 * (box[2] - box[0]) or shown[3] - shown[1] < 0.6 * (box[3] - box[1]):
        return None
    return shown


def cut(box: Box, side: int) -> Box | None:
    left, top, right, bottom = max(0.0, box[0]), max(0.0, box[1]), min(float(side), box[2]), min(float(side), box[3])
    return (left, top, right, bottom) if right - left > 1 and bottom - top > 1 else None


def _worn(drawn: Image.Image, light: Light, chance: Random) -> Image.Image:
    """The plate in that light (its darkest and brightest colour), dirty, in half shadow, with the glare of lamps."""
    pixels = np.asarray(drawn, dtype=np.float32) / 255.0
    high, wide = pixels.shape[:2]
    if chance.random() < 0.25:
        noise = np.random.default_rng(chance.getrandbits(32)).random((4, 9)).astype(np.float32)
        dirt = np.asarray(Image.fromarray(noise).resize((wide, high), Image.Resampling.BICUBIC))[..., None]
        pixels = pixels * (1 - 0.6 * dirt) + 0.2 * dirt
    if chance.random() < 0.25:
        edge = (
            np.linspace(-1, 1, wide)[None, :, None] * chance.choice((-1, 1)) + np.linspace(-1, 1, high)[:, None, None]
        )
        pixels = pixels * np.where(edge > chance.uniform(-0.8, 0.8), chance.uniform(0.35, 0.8), 1.0)
    pixels = light[0] + pixels * (light[1] - light[0])
    if chance.random() < 0.2:
        for _ in range(chance.randint(1, 3)):
            x, y = chance.uniform(0, wide), chance.uniform(-0.1, 0.3) * high
            far = ((np.arange(wide)[None, :] - x) ** 2 + (np.arange(high)[:, None] - y) ** 2) / (0.25 * high) ** 2
            pixels = pixels + 160 * np.exp(-far)[..., None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _perspective(goal: Sequence[tuple[float, float]], source: Sequence[tuple[float, float]]) -> tuple[float, ...]:
    """The eight numbers that take a point of the goal to the point of the source it shows."""
    rows, values = [], []
    for (x, y), (u, v) in zip(goal, source, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return tuple(np.linalg.solve(np.array(rows, dtype=np.float64), np.array(values, dtype=np.float64)).tolist())
