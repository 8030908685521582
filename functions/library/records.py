"""Catalogue files as events: MARC21 and MARCXML (read by pymarc), and CSV. A record that cannot be read is told."""

import csv
import re
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Final
from xml.sax import SAXException, make_parser
from xml.sax.handler import feature_namespaces

from pydantic import ValidationError
from pymarc import MARCReader, Record
from pymarc.marcxml import XmlHandler

from events.library import TitleChanged, TitleRemoved
from functions.library.table import TableError

Change = TitleChanged | TitleRemoved
Say = Callable[[str], None]

_TEXTS: Final = {"title": 1000, "author": 500, "series": 500, "blurb": 8000, "language": 16, "medium": 64} | {
    "age_group": 64
}
_LISTS: Final = {"subjects": 32, "branches": 64}
_WORD: Final = 200
_END: Final = " /:;,="  # punctuation that MARC keeps at the end of a subfield
_MEDIA: Final = {
    "a": "book", "t": "book", "c": "score", "d": "score", "e": "map", "f": "map", "g": "film", "i": "audiobook",
    "j": "music", "k": "picture", "m": "software", "o": "kit", "r": "object",
}  # fmt: skip
_AGES: Final = {"a": "children", "b": "children", "c": "children", "j": "children", "d": "teens", "e": "adults"}
_SUBJECTS: Final = ("650", "689", "655", "653", "651", "600")
_USUAL: Final = {
    "id": ("id", "title_id", "item", "record", "ppn", "titelnummer"),
    "title": ("title", "titel", "name"),
    "author": ("author", "autor", "verfasser", "creator"),
    "subjects": ("subjects", "subject", "schlagwort", "schlagworte", "schlagwörter", "keywords"),
    "series": ("series", "reihe"),
    "blurb": ("blurb", "description", "beschreibung", "klappentext", "abstract"),
    "language": ("language", "sprache", "lang"),
    "medium": ("medium", "medienart", "media", "type"),
    "age_group": ("age_group", "zielgruppe", "altersgruppe", "audience"),
    "year": ("year", "jahr", "erscheinungsjahr"),
    "branches": ("branches", "zweigstellen", "standorte", "available"),
}


def changes(path: Path, say: Say) -> Iterator[Change]:
    """Every title of a file, by what its name ends in.

    Raises:
        TableError: it is no such file, or has no column for id or title.
    """
    if not path.is_file():
        raise TableError(f"{path}: no such file")
    kinds = {".mrc": _marc21, ".marc": _marc21, ".xml": _marcxml, ".csv": _csv}
    read = kinds.get(path.suffix.lower())
    if read is None:
        raise TableError(f"{path}: its name ends in none of {', '.join(kinds)}")
    revision = time.time_ns() // 1_000_000
    seen: set[str] = set()
    for number, values in enumerate(read(path), 1):
        if isinstance(values, str):
            say(f"{path}: record {number} {values}; left out")
            continue
        try:
            change = _change(values, revision)
        except ValidationError as error:
            field = ".".join(map(str, error.errors(include_url=False, include_input=False)[0]["loc"]))
            say(f"{path}: record {number} has no usable {field}; left out")
            continue
        if change.id in seen:
            revision += 1  # the later of two records of one file counts
        seen.add(change.id)
        yield change.model_copy(update={"revision": revision})


def _change(values: dict[str, Any], revision: int) -> Change:
    if values.get("removed"):
        return TitleRemoved(id=values["id"], revision=revision)
    for name, most in _TEXTS.items():
        values[name] = (values.get(name) or "").strip()[:most]
    for name, most in _LISTS.items():
        words = [word.strip()[:_WORD] for word in values.get(name) or ()]
        values[name] = list(dict.fromkeys(word for word in words if word))[:most]
    return TitleChanged.model_validate({**values, "revision": revision})


def _marc21(path: Path) -> Iterator[dict[str, Any] | str]:
    with path.open("rb") as file:
        reader = MARCReader(file, permissive=True)
        for record in reader:
            if record is None:
                yield f"cannot be read ({type(reader.current_exception).__name__})"
            else:
                yield _of_marc(record)


