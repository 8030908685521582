"""Where answers are looked for: views of the city's pages and of the knowledge base, published or internal."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from functions.zammad.knowledge import INTERNAL, PUBLISHED, knowledge_of
from functions.zammad.names import WORD, Names, names_of
from functions.zammad.shares import folded
from functions.zammad.topicfiles import read
from functions.zammad.topics import topics_of
from functions.zammad.whitening import Floats
from shared.backends import Backends
from shared.embeddings import Embeddings
from shared.filters import any_of, both, equals
from shared.knowledge import german
from shared.knowledge.citations import Source, sources
from shared.knowledge.index import Index, View
from shared.knowledge.rows import PAGE
from shared.knowledge.search import Hit, Match
from shared.privacy import Harmless
from shared.privacy.dictionary import named
from shared.settings import ZammadGroup
from shared.vectors import Vectors

_HARMLESS_S: Final = 60.0
_DEPTH: Final = 40  # passages that are compared
_PASSAGES: Final = 4  # of a document that its statements may come from


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Shelf:
    """What may be cited of one index."""

    view: View
    names: Names
    source: str | None  # of the passages; None: any
    vectors: Vectors

    async def nearest(self, sought: Floats) -> dict[str, float]:
        """Cosine of the nearest passage of documents, by document.

        Raises:
            BackendError: Milvus is away.
        """
        size = float(np.linalg.norm(sought))
        rows = await self.view.nearest("dense", sought.tolist(), _DEPTH, both("position >= 0", self._condition))
        found: dict[str, float] = {}
        for row in rows:
            found[str(row["doc"])] = max(found.get(str(row["doc"]), -1.0), float(row["distance"]) * size)
        return found

    async def worded(self, text: str) -> dict[str, float]:
        """How much of a text's words the best passage of documents has (BM25, of any scale), by document.

        Raises:
            BackendError: Milvus is away.
        """
        grams = german.grams(text, query=True)
        if not grams:
            return {}
        rows = await self.view.nearest("grams_bm25", grams, _DEPTH, both("position >= 0", self._condition))
        found: dict[str, float] = {}
        for row in rows:
            # Milvus Lite tells it negative, Milvus positive.
            found[str(row["doc"])] = max(found.get(str(row["doc"]), 0.0), abs(float(row["distance"])))
        return found

    async def said(self, documents: Sequence[str]) -> dict[str, str]:
        """What documents say, title and all, as ``shares`` looks for words in it.

        Raises:
            BackendError: Milvus is away.
        """
        condition = both("position >= 0", any_of("doc", list(documents)), self._condition)
        rows = await self.vectors.query(self.view.name, condition, ("doc", "title", "heading", "text"))
        parts: defaultdict[str, list[str]] = defaultdict(list)
        for row in rows:
            parts[str(row["doc"])] += [str(row["title"]), str(row["heading"]), str(row["text"])]
        return {document: folded("\n".join(dict.fromkeys(texts))) for document, texts in parts.items()}

    async def passages(self, document: str, sought: Floats) -> list[Source]:
        """The passages of a document that are nearest, in its order; none where it is not published any more.

        Raises:
            BackendError: Milvus is away.
        """
        condition = both("position >= 0", equals("doc", document), self._condition)
        rows = await self.view.nearest("dense", sought.tolist(), _DEPTH, condition)
        (rows,) = await self.view.current([rows]) if rows else ([],)
        (found,) = await self.view.with_passages([rows], _PASSAGES)
        if not found:
            return []
        return sources(
            [
                Hit(
                    row=found[0],
                    score=1.0,
                    matches=[
                        Match(
                            position=row["position"],
                            heading=row["heading"],
                            text=row["text"],
                            spans=[],
                            page=row["card"].get(PAGE),
                        )
                        for row in sorted(found, key=lambda row: int(row["position"]))
                    ],
                )
            ]
        )

    @property
    def _condition(self) -> str:
        return "" if self.source is None else equals("source", self.source)


async def model_of(use: Backends) -> Embeddings:
    """The model that the pages, or else the knowledge base, are indexed by; the settings' where there is no index.

    Raises:
        BackendError: Milvus is away.
    """
    for index in (_pages_of(use), knowledge_of(use)):
        view = await index.view()
        if view is not None and view.embeddings is not None:
            return view.embeddings
    return use.embeddings


async def published(group: ZammadGroup, model: Embeddings, use: Backends) -> list[Shelf]:
    """What drafts of a group may cite.

    Raises:
        BackendError: Milvus is away.
    """
    indexes: list[tuple[Index, str | None]] = []
    if "knowledge_base" in group.sources:
        indexes.append((knowledge_of(use), PUBLISHED))
    if "city_pages" in group.sources:
        indexes.append((_pages_of(use), None))
    return await _shelves(indexes, model, use)


async def internal(model: Embeddings, use: Backends) -> list[Shelf]:
    """What may inform an agent, and nobody else.

    Raises:
        BackendError: Milvus is away.
    """
    return await _shelves([(knowledge_of(use), INTERNAL)], model, use)


async def harmless_of(shelves: Sequence[Shelf], use: Backends) -> Harmless:
    """What of a letter a model may see: ordinary words, those of the topics, and those that documents are called by."""

    async def made() -> Harmless:
        called = [word for shelf in shelves for word in shelf.names.called]
        return await asyncio.to_thread(lambda: Harmless([*called, *topic_names()], everyday_words()))

    views = " ".join(f"{shelf.view.name} {shelf.source}" for shelf in shelves)
    return await use.snapshots.get(f"zammad-harmless-{views}", _HARMLESS_S, made)


def topic_names() -> list[str]:
    """What the topics are called."""
    return [name for topic in read() for name in topic.names]


@cache
def everyday_words() -> frozenset[str]:
    """The words by which citizens write about the topics, but for those that people are called by, too."""
    found = {word for topic in read() for text in topic.asked for word in WORD.findall(text)}
    return frozenset(word for word in found if not named(word))


def _pages_of(use: Backends) -> Index:
    """The city's pages, which another system indexes."""
    return Index(use.settings.xnext.collection, use.vectors, use.embeddings, use.state, next=use.embeddings_next)


async def _shelves(indexes: Sequence[tuple[Index, str | None]], model: Embeddings, use: Backends) -> list[Shelf]:
    topics = await topics_of(model, use)
    found = []
    for index, source in indexes:
        view = await index.view()
        # Vectors of two models say nothing of each other: an index that was not changed yet has to wait.
        if view is None or view.embeddings is not model:
            continue
        names = await names_of(view, source, topics, use)
        if names is not None:
            found.append(Shelf(view=view, names=names, source=source, vectors=use.vectors))
    return found
