"""Who was forgotten, and up to which day: so that a late event, a repeat or an old file brings nobody back.

A tombstone is the digest of a pseudonym and a day, nothing else. It lasts as long as a loan of that day
could be told again and no longer: the window, and a month.
"""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import date
from hashlib import sha256
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from shared.backends import Backends
from shared.state import Bucket

ERASED: Final = "library-erased"  # state bucket: digest of the pseudonym -> day
_AT_ONCE: Final = 16


class Tombstones:
    """What was erased, as of one moment."""

    def __init__(self, days: Mapping[str, date]) -> None:
        self._days = days  # digest -> last erased day

    @classmethod
    async def load(cls, use: Backends) -> "Tombstones":
        """All that are kept."""
        bucket, days = _bucket(use), dict[str, date]()
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(mark: str) -> None:
            async with gate:
                entry = await bucket.get(mark)
            if entry is not None:
                days[mark] = date.fromisoformat(entry.value.decode())

        await asyncio.gather(*(one(mark) for mark in await bucket.keys()))
        return cls(days)

    def __bool__(self) -> bool:
        return bool(self._days)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tombstones) and self._days == other._days

    __hash__ = None  # type: ignore[assignment]

    def covers(self, reader: str, day: date) -> bool:
        """Whether a loan of this pseudonym and day must stay out."""
        last = self._days.get(digest(reader))
        return last is not None and day <= last

    def keep(self, loans: pa.Table) -> pa.Table:
        """The loans that may stay; columns ``reader`` and ``day``."""
        if not self._days or not loans.num_rows:
            return loans
        known = {r: self._days[d] for r in pc.unique(loans["reader"]).to_pylist() if (d := digest(r)) in self._days}
        for reader, day in known.items():
            theirs = pc.and_(pc.equal(loans["reader"], reader), pc.less_equal(loans["day"], pa.scalar(day)))
            loans = loans.filter(pc.invert(theirs))
        return loans


async def set_up(use: Backends, readers: Iterable[str], day: date) -> None:
    """From now on, nothing of these pseudonyms up to this day is taken in or shown."""
    for reader in readers:
        if not await covers(use, reader, day):
            await _bucket(use).put(digest(reader), day.isoformat().encode())


async def covers(use: Backends, reader: str, day: date) -> bool:
    """Whether a loan of this pseudonym and day must stay out."""
    entry = await _bucket(use).get(digest(reader))
    return entry is not None and day.isoformat() <= entry.value.decode()


def digest(reader: str) -> str:
    """A pseudonym's mark: stores searched for the pseudonym do not find it."""
    return sha256(f"stadtfunk library erased\x1f{reader}".encode()).hexdigest()[:32]


def _bucket(use: Backends) -> Bucket:
    months = use.settings.library.window_months + 1
    return use.state.bucket(ERASED, ttl_s=months * 31 * 86400.0)
