"""Which revision of each document of a collection counts: small records, written by compare-and-set."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict

from shared.state import Bucket, Conflict, Entry

BUCKET: Final = "indexed"
_AT_ONCE: Final = 64  # records read at once


class Record(BaseModel):
    """Which revision of a document counts."""

    model_config = ConfigDict(frozen=True)

    revision: int
    removed: bool = False
    passages: int = 0

    @property
    def age(self) -> tuple[int, bool]:
        """What is greater counts; a removal wins over its own revision."""
        return self.revision, self.removed

    @property
    def found(self) -> bool:
        """Whether the document can be found."""
        return self.revision > 0 and not self.removed


class Recorded(NamedTuple):
    """A record as it was read."""

    id: str
    record: Record
    entry: Entry


class Records:
    """The records of the collection ``name``."""

    def __init__(self, name: str, bucket: Bucket) -> None:
        self._start = f"{name}/"
        self._bucket = bucket

    async def get(self, id: str) -> Record | None:
        """What counts for a document; None: it was never indexed here."""
        (record,) = await self.several([id])
        return record

    async def several(self, ids: Sequence[str]) -> list[Record | None]:
        """What counts for each of these."""
        entries = await asyncio.gather(*(self._bucket.get(self._start + id) for id in ids))
        return [None if entry is None else Record.model_validate_json(entry.value) for entry in entries]

    async def each(self) -> AsyncIterator[Recorded]:
        """What counts for every document that was ever indexed here, by id."""
        keys = sorted(await self._keys())
        for start in range(0, len(keys), _AT_ONCE):
            part = keys[start : start + _AT_ONCE]
            for key, entry in zip(part, await asyncio.gather(*map(self._bucket.get, part)), strict=True):
                if entry is not None:
                    yield Recorded(key.removeprefix(self._start), Record.model_validate_json(entry.value), entry)

    async def all(self) -> dict[str, Record]:
        """The same at once."""
        return {id: record async for id, record, _ in self.each()}

    async def advance(self, id: str, ours: Record) -> Record:
        """Record ``ours`` unless something newer is recorded; returns what counts now."""
        key, value = self._start + id, ours.model_dump_json().encode()
        while True:
            entry = await self._bucket.get(key)
            try:
                if entry is None:
                    await self._bucket.create(key, value)
                    return ours
                there = Record.model_validate_json(entry.value)
                if there.age >= ours.age:
                    return there
                await self._bucket.update(key, value, entry.revision)
            except Conflict:
                continue
            return ours

    async def forget(self, known: Recorded) -> None:
        """Let the document be written again, unless that was done since it was read."""
        with contextlib.suppress(Conflict):
            value = Record(revision=0).model_dump_json().encode()
            await self._bucket.update(self._start + known.id, value, known.entry.revision)

    async def drop(self) -> None:
        """Remove all of them."""
        for key in await self._keys():
            await self._bucket.delete(key)

    async def _keys(self) -> list[str]:
        return [key for key in await self._bucket.keys() if key.startswith(self._start)]
