"""What counts as one thing: boxes of one kind belong together where the middle of one lies in the other.

A face that three models found, that is found anew in each picture of an animation, or that lies on the seam of a whole
turn is one found thing. One that a person had to mask is a missed one, whatever the models had found of it.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from events.photos import AddedBox
from functions.photos.report import Report

REVIEW: Final = "review"  # stands for a person where a report names a model
_KINDS: Final = ("face", "plate", "person")
Things = NDArray[np.int64]  # [N, 5]: kind, left, top, right, bottom


def found(report: Report, boxes: Sequence[AddedBox] = ()) -> int:
    """How many things the models were sure of, without those that a person had to mask all the same."""
    sure = _things(
        (one.kind, *one.box)
        for one in report.masked
        if one.model != REVIEW and one.score >= report.report_threshold.get(one.model, 1.0)
    )
    added, turn = _added(boxes), report.width if report.panorama else 0
    masked = [bool(_same(one, added, turn).any()) for one in sure]
    return sum(not any(masked[place] for place in group) for group in _groups(sure, turn))


def missed(boxes: Sequence[AddedBox]) -> int:
    """How many things a person masked; several boxes over one thing are one."""
    return len(_groups(_added(boxes), 0))


def _added(boxes: Sequence[AddedBox]) -> Things:
    return _things((box.kind, box.left, box.top, box.right, box.bottom) for box in boxes)


def _things(rows: Iterable[tuple[str, int, int, int, int]]) -> Things:
    return np.array([(_KINDS.index(kind), *box) for kind, *box in rows], dtype=np.int64).reshape(-1, 5)


def _groups(things: Things, turn: int) -> list[list[int]]:
    """The places of those that belong together, directly or by way of others."""
    left, groups = np.ones(len(things), dtype=bool), list[list[int]]()
    for first in range(len(things)):
        if not left[first]:
            continue
        left[first], group = False, [first]
        for place in group:  # grows meanwhile
            near = left & _same(things[place], things, turn)
            left &= ~near
            group += np.flatnonzero(near).tolist()
        groups.append(group)
    return groups


def _same(one: NDArray[np.int64], others: Things, turn: int) -> NDArray[np.bool_]:
    """Which of others [N, 5] show the same as one [5]; ``turn``: width of a photo whose sides meet, else 0."""
    same: NDArray[np.bool_] = _within(one[1:3] + one[3:], others[:, 1:3], others[:, 3:])
    same |= _within(others[:, 1:3] + others[:, 3:], one[1:3], one[3:])
    if turn:  # the two pieces of a thing on the seam
        seam = ((one[3] == turn) & (others[:, 1] == 0)) | ((one[1] == 0) & (others[:, 3] == turn))
        same |= seam & (others[:, 2] == one[2]) & (others[:, 4] == one[4])
    same &= others[:, 0] == one[0]
    return same


def _within(twice: NDArray[np.int64], start: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether a middle (given twice) lies in a box, on both axes."""
    return np.asarray(((2 * start < twice) & (twice < 2 * end)).all(axis=-1))
