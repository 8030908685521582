"""The demo city Auenfurt: fictional offices, pages and judged queries, one Markdown file a page.

``load_city()`` reads the folder beside this module and raises CityError, with file and line, at the first mistake.

A page file is YAML between two ``---`` lines, then Markdown: the first paragraph is the summary, what follows
up to the first ``##`` the description, and each ``##`` one of the headings of ``SECTIONS``.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time
from functools import cache
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from markdown_it import MarkdownIt
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from shared.errors import StadtfunkError

FOLDER = Path(__file__).parent
SECTIONS = {
    "Unterlagen": "sf6",
    "Besonderheiten": "sf7",
    "Voraussetzungen": "sf12",
    "Zu beachten": "sf13",
    "Wichtiger Hinweis": "sf14",
    "Fragen und Antworten": "sf20",
}
ZONE = ZoneInfo("Europe/Berlin")

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
_HEADING = re.compile(r"^## +(.+?) *$", re.MULTILINE)


class CityError(StadtfunkError):
    """A file of the city is wrong; the text carries file, line where known, and what would be right."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Link(_Frozen):
    """A link with its words."""

    label: str = Field(min_length=2)
    url: str = Field(pattern=r"^https?://")


class Office(_Frozen):
    """A place where citizens are served."""

    id: str = Field(pattern=r"^[a-z][a-z-]*$")
    name: str
    address: str  # street, postcode and town in one line
    hours: tuple[str, ...] = Field(min_length=1)  # one entry a line, e.g. "Mo 8–12 Uhr"
    phone: str
    email: str
    access: str = ""  # how to come in without steps


class Section(_Frozen):
    """One part of a page with its own heading."""

    id: str  # sf6, sf7, …
    heading: str
    html: str


