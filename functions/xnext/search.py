"""GET /api/search: city pages by words and by meaning. The query is neither stored nor logged."""

import time
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from functions.xnext.facts import Card
from functions.xnext.index import index_of
from shared.backends import Backends
from shared.function import http
from shared.knowledge.search import Filters, Hit
from shared.knowledge.search import search as find

Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class SearchQuery(BaseModel):
    """What is sought."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    q: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
    limit: int = Field(default=10, ge=1, le=50)
    category: Short | None = None
    language: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$")] | None = None
    easy: bool = False  # true: pages in easy language that fit come first


class PassageFound(BaseModel):
    """A passage that fits, plain text."""

    heading: str  # headings above it, from the widest, joined by " › "; may be empty
    text: str
    page: int | None = None  # of a PDF, from 1
    highlights: list[tuple[int, int]]  # matched words: start and end in Unicode code points


class PageFound(BaseModel):
    """A page that fits."""

    id: str
    title: str
    url: str | None
    source: str
    language: str
    easy: bool
    categories: list[str]
    revision: int
    rank: int  # from 1
    passages: list[PassageFound]
    facts: Card


class SearchResults(BaseModel):
    """The answer; ``reason`` says why there are no hits."""

    hits: list[PageFound]
    query_language: str
    categories: list[str]  # of the hits, to filter by
    languages: list[str]
    degraded: bool  # found by words alone, as the embedding server is away
    reason: Literal["empty_index", "filters", "no_match"] | None
    fits: bool  # the best hits are about the query; else they are merely the nearest
    suggestions: list[str]  # titles of the nearest pages, where nothing fits
    index: str | None  # the collection that answered, named by its embedding model
    took_ms: float


@http
async def search(query: SearchQuery, use: Backends) -> SearchResults:
    """Find city pages by words and by meaning, with highlighted passages and facts."""
    start = time.perf_counter()
    filters = Filters(category=query.category, language=query.language)
    found = await find(index_of(use), query.q, limit=query.limit, filters=filters, rerank=use.rerank, easy=query.easy)
    pages = [_page(rank, hit) for rank, hit in enumerate(found.hits, 1)]
    return SearchResults(
        hits=pages,
        query_language=found.language,
        categories=sorted({name for page in pages for name in page.categories}),
        languages=sorted({page.language for page in pages}),
        degraded=found.degraded,
        reason=found.reason,
        fits=found.fits,
        suggestions=found.suggestions,
        index=found.collection,
        took_ms=round((time.perf_counter() - start) * 1000, 1),
    )


def _page(rank: int, hit: Hit) -> PageFound:
    row = hit.row
    return PageFound(
        id=row["doc"],
        title=row["title"],
        url=row["url"] or None,
        source=row["source"],
        language=row["language"],
        easy=row["easy"],
        categories=list(row["categories"]),
        revision=row["revision"],
        rank=rank,
        passages=[
            PassageFound(
                heading=match.heading,
                text=match.text,
                page=match.page,
                highlights=[(span.start, span.end) for span in match.spans],
            )
            for match in hit.matches
        ],
        facts=Card.model_validate(row["card"]),
    )
