"""From candidates to a shelf: what was filtered, spread and explained. Pure; knows titles and never a reader.

Scores come from the model; here a reader's wishes decide among the best candidates. Each step is a plain rule:
the filters, the popularity dial, at most some titles of one author, and maximal marginal relevance for diversity.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from functions.library.titles import Title

Kind = Literal["loans", "author", "subjects", "content", "popular", "curated"]

_NEUTRAL = 0.25  # the popularity dial's place where the model's own order stands
_LITTLE = 0.25  # diversity that the first few candidates can give
_TILT = 1.2  # exponent of popularity from one end of the dial to the other
_AT_MOST = 3  # subjects, or titles, that a reason names


class Wishes(BaseModel):
    """What narrows and colours the choice; the default is the model's own order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    available_at: str | None = Field(default=None, min_length=1, max_length=200)  # a branch
    medium: str | None = Field(default=None, min_length=1, max_length=64)
    language: str | None = Field(default=None, min_length=1, max_length=16)
    age_group: str | None = Field(default=None, min_length=1, max_length=64)
    discover: float = Field(default=_NEUTRAL, ge=0, le=1)  # 0: what many borrow, 1: what few have found
    diversity: float = Field(default=0.0, ge=0, le=1)  # 0: the nearest, 1: as different as can be

    @property
    def choosy(self) -> bool:
        """Whether these wishes look for titles far from the first ones."""
        filters = (self.available_at, self.medium, self.language, self.age_group)
        return any(filters) or self.discover != _NEUTRAL or self.diversity > _LITTLE

    def allow(self, title: Title) -> bool:
        """Whether a title passes the filters."""
        return (
            (self.available_at is None or self.available_at in title.branches)
            and (self.medium is None or self.medium == title.medium)
            and (self.language is None or self.language.casefold() == title.language.casefold())
            and (self.age_group is None or self.age_group == title.age_group)
        )


class Candidate(NamedTuple):
    """A title that may be shown, and where it comes from."""

    id: str
    score: float  # > 0, comparable within one call
    source: Literal["loans", "content", "popular", "curated"]
    because: tuple[str, ...] = ()  # ids of the given titles that led here, the strongest first
    loans: int = 0  # how often it was borrowed; orders by popularity, is never shown
    list: str = ""  # name of the curated list


class Reason(NamedTuple):
    """Why a title is shown: facts about titles."""

    kind: Kind
    titles: tuple[str, ...] = ()  # ids of given titles
    subjects: tuple[str, ...] = ()  # shared subjects, the author's name, or the list's


class Choice(NamedTuple):
    """One place on the shelf."""

    title: Title
    reason: Reason


def choose(
    candidates: Iterable[Candidate],
    records: Mapping[str, Title],
    wishes: Wishes,
    *,
    count: int,
    per_author: int,
) -> list[Choice]:
    """The shelf: at most ``count`` titles, at most ``per_author`` of one author, best first.

    ``records`` holds the candidates' titles and the given ones'; a candidate without a record left the library.
    """
    pool = [(one, records[one.id]) for one in candidates if one.id in records and wishes.allow(records[one.id])]
    if not pool:
        return []
    tilt = _TILT * (_NEUTRAL - wishes.discover)
    scores = [one.score * (one.loans + 1) ** tilt for one, _ in pool]
    top = max(scores)
    rest = {place: score / top for place, score in enumerate(scores)}
    alike = dict.fromkeys(rest, 0.0)  # to the nearest title on the shelf
    shown: dict[str, int] = {}
    shelf: list[Choice] = []
    while rest and len(shelf) < count:
        best = max(rest, key=lambda place: (1 - wishes.diversity) * rest[place] - wishes.diversity * alike[place])
        candidate, title = pool[best]
        del rest[best]
        author = title.author.casefold()
        if author and shown.get(author, 0) >= per_author:
            continue
        shown[author] = shown.get(author, 0) + 1
        shelf.append(Choice(title, explain(candidate, title, records)))
        for place in rest if wishes.diversity else ():
            alike[place] = max(alike[place], likeness(title, pool[place][1]))
    return shelf


def explain(candidate: Candidate, title: Title, records: Mapping[str, Title]) -> Reason:
    """Why this title: co-loans where they led here, else what it shares with the given titles, else what it is."""
    if candidate.source == "curated":
        return Reason("curated", subjects=(candidate.list,))
    if candidate.source == "popular":
        return Reason("popular")
    because = [records[id] for id in candidate.because if id in records]
    if candidate.source == "loans" and because:
        return Reason("loans", titles=tuple(one.id for one in because[:2]))
    if title.author and any(one.author.casefold() == title.author.casefold() for one in because):
        return Reason("author", subjects=(title.author,))
    for one in because:
        if shared := _shared(one.subjects, title.subjects):
            return Reason("subjects", (one.id,), shared[:_AT_MOST])
    return Reason("content", titles=tuple(one.id for one in because[:1])) if because else Reason("popular")


def likeness(one: Title, other: Title) -> float:
    """How alike two titles look on a shelf, 0 to 1: same author or series, else the share of common subjects."""
    if one.author and one.author.casefold() == other.author.casefold():
        return 1.0
    if one.series and one.series == other.series:
        return 1.0
    common = len(_shared(one.subjects, other.subjects))
    either = len(one.subjects) + len(other.subjects) - common
    return common / either if either else 0.0


def facets(titles: Iterable[Title]) -> dict[str, list[str]]:
    """What one can filter these titles by: values in order, under the names of ``Wishes``."""
    titles = list(titles)
    return {
        "available_at": sorted({branch for title in titles for branch in title.branches}),
        "medium": sorted({title.medium for title in titles if title.medium}),
        "language": sorted({title.language for title in titles if title.language}),
        "age_group": sorted({title.age_group for title in titles if title.age_group}),
    }


def _shared(one: Sequence[str], other: Sequence[str]) -> tuple[str, ...]:
    others = {subject.casefold() for subject in other}
    return tuple(subject for subject in one if subject.casefold() in others)
