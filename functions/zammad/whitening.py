"""Vectors in which what tells topics apart weighs more than what does not.

Most of a sentence's vector is its language, its length and its tone; a cosine takes them for the matter. How the
wordings of one topic differ from each other shows these directions, and they are shrunk (within-class covariance
normalisation, Hatch, Kajarekar and Stolcke 2006). Of the topics' own wordings, a third held out, 63 in 100 are then
nearest to their topic's centre; by plain cosines to all wordings it is 20.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Whitening:
    """A change of space, made of examples."""

    mean: Floats  # (dimension,)
    matrix: Floats  # (dimension, dimension)

    def __call__(self, vectors: Floats) -> Floats:
        """Unit vectors of the new space, a row for each row."""
        return unit(((vectors - self.mean) @ self.matrix).astype(np.float32))


def whitening(vectors: Floats, classes: NDArray[np.int64]) -> Whitening:
    """The whitening by examples; ``classes`` has the number of each row's class, from 0 on."""
    counts = np.maximum(np.bincount(classes), 1)
    means = np.zeros((len(counts), vectors.shape[1]))
    np.add.at(means, classes, vectors)
    means /= counts[:, None]
    apart = vectors - means[classes]
    values, directions = np.linalg.eigh(apart.T @ apart / len(vectors))
    # Added to each direction: of a few examples most directions are unknown, and nothing grows without bound.
    values = values + max(float(values.mean()), 1e-9)
    return Whitening(
        mean=vectors.mean(axis=0).astype(np.float32),
        matrix=((directions / np.sqrt(values)) @ directions.T).astype(np.float32),
    )


def unit(vectors: Floats) -> Floats:
    """Each row at length 1."""
    found: Floats = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
    return found.astype(np.float32)
