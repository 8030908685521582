"""Plates among lettering: regions of a text map that have a plate's shape."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

CELL: Final = 4  # tile pixels a cell of the map
_FLOOR: Final = 0.25  # of the probability; below it a cell is no text
_GAP: Final = 3  # cells between the parts of one plate, at most
_LEAST: Final = (3, 2)  # cells in width and height
_SHAPE: Final = (1.0, 9.0)  # width to height: from two lines to one long one


def regions(text: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Boxes [M, 4] in tile pixels and scores [M] of what may be a plate in a text map [H/4, W/4] of 0 to 255."""
    lit = text >= _FLOOR * 255
    joined = ndimage.binary_closing(lit, structure=np.ones((1, 2 * _GAP + 1), dtype=bool)) | lit
    labels: NDArray[Any]
    labels, count = ndimage.label(joined)
    if not count:
        return np.empty((0, 4)), np.empty(0)
    boxes, scores = [], []
    for rows, columns in ndimage.find_objects(labels):
        width, height = columns.stop - columns.start, rows.stop - rows.start
        if width >= _LEAST[0] and height >= _LEAST[1] and _SHAPE[0] <= width / height <= _SHAPE[1]:
            boxes.append((columns.start, rows.start, columns.stop, rows.stop))
            # Of the whole box, not its best cell: a plate is lettering all over, a large dark place is in parts.
            scores.append(text[rows, columns].mean() / 255)
    return np.array(boxes, dtype=np.float64).reshape(-1, 4) * CELL, np.array(scores, dtype=np.float64)
