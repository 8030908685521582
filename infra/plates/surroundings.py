"""What stands about plates, and what only looks like one: bumpers, signs, shop letters, grilles, walls and windows."""

from collections.abc import Callable
from math import exp, log
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from infra.plates.glyphs import LETTERS, width, write
from infra.plates.pasting import Box


def invented(cell: int, chance: Random) -> Image.Image:
    """A place that no frame shows: clouds of colour, walls with windows, planks, poles."""
    source = np.random.default_rng(chance.getrandbits(32))
    pixels = np.zeros((cell, cell, 3), np.float32)
    for size, weight in ((2, 90), (9, 35), (60, 25), (cell // 2, 18)):
        bands = source.random((size, size, 3)) * chance.choice((0.0, 0.2, 1.0))
        bands = (bands + source.random((size, size, 1))) / max(1.0, float(bands.max()) + 1)
        layer = Image.fromarray((bands * 255).astype(np.uint8))
        grown = np.asarray(layer.resize((cell, cell), Image.Resampling.BICUBIC), np.float32)
        pixels += (grown / 127.5 - 1) * weight * chance.random()
    image = Image.fromarray(np.clip(pixels + chance.uniform(40, 200), 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(chance.randint(0, 5)):
        ink = (chance.randint(0, 255), chance.randint(0, 255), chance.randint(0, 255))
        x, y = chance.uniform(0, cell), chance.uniform(0, cell)
        wide, high = cell * chance.uniform(0.02, 0.3), cell * chance.uniform(0.02, 0.3)
        across, down = chance.randint(1, 6), chance.randint(1, 4)
        for place in range(across * down):
            left, top = x + place % across * wide * 1.4, y + place // across * high * 1.5
            draw.rectangle((left, top, left + wide, top + high), fill=ink)
    return image


def bumper(image: Image.Image, around: Box, nearby: NDArray[Any], chance: Random) -> None:
    """A patch of bumper: one colour with a gradient, edges, perhaps lamps beside it."""
    left, top, right, bottom = (int(value) for value in around)
    wide, high = max(2, right - left), max(2, bottom - top)
    colour = nearby.mean(axis=(0, 1)) * chance.uniform(0.3, 1.4) + chance.uniform(-20, 40)
    slope = np.linspace(chance.uniform(0.6, 1.2), chance.uniform(0.6, 1.2), high)[:, None, None]
    metal = np.clip(colour[None, None, :] * slope, 0, 255) * np.ones((1, wide, 1))
    patch = Image.fromarray(metal.astype(np.uint8))
    draw = ImageDraw.Draw(patch)
    for _ in range(chance.randint(0, 4)):
        level = chance.randint(0, 160)
        y = chance.uniform(0, high)
        draw.line((0, y, wide, y + chance.gauss(0, 2)), fill=(level, level, level), width=max(1, high // 30))
    if chance.random() < 0.4:
        red = (chance.randint(120, 255), chance.randint(10, 70), chance.randint(10, 70))
        draw.rectangle((0, 0, wide * 0.12, high * 0.4), fill=red)
        draw.rectangle((wide * 0.88, 0, wide, high * 0.4), fill=red)
    edge = Image.new("L", patch.size, 255).filter(ImageFilter.GaussianBlur(1))
    image.paste(patch, (left, top), edge)


def decoy(image: Image.Image, free: Callable[[Box], bool], chance: Random) -> None:
    """Something that is no plate: shop letters, a street or traffic sign, a sticker, a grille, a blank panel."""
    side = image.width
    wide = exp(chance.uniform(log(12), log(260)))
    kind = chance.choice(("letters", "sign", "round", "grille", "blank", "lamps", "stickers"))
    high = wide * {"letters": 0.12, "sign": 0.6, "round": 1.0, "grille": 0.3, "blank": 0.4, "lamps": 0.3}.get(kind, 0.3)
    high *= chance.uniform(0.8, 1.2)
    left, top = chance.uniform(0, side - wide * 0.7), chance.uniform(0, side - high)
    if not free((left - 4, top - 4, left + wide + 4, top + high + 4)):
        return
    size = (max(4, int(wide)), max(4, int(high)))
    patch = image.crop((int(left), int(top), int(left) + size[0], int(top) + size[1]))
    large = patch.resize((size[0] * 2, size[1] * 2), Image.Resampling.BILINEAR)
    draw = ImageDraw.Draw(large)
    x, y = large.size
    colour = (chance.randint(0, 255), chance.randint(0, 255), chance.randint(0, 255))
    light = (chance.randint(150, 255), chance.randint(150, 255), chance.randint(150, 255))
    match kind:
        case "letters":
            text = _word(chance, 7, 14)
            write(draw, (0, 0), text, min(y, y * x / max(1.0, width(text, y))), light)
        case "sign":
            ground = chance.choice(((20, 70, 160), (20, 110, 60), (230, 190, 40), (150, 40, 40), (225, 225, 225)))
            draw.rectangle((0, 0, x, y), fill=ground)
            ink = (240, 240, 240) if sum(ground) < 400 else (20, 20, 20)
            for line in range(3):
                write(draw, (x * 0.06, y * (0.1 + line * 0.3)), _word(chance, 4, 9), y * 0.2, ink)
        case "round":
            draw.ellipse((0, 0, x, y), fill=(235, 235, 235), outline=(190, 30, 35), width=max(2, x // 9))
            write(draw, (x * 0.28, y * 0.32), chance.choice(("30", "50", "70", "10")), y * 0.36, (20, 20, 20))
        case "grille":
            draw.rectangle((0, 0, x, y), fill=(25, 25, 28))
            for line in range(0, y, max(4, y // 7)):
                draw.line((0, line, x, line), fill=(150, 150, 155), width=max(1, y // 30))
        case "blank":
            draw.rectangle((0, 0, x, y), fill=colour)
        case "lamps":
            draw.ellipse((0, 0, x * 0.4, y), fill=light)
            draw.ellipse((x * 0.6, 0, x, y), fill=light)
        case _:
            for place in range(3):
                draw.rectangle((x * place / 3, 0, x * (place + 0.6) / 3, y), fill=(*colour[:2], place * 80))
                write(draw, (x * (place + 0.1) / 3, y * 0.35), _word(chance, 1, 2), y * 0.35, light)
    patch = large.resize(size, Image.Resampling.BOX)
    if chance.random() < 0.5:
        patch = patch.filter(ImageFilter.GaussianBlur(chance.uniform(0.3, 2)))
    image.paste(patch, (int(left), int(top)))


def _word(chance: Random, least: int, most: int) -> str:
    return "".join(chance.choice(LETTERS) for _ in range(chance.randint(least, most)))
