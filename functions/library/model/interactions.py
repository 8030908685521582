"""Who borrowed what, as one sparse 0/1 matrix: readers by row, titles by column."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import scipy.sparse as sp
from scipy.sparse import csr_matrix

Matrix: TypeAlias = Any
"""A scipy csr_matrix, float32."""

NEAREST = 500  # sources that a target keeps by loans, at most
_BLOCK = 20_000_000  # co-loan cells looked at together: some 0.5 GB with their indices


@dataclass(frozen=True)
class Interactions:
    """Distinct loans. Readers have no names here: only how many they are and which rows they fill."""

    titles: np.ndarray[Any, Any]  # ids as text, sorted; a title without a loan has a column, too
    matrix: Matrix  # readers x titles
    days: np.ndarray[Any, Any] | None = None  # of each stored cell, in the matrix's order; float64, any unit
    # Which key made each row's pseudonym: one person may have a row a key, so pairs are counted a key at a time.
    keys: np.ndarray[Any, Any] | None = None

    @property
    def loans(self) -> np.ndarray[Any, Any]:
        """Distinct readers a title, int64; a person with rows under several keys is one in each."""
        return np.bincount(self.matrix.indices, minlength=len(self.titles))

    @property
    def people(self) -> np.ndarray[Any, Any]:
        """At least so many distinct people a title, int64: the largest count under one key, who may have several."""
        if self.keys is None:
            return self.loans
        width = len(self.titles)
        groups = (self.matrix[np.flatnonzero(self.keys == key)].indices for key in np.unique(self.keys))
        counts = [np.bincount(group, minlength=width) for group in groups]
        return np.max(counts, axis=0) if counts else np.zeros(width, np.int64)

    def recent(self, half_life: float | None, least: int = 1) -> np.ndarray[Any, Any]:
        """Loans a title, each counting half as much every ``half_life`` before the newest; None: all the same.

        A title of fewer than ``least`` people has none.
        """
        if half_life is None or self.days is None or not len(self.days):
            counts: np.ndarray[Any, Any] = self.loans.astype(np.float64)
        else:
            weights = 0.5 ** ((self.days.max() - self.days) / half_life)
            counts = np.bincount(self.matrix.indices, weights, minlength=len(self.titles))
        return np.where(self.people >= least, counts, 0.0)

    def baskets(self, fading: float) -> Matrix:
        """The matrix with each reader's k-th latest title at k ** -``fading``; 0, or without days: all at 1."""
        if not fading or self.days is None:
            return self.matrix
        sizes = np.diff(self.matrix.indptr)
        row = np.repeat(np.arange(len(sizes)), sizes)
        order = np.lexsort((-self.days, row))
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order)) - np.repeat(self.matrix.indptr[:-1], sizes)
        weights = ((place + 1.0) ** -fading).astype(np.float32)
        return csr_matrix((weights, self.matrix.indices, self.matrix.indptr), shape=self.matrix.shape)

    def part(self, matrix: Matrix) -> "Interactions":
        """The same titles and readers with fewer loans: those of ``matrix``."""
        width = np.int64(matrix.shape[1])
        whole, fewer = (
            np.repeat(np.arange(one.shape[0]), np.diff(one.indptr)) * width + one.indices
            for one in (self.matrix, matrix)
        )
        days = None if self.days is None else self.days[np.isin(whole, fewer)]
        return Interactions(self.titles, matrix, days, self.keys)


class Coded(NamedTuple):
    """Ids row by row, each distinct one kept once."""

    names: np.ndarray[Any, Any]  # may repeat
    codes: np.ndarray[Any, Any]  # of each row, its place among ``names``


def interactions(
    readers: Sequence[Any] | np.ndarray[Any, Any] | Coded,
    titles: Sequence[Any] | np.ndarray[Any, Any] | Coded,
    days: np.ndarray[Any, Any] | None = None,
    *,
    also: Sequence[str] = (),
    keyed: bool = False,
) -> Interactions:
    """Count each (reader, title) once, at its first day; ``also`` names titles that may have no loan.

    With ``keyed`` readers are pseudonyms, "key-digest".
    """
    readers, titles = (one if isinstance(one, Coded) else _coded(one) for one in (readers, titles))
    people, row = np.unique(readers.names, return_inverse=True)
    row = row[readers.codes]
    names = titles.names.astype(str)
    vocabulary = np.unique(np.concatenate([names, np.asarray(list(also), dtype=str)]) if len(also) else names)
    column = np.searchsorted(vocabulary, names)[titles.codes]
    width = max(len(vocabulary), 1)
    cell = row.astype(np.int64) * width + column
    order = np.lexsort((days, cell)) if days is not None else np.argsort(cell, kind="stable")
    first = np.ones(len(order), bool)
    first[1:] = cell[order][1:] != cell[order][:-1]
    kept = order[first]
    matrix = csr_matrix(
        (np.ones(len(kept), np.float32), (row[kept], column[kept])),
        shape=(int(row.max()) + 1 if len(row) else 0, len(vocabulary)),
    )
    # `kept` is ordered by row, then column: the order in which the matrix keeps its cells.
    keys = np.unique([str(one).partition("-")[0] for one in people], return_inverse=True)[1] if keyed else None
    return Interactions(vocabulary, matrix, None if days is None else np.asarray(days, np.float64)[kept], keys)


