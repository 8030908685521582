"""One run over one source: what changed, what is gone for sure, and when a person must look first.

Changes go out as they are found. Removals wait for the end of the run, because only the whole tells whether
they are plausible: a list much shorter than the last complete one removes nothing, and more removals than the
cap remove nothing either, until an operator accepts (``accept``). A page that is merely missing is removed
after two complete runs without it; one that the source calls unpublished or gone, in the same run.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Final, Literal

import structlog
from pydantic import BaseModel, ConfigDict

from events import Event
from events.cms import CrawlAlarmed
from functions.xnext.ledger import PAGES, Ledger, Seen
from functions.xnext.sources import Absence, Source
from shared.backends import Backends
from shared.errors import BackendError, Retry, StadtfunkError
from shared.state import Bucket, Conflict
from shared.telemetry import describe

SOURCES: Final = "xnext-sources"  # state bucket: source name -> SourceRecord
_WIDTH: Final = 8  # pages asked for at once; the pace is what limits
_GIVE_UP: Final = 10  # pages in a row that a source does not answer

AlarmReason = Literal["source_shrunk", "removal_cap", "incomplete"]


class Alarm(BaseModel):
    """Why the last run did not do all it was asked for."""

    model_config = ConfigDict(frozen=True)

    reason: AlarmReason
    expected: int
    found: int


class SourceRecord(BaseModel):
    """What is known of a source between runs."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    size: int = 0  # pages of the last complete run, or what an operator accepted
    lifted: int = 0  # removals an operator lets one run make, beyond the cap
    alarms: tuple[Alarm, ...] = ()  # of the last run
    run_id: str | None = None
    finished_at: datetime | None = None


