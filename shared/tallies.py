"""Counts by day in which each thing is counted once, however often it is told; what it was is kept as a digest.

tallies = Tallies(use.state.bucket("photos-figures", ttl_s=…))
await tallies.add(f"released/{photo_id}", monday, {"released": 1})
counts = (await tallies.after(first))[monday]
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import date
from hashlib import sha256
from typing import Final

from pydantic import BaseModel

from shared.state import Bucket, Conflict

_DIGITS: Final = 16  # of a digest, hexadecimal
_AT_ONCE: Final = 16  # parts read at a time


class _Part(BaseModel):
    """A sixteenth of a day's counts: small, and workers seldom meet in it."""

    ids: list[str] = []  # digests of what is counted in here
    counts: dict[str, int] = {}


class Tallies:
    """The counts in one bucket, under ``<day>/<first digit of the digests>``. Raises BackendError without NATS."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    async def add(self, id: str, day: date, counts: Mapping[str, int]) -> None:
        """Count a thing on its day; one of this id that was counted there is not counted again."""
        digest = sha256(id.encode()).hexdigest()[:_DIGITS]
        key = f"{day.isoformat()}/{digest[0]}"
        while True:
            entry = await self._bucket.get(key)
            part = _Part() if entry is None else _Part.model_validate_json(entry.value)
            if digest in part.ids:
                return
            changed = _Part(ids=[*part.ids, digest], counts=Counter(part.counts) + Counter(counts))
            value = changed.model_dump_json().encode()
            try:
                if entry is None:
                    await self._bucket.create(key, value)
                else:
                    await self._bucket.update(key, value, entry.revision)
            except Conflict:
                continue
            return

    async def after(self, day: date) -> dict[date, Counter[str]]:
        """The counts of every day later than this one that has any."""
        keys = [key for key in await self._bucket.keys() if date.fromisoformat(key.partition("/")[0]) > day]
        places = asyncio.Semaphore(_AT_ONCE)

        async def read(key: str) -> _Part:
            async with places:
                entry = await self._bucket.get(key)
            return _Part() if entry is None else _Part.model_validate_json(entry.value)

        found: dict[date, Counter[str]] = {}
        for key, part in zip(keys, await asyncio.gather(*map(read, keys)), strict=True):
            found.setdefault(date.fromisoformat(key.partition("/")[0]), Counter()).update(part.counts)
        return found
