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
    loans: int  # readers of the title in steps of five: for a popularity dial


class _Recent(NamedTuple):
    """A pair of fresh co-loans."""

    source: int
    target: int
    weight: float
    readers: int


@dataclass(frozen=True)
class Model:
    """Immutable; safe to share between calls and threads."""

    version: str
    titles: np.ndarray[Any, Any]  # ids, text, sorted
    loans: np.ndarray[Any, Any]  # distinct people a title, nobody twice, in steps of LEAST_READERS; int64
    prior: np.ndarray[Any, Any]  # popularity a title, 0..1, float32; lately, where what is read changes fast
    by_loans: Matrix  # source x target, at the cells of ``readers`` only
    by_content: Matrix  # source x target
    readers: Matrix  # source x target, distinct readers in steps of LEAST_READERS: 5, 10, 15 …
    popular: float = 0.0  # weight of the prior beside the neighbours
    fading: float = 0.0  # a basket's k-th latest title says k ** -fading
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
        """The best titles for a basket (its latest title last), best first; unknown ids count for nothing.

        ``fresh`` holds co-loans newer than the model, title -> title -> distinct readers (each >= 5).
        An empty (or wholly unknown) basket gets what is most borrowed.
        """
        # The latest first.
        known = list(dict.fromkeys(column for id in basket[::-1] if (column := self._columns.get(id)) is not None))
        says = np.arange(1.0, len(known) + 1) ** -self.fading
        loans, content = (_summed(part, known, says) for part in (self.by_loans, self.by_content))
        left_out = {self._columns[id] for id in exclude if id in self._columns} | set(known)
        recent = self._recent(known, says, fresh or {})
        for one in recent:
            loans[one.target] += one.weight
        total = loans + content
        total += self.popular * np.sqrt(max(len(known), 1)) * self.prior
        total[list(left_out)] = -np.inf
        best = _best(total, min(count, len(total) - len(left_out)))
        best = best[(total[best] > 0) | (self.loans[best] > 0)]
        mostly_loans = loans[best] > content[best]
        by_loans = _led(self.by_loans, known, says, best[mostly_loans], recent)
        by_content = _led(self.by_content, known, says, best[~mostly_loans], [])
        return [
            self._by_loans(target, float(total[target]), by_loans[target], recent)
            if target in by_loans
            else self._by_content(target, float(total[target]), by_content.get(target, ()))
            for target in best.tolist()
        ]

    def score(self, baskets: Matrix) -> np.ndarray[Any, Any]:
        """Scores of ``recommend`` for many baskets at once (baskets x titles, dense): the evaluation's path.

        The cells hold what each title says: ``Interactions.baskets`` with the model's ``fading``.
        """
        total = np.asarray((baskets @ self.by_loans + baskets @ self.by_content).todense(), dtype=np.float32)
        weight = self.popular * np.sqrt(np.maximum(np.diff(baskets.indptr), 1))
        total += np.outer(weight, self.prior).astype(np.float32)
        return total

    def _recent(
        self, known: list[int], says: np.ndarray[Any, Any], fresh: Mapping[str, Mapping[str, int]]
    ) -> list[_Recent]:
        """Pairs of fresh co-loans; too few readers are refused here, too."""
        pairs = []
        for source, weight in zip(known, says.tolist(), strict=True):
            for id, readers in fresh.get(str(self.titles[source]), {}).items():
                target = self._columns.get(id)
                if target is None or readers < LEAST_READERS:
                    continue
                common = float(np.sqrt(max(self.loans[source], readers) * max(self.loans[target], readers)))
                pairs.append(_Recent(source, target, weight * self._typical * min(1.0, readers / common), readers))
        return pairs

    def _by_content(self, target: int, score: float, because: Sequence[int]) -> Scored:
        named = tuple(str(self.titles[one]) for one in because)
        by: Literal["content", "popular"] = "content" if named else "popular"
        return Scored(str(self.titles[target]), score, named, None, by, int(self.loans[target]))

    def _by_loans(self, target: int, score: float, because: Sequence[int], recent: list[_Recent]) -> Scored:
        readers = int(_cell(self.readers, because[0], target))
        readers += sum(one.readers for one in recent if (one.source, one.target) == (because[0], target))
        named = tuple(str(self.titles[one]) for one in because)
        return Scored(str(self.titles[target]), score, named, readers, "loans", int(self.loans[target]))

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


def _summed(matrix: Matrix, rows: Sequence[int], says: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    size = matrix.shape[1]
    cuts = [slice(matrix.indptr[row], matrix.indptr[row + 1]) for row in rows]
    if not cuts:
        return np.zeros(size)
    columns = np.concatenate([matrix.indices[cut] for cut in cuts])
    weights = np.concatenate([matrix.data[cut] * weight for cut, weight in zip(cuts, says, strict=True)])
    return np.bincount(columns, weights, minlength=size).astype(np.float64)


def _led(
    matrix: Matrix, rows: list[int], says: np.ndarray[Any, Any], targets: np.ndarray[Any, Any], more: list[_Recent]
) -> dict[int, list[int]]:
    """Of each target the rows that say most for it, the strongest first; targets that none speaks for are left out."""
    wanted = np.zeros(matrix.shape[1], bool)
    wanted[targets] = True
    cuts = [slice(matrix.indptr[row], matrix.indptr[row + 1]) for row in rows]
    extra = [one for one in more if wanted[one.target]]
    columns = np.concatenate([*(matrix.indices[cut] for cut in cuts), [one.target for one in extra]]).astype(np.int64)
    values = [matrix.data[cut] * weight for cut, weight in zip(cuts, says, strict=True)]
    sources = np.concatenate(
        [np.repeat(rows, [cut.stop - cut.start for cut in cuts]), [one.source for one in extra]]
    ).astype(np.int64)
    kept = wanted[columns]
    pairs, place = np.unique(columns[kept] * matrix.shape[0] + sources[kept], return_inverse=True)
    strengths = np.concatenate([*values, [one.weight for one in extra]])[kept]
    strength = np.bincount(place, strengths, minlength=len(pairs)).astype(np.float64)
    columns, sources = np.divmod(pairs, matrix.shape[0])
    led: dict[int, list[int]] = {}
    for one in np.lexsort((sources, -strength, columns)).tolist():
        if strength[one] > 0:
            led.setdefault(int(columns[one]), []).append(int(sources[one]))
    return {target: found[:_CONTRIBUTORS] for target, found in led.items()}


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
