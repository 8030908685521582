"""Neighbours by loans: titles with shared readers (ItemKNN), readers with shared titles (UserKNN, a yardstick only)."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.sparse import csr_matrix

from functions.library.model.interactions import Matrix, co_loans, strongest


def item_knn(matrix: Matrix, *, neighbours: int, damping: float = 0.0, allowed: Matrix | None = None) -> Matrix:
    """Cosine between titles: (source title x target title), each *target* with its nearest sources.

    A reader of n loans counts n ** -``damping``, so that few heavy readers do not decide.
    With ``allowed`` (titles x titles) only its pairs can be neighbours.
    """
    weights = np.maximum(np.diff(matrix.indptr), 1).astype(np.float64) ** -damping
    return _nearest(matrix, weights, np.asarray(matrix.T @ weights), neighbours, allowed)


def bm25_knn(
    matrix: Matrix, *, neighbours: int, k1: float = 1.2, b: float = 0.75, allowed: Matrix | None = None
) -> Matrix:
    """The same with BM25 weights: a loan counts less among many of its reader, a title less the more have it."""
    lengths = np.diff(matrix.indptr).astype(np.float64)
    mean = max(lengths.mean(), 1e-9) if len(lengths) else 1.0
    saturated = (k1 + 1) / (k1 * (1 - b + b * lengths / mean) + 1)
    loans = np.bincount(matrix.indices, minlength=matrix.shape[1])
    idf = np.log1p((matrix.shape[0] - loans + 0.5) / (loans + 0.5))
    # idf is one factor a title: cosine would cancel it, so it weighs the source title's say.
    nearest = _nearest(matrix, saturated**2, np.asarray(matrix.T @ saturated**2), neighbours, allowed)
    return csr_matrix(sp.diags(idf.astype(np.float32)) @ nearest)


def fewer(nearest: Matrix, neighbours: int) -> Matrix:
    """The same lists with fewer neighbours a target."""
    return csr_matrix(strongest(nearest.T.tocsr(), neighbours).T.tocsr())


def _nearest(
    matrix: Matrix, weights: np.ndarray[Any, Any], norms: np.ndarray[Any, Any], neighbours: int, allowed: Matrix | None
) -> Matrix:
    length = (1 / np.sqrt(np.maximum(norms, 1e-9))).astype(np.float32)
    targets = None if allowed is None else (allowed.T > 0).tocsr()
    rows = []
    for start, block in co_loans(matrix, weights):
        end = start + block.shape[0]
        cosine = (sp.diags(length[start:end]) @ block @ sp.diags(length)).tocsr()
        if targets is not None:
            cosine = cosine.multiply(targets[start:end]).tocsr()
        rows.append(strongest(cosine, neighbours))
    # Cosine is symmetric: a row's nearest are a column's; the column is the target.
    return csr_matrix(sp.vstack(rows, format="csr").T.tocsr()).astype(np.float32)


def user_knn(matrix: Matrix, rows: Matrix, *, neighbours: int) -> Matrix:
    """Scores (``rows`` x titles) from each row's most similar readers of ``matrix`` (cosine), itself left out."""

    def normed(loans: Matrix) -> Matrix:
        return csr_matrix(sp.diags((1 / np.sqrt(np.maximum(np.diff(loans.indptr), 1))).astype(np.float32)) @ loans)

    similar = (normed(rows) @ normed(matrix).T).tocsr()
    similar.data[similar.data > 1 - 1e-6] = 0  # the reader's own row
    similar.eliminate_zeros()
    return csr_matrix(strongest(similar, neighbours) @ matrix)
