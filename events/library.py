"""The library: loans under pseudonyms, titles, and what readers may ask for. No event names a reader."""

from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from events.event import Event

Reader = Annotated[str, StringConstraints(pattern=r"^[0-9a-z]{4,8}-[0-9a-f]{32}$")]
"""A reader's pseudonym: the id of the key it was made with, and the keyed digest of the reader's id."""

TitleId = Annotated[str, StringConstraints(min_length=1, max_length=128)]
"""A title's id as the library's own system gives it."""

Word = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class LoanRecorded(Event):
    """Somebody borrowed a title on a day. The same reader, title and day is one loan, however often it is told."""

    type: ClassVar[str] = "library.loan.recorded"
    key: ClassVar[str | None] = "reader"  # a reader's events are found, and erased, by their subject
    identity: ClassVar[tuple[str, ...]] = ("reader", "title", "day")

    reader: Reader
    title: TitleId
    day: date  # as the library says; the time of day is nobody's business


class LoansImported(Event):
    """A file of loans was read to its end; its rows lie in the day files."""

    type: ClassVar[str] = "library.loans.imported"
    key: ClassVar[str | None] = "digest"
    identity: ClassVar[tuple[str, ...]] = ("digest",)

    digest: str = Field(pattern=r"^[0-9a-f]{32}$")  # of the file, not its name
    loans: int = Field(ge=0)  # rows taken
    refused: int = Field(ge=0)  # rows that could not be read
    first_day: date | None = None
    last_day: date | None = None


class ReaderErased(Event):
    """A reader is to be forgotten: everything told of these pseudonyms up to this day is removed, and stays out."""

    type: ClassVar[str] = "library.reader.erased"
    key: ClassVar[str | None] = "request_id"
    identity: ClassVar[tuple[str, ...]] = ("request_id",)

    request_id: str = Field(pattern=r"^[0-9a-f]{32}$")  # names the report
    readers: Annotated[list[Reader], Field(max_length=200)]  # the reader's pseudonyms under every key that is kept
    day: date  # Europe/Berlin


class TitleChanged(Event):
    """A title is new or different: its whole record."""

    type: ClassVar[str] = "library.title.changed"
    key: ClassVar[str | None] = "id"
    identity: ClassVar[tuple[str, ...]] = ("id", "revision")

    id: TitleId
    revision: int = Field(ge=1)  # grows with each change (milliseconds since 1970 will do); an older one never wins
    title: str = Field(min_length=1, max_length=1000)
    author: str = Field(default="", max_length=500)
    subjects: Annotated[tuple[Word, ...], Field(max_length=32)] = ()
    series: str = Field(default="", max_length=500)
    blurb: str = Field(default="", max_length=8000)
    language: str = Field(default="", max_length=16)  # BCP 47 or ISO 639, as the catalogue has it
    medium: str = Field(default="", max_length=64)  # book, audiobook, film, …
    age_group: str = Field(default="", max_length=64)  # adults, children, …
    year: int | None = Field(default=None, ge=-3000, le=3000)
    branches: Annotated[tuple[Word, ...], Field(max_length=64)] = ()  # where a copy can be borrowed now


class TitleRemoved(Event):
    """A title left the library and must not be recommended any more."""

    type: ClassVar[str] = "library.title.removed"
    key: ClassVar[str | None] = "id"
    identity: ClassVar[tuple[str, ...]] = ("id", "revision")

    id: TitleId
    revision: int = Field(ge=1)


class TrainingAsked(Event):
    """Train the recommender on the day files as they are. Fired by schedule, or by hand."""

    type: ClassVar[str] = "library.training.asked"


class ModelPublished(Event):
    """A trained model went live: it was not worse than the one before."""

    type: ClassVar[str] = "library.model.published"
    key: ClassVar[str | None] = "version"
    identity: ClassVar[tuple[str, ...]] = ("version",)

    version: str = Field(pattern=r"^[0-9a-zA-Z_.-]{1,64}$")
    last_day: date  # the newest day of loans it has seen; fresher ones are counted beside it
    loans: int = Field(ge=0)
    titles: int = Field(ge=0)


class SettlingAsked(Event):
    """Merge what came in into the day files, and count what is newer than the model. Fired twice a minute."""

    type: ClassVar[str] = "library.settling.asked"


class ExpiryAsked(Event):
    """Remove day files beyond the window, and the keys that no file needs any more. Fired each night."""

    type: ClassVar[str] = "library.expiry.asked"
