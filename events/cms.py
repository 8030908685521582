"""City pages: what a content management system tells the house, and what the house does about it."""

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field

from events.event import Event


class CrawlRequested(Event):
    """Read the whole source and say what changed. Fired by the daily schedule, or by hand."""

    type: ClassVar[str] = "cms.crawl.requested"

    source: str | None = None  # name of one configured source; None: all of them


class PageNotified(Event):
    """The CMS says that one page changed (webhook); nothing of its content is taken from the notice."""

    type: ClassVar[str] = "cms.page.notified"
    key: ClassVar[str | None] = "page_id"

    source: str = Field(min_length=1, max_length=64)
    page_id: str = Field(min_length=1, max_length=128)


class PageChanged(Event):
    """A page is new or different. The content lies in object storage, by the hash of its bytes."""

    type: ClassVar[str] = "cms.page.changed"
    key: ClassVar[str | None] = "page_id"
    # Not the hash: a page that goes from A to B and back to A in one run must be told three times.
    identity: ClassVar[tuple[str, ...]] = ("page_id", "revision")

    page_id: str = Field(min_length=1, max_length=128)  # "<source>:<id of the source>"
    source: str
    revision: int = Field(ge=1)  # grows with each change of this page; an older one never wins
    content_hash: str = Field(pattern=r"^[0-9a-f]{64}$")  # SHA-256 of the canonical JSON of the page
    object_key: str  # where the page's document lies in the bucket for revisions
    changed_at: datetime  # last modification as the source says, else when it was seen


class PageRemoved(Event):
    """A page left the source (or is no longer public) and must not be found any more."""

    type: ClassVar[str] = "cms.page.removed"
    key: ClassVar[str | None] = "page_id"
    identity: ClassVar[tuple[str, ...]] = ("page_id", "revision")

    page_id: str = Field(min_length=1, max_length=128)
    source: str
    revision: int = Field(ge=1)
    reason: Literal["missing", "not_public", "gone"]


class PageIndexed(Event):
    """A revision of a page is findable from now on."""

    type: ClassVar[str] = "cms.page.indexed"
    key: ClassVar[str | None] = "page_id"
    identity: ClassVar[tuple[str, ...]] = ("page_id", "revision")

    page_id: str
    revision: int
    passages: int = Field(ge=0)


class CrawlAlarmed(Event):
    """A crawl did not do what it was asked for, and a person must look."""

    type: ClassVar[str] = "cms.crawl.alarmed"
    identity: ClassVar[tuple[str, ...]] = ("source", "reason")  # a run that is tried again alarms once

    source: str
    run_id: str
    reason: Literal["source_shrunk", "removal_cap", "incomplete"]
    expected: int
    found: int


class SweepRequested(Event):
    """Look for passages that a stopped writer left behind. Fired by the nightly schedule, or by hand."""

    type: ClassVar[str] = "cms.sweep.requested"
