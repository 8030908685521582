"""Vectors of the topics' wordings that come with the files: a small machine would compute them for minutes.

A file a model, ``topics.d/<model>.npz``; ``stadtfunk zammad topics`` makes it. What is not in it is computed.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from functions.zammad.topicfiles import FOLDER

_MOST: Final = 127  # of a signed byte


def load(model: str, folder: Path = FOLDER) -> Mapping[int, NDArray[np.float32]]:
    """Unit vectors by ``key`` of their wording, each component within .8 % of the vector's largest; empty: no file."""
    file = _file(model, folder)
    if not file.is_file():
        return {}
    with np.load(file, allow_pickle=False) as kept:
        rows: NDArray[np.float32] = kept["rows"].astype(np.float32) * kept["scales"].astype(np.float32)[:, None]
        return dict(zip(kept["keys"].tolist(), rows, strict=True))


def save(model: str, wordings: Sequence[str], vectors: NDArray[np.float32], folder: Path = FOLDER) -> Path:
    """Keep the unit vectors of wordings; in the same order the same file."""
    scales = np.maximum(np.abs(vectors).max(axis=1), 1e-9) / _MOST
    file = _file(model, folder)
    np.savez_compressed(
        file,
        keys=np.array([key(wording) for wording in wordings], np.uint64),
        rows=np.round(vectors / scales[:, None]).astype(np.int8),
        scales=scales.astype(np.float32),
    )
    return file


def key(wording: str) -> int:
    """By what a wording is known in the file."""
    return int.from_bytes(sha256(wording.encode()).digest()[:8])


def _file(model: str, folder: Path) -> Path:
    # A model may be called like a path.
    return folder / f"{''.join(letter if letter.isalnum() or letter in '.-' else '_' for letter in model)}.npz"
