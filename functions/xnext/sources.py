"""What a content management system is to the crawl, whatever its interface: a list of ids, and a page for each.

Readers of one interface each (``befi``, ``magnolia``) map its answers to ``Page``. What arrives is untrusted:
an answer of another shape is a MalformedAnswer that names source, id and field, and concerns that page alone.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal, Protocol
from zoneinfo import ZoneInfo

from selectolax.lexbor import LexborHTMLParser

from functions.xnext.page import Link, Page
from shared.errors import Reject, StadtfunkError
from shared.settings import CmsSource
from shared.web import Answer

MAPPING: Final = 1
"""Raised with every change of how answers become pages: then unchanged ones are read and compared again."""

EASY: Final = "~easy"  # ends the page id of an easy-language version that its CMS keeps within the page
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,87}")
_LOCAL: Final = ZoneInfo("Europe/Berlin")  # of times without a zone
_URL: Final = re.compile(r"https?://[^\s<>\"']+", re.IGNORECASE)

_BREAK: Final = re.compile(r"</(?:li|p|div|tr|h\d)>|<br\s*/?>", re.IGNORECASE)
_MARK: Final = "\ue000"  # a private character: no page has it, no parser changes it
_NO_WIDTH: Final = dict.fromkeys(map(ord, "\u200b\u2060\ufeff"))

Absence = Literal["missing", "gone", "not_public"]


class MalformedAnswer(StadtfunkError):
    """The source answered in another shape than its interface has; the text names source, id and field."""

    def __init__(self, source: str, where: str, field: str, problem: str) -> None:
        super().__init__(f"source {source}: {where}: field '{field}' {problem}")
        self.field = field


@dataclass(frozen=True, kw_only=True, slots=True)
class Validators:
    """What the source gave to ask "changed since?" with."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What the source says about one id at this moment: exactly one of unchanged, absent, or pages."""

    unchanged: bool = False  # since the validators that were sent
    absent: Absence | None = None  # 404 = missing, 410 = gone, unpublished = not_public
    pages: tuple[Page, ...] = ()  # versions kept within the page first, the page itself last
    validators: Validators = Validators()


class Source(Protocol):
    """One configured source, for the length of one run."""

    async def ids(self) -> list[str]:
        """Every id the source lists, once each.

        Raises:
            MalformedAnswer, WebError: the list is wrong.
            BackendError: the list cannot be had now.
        """
        ...

    async def read(self, id: str, known: Validators) -> Reading:
        """One page; raises as ``ids`` does."""
        ...


def configured(sources: Sequence[CmsSource], name: str) -> CmsSource:
    """The source of this name.

    Raises:
        Reject: there is none.
    """
    for source in sources:
        if source.name == name:
            return source
    raise Reject(f"unknown source '{name[:64]}'; STADTFUNK_XNEXT__SOURCES has {[source.name for source in sources]}")


def page_id(source: str, id: str) -> str:
    """The id a page has in the house."""
    return f"{source}:{id}"


def is_id(text: str) -> bool:
    """Whether this can be an id: it becomes part of addresses and keys."""
    return _ID.fullmatch(text) is not None


class Shape:
    """A JSON object of a source whose fields are taken with their types checked."""

    def __init__(self, source: str, where: str, fields: Any) -> None:
        if not isinstance(fields, dict):
            raise MalformedAnswer(source, where, "(whole)", "is no JSON object")
        self.source, self.where, self.fields = source, where, fields

    @classmethod
    def of(cls, source: str, where: str, answer: Answer) -> "Shape":
        """Parse a body; an HTML error page sent with status 200 is caught here."""
        try:
            return cls(source, where, json.loads(answer.body))
        except (ValueError, RecursionError):
            kind = answer.content_type or "something unnamed"
            raise MalformedAnswer(source, where, "(whole)", f"is no JSON but {kind[:60]}") from None

    def wrong(self, field: str, problem: str) -> MalformedAnswer:
        """The error for one field of this object."""
        return MalformedAnswer(self.source, self.where, field, problem)

    def text(self, field: str, *, required: bool = False) -> str:
        """A text, stripped; absent and null are empty unless required."""
        value = self.fields.get(field)
        if value is None and not required:
            return ""
        if not isinstance(value, str):
            raise self.wrong(field, "is missing" if value is None else f"is no text but {type(value).__name__}")
        value = value.strip()
        if required and not value:
            raise self.wrong(field, "is empty")
        return value

    def title(self, field: str) -> str:
        """A required text without markup."""
        value = plain(self.text(field, required=True))
        if not value:
            raise self.wrong(field, "is empty")
        return value

    def flag(self, field: str, *, default: bool | None = None) -> bool:
        """A boolean, as JSON or as the text "true"/"false"."""
        value = self.fields.get(field, default)
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if not isinstance(value, bool):
            raise self.wrong(field, "is missing" if value is None else f"is no boolean but {type(value).__name__}")
        return value

    def array(self, field: str, *, required: bool = False) -> list[Any]:
        """A list; absent and null are empty unless required."""
        value = self.fields.get(field)
        if value is None and not required:
            return []
        if not isinstance(value, list):
            raise self.wrong(field, "is missing" if value is None else f"is no list but {type(value).__name__}")
        return value

    def number(self, field: str) -> int:
        """A whole number."""
        value = self.fields.get(field)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.wrong(field, "is missing" if value is None else "is no whole number")
        return value

    def id(self, field: str) -> str:
        """An id of the source, a text or a whole number."""
        value = self.fields.get(field)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str) or not is_id(value):
            raise self.wrong(field, "is missing or no id")
        return value

    def moment(self, field: str) -> datetime | None:
        """A point in time: ISO 8601 or milliseconds since 1970; None when absent or unreadable.

        It only informs, so an odd one costs no page.
        """
        value = self.fields.get(field)
        try:
            if isinstance(value, str):
                when = datetime.fromisoformat(value)
                return (when if when.tzinfo else when.replace(tzinfo=_LOCAL)).astimezone(UTC)
            if isinstance(value, int) and not isinstance(value, bool):
                return datetime.fromtimestamp(value / 1000, UTC)
        except (ValueError, OverflowError, OSError):
            return None
        return None

    def texts(self, field: str) -> tuple[str, ...]:
        """A list of texts, or one text with commas; empty ones and repeats left out."""
        value = self.fields.get(field)
        parts = value.split(",") if isinstance(value, str) else self.array(field)
        if not all(isinstance(part, str) for part in parts):
            raise self.wrong(field, "has an entry that is no text")
        return tuple(dict.fromkeys(one_line(part) for part in parts if part.strip()))


def one_line(text: str) -> str:
    """The text with every run of white space made one space; editors leave invisible spaces of no width too."""
    return " ".join(text.translate(_NO_WIDTH).split())


def plain(html: str) -> str:
    """The visible text of a piece of HTML, one line."""
    if "<" not in html and "&" not in html:
        return one_line(html)
    parser = LexborHTMLParser(html)
    for node in parser.css("script, style, template, noscript"):
        node.decompose()
    return one_line(parser.body.text(separator=" ") if parser.body else "")


def listed(html: str) -> str:
    """The visible text of a short piece of HTML, one line, its lines and list entries parted by semicolons."""
    lines = (one_line(line) for line in plain(_BREAK.sub(_MARK, html)).split(_MARK))
    return "; ".join(line.rstrip(";") for line in lines if line)


def link(label: str, url: object) -> Link | None:
    """A link with an http or https address; None for anything else (javascript:, data:, relative)."""
    if not isinstance(url, str) or not _URL.fullmatch(url.strip()):
        return None
    return Link(label=plain(label) or url.strip(), url=url.strip())
