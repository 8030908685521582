"""What is served: for each title its neighbours, with the part of loans, the part of content and the readers."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
from scipy.sparse import csr_matrix

from functions.library.model.interactions import Matrix, strongest

LEAST_READERS = 5
"""Distinct readers that two titles must share before their pair is shown, explained or counted."""

_CONTRIBUTORS = 3  # basket titles that a recommendation names
_CHARTS = 1000  # most borrowed titles that can be shown to an empty basket


class Scored(NamedTuple):
    """A recommended title, and why."""

    title: str
    score: float  # comparable within one call
    because: tuple[str, ...]  # basket titles that led here, the strongest first; none: popular
    readers: int | None  # of because[0] and this title, at least so many: 5, 10, 15 …; None: not by loans
    by: Literal["loans", "content", "popular"]
    loans: int  # readers of the title: for a popularity dial, not for show below five


@dataclass(frozen=True)
class Model:
    """Immutable; safe to share between calls and threads."""

    version: str
    titles: np.ndarray[Any, Any]  # ids, text, sorted
    loans: np.ndarray[Any, Any]  # distinct readers a title, int64
    prior: np.ndarray[Any, Any]  # popularity a title, 0..1, float32; lately, where what is read changes fast
    by_loans: Matrix  # source x target, at the cells of ``readers`` only
    by_content: Matrix  # source x target
    readers: Matrix  # source x target, distinct readers in steps of LEAST_READERS: 5, 10, 15 …
    popular: float = 0.0  # weight of the prior beside the neighbours
    card: Mapping[str, Any] = field(default_factory=dict)

    def __contains__(self, id: object) -> bool:
        """Whether the model has neighbours for a title."""
        column = self._columns.get(id) if isinstance(id, str) else None
        return column is not None and bool(self._known[column])

    def recommend(
        self,
        basket: Sequence[str],
        count: int,
        *,
        exclude: Collection[str] = (),
        fresh: Mapping[str, Mapping[str, int]] | None = None,
    ) -> list[Scored]:
        """The best titles for a basket, best first; ids that are not known count for nothing.

        ``fresh`` holds co-loans newer than the model, title -> title -> distinct readers (each >= 5).
        An empty (or wholly unknown) basket gets what is most borrowed.
        """
        known = list(dict.fromkeys(column for id in basket if (column := self._columns.get(id)) is not None))
        loans, content = self._gathered(known)
        left_out = {self._columns[id] for id in exclude if id in self._columns} | set(known)
        recent = self._recent(known, fresh or {})
        for _, target, weight, _ in recent:
            loans[target] += weight
        total = loans + content
        total += self.popular * np.sqrt(max(len(known), 1)) * self.prior
        total[list(left_out)] = -np.inf
        found = []
        for target in _best(total, min(count, len(total) - len(left_out))):
            if total[target] <= 0 and not self.loans[target]:
                break
            by: Literal["loans", "content"] = "loans" if loans[target] > content[target] else "content"
            found.append(self._explained(int(target), float(total[target]), by, known, recent))
        return found

    def score(self, baskets: Matrix) -> np.ndarray[Any, Any]:
        """Scores of ``recommend`` for many baskets at once (baskets x titles, dense): the evaluation's path."""
        total = np.asarray((baskets @ self.by_loans + baskets @ self.by_content).todense(), dtype=np.float32)
        weight = self.popular * np.sqrt(np.maximum(np.diff(baskets.indptr), 1))
        total += np.outer(weight, self.prior).astype(np.float32)
        return total

    def _gathered(self, known: list[int]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        size = len(self.titles)
        return _summed(self.by_loans, known, size), _summed(self.by_content, known, size)

    def _recent(self, known: list[int], fresh: Mapping[str, Mapping[str, int]]) -> list[tuple[int, int, float, int]]:
        """Pairs of fresh co-loans as (source, target, weight, readers); too few readers are refused here, too."""
        pairs = []
        for source in known:
            for id, readers in fresh.get(str(self.titles[source]), {}).items():
                target = self._columns.get(id)
                if target is None or readers < LEAST_READERS:
                    continue
                common = float(np.sqrt(max(self.loans[source], readers) * max(self.loans[target], readers)))
                pairs.append((source, target, self._typical * min(1.0, readers / common), readers))
        return pairs

    def _explained(
        self,
        target: int,
        score: float,
        by: Literal["loans", "content"],
        known: list[int],
        recent: list[tuple[int, int, float, int]],
    ) -> Scored:
        given = [(_cell(self.by_loans if by == "loans" else self.by_content, one, target), one) for one in known]
        if by == "loans":
            extra = {source: weight for source, to, weight, _ in recent if to == target}
            given = [(weight + extra.get(one, 0.0), one) for weight, one in given]
        given = sorted(((weight, one) for weight, one in given if weight > 0), reverse=True)[:_CONTRIBUTORS]
        shown = int(self.loans[target])
        if not given:
            return Scored(str(self.titles[target]), score, (), None, "popular", shown)
        because = tuple(str(self.titles[one]) for _, one in given)
        readers = None
        if by == "loans":
            first = given[0][1]
            newer = sum(count for source, to, _, count in recent if source == first and to == target)
            readers = int(_cell(self.readers, first, target)) + newer
        return Scored(str(self.titles[target]), score, because, readers, by, shown)

    @cached_property
    def _columns(self) -> dict[str, int]:
        return {str(id): column for column, id in enumerate(self.titles.tolist())}

    @cached_property
    def _known(self) -> np.ndarray[Any, Any]:
        return np.asarray((np.diff(self.by_loans.indptr) > 0) | (np.diff(self.by_content.indptr) > 0))

    @cached_property
    def _typical(self) -> float:
        """The weight of a strong neighbour by loans: what a fresh pair is measured by."""
        return float(np.quantile(self.by_loans.data, 0.9)) if self.by_loans.nnz else 1.0


def truncated(matrix: Matrix, other: Matrix, count: int) -> tuple[Matrix, Matrix]:
    """Both matrices with, in each row, only the ``count`` columns whose sum is largest."""
    kept = strongest((matrix + other).tocsr(), count)
    kept.data[:] = 1
    return _at(matrix, kept), _at(other, kept)


def _at(matrix: Matrix, cells: Matrix) -> Matrix:
    found = matrix.multiply(cells).tocsr().astype(np.float32)
    found.eliminate_zeros()
    found.sort_indices()
    return csr_matrix(found)


def _summed(matrix: Matrix, rows: Sequence[int], size: int) -> np.ndarray[Any, Any]:
    cuts = [slice(matrix.indptr[row], matrix.indptr[row + 1]) for row in rows]
    if not cuts:
        return np.zeros(size)
    columns = np.concatenate([matrix.indices[cut] for cut in cuts])
    weights = np.concatenate([matrix.data[cut] for cut in cuts])
    return np.bincount(columns, weights, minlength=size).astype(np.float64)


def _cell(matrix: Matrix, row: int, column: int) -> float:
    cut = slice(matrix.indptr[row], matrix.indptr[row + 1])
    place = int(np.searchsorted(matrix.indices[cut], column))
    found = matrix.indices[cut]
    return float(matrix.data[cut][place]) if place < len(found) and found[place] == column else 0.0


def _best(total: np.ndarray[Any, Any], count: int) -> np.ndarray[Any, Any]:
    if count <= 0:
        return np.zeros(0, np.int64)
    few = np.argpartition(-total, min(count, len(total)) - 1)[:count]
    return few[np.lexsort((few, -total[few]))]


__all__ = ["LEAST_READERS", "Model", "Scored", "truncated"]
