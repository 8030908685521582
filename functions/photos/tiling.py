"""How a photo is looked at: scaled, mirrored, cut into overlapping tiles no larger than 1280 x 1280.

Tiles are made one after the other, each straight from the photo, so that no second copy of it is ever held.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

TILE: Final = 1280  # pixels; the longest side of a tile
_OVERLAP: Final = TILE // 4  # pixels that neighbours share: what is smaller is whole in one of them
_STRIDE: Final = 128  # a detector halves a tile five times, after it was shrunk to a quarter
_BESIDE: Final = 64  # tile pixels that are seen beside what was masked
_BAND: Final = 2**24  # photo pixels that are copied at a time where the alpha channel must go first


@dataclass(frozen=True, slots=True, order=True)
class View:
    """One way to look at a whole photo."""

    side: int = 0  # pixels its longer side is scaled to; 0: as it is
    mirrored: bool = False
    white: bool = False  # through what is transparent, a white ground is seen; else the colours, whatever their alpha

    def scale(self, size: tuple[int, int]) -> float:
        """View pixels a photo pixel."""
        return self.side / max(size) if self.side else 1.0


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a photo as a detector sees it, and the way back."""

    pixels: NDArray[np.uint8]  # [height, width, 3] RGB, both multiples of 128; black where the photo ends
    left: float  # photo pixels
    top: float  # photo pixels
    scale: float  # tile pixels a photo pixel
    mirrored_at: int = 0  # tile pixels; the width that shows the photo, when it is mirrored

    def back(self, boxes: NDArray[Any]) -> NDArray[np.float64]:
        """Boxes [M, 4] (left, top, right, bottom) of the tile in pixels of the photo."""
        found = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
        if self.mirrored_at:
            found = np.stack(
                [self.mirrored_at - found[:, 2], found[:, 1], self.mirrored_at - found[:, 0], found[:, 3]], axis=1
            )
        moved: NDArray[np.float64] = found / self.scale + np.array([self.left, self.top, self.left, self.top])
        return moved

    def around(self, places: NDArray[np.float64]) -> "Iterator[Tile]":
        """What of an unmirrored tile shows these boxes [M, 4] of the photo and what is beside them: boxes that lie
        near each other in one part, others in parts of their own."""
        shown = (places - np.array([self.left, self.top] * 2)) * self.scale
        height, width = self.pixels.shape[:2]
        shown = shown[(shown[:, 2] > 0) & (shown[:, 3] > 0) & (shown[:, 0] < width) & (shown[:, 1] < height)]
        wanted = np.zeros((ceil(height / _STRIDE), ceil(width / _STRIDE)), dtype=np.bool_)
        first = np.clip((shown[:, :2] - _BESIDE) // _STRIDE, 0, None).astype(int)
        last = np.ceil((shown[:, 2:] + _BESIDE) / _STRIDE).astype(int)
        for (left, top), (right, bottom) in zip(first.tolist(), last.tolist(), strict=True):
            wanted[top:bottom, left:right] = True
        labels: NDArray[Any] = ndimage.label(wanted, structure=np.ones((3, 3)))[0]
        for rows, columns in ndimage.find_objects(labels):
            left, top = columns.start * _STRIDE, rows.start * _STRIDE
            pixels = np.ascontiguousarray(self.pixels[top : rows.stop * _STRIDE, left : columns.stop * _STRIDE])
            yield Tile(pixels, self.left + left / self.scale, self.top + top / self.scale, self.scale)


def tiles(image: Image.Image, view: View, *, wraps: bool = False) -> Iterator[Tile]:
    """The photo in one view, tile by tile; all tiles of a view have one shape.

    ``wraps``: the photo is a whole turn; it goes on at the left where it ends at the right, so that what the seam
    cuts is seen whole. Boxes found there reach beyond the photo's width.
    """
    scale = view.scale(image.size)
    more = min(image.width, round(_OVERLAP / scale)) if wraps else 0
    across, wide = _cuts(max(1, round((image.width + more) * scale)))
    down, high = _cuts(max(1, round(image.height * scale)))
    shape = (ceil(high / _STRIDE) * _STRIDE, ceil(wide / _STRIDE) * _STRIDE, 3)
    for top in down:
        for left in across:
            piece = _piece(
                image,
                (left / scale, top / scale, (left + wide) / scale, (top + high) / scale),
                (wide, high),
                wraps=wraps,
                white=view.white,
            )
            pixels = np.zeros(shape, dtype=np.uint8)
            pixels[:high, :wide] = piece[:, ::-1] if view.mirrored else piece
            yield Tile(pixels, left / scale, top / scale, scale, wide if view.mirrored else 0)


def _cuts(length: int) -> tuple[list[int], int]:
    """Where tiles begin along a side, and how long they are: as few as the overlap allows, none longer than needed."""
    if length <= TILE:
        return [0], length
    count = ceil((length - _OVERLAP) / (TILE - _OVERLAP))
    each = ceil((length + (count - 1) * _OVERLAP) / count)
    return [round(number * (length - each) / (count - 1)) for number in range(count)], each


def _piece(
    image: Image.Image, box: tuple[float, float, float, float], size: tuple[int, int], *, wraps: bool, white: bool
) -> NDArray[np.uint8]:
    """A part of the photo in RGB; of a whole turn it may reach beyond the right side."""
    left, top, right, bottom = box
    bottom = min(bottom, image.height)
    if not wraps or size[0] < 2 or right <= image.width + 0.5:  # sides are rounded up to whole tile pixels
        return _scaled(image, (left, top, min(right, image.width), bottom), size, white)
    if left >= image.width:
        return _scaled(image, (left - image.width, top, right - image.width, bottom), size, white)
    here = min(size[0] - 1, max(1, round((image.width - left) / (right - left) * size[0])))
    first = _scaled(image, (left, top, image.width, bottom), (here, size[1]), white)
    beyond = (0.0, top, min(right - image.width, image.width), bottom)
    rest = _scaled(image, beyond, (size[0] - here, size[1]), white)
    return np.concatenate([first, rest], axis=1)


def _scaled(
    image: Image.Image, box: tuple[float, float, float, float], size: tuple[int, int], white: bool
) -> NDArray[np.uint8]:
    left, top, right, bottom = box
    if image.mode in ("L", "RGB"):
        return np.asarray(image.resize(size, Image.Resampling.BILINEAR, box, reducing_gap=2.0).convert("RGB"))
    # Pillow would copy the whole photo to weigh its colours by alpha.
    bands = min(size[1], ceil((right - left) * (bottom - top) / _BAND))
    rows = [round(number * size[1] / bands) for number in range(bands + 1)]
    found = []
    for first, last in pairwise(rows):
        upper, lower = (top + row * (bottom - top) / size[1] for row in (first, last))
        whole = (int(left), int(upper), ceil(right), min(ceil(lower), image.height))
        cut = image.crop(whole)
        part = cut.convert("RGB")
        if white:
            part = Image.composite(part, Image.new("RGB", part.size, "white"), cut.getchannel("A"))
        inside = (left - whole[0], upper - whole[1], right - whole[0], min(lower - whole[1], part.height))
        found.append(np.asarray(part.resize((size[0], last - first), Image.Resampling.BILINEAR, inside)))
    return np.concatenate(found)
