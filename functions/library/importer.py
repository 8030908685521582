"""Files of loans into day files: streamed, restartable, once however often a file is given.

A file is read in chunks of so many rows; a chunk's parts have names derived from the file's digest, and what was
done is recorded after each. A run that was killed goes on there; rows it had written are the same rows again.
"""

import asyncio
import csv
import hashlib
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import BaseModel

from events.library import LoansImported
from functions.library import dayfiles
from functions.library.loans import today
from functions.library.pseudonyms import Ring, oldest, pseudonym, quarter_of
from functions.library.table import Days, Layout, Row, Table, TableError
from functions.library.titles import RECORDS
from shared.backends import Backends

IMPORTS: Final = "library-imports"  # state bucket: digest of the file, and how it is read -> Done
_CHUNK: Final = 500_000  # rows in memory
_KNOWN: Final = 1_000_000  # pseudonyms kept, so that a reader's is computed once
_EXAMPLES: Final = 5
_REPORTED: Final = 100_000  # refused rows that are told one by one; the others are counted

Say = Callable[[str], None]


class Done(BaseModel):
    """How far a file is."""

    line: int = 0  # read and stored up to here
    loans: int = 0
    refused: dict[str, int] = {}
    first_day: date | None = None
    last_day: date | None = None
    finished: bool = False


class Refused(NamedTuple):
    """A row that was not taken; nothing of what stands in it."""

    file: str
    line: int
    reason: str


class Import:
    """One run over files."""

    def __init__(self, use: Backends, layout: Layout, say: Say, *, report: Path, chunk: int = _CHUNK) -> None:
        self._use = use
        self._layout = layout
        self._say = say
        self._report = report  # where refused rows are told
        self._chunk = chunk
        self._titles: set[str] = set()  # of the catalogue
        self._imports = use.state.bucket(IMPORTS)

    async def run(self, paths: Iterable[Path], *, again: bool = False) -> list[LoansImported]:
        """Import files, and the files in folders by name; one event a file that was read to its end.

        Raises:
            TableError: a file has no such columns or cannot be decoded at all; those before it are in.
        """
        await dayfiles.prepare(self._use)
        self._titles = set(await self._use.state.bucket(RECORDS).keys())
        told = []
        for file in files(paths):
            try:
                event = await self._one(file, again)
            except (OSError, EOFError, zlib.error) as error:
                raise TableError(f"{file}: cannot be read to its end ({type(error).__name__})") from None
            if event is not None:
                told.append(event)
        return told

    async def _one(self, file: Path, again: bool) -> LoansImported | None:
        digest = await asyncio.to_thread(_digest, file)
        mark = digest
        if self._layout != Layout():
            # Read in another way it is another file: its parts must not take the place of those being merged.
            mark = hashlib.sha256(f"{digest} {self._layout}".encode()).hexdigest()[:32]
        entry = await self._imports.get(mark)
        done = Done() if entry is None or again else Done.model_validate_json(entry.value)
        if done.finished:
            self._say(f"{file}: was imported before ({done.loans} loans); nothing to do")
            return None
        table = Table(file, self._layout)
        try:
            for note in table.notes:
                self._say(f"{file}: {note}")
            if done.line:
                self._say(f"{file}: goes on after line {done.line}")
                await asyncio.to_thread(table.skip, done.line)
            unknown = await self._chunks(file, table, mark, done)
        finally:
            table.close()
        done.finished = True
        await self._imports.put(mark, done.model_dump_json().encode())
        refused = sum(done.refused.values())
        where = f" (see {self._report}" + (f", which tells the first {_REPORTED})" if refused > _REPORTED else ")")
        self._say(f"{file}: {done.loans} loans, {refused} rows refused" + (where if refused else ""))
        for reason, count in sorted(done.refused.items(), key=lambda one: -one[1])[:_EXAMPLES]:
            self._say(f"{file}: {count} × {reason}")
        if unknown:
            names = ", ".join(sorted(unknown)[:_EXAMPLES])
            number = f"{len(unknown)} titles" if len(unknown) < _REPORTED else f"{_REPORTED} titles or more"
            self._say(f"{file}: {number} are not in the catalogue and were kept: {names} …")
        return LoansImported(
            digest=digest, loans=done.loans, refused=refused, first_day=done.first_day, last_day=done.last_day
        )

    async def _chunks(self, file: Path, table: Table, mark: str, done: Done) -> set[str]:
        library, now = self._use.settings.library, today()
        first, last = oldest(now, library), now + timedelta(days=1)
        keys = await Ring(self._use).between(first, last)
        read = _Reading(file.name, keys, days=Days(self._layout.day_format), first=first, last=last)
        rows = iter(table)
        unknown: set[str] = set()
        while True:
            start = time.monotonic()
            count = await asyncio.to_thread(read.take, islice(rows, self._chunk))
            if not count:
                return unknown
            # Named by where it starts: a chunk that is read again after a crash writes over itself.
            name = f"import-{mark[:16]}-{done.line:012d}"
            await dayfiles.add(self._use, dayfiles.table_of(read.readers, read.titles, read.days), name)
            if self._titles and len(unknown) < _REPORTED:
                unknown |= set(read.titles) - self._titles
            room = max(_REPORTED - sum(done.refused.values()), 0)
            await asyncio.to_thread(_append, self._report, read.refused[:room])
            done.loans += len(read.days)
            done.refused = dict(Counter(done.refused) + Counter(one.reason for one in read.refused))
            if read.days:
                done.first_day = min(read.days + ([done.first_day] if done.first_day else []))
                done.last_day = max(read.days + ([done.last_day] if done.last_day else []))
            done.line = table.line
            await self._imports.put(mark, done.model_dump_json().encode())
            rate = count / max(time.monotonic() - start, 1e-6)
            self._say(f"{file}: line {done.line}, {done.loans} loans, {rate:.0f} rows/s")


