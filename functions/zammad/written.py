"""Draft and note as they lie in a ticket, read as an agent reads them: statements, numbers, sources, quotes, facts."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qs, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from functions.zammad.compose import FLAG_WORDS
from functions.zammad.phrases import known, phrases

_NUMBER: Final = re.compile(r"\s*\[(\d{1,3})\]\s*$")
_GENERATED: Final = "von einem Sprachmodell formuliert"
_FLAGS: Final = {words: flag for flag, words in FLAG_WORDS.items()}


@dataclass(frozen=True, kw_only=True, slots=True)
class Stated:
    """A statement of the draft; a list has a line an item."""

    lines: tuple[str, ...]
    number: int  # of its source

    @property
    def text(self) -> str:
        """All of it."""
        return " ".join(self.lines)


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A shared draft."""

    text: str = ""
    language: str | None = None  # of its set phrases; None: of no language that is known
    statements: tuple[Stated, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Cited:
    """A source of the note."""

    document: str  # id in the index
    opened: str  # address that shows it as it was cited
    quotes: tuple[tuple[str, ...], ...]  # the lines of each


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """An internal note."""

    text: str = ""
    sources: dict[int, Cited] = field(default_factory=dict)  # by number
    category: str | None = None
    flags: frozenset[str] = frozenset()
    generated: bool = False  # by a language model


def read_draft(html: str) -> Draft:
    """A draft as it is stored; empty: there is none."""
    body = LexborHTMLParser(html).body
    if body is None:
        return Draft()
    text = body.text(separator="\n")
    languages = [one for one in known() if phrases(one).thanks in text or phrases(one).plain in text]
    found = []
    for block in body.css("body > div > div"):
        lines = list(_lines(block))
        if lines and (number := _NUMBER.search(lines[-1])):
            lines[-1] = lines[-1][: number.start()]
            found.append(Stated(lines=tuple(lines), number=int(number[1])))
    return Draft(text=text, language=languages[0] if len(languages) == 1 else None, statements=tuple(found))


def read_note(html: str) -> Note:
    """A note as Zammad keeps it; empty: there is none."""
    body = LexborHTMLParser(html).body
    if body is None:
        return Note()
    text = body.text(separator="\n")
    facts = [item.text().strip() for item in body.css("body > ul:first-of-type > li")]
    category = (fact.removeprefix("Kategorie: ") for fact in facts if fact.startswith("Kategorie: "))
    sources = {}
    for block in body.css("body > div"):
        number = re.match(r"\s*\[(\d{1,3})\]", block.text())
        if number is not None and (cited := _cited(block)) is not None:
            sources[int(number[1])] = cited
    return Note(
        text=text,
        sources=sources,
        category=next(category, None),
        flags=frozenset(_FLAGS[fact] for fact in facts if fact in _FLAGS),
        generated=_GENERATED in text,
    )


def _cited(block: LexborNode) -> Cited | None:
    for link in block.css("a"):
        address = link.attributes.get("href") or ""
        told = parse_qs(urlsplit(address).query)
        if document := (told.get("page") or told.get("answer") or [""])[0]:
            quotes = tuple(tuple(_lines(quote)) for quote in block.css("blockquote"))
            return Cited(document=document, opened=address, quotes=quotes)
    return None


def _lines(block: LexborNode) -> Iterator[str]:
    for part in block.css("p, li"):
        if line := " ".join(part.text().split()):
            yield line
