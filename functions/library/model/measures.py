"""How good a ranking is: recall, nDCG, MAP, hit rate, coverage, novelty and the long tail's share."""

from typing import Any

import numpy as np

from functions.library.model.interactions import Matrix

DEPTH = 20
TAIL = 0.8  # the least borrowed titles, by number


def ranked(scores: np.ndarray[Any, Any], seen: Matrix, depth: int = DEPTH) -> np.ndarray[Any, Any]:
    """The ``depth`` best columns of each row, best first, without what is ``seen``; ``scores`` is overwritten.

    Equal scores go by column. Where fewer are left, the seen ones come last.
    """
    scores[seen.nonzero()] = -np.inf
    depth = min(depth, scores.shape[1])
    few = np.sort(np.argpartition(-scores, depth - 1, axis=1)[:, :depth], axis=1)
    values = np.take_along_axis(scores, few, 1)
    order = np.argsort(-values, axis=1, kind="stable")
    best = np.take_along_axis(few, order, 1)
    return np.where(np.isinf(np.take_along_axis(values, order, 1)), -1, best)


def hits(found: np.ndarray[Any, Any], wanted: Matrix) -> np.ndarray[Any, Any]:
    """Which places of a ranking (rows x depth) hold a wanted title, bool."""
    width = wanted.shape[1] + 1
    rows = np.repeat(np.arange(wanted.shape[0]), np.diff(wanted.indptr))
    place = np.arange(len(found))[:, None] * width + found + 1
    return np.isin(place, rows * width + wanted.indices + 1)


def figures(found: np.ndarray[Any, Any], wanted: Matrix, loans: np.ndarray[Any, Any]) -> dict[str, float]:
    """The figures of a ranking of at least 20 places; every row of ``wanted`` has a title.

    Novelty: mean of -log2 of the share of readers who had a shown title (as if one more reader had each).
    """
    hit = hits(found, wanted)
    sizes = np.diff(wanted.indptr)
    discount = 1 / np.log2(np.arange(2, 12))
    ideal = np.cumsum(discount)[np.minimum(sizes, 10) - 1]
    top, precision = hit[:, :10], np.cumsum(hit[:, :10], axis=1) / np.arange(1, min(hit.shape[1], 10) + 1)
    shown = found[:, :10][found[:, :10] >= 0]
    readers = max(int(loans.max(initial=0)), len(found)) + 1
    tail = np.ones(len(loans), bool)
    tail[np.argsort(-loans, kind="stable")[: int(len(loans) * (1 - TAIL))]] = False
    said = {
        "recall@10": (top.sum(1) / sizes).mean(),
        "recall@20": (hit[:, :20].sum(1) / sizes).mean(),
        "ndcg@10": ((top * discount[: top.shape[1]]).sum(1) / ideal).mean(),
        "map@10": ((precision * top).sum(1) / np.minimum(sizes, 10)).mean(),
        "hit@10": top.any(1).mean(),
        "coverage@10": len(np.unique(shown)) / max(len(loans), 1),
        "novelty": -np.log2((loans[shown] + 1) / readers).mean() if len(shown) else 0.0,
        "tail@10": tail[shown].mean() if len(shown) else 0.0,
    }
    return {name: round(float(value), 4) for name, value in said.items()}


def gains(hit: np.ndarray[Any, Any], sizes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Of each row the mean of nDCG@10 and recall@10: what tuning, and the choice between two models, look at."""
    hit = hit[:, :10]
    discount = 1 / np.log2(np.arange(2, 12))
    ideal = np.cumsum(discount)[np.minimum(sizes, 10) - 1]
    return np.asarray(((hit * discount[: hit.shape[1]]).sum(1) / ideal + hit.sum(1) / sizes) / 2)
