"""What is hidden in an anonymised photo, told from its pixels and those of the photo it was made of alone.

A pixel is masked when its neighbourhood changed and its structure is gone. What is all of one colour inside such
pixels is masked, too: a solid fill of about the colour that was there before changes nothing that could be measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Box = tuple[float, float, float, float]  # left, top, right, bottom
Bits = NDArray[np.bool_]

OVERLAP: Final = 0.3  # from which a found box is the true one
HIDDEN: Final = 0.9  # of a true box's pixels
_WINDOW: Final = 9  # pixels a side of a neighbourhood
_CHANGED: Final = 6.0  # of 255, on average in it; compression at 45 dB changes some 1
_OWN: Final = 14.0  # of 255, of a pixel at a mask's edge
_LEFT: Final = 0.3  # of the detail that was there before
_NOISE: Final = 1.5  # standard deviation of detail that is none
_ALIKE: Final = 0.4  # correlation of the detail before and after
_FLAT: Final = 3.0  # standard deviation of what is all of one colour
# Beside a mask, pixels that belong to neither side: a JPEG smears its edge over blocks of 16, and two more.
_EDGE: Final = 18
_FEW: Final = 256  # pixels; fewer than a block has say nothing of how the rest of a photo was kept
_BEST_DB: Final = 99.0  # where nothing differs


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the pixels of one photo say."""

    boxes: int
    hit: int  # true boxes that a found one overlaps
    hidden: int  # true boxes of which enough is masked
    masked: int  # pixels
    grown: int  # pixels of the true boxes, grown as masks are
    pixels: int
    psnr_outside: float  # dB


def seen(
    before: NDArray[np.uint8],
    after: NDArray[np.uint8],
    true: Sequence[Box],
    found: Sequence[Box],
    *,
    growth: float,
    margin: float = 0.0,
) -> Seen:
    """Measure one photo. Both pictures are [H, W, 3], upright and of one size; ``found`` are the boxes that are masked.

    Raises:
        ValueError: the sizes differ.
    """
    if before.shape != after.shape:
        raise ValueError(f"the output has {after.shape[1]} x {after.shape[0]} pixels, not the size of the photo")
    cover = masked(before, after)
    size = before.shape[:2]
    wanted = np.zeros(size, dtype=np.bool_)
    for box in true:
        wanted[_area(_grown(box, growth, margin), size)] = True
    return Seen(
        boxes=len(true),
        hit=sum(any(overlap(box, other) >= OVERLAP for other in found) for box in true),
        hidden=sum(_share(cover[_area(box, size)]) >= HIDDEN for box in true),
        masked=int(cover.sum()),
        grown=int(wanted.sum()),
        pixels=cover.size,
        psnr_outside=_psnr(before, after, cover),
    )


def masked(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> Bits:
    """Which pixels [H, W] are hidden in ``after``, both [H, W, 3]."""
    old, new = before.astype(np.float32), after.astype(np.float32)
    apart = np.abs(new - old).mean(axis=2)
    changed = _mean(apart) > _CHANGED
    if not changed.any():
        return changed
    old, new = old.mean(axis=2), new.mean(axis=2)
    detail_old, detail_new = old - _mean(old, 5), new - _mean(new, 5)
    # A sliding mean of squares may end a little below 0.
    power_old, power_new = (np.maximum(_mean(detail**2), 0) for detail in (detail_old, detail_new))
    common = _mean(detail_old * detail_new)
    weak = np.sqrt(power_new) < _LEFT * np.sqrt(power_old) + _NOISE
    other = common < _ALIKE * np.sqrt(power_old * power_new)
    hidden: Bits = changed & (weak | other)
    # The last pixels of a mask see half of what is beside it: they count where they themselves changed.
    hidden = ndimage.binary_dilation(hidden, iterations=_WINDOW // 2) & (apart > _OWN) | hidden
    hidden = ndimage.binary_closing(hidden, iterations=2) | hidden
    flat = np.sqrt(np.maximum(_mean(new**2, 5) - _mean(new, 5) ** 2, 0)) < _FLAT
    filled: Bits = hidden | (ndimage.binary_fill_holes(hidden) & flat)
    return filled


def overlap(one: Box, other: Box) -> float:
    """Intersection over union, 0 to 1."""
    wide, high = min(one[2], other[2]) - max(one[0], other[0]), min(one[3], other[3]) - max(one[1], other[1])
    both = max(0.0, wide) * max(0.0, high)
    union = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)) - both
    return both / union if union > 0 else 0.0


def _grown(box: Box, growth: float, margin: float) -> Box:
    x = max((box[2] - box[0]) * (growth - 1) / 2, margin)
    y = max((box[3] - box[1]) * (growth - 1) / 2, margin)
    return box[0] - x, box[1] - y, box[2] + x, box[3] + y


def _area(box: Box, size: tuple[int, ...]) -> tuple[slice, slice]:
    left, top = max(0, round(box[0])), max(0, round(box[1]))
    return slice(top, min(size[0], round(box[3]))), slice(left, min(size[1], round(box[2])))


def _share(bits: Bits) -> float:
    return float(bits.mean()) if bits.size else 0.0


def _mean(values: NDArray[np.float32], window: int = _WINDOW) -> NDArray[np.float32]:
    averaged: NDArray[np.float32] = ndimage.uniform_filter(values, window, mode="nearest")
    return averaged


def _psnr(before: NDArray[np.uint8], after: NDArray[np.uint8], cover: Bits) -> float:
    near = ndimage.maximum_filter(cover, 2 * _EDGE + 1) if cover.any() else cover
    if near.size - np.count_nonzero(near) < _FEW:
        return _BEST_DB
    apart = before[~near].astype(np.float32) - after[~near].astype(np.float32)
    error = float(np.mean(apart**2))
    return _BEST_DB if error == 0 else min(_BEST_DB, float(10 * np.log10(255**2 / error)))