class Run:
    """One run. ``events`` may be iterated once; ``unreachable`` tells afterwards whether trying again helps."""

    def __init__(self, name: str, source: Source, run_id: str, use: Backends) -> None:
        self.unreachable = False
        self._name = name
        self._source = source
        self._id = run_id
        self._settings = use.settings.xnext
        self._records = use.state.bucket(SOURCES)
        self._ledger = Ledger(name, use.state.bucket(PAGES), use.objects, self._settings.bucket)
        self._log = structlog.get_logger().bind(source=name, run_id=run_id)
        self._failed = 0
        self._at = 0  # state revision of the source's record when the run began

    async def events(self) -> AsyncGenerator[Event, None]:
        """The run's events; each is stored before the code after its yield records anything.

        Raises:
            BackendError: state or object storage is away. A source's own faults are alarms, not errors.
        """
        started = datetime.now(UTC)
        before, self._at = await record_of(self._records, self._name)
        try:
            ids = await self._source.ids()
        except StadtfunkError as error:
            self._note(error)
            async for event in self._finish(before, [Alarm(reason="incomplete", expected=before.size, found=0)]):
                yield event
            return
        missing: set[str] = set()
        leaving: list[tuple[Seen, Absence]] = []
        async with aclosing(self._looks(ids)) as looks:
            async for seen in looks:
                absent = seen.reading.absent
                if absent == "missing":
                    missing.add(seen.id)
                elif absent is not None:
                    leaving.append((seen, absent))
                else:
                    try:
                        async for event in self._ledger.follow(seen, self._source):
                            yield event
                    except StadtfunkError as error:
                        self._fault(error)
        found = len(ids) - len(missing)
        alarms: list[Alarm] = []
        if self._failed:
            alarms.append(Alarm(reason="incomplete", expected=len(ids), found=len(ids) - self._failed))
        shrunk = found < before.size * self._settings.min_share_of_last
        if shrunk:
            alarms.append(Alarm(reason="source_shrunk", expected=before.size, found=found))
        else:
            if not self._failed:
                leaving += await self._ripe(set(ids) - missing, started)
            allowed = max(self._settings.removal_cap, before.lifted)
            # What was never published can be noted as absent without anyone losing anything.
            counted = sum(seen.main.record.published for seen, _ in leaving)
            if counted > allowed:
                alarms.append(Alarm(reason="removal_cap", expected=allowed, found=counted))
                leaving = [(seen, reason) for seen, reason in leaving if not seen.main.record.published]
            for seen, reason in leaving:
                async for event in self._remove(seen, reason):
                    yield event
        after = before
        if not self._failed and not shrunk:
            capped = any(alarm.reason == "removal_cap" for alarm in alarms)
            after = before.model_copy(update={"size": found, "lifted": before.lifted if capped else 0})
        async for event in self._finish(after, alarms):
            yield event
        self._log.info("crawl finished", found=found, count=len(alarms))

    async def _remove(self, seen: Seen, reason: Absence) -> AsyncGenerator[Event, None]:
        try:
            async for event in self._ledger.remove(seen, reason):
                yield event
        except Conflict:
            # A webhook was here meanwhile: what the source says now counts, not what the run saw.
            async for event in self._ledger.follow(await self._ledger.look(self._source, seen.id), self._source):
                yield event

    async def _ripe(self, present: set[str], now: datetime) -> list[tuple[Seen, Absence]]:
        """Marks the pages that this complete run did not find; returns those that two runs missed."""
        ripe: list[tuple[Seen, Absence]] = []
        for id in await self._ledger.known():
            if id in present:
                continue
            try:
                seen = await self._ledger.missed(id, self._id, now, self._settings.removal_grace_s)
            except Conflict:
                continue  # somebody found it meanwhile
            if seen is not None:
                ripe.append((seen, "missing"))
        return ripe

    async def _looks(self, ids: Sequence[str]) -> AsyncGenerator[Seen, None]:
        """The pages in the list's order, a few asked for ahead; a page's own fault is counted, not raised."""
        waiting: deque[asyncio.Task[Seen]] = deque()
        rest, silent = iter(ids), 0
        try:
            while True:
                while len(waiting) < _WIDTH and (id := next(rest, None)) is not None:
                    waiting.append(asyncio.create_task(self._ledger.look(self._source, id)))
                if not waiting:
                    return
                try:
                    seen = await waiting.popleft()
                except Exception as error:
                    self._fault(error)
                    silent = silent + 1 if isinstance(error, Retry) else 0
                    if silent >= _GIVE_UP:
                        self._failed += len(waiting) + sum(1 for _ in rest)
                        return
                else:
                    silent = 0
                    yield seen
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    def _fault(self, error: Exception) -> None:
        """Count a page that could not be read; raise what is not the source's fault."""
        if isinstance(error, BackendError) and error.backend != "web":
            raise error
        self._failed += 1
        self._note(error)

    def _note(self, error: Exception) -> None:
        self.unreachable |= isinstance(error, Retry)
        # MalformedAnswer and WebError hold names, ids and statuses only; still the log gets type and place.
        self._log.warning("page not read", **describe(error))

    async def _finish(self, record: SourceRecord, alarms: list[Alarm]) -> AsyncGenerator[Event, None]:
        for alarm in alarms:
            self._log.warning("crawl alarm", **alarm.model_dump())
            yield CrawlAlarmed(source=self._name, run_id=self._id, **alarm.model_dump())
        finished = {"alarms": tuple(alarms), "run_id": self._id, "finished_at": datetime.now(UTC)}
        try:
            await write_record(self._records, self._name, record.model_copy(update=finished), self._at)
        except Conflict:
            # An operator accepted while the run went on: their word stands, the run adds how it ended.
            now, at = await record_of(self._records, self._name)
            await write_record(self._records, self._name, now.model_copy(update=finished), at)


async def accept(records: Bucket, name: str) -> list[str]:
    """An operator's word that the last run's alarms are in order; says what follows from it.

    Raises:
        StadtfunkError: there is nothing to accept.
        Conflict: a run ended at this very moment; look again.
    """
    record, at = await record_of(records, name)
    said: list[str] = []
    for alarm in record.alarms:
        if alarm.reason == "source_shrunk":
            record = record.model_copy(update={"size": alarm.found})
            said.append(f"{alarm.found} pages are the new size of {name}; missing ones leave after two complete runs")
        elif alarm.reason == "removal_cap":
            record = record.model_copy(update={"lifted": alarm.found})
            said.append(f"the next run may remove up to {alarm.found} pages of {name}")
    if not said:
        raise StadtfunkError(f"nothing to accept: the last run over '{name}' raised no alarm that can be accepted")
    await write_record(records, name, record.model_copy(update={"alarms": ()}), at)
    return said


async def record_of(records: Bucket, name: str) -> tuple[SourceRecord, int]:
    """What is known of a source, and its state revision; an empty record and 0 where no run was."""
    entry = await records.get(name)
    return (SourceRecord(), 0) if entry is None else (SourceRecord.model_validate_json(entry.value), entry.revision)


async def write_record(records: Bucket, name: str, record: SourceRecord, at: int) -> None:
    """Write over this state revision alone. Raises Conflict where there is another."""
    value = record.model_dump_json().encode()
    await (records.update(name, value, at) if at else records.create(name, value))