def _coded(values: Sequence[Any] | np.ndarray[Any, Any]) -> Coded:
    return Coded(np.asarray(values), np.arange(len(values)))


def without(matrix: Matrix, kept: np.ndarray[Any, Any]) -> Matrix:
    """The matrix with only those of its stored cells for which ``kept`` (bool, in storage order) is true."""
    counts = np.concatenate([[0], np.cumsum(kept)])
    return csr_matrix((matrix.data[kept], matrix.indices[kept], counts[matrix.indptr]), shape=matrix.shape)


def co_loans(matrix: Matrix, weights: np.ndarray[Any, Any] | None = None) -> Iterator[tuple[int, Matrix]]:
    """Co-loans in blocks of titles: ``(first title, block x titles)``, the title with itself left out.

    A cell holds how many readers had both; with ``weights`` (one a reader) the sum of their weights.
    Blocks keep memory bounded however many pairs there are.
    """
    by_title = matrix.T.tocsr()
    if weights is not None:
        by_title = (by_title @ sp.diags(weights.astype(np.float32))).tocsr()
    # A title's row of the product cannot hold more cells than its readers have loans, nor than there are titles.
    bound = np.minimum((matrix != 0).T @ np.diff(matrix.indptr), matrix.shape[1])
    start = 0
    while start < matrix.shape[1]:
        end = start + max(1, int(np.searchsorted(np.cumsum(bound[start:]), _BLOCK)))
        block = (by_title[start:end] @ matrix).tocsr()
        block.data[block.indices == np.repeat(np.arange(start, start + block.shape[0]), np.diff(block.indptr))] = 0
        block.eliminate_zeros()
        block.sort_indices()
        yield start, block
        start = end


def supported(matrix: Matrix, least: int, keys: np.ndarray[Any, Any] | None = None, most: int = NEAREST) -> Matrix:
    """How many distinct readers had both titles (source x target), where at least ``least`` had.

    Where rows carry ``keys``, it is the largest count under one key: no person is in that twice. Each target keeps
    its ``most`` sources of the highest cosine: memory stays bounded however dense the loans are.
    """
    groups = [matrix] if keys is None else [matrix[np.flatnonzero(keys == key)] for key in np.unique(keys)]
    length = 1 / np.sqrt(np.maximum(np.bincount(matrix.indices, minlength=matrix.shape[1]), 1))
    width = matrix.shape[1]
    found = csr_matrix((width, width), dtype=np.float32)
    for group in groups:
        rows = [_frequent(block, least, length, most) for _, block in co_loans(group)]
        if rows:
            found = found.maximum(sp.vstack(rows, format="csr"))
    return csr_matrix(_frequent(found, least, length, most).T.tocsr(), dtype=np.float32)


def _frequent(block: Matrix, least: int, length: np.ndarray[Any, Any], most: int) -> Matrix:
    """Of each row (a target) the cells of at least ``least``, and of those the ``most`` of the highest cosine."""
    block = block.tocsr()
    block.data[block.data < least] = 0
    block.eliminate_zeros()
    # The target's own norm changes nothing within its row.
    near = strongest((block @ sp.diags(length)).tocsr(), most)
    near.data = np.ones_like(near.data)
    return block.multiply(near).tocsr()


def strongest(matrix: Matrix, count: int) -> Matrix:
    """Each row's ``count`` largest cells; equal ones by column, so that a repeat gives the same."""
    matrix = matrix.tocsr()
    matrix.sort_indices()
    lengths = np.diff(matrix.indptr)
    if not len(matrix.data) or lengths.max() <= count:
        return matrix
    row = np.repeat(np.arange(matrix.shape[0]), lengths)
    order = np.lexsort((matrix.indices, -matrix.data, row))
    rank = np.arange(len(order)) - np.repeat(matrix.indptr[:-1], lengths)
    kept = np.zeros(len(order), bool)
    kept[order[rank < count]] = True
    return without(matrix, kept)
