"""A file of loans as the library's system writes it: CSV, line by line, with bounded memory.

A line is a row: a quote that is never closed spoils one row, not the rest of the file. What cannot be read is
said by line and reason, never by content, as it may hold a reader's id.
"""

import codecs
import contextlib
import csv
import gzip
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import IO, Final, NamedTuple, cast

from shared.errors import StadtfunkError

_LONGEST: Final = 64 * 1024  # bytes of one line
_SAMPLE: Final = 1024 * 1024
_USUAL: Final = {
    "reader": ("reader", "reader_id", "user", "user_id", "patron", "borrower", "leser", "lesernummer", "benutzer"),
    "title": ("title", "title_id", "item", "item_id", "record", "titel", "titelnummer", "ppn", "medium"),
    "day": ("day", "date", "loan_date", "borrowed", "borrowed_at", "timestamp", "tag", "datum", "ausleihdatum"),
}
_FORMATS: Final = ("%d.%m.%Y", "%Y%m%d", "%d.%m.%y")


class TableError(StadtfunkError):
    """The file as a whole cannot be read; the text says what is wrong with it and what to do."""


class Layout(NamedTuple):
    """How a file is to be read; None: found out from its first lines."""

    columns: Mapping[str, str] = {}  # ours -> the file's
    delimiter: str | None = None
    encoding: str | None = None
    day_format: str | None = None


class Row(NamedTuple):
    """One loan as it stands in the file."""

    reader: str
    title: str
    day: str


class Table:
    """An open file; iterate for ``(line, row)``, where a row that cannot be read is the reason as text."""

    def __init__(self, path: Path, layout: Layout) -> None:
        self._path = path
        self.notes: list[str] = []  # what was found out about the file
        self.line = 1
        self._file = _opened(path)
        try:
            self._encoding = layout.encoding or self._detect()
            header = self._decoded(_line(self._file) or b"")
            if header is None:
                raise TableError(f"{path}: the first line is no {self._encoding}; say the encoding with --encoding")
            header = header.lstrip("\ufeff")
            self._delimiter = layout.delimiter or max(";,\t|", key=header.count)
            names = [name.strip() for name in next(csv.reader([header], delimiter=self._delimiter), [])]
            self._places = [self._place(ours, names, layout.columns.get(ours)) for ours in Row._fields]
        except BaseException:
            self._file.close()
            raise
        self._width = max(self._places) + 1

    def __iter__(self) -> Iterator[tuple[int, Row | str]]:
        reader, title, day = self._places
        delimiter, width = self._delimiter, self._width
        while (raw := _line(self._file)) is not None:
            self.line += 1
            if len(raw) > _LONGEST:
                yield self.line, f"is longer than {_LONGEST} bytes"
                continue
            text = self._decoded(raw)
            if text is None:
                yield self.line, f"is no {self._encoding}"
                continue
            if '"' in text:
                try:
                    fields = next(csv.reader([text], delimiter=delimiter, strict=True), [])
                except csv.Error:
                    yield self.line, "has a quote that is not closed"
                    continue
            else:
                fields = text.split(delimiter)
            if len(fields) < width:
                if text:
                    yield self.line, f"has {len(fields)} fields, {width} are needed"
                continue
            yield self.line, Row(fields[reader].strip(), fields[title].strip(), fields[day].strip())

    def skip(self, line: int) -> None:
        """Go on after this line without reading what stands before."""
        while self.line < line and _line(self._file) is not None:
            self.line += 1

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _decoded(self, raw: bytes) -> str | None:
        try:
            return raw.decode(self._encoding).rstrip("\r\n")
        except UnicodeDecodeError:
            return None

    def _detect(self) -> str:
        with _opened(self._path) as file:
            sample = file.read(_SAMPLE)
        if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise TableError(f"{self._path}: the file is UTF-16; save it as UTF-8")
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            decoder.decode(sample)
        except UnicodeDecodeError:
            # One line gone wrong is a bad row; a whole file of them is another encoding.
            lines = sample.split(b"\n")[:1000]
            if sum(not _is_utf8(line) for line in lines) * 20 > len(lines):
                self.notes.append("read as Windows-1252, as it is no UTF-8; say another with --encoding")
                return "cp1252"
        return "utf-8"

    def _place(self, ours: str, names: list[str], given: str | None) -> int:
        wanted = [given.casefold()] if given is not None else _USUAL[ours]
        for place, name in enumerate(names):
            if name.casefold() in wanted:
                return place
        # A first line with digits in it may be no header but a loan: its reader is not to be shown.
        plain = not any(char.isdigit() for name in names for char in name)
        there = f"it has {', '.join(names)}" if plain else "its first line does not look like a header"
        missing = f"'{given}'" if given is not None else f"for the {ours}"
        raise TableError(f"{self._path}: there is no column {missing}; {there}. Name it with --column {ours}=NAME")


class Days:
    """Reads days as text, each text once."""

    def __init__(self, format_: str | None) -> None:
        self._formats = (format_,) if format_ else _FORMATS
        self._iso = format_ is None
        self._known: dict[str, date | None] = {}

    def __call__(self, text: str) -> date | None:
        """The day; None where it is none."""
        if text not in self._known:
            if len(self._known) > 100_000:  # time stamps to the second
                self._known.clear()
            self._known[text] = self._read(text)
        return self._known[text]

    def _read(self, text: str) -> date | None:
        if self._iso:
            with contextlib.suppress(ValueError):
                return datetime.fromisoformat(text).date()
        for one in self._formats:
            try:
                return datetime.strptime(text, one).date()
            except ValueError:
                continue
        return None


def _opened(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def _line(file: IO[bytes]) -> bytes | None:
    """One line, of an overlong one no more than tells that it is; None at the end."""
    raw = file.readline(_LONGEST + 1)
    if not raw:
        return None
    end = raw
    while len(end) > _LONGEST and not end.endswith(b"\n"):
        end = file.readline(_LONGEST + 1)
    return raw


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