class _Handler(XmlHandler):
    """Collects records as they are closed."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.found: list[Record] = []

    def process_record(self, record: Record) -> None:
        self.found.append(record)


def _marcxml(path: Path) -> Iterator[dict[str, Any] | str]:
    # expat bounds what entities grow to, and reads none from outside.
    handler, parser = _Handler(), make_parser()  # noqa: S317
    parser.setContentHandler(handler)
    parser.setFeature(feature_namespaces, True)
    with path.open("rb") as file:
        try:
            while block := file.read(1 << 16):
                parser.feed(block)  # type: ignore[attr-defined]
                found, handler.found = handler.found, []
                yield from map(_of_marc, found)
            parser.close()  # type: ignore[attr-defined]
        except SAXException:
            yield "is where the XML ends before its time"


def _of_marc(record: Record) -> dict[str, Any]:
    fixed = _control(record, "008")
    leader = str(record.leader)
    return {
        "id": _control(record, "001").strip(),
        "removed": leader[5:6] == "d",
        "title": " : ".join(_subfields(record, ["245"], "a", "b")),
        "author": next(iter(_subfields(record, ["100", "110", "700"], "a")), ""),
        "subjects": _subfields(record, _SUBJECTS, "a"),
        "series": next(iter(_subfields(record, ["490", "830"], "a")), ""),
        "blurb": " ".join(_subfields(record, ["520"], "a", "b")),
        "language": next(iter(_subfields(record, ["041"], "a")), fixed[35:38].strip()),
        "medium": "periodical" if leader[6:8] == "as" else _MEDIA.get(leader[6:7], ""),
        "age_group": _AGES.get(fixed[22:23], "") if leader[6:7] in "at" else "",
        "year": _year(" ".join((*_subfields(record, ["264", "260"], "c"), fixed[7:11]))),
        "branches": _subfields(record, ["852", "952"], "b"),
    }


def _control(record: Record, tag: str) -> str:
    field = record.get(tag)
    return "" if field is None else str(field.data or "")


def _subfields(record: Record, tags: Iterable[str], *codes: str) -> list[str]:
    found = []
    for tag in tags:
        for field in record.get_fields(tag):
            found += [text.strip().rstrip(_END) for code in codes for text in field.get_subfields(code)]
    return [text for text in found if text]


def _csv(path: Path) -> Iterator[dict[str, Any] | str]:
    encoding = "utf-8-sig"
    with path.open("rb") as raw:
        try:
            raw.read(1 << 20).decode("utf-8", "strict")
        except UnicodeDecodeError as error:
            # Cut in the middle of a character is no other encoding.
            encoding = encoding if error.start > (1 << 20) - 4 else "cp1252"
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        yield from _rows(path, file)


def _rows(path: Path, file: IO[str]) -> Iterator[dict[str, Any] | str]:
    head = file.readline()
    file.seek(0)
    reader = csv.reader(file, delimiter=max(";,\t|", key=head.count))
    names = [name.strip().casefold() for name in next(reader, [])]
    places = {
        ours: next((names.index(name) for name in usual if name in names), None) for ours, usual in _USUAL.items()
    }
    for needed in ("id", "title"):
        if places[needed] is None:
            raise TableError(f"{path}: there is no column for the {needed}; name one of them {_USUAL[needed][0]}")
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield "cannot be read"
            continue
        if not fields:
            continue
        values: dict[str, Any] = {
            ours: fields[place].strip() for ours, place in places.items() if place is not None and place < len(fields)
        }
        for name in _LISTS:
            values[name] = re.split(r"[|;]", values.get(name, ""))
        yield values | {"year": _year(values.get("year", ""))}


def _year(text: str) -> int | None:
    found = re.search(r"\b(1[0-9]{3}|20[0-9]{2})\b", text)
    return int(found[1]) if found else None
