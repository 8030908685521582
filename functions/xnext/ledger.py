"""How a page's revisions are kept, so that a crawl, a webhook and a crash never lose or double a change.

A page's record says which revision was handed out last and with which content. A revision is *reserved* by
compare-and-set before its event goes out, and *settled* after the event is stored:

- Crash between the two: the record is unsettled, the page is read again without validators, and the same
  content goes out again under the same revision; other content gets the next one.
- Crawl and webhook at once: both read the record before they ask the source. Whoever reserves second meets a
  Conflict and asks the source again, so a slow, older answer never gets the higher revision.

Validators (ETag, Last-Modified) are recorded when everything they stand for is settled, never before.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from pydantic import BaseModel, ConfigDict

from events import Event
from events.cms import PageChanged, PageRemoved
from functions.xnext.page import Page
from functions.xnext.sources import EASY, MAPPING, Absence, Reading, Source, Validators, page_id
from shared.errors import Retry
from shared.objects import Objects
from shared.state import Bucket, Conflict

PAGES: Final = "xnext-pages"  # state bucket: page id -> PageRecord
_MEETINGS: Final = 5  # times a page may be written by someone else while it is looked at


class PageRecord(BaseModel):
    """What is known of one page. Revision 0: seen, but never published."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    revision: int = 0
    content_hash: str | None = None  # of that revision; None where it is a removal
    removed: Absence | None = None
    settled: bool = True  # the event of this revision is stored
    changed_at: datetime | None = None
    etag: str | None = None
    last_modified: str | None = None
    mapping: int = 0  # rules the content was made by
    missing_run: str | None = None  # first complete run without the page
    missing_since: datetime | None = None

    @property
    def published(self) -> bool:
        """Whether the index has the page, as far as events tell."""
        return self.revision > 0 and self.removed is None


@dataclass(frozen=True, slots=True)
class Known:
    """A record with the state revision it was read at (0: there is none)."""

    record: PageRecord
    at: int


@dataclass(frozen=True, slots=True)
class Seen:
    """One page as the source has it, with the records as they were *before* it was asked."""

    id: str
    main: Known
    easy: Known
    reading: Reading


