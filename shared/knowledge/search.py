"""Hybrid search: by meaning (dense) and by word (BM25 over stems and over grams), fused by rank.

A German query uses all three; any other language is searched by meaning alone, as words of another
language only add noise. Without an embedding server the words remain, and the answer says so.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from shared.errors import BackendError, Reject
from shared.knowledge import german, language
from shared.knowledge.highlight import Span, spans
from shared.knowledge.index import Index
from shared.vectors import Row, both, equals, holds

Reason = Literal["empty_index", "filters", "no_match"]
DEPTH = 60  # rows asked of each ranking
RRF = 60  # constant of reciprocal rank fusion: how little the first ranks stand out
PASSAGES = 3  # shown a hit


@dataclass(frozen=True, kw_only=True, slots=True)
class Filters:
    """What a hit must be; None: anything."""

    category: str | None = None
    language: str | None = None
    easy: bool | None = None
    source: str | None = None

    def condition(self) -> str:
        """As a Milvus filter."""
        return both(
            "" if self.category is None else holds("categories", self.category),
            "" if self.language is None else equals("language", self.language),
            "" if self.easy is None else equals("easy", self.easy),
            "" if self.source is None else equals("source", self.source),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """A passage of a hit."""

    position: int
    heading: str
    text: str
    spans: list[Span]


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """A document that fits, with its best passages in the order of the document."""

    row: Row  # the fields of its best passage
    score: float  # of the fusion; comparable within one search only
    matches: list[Match]


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """The answer to one search."""

    hits: list[Hit]
    language: str  # of the query
    degraded: bool  # by words alone: the embedding server is away
    reason: Reason | None = None  # why there are no hits


async def search(index: Index, query: str, *, limit: int = 10, filters: Filters | None = None) -> Found:
    """The best documents for a query.

    Raises:
        BackendError: Milvus is away.
    """
    condition = (filters or Filters()).condition()
    tongue = language.of_query(query)
    view = await index.view()
    if view is None:
        return Found(hits=[], language=tongue, degraded=False, reason="empty_index")

    async def by_meaning() -> list[Row] | None:
        try:
            (vector,) = await index.embeddings.embed([query], "query")
        except (BackendError, Reject):
            return None
        return await view.nearest("dense", vector, DEPTH, condition)

    async def by_words() -> list[list[Row]]:
        texts = {"stems_bm25": german.stems(query, query=True), "grams_bm25": german.grams(query, query=True)}
        return await asyncio.gather(
            *(view.nearest(field, text, DEPTH, condition) for field, text in texts.items() if text)
        )

    if tongue == language.GERMAN:
        meant, worded = await asyncio.gather(by_meaning(), by_words())
    else:
        meant, worded = await by_meaning(), []
    if meant is None and tongue != language.GERMAN:
        worded = await by_words()
    ranked = fused([meant or [], *worded])
    hits: list[Hit] = []
    while ranked and len(hits) < limit:
        part, ranked = ranked[:limit], ranked[limit:]
        current = await view.current([rows for _, rows in part])
        hits += [_hit(query, score, rows) for (score, _), rows in zip(part, current, strict=True) if rows]
    reason: Reason | None = None if hits else "filters" if condition else "no_match"
    return Found(hits=hits[:limit], language=tongue, degraded=meant is None, reason=reason)


def fused(rankings: Sequence[Sequence[Row]]) -> list[tuple[float, list[Row]]]:
    """Documents of several rankings of passages, best first: (score, its passages best first)."""
    documents: dict[str, float] = defaultdict(float)
    passages: dict[tuple[str, int], float] = defaultdict(float)
    rows: dict[tuple[str, int], Row] = {}
    for ranking in rankings:
        seen: dict[str, int] = {}
        for row in ranking:
            key = (row["doc"], row["position"])
            rows[key] = row
            rank = seen.setdefault(row["doc"], len(seen) + 1)
            passages[key] += 1 / (RRF + rank)
            if rank == len(seen):
                documents[row["doc"]] = documents[row["doc"]]
        for doc, rank in seen.items():
            documents[doc] += 1 / (RRF + rank)
    found: dict[str, list[tuple[float, Row]]] = defaultdict(list)
    for key, score in passages.items():
        found[key[0]].append((score, rows[key]))
    ranked = sorted(documents.items(), key=lambda item: (-item[1], item[0]))
    return [
        (score, [row for _, row in sorted(found[doc], key=lambda item: (-item[0], item[1]["position"]))])
        for doc, score in ranked
    ]


def _hit(query: str, score: float, rows: list[Row]) -> Hit:
    best = sorted(rows[:PASSAGES], key=lambda row: int(row["position"]))
    return Hit(
        row=rows[0],
        score=score,
        matches=[
            Match(
                position=row["position"],
                heading=row["heading"],
                text=row["text"],
                spans=spans(query, row["text"]),
            )
            for row in best
        ],
    )
