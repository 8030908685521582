"""What was found in a photo, grown, and made unrecognisable: the union of all boxes, as rectangles.

``solid`` is one grey that depends on nothing of the photo. ``blur`` keeps no more than a few cells of the region's
colours, each moved by chance further than two faces (or plates) differ, and smooths them: re-applying it to a
thousand candidates does not tell which of them was there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor
from secrets import randbits
from typing import Final, Literal

import numpy as np
from PIL import Image, ImageDraw

Kind = Literal["face", "plate", "person"]
Fill = Literal["solid", "blur"]

GROWTH: Final[Mapping[Kind, float]] = {"face": 1.6, "plate": 1.3, "person": 1.1}
MARGIN: Final[Mapping[Kind, float]] = {"face": 0.0, "plate": 4.0, "person": 0.0}  # pixels a side, at least
_SAME: Final = 0.6  # of two regions is common: they show one thing
_GREY: Final = 96
_CELLS: Final = 3  # of a blurred region's longer side
_CHANCE: Final = 40.0  # standard deviation of what each cell is moved by, of 255


@dataclass(frozen=True, slots=True)
class Box:
    """Where something was found, in pixels of the upright photo; ``right`` and ``bottom`` are just outside."""

    left: float
    top: float
    right: float
    bottom: float
    kind: Kind
    score: float
    model: str = ""
    frame: int = 0


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of whole pixels that is masked."""

    left: int
    top: int
    right: int
    bottom: int
    kind: Kind


def grown(box: Box, size: tuple[int, int], *, wraps: bool = False) -> list[Region]:
    """The box about its centre as large as it is masked, cut to the photo.

    ``wraps``: the photo is a whole turn; what leaves it at one side comes in at the other.
    """
    width, height = size
    factor, margin = GROWTH[box.kind], MARGIN[box.kind]
    more_x = max((box.right - box.left) * (factor - 1) / 2, margin)
    more_y = max((box.bottom - box.top) * (factor - 1) / 2, margin)
    left, right = floor(box.left - more_x), ceil(box.right + more_x)
    top, bottom = max(0, floor(box.top - more_y)), min(height, ceil(box.bottom + more_y))
    if not wraps:
        pieces = [(max(0, left), min(width, right))]
    elif right - left >= width:
        pieces = [(0, width)]
    else:
        start = left % width
        end = start + right - left
        pieces = [(start, min(end, width)), *(((0, end - width),) if end > width else ())]
    return [Region(a, top, b, bottom, box.kind) for a, b in pieces if a < b and top < bottom]


def mask(image: Image.Image, regions: Sequence[Region], fills: Mapping[Kind, Fill]) -> None:
    """Fill every region of the picture, in place. Where two overlap, the solid one is on top.

    Every fill is made from the picture as it was, so that no order brings a region's content into another's.
    """
    blurred = [region for region in dict.fromkeys(regions) if fills.get(region.kind, "solid") == "blur"]
    solid = [region for region in dict.fromkeys(regions) if fills.get(region.kind, "solid") == "solid"]
    pieces = [(region, _cells(image.crop(_corners(region)))) for region in blurred]
    for region, piece in pieces:
        image.paste(piece, _corners(region))
    grey = tuple(255 if band == "A" else _GREY for band in image.getbands())
    for region in solid:
        image.paste(grey if len(grey) > 1 else grey[0], _corners(region))


def covered(size: tuple[int, int], regions: Sequence[Region]) -> Image.Image:
    """Which pixels are masked: 255 in a picture of mode ``L``."""
    found = Image.new("L", size)
    draw = ImageDraw.Draw(found)
    for region in regions:
        draw.rectangle((region.left, region.top, region.right - 1, region.bottom - 1), fill=255)
    return found


def share(size: tuple[int, int], regions: Sequence[Region]) -> float:
    """The masked part of a photo's pixels, 0 to 1."""
    return covered(size, regions).histogram()[-1] / (size[0] * size[1])


def hidden(box: Box, regions: Sequence[Region]) -> float:
    """The masked part of a box, 0 to 1."""
    left, top = floor(box.left), floor(box.top)
    size = max(1, ceil(box.right) - left), max(1, ceil(box.bottom) - top)
    near = [
        Region(region.left - left, region.top - top, region.right - left, region.bottom - top, region.kind)
        for region in regions
        if region.left < box.right and region.right > box.left and region.top < box.bottom and region.bottom > box.top
    ]
    return share(size, near) if near else 0.0


def merged(regions: Sequence[Region], *, apart: bool = False) -> list[Region]:
    """Without those that show nearly what an earlier one does (best first): for the report, masked are all of them.

    ``apart``: without those, too, that lie for the most part within an earlier one; what is left can be counted.
    """
    corners = np.array([_corners(region) for region in regions], dtype=np.int64).reshape(-1, 4)
    area = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
    kinds = np.array([region.kind for region in regions])
    left = np.arange(len(regions))
    kept: list[Region] = []
    while len(left):
        first, left = left[0], left[1:]
        kept.append(regions[first])
        overlap = np.minimum(corners[left, 2:], corners[first, 2:]) - np.maximum(corners[left, :2], corners[first, :2])
        common = np.clip(overlap, 0, None).prod(axis=1)
        whole = np.minimum(area[left], area[first]) if apart else area[left] + area[first] - common
        left = left[(common <= _SAME * whole) | (kinds[left] != kinds[first])]
    return kept


def _corners(region: Region) -> tuple[int, int, int, int]:
    return region.left, region.top, region.right, region.bottom


def _cells(piece: Image.Image) -> Image.Image:
    width, height = piece.size
    longer = max(width, height)
    columns, rows = max(1, round(_CELLS * width / longer)), max(1, round(_CELLS * height / longer))
    small = np.asarray(piece.resize((columns, rows), Image.Resampling.BOX), dtype=np.float32)
    chance = np.random.default_rng(randbits(128)).normal(0.0, _CHANCE, size=small.shape)
    moved = np.clip(small + chance, 0, 255).astype(np.uint8)
    if piece.mode in ("LA", "RGBA"):
        moved[..., -1] = 255
    return Image.fromarray(moved, mode=piece.mode).resize(piece.size, Image.Resampling.BICUBIC)