class Page(_Frozen):
    """One page as the content management system keeps it."""

    id: str = Field(min_length=1)
    kind: Literal["service", "info"] = "service"
    name: str = Field(min_length=3)
    english: str = ""  # title in English
    category: str = ""  # key of City.categories
    department: str = ""
    offices: tuple[str, ...] = ()  # ids
    synonyms: tuple[str, ...] = ()
    fees: tuple[str, ...] = ()
    payment: tuple[str, ...] = ()
    duration: str = ""
    legal_basis: tuple[str, ...] = ()
    online: tuple[Link, ...] = ()
    links: tuple[Link, ...] = ()
    easy: bool = False  # written in easy language
    easy_page: str | None = None  # id of the page that says the same in easy language
    near: tuple[str, ...] = ()  # ids of pages that a search must keep apart from this one
    live: bool = False  # part of the text comes from the clock
    public: bool = True
    leika: str | None = None
    modified: datetime
    summary: str = ""  # one plain paragraph
    text: str = ""  # description, in `markup`
    markup: Literal["markdown", "html"] = "markdown"
    sections: tuple[Section, ...] = ()

    @field_validator("fees", "payment", "legal_basis", "offices", "synonyms", "near", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("modified", mode="before")
    @classmethod
    def _zoned(cls, value: Any) -> Any:
        """A bare date in a file means nine o'clock of that day in the city."""
        if isinstance(value, date) and not isinstance(value, datetime):
            return datetime.combine(value, time(9), ZONE)
        return value

    def description(self) -> str:
        """The description as HTML (of a foreign city: whatever its source gave, not cleaned)."""
        return markdown(self.text) if self.markup == "markdown" else self.text

    def words(self) -> str:
        """All text a reader sees, without markup."""
        html = [self.description(), *(f"{section.heading} {section.html}" for section in self.sections)]
        facts = [*self.fees, *self.payment, self.duration, *self.legal_basis, *(link.label for link in self.online)]
        return " ".join([self.name, self.summary, re.sub(r"<[^>]+>", " ", " ".join(html)), *facts]).strip()


class Query(_Frozen):
    """A question as a citizen would put it, with the pages that answer it."""

    query: str = Field(min_length=3)
    docs: tuple[str, ...] = Field(min_length=1)  # ids of pages, as at the source
    language: str  # ISO 639-1
    note: str
    no_shared_word: bool = False  # no stem of the query occurs in the page


class City(_Frozen):
    """The whole demo city."""

    name: str
    categories: dict[str, str]  # key -> title
    offices: tuple[Office, ...]
    pages: tuple[Page, ...]
    queries: tuple[Query, ...] = ()

    def office(self, id: str) -> Office:
        """The office of this id; KeyError where there is none."""
        return {office.id: office for office in self.offices}[id]


def markdown(source: str) -> str:
    """HTML of an editor's Markdown; raw HTML in it stays text."""
    return str(_MARKDOWN.render(source))


@cache
def load_city() -> City:
    """Auenfurt, read once.

    Raises:
        CityError: a file is wrong; names file and line.
    """
    return read_city(FOLDER)


def read_city(folder: Path) -> City:
    """The city in this folder: city.yaml, pages/*.md, info/*.md, queries.jsonl."""
    file = folder / "city.yaml"
    values = _yaml(file, file.read_text(encoding="utf-8"))
    pages = [read_page(path, "service") for path in sorted((folder / "pages").glob("*.md"))]
    pages += [read_page(path, "info") for path in sorted((folder / "info").glob("*.md"))]
    pages.sort(key=lambda page: page.id)
    try:
        city = City(**values, pages=tuple(pages), queries=tuple(_queries(folder / "queries.jsonl")))
    except ValidationError as error:
        raise _mistake(file, error) from None
    _check(city, folder)
    return city


def read_page(path: Path, kind: Literal["service", "info"]) -> Page:
    """One page file.

    Raises:
        CityError: no front matter, an unknown key or heading, a value of the wrong kind.
    """
    source = path.read_text(encoding="utf-8")
    parts = re.split(r"^---$\n?", source, maxsplit=2, flags=re.MULTILINE)
    if len(parts) != 3 or parts[0].strip():
        raise CityError(f"{path}:1: a page starts with its facts between two lines of '---'")
    values = _yaml(path, parts[1], first_line=2)
    above = parts[1].count("\n") + 3
    body, *rest = _HEADING.split(parts[2])
    sections = []
    for heading, text in zip(rest[::2], rest[1::2], strict=True):
        if heading not in SECTIONS:
            line = above + parts[2][: parts[2].index(f"## {heading}")].count("\n")
            raise CityError(f"{path}:{line}: unknown heading '{heading}'; there are {', '.join(SECTIONS)}")
        sections.append(Section(id=SECTIONS[heading], heading=heading, html=markdown(text)))
    summary, _, text = body.strip().partition("\n\n")
    try:
        return Page(**values, kind=kind, summary=" ".join(summary.split()), text=text.strip(), sections=tuple(sections))
    except ValidationError as error:
        raise _mistake(path, error) from None


def _check(city: City, folder: Path) -> None:
    """References between the files."""
    count = Counter(page.id for page in city.pages)
    if twice := [id for id, number in count.items() if number > 1]:
        raise CityError(f"{folder}: the id {twice[0]} is taken by another page")
    ids = set(count)
    offices = {office.id for office in city.offices}
    for page in city.pages:
        where = f"{folder}: page {page.id} ({page.name})"
        for what, wanted, known in (
            ("office", set(page.offices), offices),
            ("category", {page.category}, set(city.categories)),
            ("page", {*page.near, *([page.easy_page] if page.easy_page else [])}, ids),
        ):
            if missing := sorted(wanted - known):
                raise CityError(f"{where}: unknown {what} '{missing[0]}'; there are {', '.join(sorted(known))}")
    for query in city.queries:
        if missing := sorted(set(query.docs) - ids):
            raise CityError(f"{folder / 'queries.jsonl'}: '{query.query}' names the unknown page {missing[0]}")


def _queries(file: Path) -> Iterator[Query]:
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            yield Query(**json.loads(line))
        except (ValueError, TypeError) as error:
            reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
            raise CityError(f"{file}:{number}: not a judged query: {reason}") from None


def _yaml(file: Path, text: str, first_line: int = 1) -> dict[str, Any]:
    try:
        values = YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        line = first_line + (error.problem_mark.line if error.problem_mark else 0)
        raise CityError(f"{file}:{line}: not YAML: {error.problem}") from None
    if not isinstance(values, dict):
        raise CityError(f"{file}:{first_line}: expected 'key: value' lines")
    return values


def _mistake(file: Path, error: ValidationError) -> CityError:
    first = error.errors(include_url=False, include_input=False)[0]
    return CityError(f"{file}: {'.'.join(str(part) for part in first['loc'])}: {first['msg']}")
