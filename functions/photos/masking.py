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
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Kind = Literal["face", "plate", "person"]
Fill = Literal["solid", "blur"]

GROWTH: Final[Mapping[Kind, float]] = {"face": 1.6, "plate": 1.3, "person": 1.1}
MARGIN: Final[Mapping[Kind, float]] = {"face": 0.0, "plate": 4.0, "person": 0.0}  # pixels a side, at least
_SAME: Final = 0.6  # of two regions is common: they show one thing
_PARTS: Final = 64  # of a photo's longer side
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
    pieces = _across(left, right, width, wraps=wraps)
    return [Region(a, top, b, bottom, box.kind) for a, b in pieces if a < b and top < bottom]


def _across(left: int, right: int, width: int, *, wraps: bool) -> list[tuple[int, int]]:
    """What of a stretch lies in a photo of that width; beyond the seam of a whole turn it goes on."""
    if not wraps:
        return [(max(0, left), min(width, right))]
    if right - left >= width:
        return [(0, width)]
    start = left % width
    end = start + right - left
    return [(start, min(end, width)), *(((0, end - width),) if end > width else ())]


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


def hidden(box: Box, masked: Image.Image, *, wraps: bool = False) -> float:
    """The masked part of what lies of a box in the photo, 0 to 1; ``masked`` as ``covered`` gives it."""
    top, bottom = max(0, floor(box.top)), min(masked.height, ceil(box.bottom))
    pieces = [
        masked.crop((left, top, right, bottom)).histogram()
        for left, right in _across(floor(box.left), ceil(box.right), masked.width, wraps=wraps)
        if left < right and top < bottom
    ]
    area = sum(map(sum, pieces))
    return sum(piece[-1] for piece in pieces) / area if area else 0.0  # found where nothing is: for a person to see


def merged(regions: Sequence[Region], *, apart: bool = False) -> list[Region]:
    """Without those that show nearly what an earlier one does (best first): for the report, masked are all of them.

    ``apart``: without those, too, that lie for the most part within an earlier one; what is left can be counted.
    """
    kept: list[Region] = []
    corners = np.empty((len(regions), 4), dtype=np.int64)  # of what is kept
    near: dict[tuple[Kind, int, int], list[int]] = {}  # which of them, by parts of the photo: there may be very many
    side = 1 + max((max(region.right, region.bottom) for region in regions), default=0) // _PARTS
    for region in dict.fromkeys(regions):
        parts = [
            (region.kind, column, row)
            for column in range(region.left // side, (region.right - 1) // side + 1)
            for row in range(region.top // side, (region.bottom - 1) // side + 1)
        ]
        beside = list({place for part in parts for place in near.get(part, ())})
        if beside and _shown(np.array(_corners(region)), corners[beside], apart=apart):
            continue
        corners[len(kept)] = _corners(region)
        for part in parts:
            near.setdefault(part, []).append(len(kept))
        kept.append(region)
    return kept


def _shown(one: NDArray[np.int64], others: NDArray[np.int64], *, apart: bool) -> bool:
    """Whether one region [4] is nearly one of others [M, 4], or lies for the most part within it."""
    overlap = np.minimum(others[:, 2:], one[2:]) - np.maximum(others[:, :2], one[:2])
    common = np.clip(overlap, 0, None).prod(axis=1)
    area, areas = (one[2:] - one[:2]).prod(), (others[:, 2:] - others[:, :2]).prod(axis=1)
    whole = np.minimum(area, areas) if apart else area + areas - common
    return bool((common > _SAME * whole).any())


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
