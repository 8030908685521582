"""The topics that citizens write about: ``topics.yaml``, by category, each with its wordings and their vectors."""

import io
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from ruamel.yaml import YAML

from shared.backends import Backends
from shared.embeddings import Embeddings
from shared.errors import BackendError, StadtfunkError
from shared.knowledge import german
from shared.objects import ObjectMissing

Floats = NDArray[np.float32]
_FILE: Final = Path(__file__).with_name("topics.yaml")
_KEPT_S: Final = 24 * 3600.0  # the file changes with the code only
_NEAR: Final = 0.006  # as a cosine, by how much a topic must be nearer to count e times as much


class Grams:
    """How much of each of some texts stands in another one, by grams of words, as compounds open so."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._known: dict[str, int] = {}
        places: list[int] = []
        owners: list[int] = []
        self._count = 0
        for text in texts:
            for gram in german.grams(text, query=True).split():
                places.append(self._known.setdefault(gram, len(self._known)))
                owners.append(self._count)
            self._count += 1
        self._places, self._owners = np.array(places, np.int64), np.array(owners, np.int64)
        self._totals = np.maximum(np.bincount(self._owners, minlength=self._count), 1)

    def shares(self, text: str) -> Floats:
        """Of each text the share of its grams that stand in this one, 0 to 1."""
        found = np.zeros(len(self._known), np.float32)
        found[[self._known[gram] for gram in german.grams(text).split() if gram in self._known]] = 1
        sums = np.bincount(self._owners, weights=found[self._places], minlength=self._count)
        return (sums / self._totals).astype(np.float32)


@dataclass(frozen=True, kw_only=True, slots=True)
class Topics:
    """All wordings of all topics; rows of ``vectors`` are unit vectors, parallel to ``wordings``."""

    wordings: tuple[str, ...]
    topic_of: NDArray[np.int64]  # of each wording
    categories: tuple[str, ...]  # of each topic
    vectors: Floats
    grams: Grams

    def category(self, vectors: Iterable[Floats]) -> str | None:
        """The category that texts together are nearest to; None: no text."""
        votes = np.zeros(len(self.categories))
        asked = False
        for vector in vectors:
            near = self.vectors @ vector
            votes += np.bincount(self.topic_of, np.exp((near - near.max()) / _NEAR), len(votes))
            asked = True
        if not asked:
            return None
        by_category: defaultdict[str, float] = defaultdict(float)
        for category, vote in zip(self.categories, votes, strict=True):
            by_category[category] += vote
        return max(by_category, key=lambda name: by_category[name])

    def by_topic(self, values: Floats) -> Floats:
        """The highest value of each topic's wordings; ``values`` has a wording a row."""
        # The wordings stand by topic, and each topic has one.
        starts = np.searchsorted(self.topic_of, np.arange(len(self.categories)))
        found: Floats = np.maximum.reduceat(values, starts, axis=0)
        return found


async def topics_of(model: Embeddings, use: Backends) -> Topics:
    """The topics with vectors of an embedding model, which are computed once and kept in the object storage.

    Raises:
        BackendError: the embedding server is away.
    """
    return await use.snapshots.get(f"zammad-topics-{model.model_id}", _KEPT_S, lambda: _made(model, use))


async def _made(model: Embeddings, use: Backends) -> Topics:
    listed = read()
    wordings = tuple(wording for _, topic in listed for wording in topic)
    vectors = unit(np.array(await _vectors(wordings, model, use), np.float32))
    return Topics(
        wordings=wordings,
        topic_of=np.array([number for number, (_, topic) in enumerate(listed) for _ in topic], np.int64),
        categories=tuple(category for category, _ in listed),
        vectors=vectors,
        grams=Grams(wordings),
    )


async def _vectors(wordings: tuple[str, ...], model: Embeddings, use: Backends) -> Floats:
    bucket = use.settings.zammad.bucket
    key = f"topics/{sha256(repr((model.model_id, wordings)).encode()).hexdigest()[:32]}.npy"
    try:
        kept: Floats = np.load(io.BytesIO(await use.objects.get(bucket, key)), allow_pickle=False)
    except (ObjectMissing, BackendError, ValueError):
        pass
    else:
        if kept.shape == (len(wordings), model.dimension):
            return kept
    made = np.array(await model.embed(wordings, "query"), np.float32)
    file = io.BytesIO()
    np.save(file, made, allow_pickle=False)
    try:
        await use.objects.ensure_bucket(bucket)
        await use.objects.put(bucket, key, file.getvalue())
    except BackendError:
        pass  # computed again by the next process
    return made


def unit(vectors: Floats) -> Floats:
    """Each row at length 1."""
    found: Floats = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
    return found.astype(np.float32)


@cache
def read(file: Path = _FILE) -> list[tuple[str, tuple[str, ...]]]:
    """The topics of a file as (category, wordings).

    Raises:
        StadtfunkError: it is not as its head says.
    """
    found = []
    for category, lines in YAML(typ="safe").load(file).items():
        if not isinstance(lines, str):
            raise StadtfunkError(f"{file}: {category}: has to be text, a topic a line")
        found += [
            (str(category), tuple(wording.strip() for wording in line.split(";") if wording.strip()))
            for line in lines.strip().split("\n")
        ]
    return found
