"""An index built anew from the stored documents, beside the one that is searched, which it then replaces at once.

The stored revisions say what counts, the records of the new collection what is done: a run that was killed is
begun again and does the rest. Changes that come meanwhile are written into both collections by the workers that
know both models; what another worker wrote is seen in the storage, as rounds go on until nothing is behind.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Final, Protocol

from pydantic import BaseModel, ConfigDict

from shared.errors import Retry, StadtfunkError
from shared.knowledge.collection import Collection
from shared.knowledge.index import Index
from shared.knowledge.passages import Document
from shared.knowledge.records import Record
from shared.state import Bucket, State
from shared.vectors import ALIAS_S

BUCKET: Final = "reindexed"
_AT_ONCE: Final = 4  # documents; their passages are embedded in batches
_ROUNDS: Final = 50
_TRIES: Final = 8  # of a document while a backend is away, one to thirty seconds apart: two minutes
# A search that began before the switch asked for its alias at most so long ago, and runs no longer than this.
_FINISHED_S: Final = ALIAS_S + 15.0


class Incomplete(StadtfunkError):
    """The new collection lacks documents; searches stay with the one they have."""


class Stored(Protocol):
    """Where the documents of an index are kept."""

    async def counting(self) -> dict[str, Record]:
        """What counts of every document there ever was: its newest revision, or its removal."""
        ...

    async def document(self, id: str, revision: int) -> Document:
        """A document in one revision. Raises Reject where it cannot be one, StadtfunkError where it is not kept."""
        ...


class Switch(BaseModel):
    """What the alias stood for before the last switch, and since when it does not."""

    model_config = ConfigDict(frozen=True)

    previous: str
    at: datetime


class Outcome(BaseModel):
    """What a run did."""

    model_config = ConfigDict(frozen=True)

    collection: str
    model: str
    switched_from: str | None  # None: it was searched already
    documents: int  # findable in it
    passages: int
    written: int  # by this run; removals count
    rounds: int
    seconds: float


Told = Callable[[int, int], None]  # documents done, of how many


async def reindex(index: Index, target: Collection, stored: Stored, state: State, told: Told) -> Outcome:
    """Make ``target`` whole and let the index stand for it; searches go on meanwhile, each in one collection.

    Raises:
        Incomplete: a document is not stored, or the model refuses it; nothing was switched.
        BackendError: a backend stayed away; what is done stays done.
    """
    start = time.monotonic()
    switch, before = await previous(index, state), await index.vectors.alias(index.name)
    if switch is not None and switch.previous != before and target.name not in (switch.previous, before):
        raise Incomplete(f"{switch.previous} is still kept from the switch before; give it up by --drop-old first")
    await target.ensure()
    await index.vectors.begin(index.name, target.name)  # where nothing can be searched, a part is better than nothing
    before = await index.vectors.alias(index.name)
    run = _Run(index, target, stored, told)
    if before is None or before == target.name:
        before = None
        await run.rounds()
    else:
        await run.rounds()
        await index.vectors.flush(target.name)  # so that the first searches after the switch are as fast as any
        await run.catch_up(before)
        await _remember(state.bucket(BUCKET), index.name, before)
        await index.vectors.point(index.name, target.name)
        # Until a worker without the new model has seen the switch, it goes on writing into the old collection.
        await asyncio.sleep(ALIAS_S)
        await run.rounds()
    await index.vectors.flush(target.name)
    counted = [record for record in (await target.records.all()).values() if record.found]
    return Outcome(
        collection=target.name,
        model=target.embeddings.model_id,
        switched_from=before,
        documents=len(counted),
        passages=sum(record.passages for record in counted),
        written=run.written,
        rounds=run.done,
        seconds=round(time.monotonic() - start, 1),
    )


async def previous(index: Index, state: State) -> Switch | None:
    """What was searched before the last switch, where it is kept."""
    entry = await state.bucket(BUCKET).get(index.name)
    switch = None if entry is None else Switch.model_validate_json(entry.value)
    return switch if switch and await index.vectors.has(switch.previous) else None


async def drop_previous(index: Index, state: State) -> str | None:
    """Remove what was searched before the last switch, once no search can be in it; its name, or None.

    Raises:
        Incomplete: it is searched again.
    """
    switch = await previous(index, state)
    if switch is None:
        return None
    if await index.vectors.alias(index.name) == switch.previous:
        raise Incomplete(f"'{index.name}' stands for {switch.previous} again; nothing was dropped")
    await asyncio.sleep(max(0.0, _FINISHED_S - (datetime.now(UTC) - switch.at).total_seconds()))
    await index.discard(switch.previous)
    await state.bucket(BUCKET).delete(index.name)
    return switch.previous


class _Run:
    def __init__(self, index: Index, target: Collection, stored: Stored, told: Told) -> None:
        self._index = index
        self._target = target
        self._stored = stored
        self._told = told
        self._refused: dict[str, str] = {}
        self.written = 0
        self.done = 0

    async def rounds(self) -> None:
        """Write what is behind until nothing is, and every recorded row is there."""
        for _ in range(_ROUNDS):
            self.done += 1
            behind = await self._behind()
            await self._write(behind)
            if self._refused:
                raise Incomplete(f"{len(self._refused)} documents cannot be indexed: {_some(self._refused)}")
            if not behind and not await self._target.mend():
                return
        raise Incomplete(f"documents still change faster than they are indexed, after {_ROUNDS} rounds")

    async def catch_up(self, live: str) -> None:
        """Hold the new collection against the one it is to replace, until it has all of that.

        Raises:
            Incomplete: a document can be found there that is not stored, so it would be lost.
        """
        for _ in range(_ROUNDS):
            there, here = await self._index.records(live).all(), await self._target.records.all()
            lacking = {id: record for id, record in there.items() if record.found and _older(here.get(id), record)}
            if not lacking:
                return
            counting = await self._stored.counting()
            lost = [id for id, record in lacking.items() if _older(counting.get(id), record)]
            if lost:
                raise Incomplete(
                    f"{len(lost)} documents of {live} are not stored in the revision that can be found, "
                    f"so they would be lost: {_some(lost)}; crawl them again"
                )
            await self.rounds()
        raise Incomplete(f"documents still change faster than they are indexed, after {_ROUNDS} rounds")

    async def _behind(self) -> dict[str, Record]:
        """What counts and is not recorded in the new collection."""
        counting = await self._stored.counting()
        # A removal from before removals were stored is known by the records only.
        for collection in self._index.collections.values():
            for id, record in (await collection.records.all()).items():
                if record.removed and _older(counting.get(id), record):
                    counting[id] = record
        here = await self._target.records.all()
        return {id: record for id, record in counting.items() if _older(here.get(id), record)}

    async def _write(self, behind: Mapping[str, Record]) -> None:
        waiting = iter(sorted(behind.items()))
        count = 0

        async def lane() -> None:
            nonlocal count
            for id, record in waiting:
                try:
                    await self._patiently(id, record)
                except Retry:
                    raise
                except StadtfunkError as error:
                    self._refused[id] = str(error)
                count += 1
                self._told(count, len(behind))

        try:
            async with asyncio.TaskGroup() as lanes:
                for _ in range(_AT_ONCE):
                    lanes.create_task(lane())
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        self.written += count

    async def _patiently(self, id: str, record: Record) -> None:
        for attempt in range(_TRIES):
            try:
                if record.removed:
                    await self._target.remove(id, record.revision)
                else:
                    await self._target.write(await self._stored.document(id, record.revision))
            except Retry as error:
                if attempt == _TRIES - 1:
                    raise
                await asyncio.sleep(min(30.0, error.after or 2.0**attempt))
            else:
                return


async def _remember(bucket: Bucket, name: str, before: str) -> None:
    await bucket.put(name, Switch(previous=before, at=datetime.now(UTC)).model_dump_json().encode())


def _older(known: Record | None, record: Record) -> bool:
    return known is None or known.age < record.age


def _some(ids: Iterable[str], most: int = 5) -> str:
    names = sorted(ids)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
