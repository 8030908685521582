"""What cameras do to a picture: colour casts, night, haze, shaking, blur, noise and compression."""

from io import BytesIO
from math import cos, exp, sin
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter


def taken(image: Image.Image, chance: Random) -> Image.Image:
    """Colour, light, blur, noise and compression, as cameras differ in them."""
    pixels = np.asarray(image, dtype=np.float32)
    kind = chance.random()
    if kind < 0.3:  # a camera that balances white; the frames' own is far too red
        pixels = pixels * (pixels.mean() / np.maximum(pixels.mean(axis=(0, 1)), 8.0))
    elif kind < 0.45:
        pixels = np.repeat(pixels.mean(axis=2, keepdims=True), 3, axis=2)
    elif kind < 0.6:
        pixels = pixels[..., chance.sample(range(3), 3)]
    if chance.random() < 0.5:
        mixing = np.eye(3) + np.array([[chance.gauss(0, 0.12) for _ in range(3)] for _ in range(3)])
        pixels = pixels @ mixing.astype(np.float32)
    if chance.random() < 0.8:
        top = max(60.0, float(np.percentile(pixels[::8, ::8], 99)))
        pixels = 255 * np.power(np.clip(pixels / top, 0, 1), exp(chance.gauss(0, 0.35))) * chance.uniform(0.35, 1.15)
    if chance.random() < 0.1:
        pixels = 255 - (255 - pixels) * chance.uniform(0.3, 0.8)  # haze
    pixels = np.clip(pixels, 0, 255)
    if chance.random() < 0.2:
        pixels = _shaken(pixels, chance)
    made = Image.fromarray(pixels.astype(np.uint8))
    blur = chance.random()
    if blur < 0.2:
        made = made.filter(ImageFilter.GaussianBlur(chance.uniform(0.3, 1.8)))
    elif blur < 0.3:
        made = made.filter(ImageFilter.UnsharpMask(chance.uniform(1, 3), chance.randint(50, 180), 2))
    if chance.random() < 0.35:
        noise = np.random.default_rng(chance.getrandbits(32)).standard_normal(
            (image.height, image.width, 3), np.float32
        )
        made = Image.fromarray(
            np.clip(np.asarray(made, np.float32) + noise * chance.uniform(2, 18), 0, 255).astype(np.uint8)
        )
    if chance.random() < 0.6:
        held = BytesIO()
        made.save(held, "JPEG", quality=chance.randint(30, 92))
        made = Image.open(held).convert("RGB")
    return made


def _shaken(pixels: NDArray[Any], chance: Random) -> NDArray[Any]:
    steps, angle = chance.randint(2, 7), chance.choice((0.0, 0.0, chance.uniform(-1.6, 1.6)))
    total = np.zeros_like(pixels)
    for step in range(steps):
        moved = (round(sin(angle) * (step - steps / 2)), round(cos(angle) * (step - steps / 2)))
        total += np.roll(pixels, moved, axis=(0, 1))
    return total / steps
