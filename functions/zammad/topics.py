"""The topics that citizens write about (``topicfiles``), with the vectors and the words of their wordings.

A topic has names, which say whether a document is about it, and what citizens write about it, who seldom call it so.
"""

import asyncio
import io
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import numpy as np
from numpy.typing import NDArray

from functions.zammad import vectorfile
from functions.zammad.lexicon import Lexicon
from functions.zammad.topicfiles import read
from functions.zammad.whitening import Floats, Whitening, unit, whitening
from shared.backends import Backends
from shared.embeddings import Embeddings
from shared.errors import BackendError
from shared.objects import ObjectMissing

_KEPT_S: Final = 24 * 3600.0  # the files change with the code only
SHARP: Final = 30.0  # odds of a topic grow e-fold by a thirtieth of a cosine
_WORDS: Final = 2.0  # the logarithm of odds that it is worth that no topic has more of the words
_LETTER: Final = 0.5  # how much of what a concern is about its letter says
_NAMES: Final = 0.5  # what a topic's name weighs beside a sentence of a citizen


@dataclass(frozen=True, kw_only=True, slots=True)
class Topics:
    """All wordings of all topics; rows of ``vectors`` are unit vectors, parallel to ``wordings``."""

    wordings: tuple[str, ...]
    names: NDArray[np.bool_]  # which of them are
    topic_of: NDArray[np.int64]  # of each wording
    categories: tuple[str, ...]  # of each topic
    vectors: Floats
    words: Lexicon  # of each topic
    whitening: Whitening
    centres: Floats  # a row a topic, whitened
    part_of: NDArray[np.int64]  # the topic whose pages answer it, too; its own number: none

    def likely(self, concern: Floats, letter: Floats, text: str) -> Floats:
        """How probably a concern with these words is about each topic, of all topics; from unit vectors."""
        near = (1 - _LETTER) * (self.centres @ self.whitening(concern))
        near += _LETTER * (self.centres @ self.whitening(letter))
        odds = np.exp(SHARP * (near - near.max()) + _WORDS * (self.words.shares(text) - 1))
        found: Floats = (odds / odds.sum()).astype(np.float32)
        return found

    def category(self, texts: Iterable[tuple[Floats, str]]) -> str | None:
        """The category that texts, each with its vector, together are most probably of; None: no text."""
        by_category: defaultdict[str, float] = defaultdict(float)
        for vector, text in texts:
            for category, share in zip(self.categories, self.likely(vector, vector, text), strict=True):
                by_category[category] += float(share)
        return max(by_category, key=lambda name: by_category[name], default=None)

    def by_topic(self, values: Floats) -> Floats:
        """The highest value of each topic's wordings; ``values`` has a wording a row."""
        # The wordings stand by topic, and each topic has one.
        starts = np.searchsorted(self.topic_of, np.arange(len(self.categories)))
        found: Floats = np.maximum.reduceat(values, starts, axis=0)
        return found


async def topics_of(model: Embeddings, use: Backends) -> Topics:
    """The topics with vectors of an embedding model.

    What did not come with the files is computed once, and kept in the object storage.

    Raises:
        BackendError: the embedding server is away.
    """
    return await use.snapshots.get(f"zammad-topics-{model.model_id}", _KEPT_S, lambda: _made(model, use))


async def _made(model: Embeddings, use: Backends) -> Topics:
    listed = read()
    wordings = tuple(wording for topic in listed for wording in topic.wordings)
    vectors = unit(np.array(await _vectors(wordings, model, use), np.float32))
    names = np.array([place < len(topic.names) for topic in listed for place in range(len(topic.wordings))])
    topic_of = np.array([number for number, topic in enumerate(listed) for _ in topic.wordings], np.int64)
    numbers = {topic.names[0]: number for number, topic in enumerate(listed)}
    change, centres = await asyncio.to_thread(centred, vectors, names, topic_of)
    return Topics(
        wordings=wordings,
        names=names,
        topic_of=topic_of,
        categories=tuple(topic.category for topic in listed),
        vectors=vectors,
        words=await asyncio.to_thread(Lexicon, [topic.wordings for topic in listed]),
        whitening=change,
        centres=centres,
        part_of=np.array([numbers.get(topic.part_of, number) for number, topic in enumerate(listed)], np.int64),
    )


def centred(vectors: Floats, names: NDArray[np.bool_], topic_of: NDArray[np.int64]) -> tuple[Whitening, Floats]:
    """The space in which topics are told apart, and a unit vector of it for each; a row of ``vectors`` a wording."""
    change = whitening(vectors, topic_of)
    centres = np.zeros((int(topic_of.max(initial=-1)) + 1, vectors.shape[1]), np.float32)
    np.add.at(centres, topic_of, change(vectors) * np.where(names, np.float32(_NAMES), np.float32(1))[:, None])
    return change, unit(centres)


async def _vectors(wordings: tuple[str, ...], model: Embeddings, use: Backends) -> Floats:
    known = await asyncio.to_thread(vectorfile.load, model.model_id)
    keys = [vectorfile.key(wording) for wording in wordings]
    missing = [place for place, key in enumerate(keys) if len(known.get(key, ())) != model.dimension]
    found = np.zeros((len(wordings), model.dimension), np.float32)
    for place in set(range(len(wordings))).difference(missing):
        found[place] = known[keys[place]]
    if missing:
        found[missing] = await _computed(tuple(wordings[place] for place in missing), model, use)
    return found


async def _computed(wordings: tuple[str, ...], model: Embeddings, use: Backends) -> Floats:
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
