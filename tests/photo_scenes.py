"""Photos for tests, and an inference server in memory that finds what stands out in them.

A face is a red patch, a plate a blue one, a person a green one: it is found at any scale, mirrored, cut by a tile's
edge or turned, just like the real thing, and no longer once it is masked.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from shared.errors import BackendError

COLOURS: Final[Mapping[str, tuple[int, int, int]]] = {
    "face": (230, 20, 20),
    "plate": (20, 20, 230),
    "person": (20, 200, 20),
}
_SEES: Final = {"centerface": "face", "yunet": "face", "plates": "plate", "persons": "person"}
Corners = tuple[int, int, int, int]
# What is done to an upright picture so that the orientation tag of that number says how to hold it.
STORED: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def street(size: tuple[int, int], **patches: Corners | list[Corners]) -> Image.Image:
    """A grey-brown picture with patches; ``face=(left, top, right, bottom)``."""
    x, y = np.meshgrid(np.linspace(90, 150, size[0]), np.linspace(80, 140, size[1]))
    image = Image.fromarray(np.stack([x, y, (x + y) / 2], axis=-1).astype(np.uint8))
    for kind, places in patches.items():
        for place in places if isinstance(places, list) else [places]:
            image.paste(COLOURS[kind], place)
    return image


def saved(image: Image.Image, format: str = "JPEG", **options: Any) -> bytes:
    """The file of a picture."""
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


@dataclass
class Found:
    """What is found in one tile."""

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: NDArray[np.int32]


class Eyes:
    """An inference server in memory.

    ``broken_at``: the call that fails, counted from 1; ``sees_fills``: takes masks for what it looks for, too.
    """

    def __init__(self, *models: str, broken_at: int = 0, sees_fills: bool = False) -> None:
        self._models = models or ("centerface", "yunet", "plates", "text", "persons")
        self._broken_at = broken_at
        self._sees_fills = sees_fills
        self.tiles: list[tuple[str, tuple[int, ...]]] = []

    async def models(self) -> dict[str, str]:
        """Name -> SHA-256."""
        return {model: f"{number:064x}" for number, model in enumerate(self._models)}

    async def detect(self, model: str, tiles: NDArray[np.uint8]) -> list[Found]:
        """The patches of the model's colour in each tile."""
        self._called(model, tiles)
        return [self._patches(tile, COLOURS[_SEES[model]]) for tile in tiles]

    async def text(self, tiles: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Blue patches are full of letters."""
        self._called("text", tiles)
        lit = ((tiles[..., 0] < 80) & (tiles[..., 2] > 170)).astype(np.uint8) * np.uint8(230)
        count, height, width = lit.shape
        pooled: NDArray[np.uint8] = lit.reshape(count, height // 4, 4, width // 4, 4).max(axis=(2, 4))
        return pooled

    def _called(self, model: str, tiles: NDArray[np.uint8]) -> None:
        self.tiles.append((model, tiles.shape))
        if len(self.tiles) == self._broken_at:
            raise BackendError("triton", "away")

    def _patches(self, tile: NDArray[np.uint8], colour: tuple[int, int, int]) -> Found:
        near = np.ones(tile.shape[:2], dtype=bool)
        for band, level in enumerate(colour):
            near &= (tile[..., band] > max(level - 60, -0.5)) & (tile[..., band] < min(level + 60, 255.5))
        if self._sees_fills:
            near |= (np.abs(tile.astype(np.int16) - 96) < 3).all(axis=-1)
        labels, _ = ndimage.label(near)
        places = [(c.start, r.start, c.stop, r.stop) for r, c in ndimage.find_objects(labels)]
        places = [(a, b, c, d) for a, b, c, d in places if min(c - a, d - b) > 3]  # no edge between two colours
        boxes = np.array(places, dtype=np.float32).reshape(-1, 4)
        return Found(boxes, np.full(len(boxes), 0.9, np.float32), np.zeros(len(boxes), np.int32))
