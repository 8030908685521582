"""GET and POST /api/library/recommendations: titles that go with one title, with several, or with none.

What a client sends is a list of titles, not a reader; it is answered and forgotten. Candidates come from the model
(co-loans and content), for titles the model does not know from their content vectors, and where all that is not
enough from the library's own lists and from what is often borrowed.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from events.library import TitleId
from functions.library.fresh import boosts
from functions.library.lists import curated
from functions.library.model import LEAST_READERS, Model
from functions.library.model.store import live
from functions.library.ranking import Candidate, Choice, Wishes, choose, facets
from functions.library.titles import Title, Titles, filter_of
from shared.backends import Backends
from shared.function import http

_POOL = 200  # candidates that the wishes choose from
_MOST = 400  # candidates in all; what is beyond would take time and change nothing
_READ_FIRST = 3  # times as many records as titles wanted
_COLD = 5  # titles without loans whose content is looked for, a call
_FRESH_S = 10.0  # fresh co-loans may be this old


class RecommendationQuery(Wishes):
    """Titles to start from, and wishes."""

    titles: Annotated[tuple[TitleId, ...], Field(max_length=200)] = ()
    exclude: Annotated[tuple[TitleId, ...], Field(max_length=1000)] = ()  # known already; the given titles always are
    count: int = Field(default=8, ge=1, le=50)
    per_author: int = Field(default=2, ge=1, le=50)


class Named(BaseModel):
    """A given title that a reason names."""

    id: str
    title: str


class Why(BaseModel):
    """The reason; ``subjects`` are shared subjects, the author's name, or the name of a list, by kind."""

    kind: Literal["loans", "author", "subjects", "content", "popular", "curated"]
    titles: list[Named]
    subjects: list[str]


class Recommendation(BaseModel):
    """One title."""

    id: str
    title: str
    author: str
    year: int | None
    medium: str
    language: str
    age_group: str
    branches: list[str]  # where a copy can be borrowed now
    reason: Why


class Recommendations(BaseModel):
    """The shelf."""

    recommendations: list[Recommendation]
    facets: dict[str, list[str]]  # what these titles can be filtered by
    unknown: list[str]  # given ids that are no title of this library
    model: str | None  # version; None before the first training


@http
async def recommend(query: RecommendationQuery, use: Backends) -> Recommendations:
    """Recommend titles, each with its reason."""
    titles = Titles(use)
    model = await live(use)
    left_out = {*query.titles, *query.exclude}
    pool = await _candidates(query, use, titles, model)
    given = list(dict.fromkeys(query.titles))
    # Reading records is what takes the time: a plain wish needs few of them.
    records: dict[str, Title] = {}
    for size in (_POOL,) if query.choosy else (query.count * _READ_FIRST, _POOL):
        wanted = [*given, *(one.id for one in pool[:size])]
        records |= await titles.get([id for id in dict.fromkeys(wanted) if id not in records])
        shelf = _chosen(pool[:size], records, query)
        if len(shelf) == query.count or size >= len(pool):
            break
    if len(shelf) < query.count:
        near = await _nearest(given, titles, query)
        pool = _merged(pool, [one for one, _ in near], left_out)
        pool = _merged(pool, await _fallback(use, model), left_out)[:_MOST]
        known = {title.id: title for _, title in near}
        missing = [one.id for one in pool if one.id not in records and one.id not in known]
        records |= known | await titles.get(missing)
        shelf = _chosen(pool, records, query)
    return Recommendations(
        recommendations=[_recommendation(choice, records) for choice in shelf],
        facets=facets(records[one.id] for one in pool if one.id in records),
        unknown=[id for id in given if id not in records],
        model=model.version if model else None,
    )


def _chosen(pool: list[Candidate], records: dict[str, Title], query: RecommendationQuery) -> list[Choice]:
    return choose(pool, records, query, count=query.count, per_author=query.per_author)


