"""Day files: loans in S3, Parquet, one folder a day; whatever is told twice lies there once.

``loans/<day>/<name>.parquet`` with the columns of ``SCHEMA``. Every event and every part of an import is a file
of its own, under a name that is derived from its rows; ``settle`` merges a day's files into one, whose name is
derived from theirs, and removes only what went into it. So no writer ever overwrites another's rows, nothing
needs a lock, and rows that lie in two files for a moment are one when they are read.

A writer looks at the tombstones before and after it writes: between the two an erasure may have passed by.
"""

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import date
from hashlib import sha256
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from functions.library.tombstones import Tombstones, covers
from shared.backends import Backends
from shared.objects import ObjectMissing

PREFIX: Final = "loans/"
SCHEMA: Final = pa.schema(
    [
        pa.field("reader", pa.string(), nullable=False),  # pseudonym
        pa.field("title", pa.string(), nullable=False),  # the library's own id
        pa.field("day", pa.date32(), nullable=False),
    ]
)
_AT_ONCE: Final = 8
_SPARE_DAYS: Final = 40


class Part(NamedTuple):
    """One file of a day."""

    key: str
    day: date
    etag: str


class Rows(NamedTuple):
    """Rows, and in how many files."""

    files: int
    rows: int


def table_of(readers: Sequence[str], titles: Sequence[str], days: Sequence[date]) -> pa.Table:
    """Loans as a table; equal length, row by row."""
    return pa.table([readers, titles, days], schema=SCHEMA)


async def prepare(use: Backends) -> None:
    """Make the bucket, with the storage's own rule as a net below the nightly sweep: it counts from the writing."""
    library = use.settings.library
    await use.objects.ensure_bucket(library.bucket)
    await use.objects.expire_after(library.bucket, PREFIX, library.window_months * 31 + _SPARE_DAYS)


async def parts(use: Backends, first: date | None = None, last: date | None = None) -> AsyncIterator[Part]:
    """The files of the days from ``first`` to ``last``, by day."""
    async for stored in use.objects.list(use.settings.library.bucket, PREFIX):
        day = date.fromisoformat(stored.key.split("/")[1])
        if (first is None or day >= first) and (last is None or day <= last):
            yield Part(stored.key, day, stored.etag)


async def read(use: Backends, first: date | None = None, last: date | None = None) -> pa.Table:
    """Every loan of these days once, without the erased: ``reader``, ``title``, ``day``."""
    found = [part async for part in parts(use, first, last)]
    tables = await _each(found, lambda part: _loans(use, part.key))
    tombstones = await Tombstones.load(use)
    whole = pa.concat_tables([SCHEMA.empty_table(), *(table for table in tables if table is not None)])
    return await asyncio.to_thread(lambda: tombstones.keep(_once(whole)))


async def add(use: Backends, loans: pa.Table, name: str | None = None) -> int:
    """Store loans of any days; ``name`` is equal in every repeat (none: derived from the rows). Rows that may stay."""
    before = await Tombstones.load(use)
    loans = _once(before.keep(loans))
    await _look_again(use, before, await _store(use, loans, name))
    return int(loans.num_rows)


async def add_one(use: Backends, reader: str, title: str, day: date) -> None:
    """Store one loan."""
    if await covers(use, reader, day):
        return
    (key,) = await _store(use, table_of([reader], [title], [day]), None)
    if await covers(use, reader, day):
        await _delete(use, key)


async def settle(use: Backends) -> int:
    """Merge the files of each day that has several; the number of days merged."""
    by_day: dict[date, list[str]] = {}
    async for part in parts(use):
        by_day.setdefault(part.day, []).append(part.key)
    several = [keys for keys in by_day.values() if len(keys) > 1]
    if not several:
        return 0
    before = await Tombstones.load(use)
    written: list[str] = []
    for keys in several:
        tables = [table for table in await _each(keys, lambda key: _loans(use, key)) if table is not None]
        if len(tables) < len(keys):
            continue  # another one merges this day just now
        name = "merged-" + sha256("\n".join(sorted(keys)).encode()).hexdigest()[:32]
        made = await _store(use, _once(before.keep(pa.concat_tables(tables))), name)
        await _each([key for key in keys if key not in made], lambda key: _delete(use, key))
        written += made
    await _look_again(use, before, written)
    return len(several)


