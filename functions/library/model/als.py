"""Implicit ALS (Hu, Koren, Volinsky 2008, with the scaled penalty of Rendle 2021): readers and titles as factors.

Each side in turn is solved for with the other held fixed, all its rows at once by conjugate gradients. What is
kept is titles x titles: how a reader who borrowed one title alone, folded in, rates another.
"""

from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from functions.library.model.interactions import Matrix

_ROUNDS = 8
_STEPS = 3  # of conjugate gradients; each solution starts from the one before
_BLOCK = 4_000_000  # numbers gathered together: 16 MB, and four times that in places

Factors = np.ndarray[Any, Any]


def als(
    matrix: Matrix, pairs: Matrix, *, factors: int = 64, unknown: float = 0.03, penalty: float = 0.01, seed: int = 1
) -> Matrix:
    """Weights (source x target) at the stored cells of ``pairs`` alone, float32.

    ``unknown`` is what a title that was not borrowed weighs beside one that was; ``penalty`` grows with a row's loans.
    """
    if not pairs.nnz:
        return csr_matrix(pairs.shape, dtype=np.float32)
    titles = _fitted(matrix, factors, unknown, penalty, seed)
    gram = unknown * (titles.T @ titles)
    gram[np.diag_indices_from(gram)] += penalty * (1 + unknown * len(titles))
    turned = np.linalg.solve(gram.astype(np.float64), titles.T).T.astype(np.float32)
    # Of a basket of one title the solution is known (Sherman and Morrison).
    turned /= (1 + (turned * titles).sum(1))[:, None]
    cells = pairs.tocoo()
    weights = np.empty(cells.nnz, np.float32)
    for part in _parts(cells.nnz, factors):
        weights[part] = np.einsum("ij,ij->i", turned[cells.row[part]], titles[cells.col[part]])
    return csr_matrix((weights, (cells.row, cells.col)), shape=pairs.shape)


def _fitted(matrix: Matrix, factors: int, unknown: float, penalty: float, seed: int) -> Factors:
    """The titles' factors (titles x factors, float32)."""
    by_title = matrix.T.tocsr()
    chance = np.random.default_rng(seed)
    titles: Factors = chance.standard_normal((matrix.shape[1], factors), np.float32) * np.float32(0.1 / factors**0.5)
    readers = np.zeros((matrix.shape[0], factors), np.float32)
    for _ in range(_ROUNDS):
        readers = solved(matrix, readers, titles, unknown, penalty)
        titles = solved(by_title, titles, readers, unknown, penalty)
    return titles


def solved(loans: Matrix, rows: Factors, others: Factors, unknown: float, penalty: float) -> Factors:
    """Each row x anew: (unknown Y'Y + Z'Z + penalty) x = Z'1, Y the ``others``, Z those it has loans with."""
    gram = unknown * (others.T @ others)
    weight = (penalty * (np.diff(loans.indptr) + unknown * len(others))).astype(np.float32)[:, None]
    at = np.repeat(np.arange(loans.shape[0]), np.diff(loans.indptr))

    def times(guess: Factors) -> Factors:
        known = np.empty(loans.nnz, np.float32)
        for part in _parts(loans.nnz, guess.shape[1]):
            known[part] = np.einsum("ij,ij->i", guess[at[part]], others[loans.indices[part]])
        seen = csr_matrix((known, loans.indices, loans.indptr), shape=loans.shape)
        found: Factors = guess @ gram + seen @ others + weight * guess
        return found

    guess = rows
    rest = loans @ others - times(guess)
    ahead, size = rest, (rest * rest).sum(1, keepdims=True)
    for _ in range(_STEPS):
        changed = times(ahead)
        step = size / np.maximum((ahead * changed).sum(1, keepdims=True), 1e-20)
        guess, rest = guess + step * ahead, rest - step * changed
        now = (rest * rest).sum(1, keepdims=True)
        ahead, size = rest + now / np.maximum(size, 1e-20) * ahead, now
    return guess


def _parts(count: int, width: int) -> list[slice]:
    size = max(1, _BLOCK // width)
    return [slice(start, start + size) for start in range(0, count, size)]
