"""Neighbours by what the catalogue says: the words of each text column, and vectors of meaning where there are any."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.sparse import csr_matrix

from functions.library.model.interactions import Matrix, strongest

NEIGHBOURS = 100  # of each title and column; what is served keeps fewer
_CELLS = 16_000_000  # cosines looked at together: 64 MB, and twice that in places
_COMMON = 0.05  # a word of more titles than this share says nothing, and would make every title a neighbour
_WORD = re.compile(r"[^\W_]{2,}")
_SEVERAL = re.compile(r"\s*[;|]\s*")

Texts = Mapping[str, Sequence[str]]
"""Column -> the text of each title ("" where it has none); several values are parted by ";" or "|"."""


def text_vectors(texts: Sequence[str]) -> Matrix:
    """TF-IDF of a column (titles x terms, rows of length 1): its words, and each value as a whole."""
    terms: dict[str, int] = {}
    rows: list[int] = []
    columns: list[int] = []
    for row, text in enumerate(texts):
        found = set()
        for value in _SEVERAL.split(text.casefold()):
            words = _WORD.findall(value)
            found.update(words)
            if len(words) > 1:
                found.add(" ".join(words))
        for term in sorted(found):
            rows.append(row)
            columns.append(terms.setdefault(term, len(terms)))
    matrix = csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=(len(texts), max(len(terms), 1)))
    frequency = np.bincount(matrix.indices, minlength=matrix.shape[1])
    # A term of one title connects it to nothing.
    telling = np.flatnonzero((frequency > 1) & (frequency <= max(_COMMON * len(texts), 50)))
    idf = np.log(len(texts) / np.maximum(frequency[telling], 1)).astype(np.float32)
    weighted = matrix[:, telling] @ sp.diags(idf)
    # The length is that of the whole row: sharing one of many rare words is less than sharing the only one.
    full = np.log(max(len(texts), 2) / np.maximum(frequency, 1)).astype(np.float32)
    length = np.sqrt(np.asarray((matrix @ sp.diags(full)).power(2).sum(1)).ravel())
    return csr_matrix(sp.diags((1 / np.maximum(length, 1e-6)).astype(np.float32)) @ weighted)


def nearest_texts(vectors: Matrix, count: int = NEIGHBOURS) -> Matrix:
    """Cosine, source x target, each target with its ``count`` nearest sources."""
    by_term = vectors.T.tocsr()
    rows = []
    size = max(1, _CELLS // max(vectors.shape[0], 1))  # long texts share a word with nearly every other
    for start in range(0, vectors.shape[0], size):
        block = (vectors[start : start + size] @ by_term).tocsr()
        own = np.repeat(np.arange(start, start + block.shape[0]), np.diff(block.indptr))
        block.data[block.indices == own] = 0
        block.eliminate_zeros()
        rows.append(strongest(block, count))
    return csr_matrix(sp.vstack(rows, format="csr").T.tocsr()).astype(np.float32)


def nearest_vectors(vectors: np.ndarray[Any, Any], count: int = NEIGHBOURS) -> Matrix:
    """The same for dense vectors (titles x d); a row of zeros is a title without one and has no neighbour.

    A cosine counts as far as it is above the mean, as vectors of meaning all point roughly one way.
    """
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    centred = np.where(length > 0, vectors / np.maximum(length, 1e-9), 0).astype(np.float32)
    present = np.flatnonzero(length.ravel() > 0)
    centred[present] -= centred[present].mean(0) if len(present) else 0
    centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    count = min(count, max(len(vectors) - 1, 1))
    rows = []
    block = max(1, _CELLS // max(len(vectors), 1))
    for start in range(0, len(vectors), block):
        cosine = centred[start : start + block] @ centred.T
        cosine[np.arange(len(cosine)), np.arange(start, start + len(cosine))] = 0
        few = np.argpartition(-cosine, count - 1, axis=1)[:, :count]
        values = np.take_along_axis(cosine, few, 1)
        local = np.repeat(np.arange(len(cosine)), count)
        keep = values.ravel() > 0
        rows.append(csr_matrix((values.ravel()[keep], (local[keep], few.ravel()[keep])), shape=cosine.shape))
    return csr_matrix(sp.vstack(rows, format="csr").T.tocsr()).astype(np.float32)


def content_parts(texts: Texts, vectors: np.ndarray[Any, Any] | None = None) -> dict[str, Matrix]:
    """Neighbours by each column that can tell titles apart and together, and by vectors as "meaning"."""
    found = {}
    for column, values in texts.items():
        nearest = nearest_texts(text_vectors(values))
        if nearest.nnz:
            found[column] = nearest
    if vectors is not None and vectors.any():
        found["meaning"] = nearest_vectors(vectors)
    return found