async def erase(use: Backends, tombstones: Tombstones) -> Rows:
    """Take the rows of the erased out of every file, until a pass over all finds none."""
    files = rows = 0
    done: set[Part] = set()
    while True:
        todo = [part async for part in parts(use) if part not in done]
        if not todo:
            return Rows(files, rows)
        for removed in await _each(todo, lambda part: _rewrite(use, part.key, tombstones)):
            files += removed > 0
            rows += removed
        # A file that was rewritten has another etag: the next pass reads it again, and finds nothing.
        done.update(todo)


async def count(use: Backends, readers: Sequence[str], last: date) -> Rows:
    """How many rows of these pseudonyms there are up to a day; ``files`` are all that were searched."""
    wanted = pa.array(readers, pa.string())

    def theirs(loans: pa.Table | None) -> int:
        if loans is None:
            return 0
        rows = pc.and_(pc.is_in(loans["reader"], wanted), pc.less_equal(loans["day"], pa.scalar(last)))
        return pc.sum(rows).as_py() or 0

    found = [part async for part in parts(use)]
    counts = await _each(found, lambda part: _counted(use, part.key, theirs))
    return Rows(len(found), sum(counts))


async def expire(use: Backends, oldest: date) -> int:
    """Remove the files of days before ``oldest``; how many there were."""
    gone = [part.key async for part in parts(use) if part.day < oldest]
    await _each(gone, lambda key: _delete(use, key))
    return len(gone)


async def _store(use: Backends, loans: pa.Table, name: str | None) -> list[str]:
    loans = await asyncio.to_thread(loans.sort_by, [("day", "ascending"), ("reader", "ascending")])
    days = pc.value_counts(loans["day"]).to_pylist()
    slices, start = [], 0
    for one in sorted(days, key=lambda one: one["values"]):
        rows = loans.slice(start, one["counts"])
        key = f"{PREFIX}{one['values'].isoformat()}/{name or _name(rows)}.parquet"
        slices.append((key, rows))
        start += one["counts"]
    await _each(slices, lambda one: _put(use, *one))
    return [key for key, _ in slices]


async def _look_again(use: Backends, before: Tombstones, written: Sequence[str]) -> None:
    after = await Tombstones.load(use)
    if after != before:
        await _each(written, lambda key: _rewrite(use, key, after))


async def _rewrite(use: Backends, key: str, tombstones: Tombstones) -> int:
    """Take the erased out of one file; the number of rows."""
    loans = await _loans(use, key)
    if loans is None:
        return 0
    kept = tombstones.keep(loans)
    removed = int(loans.num_rows - kept.num_rows)
    if removed and kept.num_rows:
        await _put(use, key, kept)
    elif removed:
        await _delete(use, key)
    return removed


async def _loans(use: Backends, key: str) -> pa.Table | None:
    try:
        data = await use.objects.get(use.settings.library.bucket, key)
    except ObjectMissing:  # merged or expired since it was listed
        return None
    return await asyncio.to_thread(lambda: pq.ParquetFile(io.BytesIO(data)).read().cast(SCHEMA))


async def _counted(use: Backends, key: str, theirs: Callable[[pa.Table | None], int]) -> int:
    return theirs(await _loans(use, key))


async def _put(use: Backends, key: str, loans: pa.Table) -> None:
    def written() -> bytes:
        buffer = io.BytesIO()
        pq.write_table(loans, buffer, compression="zstd")
        return buffer.getvalue()

    data = await asyncio.to_thread(written)
    await use.objects.put(use.settings.library.bucket, key, data, "application/vnd.apache.parquet")


async def _delete(use: Backends, key: str) -> None:
    await use.objects.delete(use.settings.library.bucket, key)


def _once(loans: pa.Table) -> pa.Table:
    return loans.group_by(["reader", "title", "day"], use_threads=False).aggregate([]).select(SCHEMA.names).cast(SCHEMA)


def _name(loans: pa.Table) -> str:
    rows = sorted("\x1f".join(map(str, row.values())) for row in loans.to_pylist())
    return "part-" + sha256("\n".join(rows).encode()).hexdigest()[:32]


async def _each(items: Sequence[Any], work: Any) -> list[Any]:
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(item: Any) -> Any:
        async with gate:
            return await work(item)

    return list(await asyncio.gather(*(one(item) for item in items)))
