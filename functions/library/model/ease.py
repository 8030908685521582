"""EASE (Steck 2019): the linear item-item model with a closed form, in the cheaper of its two shapes.

B = I - P / diag(P) with P = (X'X + lambda I)^-1. With fewer readers than titles, the inverse of
readers x readers gives the same P (Woodbury), in seconds instead of minutes.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg as la
from scipy.sparse import csr_matrix

from functions.library.model.interactions import Matrix

LARGEST = 10_000  # titles or readers in a dense inverse: 400 MB, some 20 s of two cores
_BLOCK = 512


def ease(matrix: Matrix, strength: float, pairs: Matrix, *, largest: int = LARGEST) -> Matrix:
    """Weights (source x target) at the stored cells of ``pairs`` alone, float32.

    Titles beyond ``largest`` (of the fewest loans) are left out when readers are even more.
    """
    if not pairs.nnz:
        return csr_matrix(pairs.shape, dtype=np.float32)
    chosen = _chosen(matrix, largest)
    if len(chosen) < matrix.shape[1]:
        inner = ease(matrix[:, chosen].tocsr(), strength, pairs[chosen][:, chosen].tocsr(), largest=largest)
        cells = inner.tocoo()
        return csr_matrix((cells.data, (chosen[cells.row], chosen[cells.col])), shape=pairs.shape)
    # Rows and columns without a pair are in the inverse, but nobody asks for them.
    active = np.flatnonzero(np.diff(pairs.indptr) + np.bincount(pairs.indices, minlength=pairs.shape[1]))
    inner = pairs[active][:, active].tocsr()
    diagonal, times = _inverse(matrix, strength)
    for start in range(0, len(active), _BLOCK):
        end = min(start + _BLOCK, len(active))
        rows = times(_unit(active[start:end], matrix.shape[1]), active)
        cut = slice(inner.indptr[start], inner.indptr[end])
        local = np.repeat(np.arange(end - start), np.diff(inner.indptr[start : end + 1]))
        inner.data[cut] = -rows[local, inner.indices[cut]] / diagonal[active[inner.indices[cut]]]
    cells = inner.tocoo()
    return csr_matrix((cells.data, (active[cells.row], active[cells.col])), shape=pairs.shape, dtype=np.float32)


def ease_scores(matrix: Matrix, strength: float, *, largest: int = LARGEST) -> Callable[[Matrix], np.ndarray[Any, Any]]:
    """A function from rows (sparse) to scores (dense, rows x titles) of the untruncated model: a yardstick."""
    chosen = _chosen(matrix, largest)
    inner = matrix[:, chosen].tocsr()
    diagonal, times = _inverse(inner, strength)

    def scores(rows: Matrix) -> np.ndarray[Any, Any]:
        found = np.zeros(rows.shape, np.float32)
        known = rows[:, chosen].tocsr()
        found[:, chosen] = np.asarray(known.todense()) - times(known, slice(None)) / diagonal
        return found

    return scores


def _chosen(matrix: Matrix, largest: int) -> np.ndarray[Any, Any]:
    if matrix.shape[1] <= largest or matrix.shape[0] <= largest:
        return np.arange(matrix.shape[1])
    loans = np.bincount(matrix.indices, minlength=matrix.shape[1])
    return np.sort(np.argsort(-loans, kind="stable")[:largest])


def _inverse(matrix: Matrix, strength: float) -> tuple[np.ndarray[Any, Any], Any]:
    """P's diagonal, and a function that gives rows (sparse) times P, at some columns (dense)."""
    if matrix.shape[0] < matrix.shape[1]:
        middle = _inverted(np.asarray((matrix @ matrix.T).todense(), dtype=np.float32), strength)
        by_title = matrix.T.tocsr()
        diagonal = np.empty(matrix.shape[1], np.float32)
        for start in range(0, matrix.shape[1], _BLOCK):
            part = by_title[start : start + _BLOCK]
            inner = part.multiply(part @ middle).sum(1)
            diagonal[start : start + _BLOCK] = (1 - np.asarray(inner).ravel()) / strength

        def dual(rows: Matrix, columns: Any) -> np.ndarray[Any, Any]:
            chosen = matrix[:, columns].T.tocsr()
            found: np.ndarray[Any, Any] = -(chosen @ (rows @ by_title @ middle).T).T
            found += rows[:, columns].toarray()
            found /= strength
            return found

        return diagonal, dual
    inverse = _inverted(np.asarray((matrix.T @ matrix).todense(), dtype=np.float32), strength)
    return inverse.diagonal().copy(), lambda rows, columns: (rows @ inverse)[:, columns]


def _unit(columns: np.ndarray[Any, Any], width: int) -> Matrix:
    """A row for each of these columns, with a one there."""
    places = (np.arange(len(columns)), columns)
    return csr_matrix((np.ones(len(columns), np.float32), places), shape=(len(columns), width))


def _inverted(gram: np.ndarray[Any, Any], strength: float) -> np.ndarray[Any, Any]:
    """(gram + strength I)^-1 by Cholesky, in the memory of ``gram``."""
    gram[np.diag_indices_from(gram)] += strength
    # The transpose of a symmetric C-ordered array is the same matrix in LAPACK's own order: no copy.
    factor, failed = la.lapack.spotrf(gram.T, lower=0, overwrite_a=1, clean=0)
    inverse, failed_too = la.lapack.spotri(factor, lower=0, overwrite_c=1)
    if failed or failed_too:
        raise ValueError(f"strength {strength:g} is too small for these loans: the matrix cannot be inverted")
    # The upper triangle is written; mirror it block by block.
    for start in range(0, len(inverse), _BLOCK):
        end = start + _BLOCK
        inverse[end:, start:end] = inverse[start:end, end:].T
        square = inverse[start:end, start:end]
        square[:] = np.triu(square) + np.triu(square, 1).T
    mirrored: np.ndarray[Any, Any] = inverse.T
    return mirrored
