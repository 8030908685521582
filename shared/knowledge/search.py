"""Hybrid search: by meaning (dense) and by word (BM25 over grams, which open compounds), fused by score.

A German query uses both; any other language is searched by meaning alone, as words of another
language only add noise. Without an embedding server the words remain, and the answer says so.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Literal

from shared.filters import any_of, both, equals, holds
from shared.knowledge import german, language, relevance
from shared.knowledge.fusion import Rankings, fused
from shared.knowledge.highlight import Span, spans
from shared.knowledge.index import Index
from shared.knowledge.preference import easy_first
from shared.knowledge.reranking import reranked
from shared.knowledge.rows import PAGE, SYNONYMS, TITLE
from shared.knowledge.wordings import wordings
from shared.rerank import Rerank
from shared.vectors import CollectionMissing, Row

Reason = Literal["empty_index", "filters", "no_match"]
DEPTH = 60  # rows asked of each ranking
PASSAGES = 3  # shown a hit
SUGGESTIONS = 3
NAMES = (TITLE, SYNONYMS)  # positions
# Grams of short queries say more than either kind of vector does; from 1.2 to 1.8 all find alike. A ranking by
# stems beside them, whose matches are among theirs, finds no more and costs a request.
WEIGHTS = {"passages": 1.0, "names": 1.0, "grams": 1.5}


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
            "" if self.language is None else any_of("language", _cased(self.language)),
            "" if self.easy is None else equals("easy", self.easy),
            "" if self.source is None else equals("source", self.source),
        )


def _cased(language: str) -> list[str]:
    """The tag as it was given and in small letters: its case says nothing, "DE" is "de"."""
    return sorted({language, language.lower()})


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """A passage of a hit."""

    position: int
    heading: str
    text: str
    spans: list[Span]
    page: int | None = None  # of a paged document, from 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """A document that fits, with its best passages in the order of the document."""

    row: Row  # the fields of its best passage
    score: float  # of the fusion; comparable within one search only
    matches: list[Match]

    def words(self) -> str:
        """What of it was found, as one text."""
        return "\n".join((str(self.row["title"]), *(match.text for match in self.matches)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """The answer to one search."""

    hits: list[Hit]
    language: str  # of the query
    degraded: bool  # by words alone: the embedding server is away
    reason: Reason | None = None  # why there are no hits
    fits: bool = False  # the best hits are about the query, as far as can be told; else they are merely the nearest
    nearness: float = 0.0  # cosine of what is nearest to the query, comparable between searches
    suggestions: list[str] = field(default_factory=list)  # titles of the nearest pages, where nothing fits
    collection: str | None = None  # that the whole answer comes from


async def search(
    index: Index,
    query: str,
    *,
    limit: int = 10,
    filters: Filters | None = None,
    rerank: Rerank | None = None,
    easy: bool = False,
) -> Found:
    """The best documents for a query, in the order of ``rerank`` where there is one.

    ``easy``: those in easy language that fit come first (``Filters.easy``: there are no others).

    Raises:
        BackendError: Milvus is away.
    """
    try:
        return await _search(index, query, limit, filters, rerank, easy=easy)
    except CollectionMissing:  # dropped or lost since its alias was asked; that is asked anew now
        return await _search(index, query, limit, filters, rerank, easy=easy)


async def _search(
    index: Index, query: str, limit: int, filters: Filters | None, rerank: Rerank | None, *, easy: bool
) -> Found:
    condition = (filters or Filters()).condition()
    tongue = language.of_query(query)
    view = await index.view()
    if view is None:
        return Found(hits=[], language=tongue, degraded=False, reason="empty_index")

    async def by_meaning() -> Rankings | None:
        vector = await view.embed(*wordings(query, tongue))
        if vector is None:
            return None
        # One request for both kinds of rows: two with a filter each cost a third more of a whole search.
        rows = await view.nearest("dense", vector, 2 * DEPTH, condition)
        return {
            "passages": [row for row in rows if row["position"] not in NAMES],
            "names": [row for row in rows if row["position"] in NAMES],
        }

    async def by_words() -> Rankings:
        return {"grams": await view.nearest("grams_bm25", german.grams(query, query=True), DEPTH, condition)}

    if not german.has_words(query):
        return Found(hits=[], language=tongue, degraded=False, reason="no_match", collection=view.name)
    if tongue == language.GERMAN:
        meant, worded = await asyncio.gather(by_meaning(), by_words())
    else:
        meant = await by_meaning()
        worded = {} if meant is not None else await by_words()
    ranked = await reranked(fused((meant or {}) | worded, WEIGHTS), view, query, rerank)
    ranked = await easy_first(ranked, view) if easy else ranked
    hits: list[Hit] = []
    while ranked and len(hits) < limit:
        part, ranked = ranked[:limit], ranked[limit:]
        current = await view.current([rows for _, rows in part])
        current = await view.with_passages(current)
        hits += [_hit(query, score, rows) for (score, _), rows in zip(part, current, strict=True) if rows]
    reason: Reason | None = None if hits else "filters" if condition else "no_match"
    hits = hits[:limit]
    nearness = 0.0 if meant is None else relevance.nearness(meant["names"], meant["passages"])
    shown = "\n".join(hit.words() for hit in sorted(hits, key=lambda hit: -hit.score)[:PASSAGES])
    fits = bool(hits) and await relevance.fits(
        view, query, tongue, nearness, shown, agreed=relevance.agree(meant or {}, worded)
    )
    near = [] if fits or meant is None else [*meant["names"], *meant["passages"]]
    return Found(
        hits=hits,
        language=tongue,
        degraded=meant is None,
        reason=reason,
        fits=fits,
        nearness=nearness,
        suggestions=list(dict.fromkeys(str(row["title"]) for row in near))[:SUGGESTIONS],
        collection=view.name,
    )


def _hit(query: str, score: float, rows: list[Row]) -> Hit:
    best = sorted([row for row in rows if row["position"] >= 0][:PASSAGES], key=lambda row: int(row["position"]))
    return Hit(
        row=rows[0],
        score=score,
        matches=[
            Match(
                position=row["position"],
                heading=row["heading"],
                text=row["text"],
                spans=spans(query, row["text"]),
                page=row["card"].get(PAGE),
            )
            for row in best
        ],
    )