class Ledger:
    """The records of one source's pages, and the one way to change them."""

    def __init__(self, source: str, bucket: Bucket, objects: Objects, object_bucket: str) -> None:
        self._source = source
        self._bucket = bucket
        self._objects = objects
        self._object_bucket = object_bucket

    async def known(self) -> list[str]:
        """Ids of the source's pages that have a record."""
        start = page_id(self._source, "")
        keys = await self._bucket.keys()
        return [key.removeprefix(start) for key in keys if key.startswith(start) and not key.endswith(EASY)]

    async def load(self, key: str) -> Known:
        """The record of a page id; an empty one where there is none."""
        entry = await self._bucket.get(key)
        if entry is None:
            return Known(PageRecord(), 0)
        return Known(PageRecord.model_validate_json(entry.value), entry.revision)

    async def look(self, source: Source, id: str) -> Seen:
        """Ask the source for a page, by conditional request where nothing is open."""
        key = page_id(self._source, id)
        main, easy = await self.load(key), await self.load(key + EASY)
        current = main.record.mapping == MAPPING and main.record.settled and easy.record.settled
        validators = Validators(etag=main.record.etag, last_modified=main.record.last_modified)
        reading = await source.read(id, validators if current else Validators())
        return Seen(id, main, easy, reading)

    async def follow(self, seen: Seen, source: Source) -> AsyncGenerator[Event, None]:
        """Emit what changed about a page that was looked at; a missing (404) page changes nothing.

        Raises:
            Retry: others kept writing the page's record.
        """
        for _ in range(_MEETINGS):
            try:
                async for event in self._emit(seen):
                    yield event
            except Conflict:
                seen = await self.look(source, seen.id)
            else:
                return
        raise Retry("the page is being written by others")

    async def remove(self, seen: Seen, reason: Absence) -> AsyncGenerator[Event, None]:
        """Emit the removal of a page and of its easy-language version.

        Raises:
            Conflict: the record changed since it was read; nothing of the page itself was emitted.
        """
        key = page_id(self._source, seen.id)
        async for event in self._removed(key + EASY, seen.easy, reason, Validators()):
            yield event
        async for event in self._removed(key, seen.main, reason, seen.reading.validators):
            yield event

    async def missed(self, id: str, run_id: str, now: datetime, grace_s: float) -> Seen | None:
        """Note that a complete run went by without the page; the page once that is reason to remove it.

        Raises:
            Conflict: somebody wrote the record meanwhile.
        """
        key = page_id(self._source, id)
        known = await self.load(key)
        record = known.record
        if record.published and record.missing_run is None:
            marked = record.model_copy(update={"missing_run": run_id, "missing_since": now})
            await self._write(key, known, marked)
            return None
        since = record.missing_since or now
        ripe = record.published and record.missing_run != run_id and (now - since).total_seconds() >= grace_s
        # A removal whose event may not have been stored is finished, whoever began it.
        if ripe or not (record.settled or record.published):
            return Seen(id, known, await self.load(key + EASY), Reading(absent="missing"))
        return None

    async def _emit(self, seen: Seen) -> AsyncGenerator[Event, None]:
        key, reading = page_id(self._source, seen.id), seen.reading
        if reading.unchanged:
            await self._note(key, seen.main, reading.validators)
        elif reading.absent == "missing":
            return
        elif reading.absent is not None:
            async for event in self.remove(seen, reading.absent):
                yield event
        else:
            # The page itself last: its record holds the validators that stand for both.
            versions = {page.id: page for page in reading.pages}
            if key + EASY not in versions:
                async for event in self._removed(key + EASY, seen.easy, "gone", Validators()):
                    yield event
            else:
                async for event in self._changed(versions[key + EASY], seen.easy, Validators()):
                    yield event
            async for event in self._changed(versions[key], seen.main, reading.validators):
                yield event

    async def _changed(self, page: Page, known: Known, validators: Validators) -> AsyncGenerator[Event, None]:
        record, content_hash = known.record, page.content_hash()
        if record.content_hash == content_hash and record.settled:
            await self._note(page.id, known, validators)
            return
        object_key = f"pages/{content_hash}.json"
        await self._objects.put(self._object_bucket, object_key, page.content(), "application/json")
        if record.content_hash != content_hash:
            record = PageRecord(
                revision=record.revision + 1,
                content_hash=content_hash,
                settled=False,
                changed_at=page.modified or datetime.now(UTC),
            )
            known = await self._write(page.id, known, record)
        yield PageChanged(
            page_id=page.id,
            source=self._source,
            revision=record.revision,
            content_hash=content_hash,
            object_key=object_key,
            changed_at=record.changed_at or datetime.now(UTC),
        )
        await self._settle(page.id, known, validators)

    async def _removed(
        self, key: str, known: Known, reason: Absence, validators: Validators
    ) -> AsyncGenerator[Event, None]:
        record = known.record
        if record.published:
            record = PageRecord(
                revision=record.revision + 1, removed=reason, settled=False, changed_at=datetime.now(UTC)
            )
            known = await self._write(key, known, record)
        if record.settled:
            # Validators also spare reading an unpublished page again; a page never seen needs no record to be gone.
            if validators != Validators():
                await self._note(key, Known(record.model_copy(update={"removed": reason}), known.at), validators)
            return
        yield PageRemoved(page_id=key, source=self._source, revision=record.revision, reason=record.removed or reason)
        await self._settle(key, known, validators)

    async def _settle(self, key: str, known: Known, validators: Validators) -> None:
        try:
            await self._note(key, Known(known.record.model_copy(update={"settled": True}), known.at), validators, True)
        except Conflict:
            # Someone reserved a later revision, or settled this one: either way theirs is the newer record.
            return

    async def _note(self, key: str, known: Known, validators: Validators, changed: bool = False) -> None:
        """Write validators and clear the missing mark, where that changes the record."""
        noted = known.record.model_copy(
            update={
                "etag": validators.etag,
                "last_modified": validators.last_modified,
                "mapping": MAPPING,
                "missing_run": None,
                "missing_since": None,
            }
        )
        if changed or noted != known.record:
            await self._write(key, known, noted)

    async def _write(self, key: str, known: Known, record: PageRecord) -> Known:
        value = record.model_dump_json(exclude_none=True).encode()
        if known.at:
            return Known(record, await self._bucket.update(key, value, known.at))
        return Known(record, await self._bucket.create(key, value))
