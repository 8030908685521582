"""What the documents of an index are called, and which of the citizens' topics they are about."""

import asyncio
import re
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from functions.zammad.topics import SHARP, Topics
from functions.zammad.whitening import Floats, unit
from shared.backends import Backends
from shared.filters import any_of, both, equals
from shared.knowledge.index import View
from shared.knowledge.rows import SYNONYMS, TITLE
from shared.privacy.dictionary import named

_KEPT_S: Final = 60.0
# What says that a document is about a topic, as a logarithm of odds; fitted to which pages of two cities are about
# which topics.
_NAME: Final = 14.5  # a cosine, whitened, of the document's name and the topic's
_AMONG: Final = 1.6  # the logarithm of how probably the name is about this topic, of all
_BEHIND: Final = 4.2  # a cosine, by how much another topic's name is nearer
_NEEDED: Final = -5.54
_LEAST: Final = 0.001  # a probability
WORD: Final = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """The documents of one view, with one row of ``vectors`` a name; empty arrays where there is none."""

    documents: tuple[str, ...]
    easy: NDArray[np.bool_]
    owners: NDArray[np.int64]  # document of each name
    vectors: Floats
    called: frozenset[str]  # words of the titles, but for those that people are called by, too
    covers: Floats  # topics x documents: how surely a document is about a topic, 0 to 1

    def by_document(self, values: Floats) -> Floats:
        """The highest value of each document's names."""
        return _by_document(values, self.owners, len(self.documents))


async def names_of(view: View, source: str | None, topics: Topics, use: Backends) -> Names | None:
    """The names in a view (of one source only where it is given); None: there is no document.

    At most some 8,000 documents are known by name; further ones are found by their passages alone.

    Raises:
        BackendError: Milvus is away.
    """

    async def read() -> Names | None:
        condition = both(any_of("position", [TITLE, SYNONYMS]), "" if source is None else equals("source", source))
        rows = await use.vectors.query(view.name, condition, ("doc", "revision", "title", "easy", "dense"))
        newest: dict[str, int] = {}
        for row in rows:
            newest[row["doc"]] = max(newest.get(row["doc"], 0), int(row["revision"]))
        rows = [row for row in rows if int(row["revision"]) == newest[row["doc"]]]
        return await asyncio.to_thread(_made, rows, topics) if rows else None

    return await use.snapshots.get(f"zammad-names-{view.name}-{source}", _KEPT_S, read)


def _made(rows: list[dict[str, object]], topics: Topics) -> Names:
    numbers: dict[str, int] = {}
    titles: list[str] = []
    easy: list[bool] = []
    for row in rows:
        if str(row["doc"]) not in numbers:
            numbers[str(row["doc"])] = len(numbers)
            titles.append(str(row["title"]))
            easy.append(bool(row["easy"]))
    owners = np.array([numbers[str(row["doc"])] for row in rows], np.int64)
    vectors = unit(np.array([list(row["dense"]) for row in rows], np.float32))  # type: ignore[call-overload]
    return Names(
        documents=tuple(numbers),
        easy=np.array(easy, np.bool_),
        owners=owners,
        vectors=vectors,
        called=frozenset(word for title in titles for word in WORD.findall(title) if not named(word)),
        covers=covers(topics, vectors, owners, len(titles)),
    )


def covers(topics: Topics, vectors: Floats, owners: NDArray[np.int64], count: int) -> Floats:
    """How surely each of ``count`` documents is about each topic (topics, count), by their names' unit vectors."""
    names = topics.whitening(vectors)
    # A page is called by the whole matter, not by a part; and what citizens write is near to many a title.
    whole = np.flatnonzero(topics.part_of == np.arange(len(topics.part_of)))
    called = np.flatnonzero(topics.names & np.isin(topics.topic_of, whole))
    near = _by_document(topics.whitening(topics.vectors[called]) @ names.T, owners, count)
    by_name = np.maximum.reduceat(near, np.searchsorted(topics.topic_of[called], whole), axis=0)
    odds = np.exp(SHARP * (topics.centres[whole] @ names.T - 1))
    among = _by_document(odds / odds.sum(axis=0), owners, count)
    surely = _NEEDED + _NAME * by_name + _AMONG * np.log(among + _LEAST) + _BEHIND * (by_name - by_name.max(axis=0))
    found = np.zeros((len(topics.part_of), count), np.float32)
    found[whole] = 1 / (1 + np.exp(-surely))
    return found[topics.part_of]


def _by_document(values: Floats, owners: NDArray[np.int64], count: int) -> Floats:
    """The highest value of each document's names; the last axis of ``values`` has a name each."""
    found = np.full((count, *values.shape[:-1]), -1.0, np.float32)
    np.maximum.at(found, owners, values.T)
    return found.T
