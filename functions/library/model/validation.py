"""What a model is tuned and judged on: loans held back, and a search over weights that looks at nothing else."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from functions.library.model.interactions import Interactions, Matrix, without
from functions.library.model.measures import gains, ranked

SHARE = 0.2  # of the loans is held back
READERS = 1500  # that tuning looks at, at most
_POOL = 100  # best titles of each part that weights can bring to the top
_STEPS = (0.0, 0.25, 0.5, 0.7, 1.4, 2.0, 4.0)  # what a weight is multiplied with; 0 leaves a part out
_ROUNDS = 4

How = Literal["time", "random"]


def split(loans: Interactions, how: How, seed: int = 1, share: float = SHARE) -> tuple[Matrix, Matrix]:
    """Training and held back loans, both readers x titles.

    "time": the last ``share`` of all loans is held back; "random": ``share`` of each reader's, one at least, but
    never the only one. Loans are distinct, so what is held back is new to its reader.
    """
    matrix = loans.matrix
    if how == "time":
        if loans.days is None:
            raise ValueError("a split by time needs the time of each loan")
        held = np.zeros(len(loans.days), bool)
        held[np.argsort(loans.days, kind="stable")[round(len(held) * (1 - share)) :]] = True
        # A day is not cut in two: all its loans come before, or after.
        if held.any() and not held.all():
            first = loans.days[held].min()
            held = loans.days > first if (loans.days < first).sum() < len(held) * 0.5 else loans.days >= first
    else:
        counts = np.diff(matrix.indptr)
        row = np.repeat(np.arange(matrix.shape[0]), counts)
        order = np.lexsort((np.random.default_rng(seed).random(len(row)), row))
        place = np.empty(len(row), np.int64)
        place[order] = np.arange(len(row)) - np.repeat(matrix.indptr[:-1], counts)
        wanted = np.where(counts > 1, np.maximum(np.round(counts * share), 1), 0)
        held = place < wanted[row]
    return without(matrix, ~held), without(matrix, held)


def judged(train: Matrix, held: Matrix, most: int | None = None, seed: int = 1) -> np.ndarray[Any, Any]:
    """Rows with loans on both sides, ascending; a random ``most`` of them where there are more."""
    rows = np.flatnonzero((np.diff(train.indptr) > 0) & (np.diff(held.indptr) > 0))
    if most is not None and len(rows) > most:
        rows = np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
    return rows


@dataclass
class Pool:
    """The titles that any part ranks high, with every part's score: weights are tried out on these alone."""

    scores: dict[str, np.ndarray[Any, Any]]  # part -> readers x places, 0 where the part says nothing
    columns: np.ndarray[Any, Any]  # readers x places: which title; -1 is none
    wanted: np.ndarray[Any, Any]  # readers x places, bool
    sizes: np.ndarray[Any, Any]  # held back titles a reader

    @classmethod
    def of(cls, parts: Mapping[str, Matrix], prior: np.ndarray[Any, Any] | None, train: Matrix, held: Matrix) -> "Pool":
        """``prior`` is a score of each title that all readers share; it becomes the part "popular"."""
        width = train.shape[1]
        chosen: list[np.ndarray[Any, Any]] = []
        values: dict[str, list[np.ndarray[Any, Any]]] = {
            name: [] for name in (*parts, *(() if prior is None else ("popular",)))
        }
        block = max(1, 20_000_000 // max(width, 1))
        for start in range(0, train.shape[0], block):
            seen = train[start : start + block]
            dense = {name: np.asarray((seen @ part).todense(), np.float32) for name, part in parts.items()}
            weight = np.sqrt(np.diff(seen.indptr)).astype(np.float32)
            if prior is not None:
                dense["popular"] = np.outer(weight, prior).astype(np.float32)
            best = [ranked(scores.copy(), seen, _POOL) for scores in dense.values()]
            for row in range(seen.shape[0]):
                found = np.unique(np.concatenate([one[row] for one in best]))
                found = found[found >= 0]
                chosen.append(found)
                for name, scores in dense.items():
                    values[name].append(scores[row, found])
        longest = max((len(found) for found in chosen), default=1)
        columns = _padded(chosen, longest, -1).astype(np.int64)
        wide = np.int64(width + 1)
        rows = np.repeat(np.arange(held.shape[0]), np.diff(held.indptr))
        asked = np.arange(len(columns))[:, None] * wide + columns + 1
        return cls(
            {name: _padded(scores, longest, 0.0).astype(np.float32) for name, scores in values.items()},
            columns,
            np.isin(asked, rows * wide + held.indices + 1) & (columns >= 0),
            np.diff(held.indptr),
        )

    def quality(self, scores: np.ndarray[Any, Any]) -> float:
        """Mean of nDCG@10 and recall@10 of a ranking by these scores (readers x places)."""
        return float(self.gains(scores).mean())

    def gains(self, scores: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """The same of each reader."""
        scores = np.where(self.columns >= 0, scores, -np.inf)
        depth = min(10, scores.shape[1])
        few = np.argpartition(-scores, depth - 1, axis=1)[:, :depth]
        order = np.argsort(-np.take_along_axis(scores, few, 1), axis=1, kind="stable")
        hit = np.take_along_axis(self.wanted, np.take_along_axis(few, order, 1), 1)
        return gains(hit, self.sizes)

    def total(self, weights: Mapping[str, float]) -> np.ndarray[Any, Any]:
        """Scores of the parts together."""
        nothing = np.zeros_like(self.columns, np.float32)
        return sum((weight * self.scores[name] for name, weight in weights.items() if weight), nothing)

    def scale(self, name: str) -> float:
        """What makes a part's usual best score 1."""
        best = self.scores[name].max(axis=1)
        return float(1 / np.median(best[best > 0])) if (best > 0).any() else 0.0


def weigh(pool: Pool, start: Mapping[str, float], fixed: Collection[str] = ()) -> tuple[dict[str, float], float]:
    """Weights of the parts, by coordinate search from ``start``, and the quality they reach; some stay as they are."""
    weights = dict(start)
    total = pool.total(weights)
    best = pool.quality(total)
    for _ in range(_ROUNDS):
        before = best
        for name, weight in [one for one in weights.items() if one[0] not in fixed]:
            rest = total - weight * pool.scores[name]
            base = weight or pool.scale(name) / 4
            tried = [(pool.quality(rest + base * step * pool.scores[name]), base * step) for step in _STEPS]
            quality, better = max(tried)
            if quality > best + 1e-6:
                best, weights[name] = quality, better
                total = rest + better * pool.scores[name]
        if best - before < 1e-4:
            break
    return weights, best


def _padded(rows: list[np.ndarray[Any, Any]], longest: int, fill: float) -> np.ndarray[Any, Any]:
    found = np.full((len(rows), longest), fill)
    for place, row in enumerate(rows):
        found[place, : len(row)] = row
    return found