async def _candidates(
    query: RecommendationQuery, use: Backends, titles: Titles, model: Model | None
) -> list[Candidate]:
    """From the model, and by content for given titles that it does not know; both on one scale."""
    left_out = {*query.titles, *query.exclude}
    cold = [id for id in query.titles if model is None or id not in model]
    warm = len(query.titles) - len(cold)
    found: list[Candidate] = []
    if model is not None and warm:
        released = await use.snapshots.get("library.fresh", _FRESH_S, lambda: boosts(use))
        fresh = {id: dict(released[id]) for id in query.titles if id in released}
        scored = model.recommend(query.titles, _POOL, exclude=query.exclude, fresh=fresh)
        found = [
            Candidate(one.title, one.score, one.by, one.because, one.loans)
            for one in scored
            if one.score > 0 and (one.by != "popular" or one.loans >= LEAST_READERS)
        ]
    share = warm / max(len(query.titles), 1)
    by_content: list[Candidate] = []
    for id, vector in (await titles.vectors(cold[-_COLD:])).items():
        near = await titles.nearest(vector, _POOL // 4, filter_of(**_filters(query)))
        by_content = _merged(by_content, [Candidate(t.id, cosine, "content", (id,)) for t, cosine in near], left_out)
    return _merged(_scaled(found, share), _scaled(by_content, 1 - share), left_out)


async def _nearest(given: Sequence[str], titles: Titles, query: RecommendationQuery) -> list[tuple[Candidate, Title]]:
    """More titles by content, within the filters: weaker than every candidate before."""
    vectors = await titles.vectors(given[-_COLD:])
    found = []
    for id, vector in vectors.items():
        for title, cosine in await titles.nearest(vector, query.count * 4, filter_of(**_filters(query))):
            found.append((Candidate(title.id, 1e-3 * max(cosine, 0.0) + 1e-6, "content", (id,)), title))
    return found


async def _fallback(use: Backends, model: Model | None) -> list[Candidate]:
    """The library's own lists, then what is often borrowed: weaker than what goes with the given titles."""
    lists = await curated(use)
    places = max((len(ids) for ids in lists.values()), default=0)
    # The first title of each list, then the second of each …
    found = [
        Candidate(ids[place], 1e-6 / (place + 1), "curated", list=name)
        for place in range(places)
        for name, ids in lists.items()
        if place < len(ids)
    ]
    charts = model.recommend((), _POOL) if model else []
    return found + [
        Candidate(one.title, 1e-9 * one.loans, "popular", loans=one.loans)
        for one in charts
        if one.loans >= LEAST_READERS
    ]


def _scaled(candidates: list[Candidate], weight: float) -> list[Candidate]:
    top = max((one.score for one in candidates), default=0.0)
    return [one._replace(score=weight * one.score / top) for one in candidates if one.score > 0 and weight > 0]


def _merged(first: Iterable[Candidate], then: Iterable[Candidate], left_out: set[str]) -> list[Candidate]:
    """Each title once, with its better score; on a tie the first one's reason."""
    best: dict[str, Candidate] = {}
    for one in (*first, *then):
        if one.id not in left_out and (one.id not in best or one.score > best[one.id].score):
            best[one.id] = one
    return sorted(best.values(), key=lambda one: (-one.score, one.id))


def _filters(wishes: Wishes) -> dict[str, str | None]:
    return {
        "branch": wishes.available_at,
        "medium": wishes.medium,
        "language": wishes.language,
        "age_group": wishes.age_group,
    }


def _recommendation(choice: Choice, records: dict[str, Title]) -> Recommendation:
    title, reason = choice
    named = [Named(id=id, title=records[id].title) for id in reason.titles]
    return Recommendation(
        **title.model_dump(include=set(Recommendation.model_fields) - {"reason"}),
        reason=Why(kind=reason.kind, titles=named, subjects=list(reason.subjects)),
    )