class _Reading:
    """Turns rows into columns, readers into pseudonyms."""

    def __init__(self, file: str, keys: dict[str, tuple[str, bytes]], *, days: Days, first: date, last: date) -> None:
        self._file, self._keys = file, keys  # by quarter
        self._days, self._first, self._last = days, first, last
        self._quarters: dict[date, str] = {}
        self._pseudonyms: dict[tuple[str, str], str] = {}
        self._titles: dict[str, str] = {}
        self.readers: list[str] = []
        self.titles: list[str] = []
        self.days: list[date] = []
        self.refused: list[Refused] = []

    def take(self, rows: Iterator[tuple[int, Row | str]]) -> int:
        """Read these rows in place of those before; how many there were."""
        self.readers, self.titles, self.days, self.refused = [], [], [], []
        count = 0
        for line, row in rows:
            count += 1
            reason = row if isinstance(row, str) else self._row(row)
            if reason is not None:
                self.refused.append(Refused(self._file, line, reason))
        return count

    def _row(self, row: Row) -> str | None:
        """Take one row; the reason why not."""
        day = self._days(row.day)
        if day is None:
            return "has no day that can be read"
        if day < self._first:
            return "is older than loans are kept"
        if day > self._last:
            return "lies in the future"
        title = row.title
        if not 0 < len(title) <= 128 or not title.isprintable():
            return "has no title's id of 1 to 128 printable characters"
        quarter = self._quarters.get(day)
        if quarter is None:
            quarter = self._quarters[day] = quarter_of(day)
        id, key = self._keys[quarter]
        mark = (row.reader, id)
        reader = self._pseudonyms.get(mark)
        if reader is None:
            try:
                reader = pseudonym(row.reader, id, key)
            except ValueError:
                return "has no reader's id of 1 to 128 characters"
            if len(self._pseudonyms) >= _KNOWN:
                self._pseudonyms.clear()
            self._pseudonyms[mark] = reader
        self.readers.append(reader)
        if len(self._titles) >= _KNOWN:
            self._titles.clear()
        self.titles.append(self._titles.setdefault(title, title))
        self.days.append(day)
        return None


def files(paths: Iterable[Path]) -> list[Path]:
    """The files named, and those of folders by name.

    Raises:
        TableError: there is no such file, or a folder without any.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(one for one in path.iterdir() if one.name.endswith((".csv", ".csv.gz", ".tsv", ".txt")))
            if not inside:
                raise TableError(f"{path}: no file ending in .csv, .csv.gz, .tsv or .txt")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise TableError(f"{path}: no such file or folder")
    return found


def _digest(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()[:32]


def _append(report: Path, refused: list[Refused]) -> None:
    if not refused:
        return
    fresh = not report.exists()
    with report.open("a", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        if fresh:
            writer.writerow(Refused._fields)
        writer.writerows(refused)
