"""Quotes: whether a text stands verbatim in a passage, and where; and the clauses that may be quoted.

Verbatim means equal after both sides are unified: NFKC, soft hyphens and other invisible characters dropped,
all quotation marks, all dashes and all runs of white space alike. Nothing else is forgiven but what surrounds a
quote: quotation marks, an ellipsis, the full stop, and a capital first letter.
"""

import re
import unicodedata
from typing import NamedTuple

from shared.knowledge import german
from shared.knowledge.sentences import sentences

LEAST_WORDS = 5  # of a quote; fewer say too little to back anything


class Span(NamedTuple):
    """A part of a text; ``start`` and ``end`` count code points."""

    start: int
    end: int

    def of(self, text: str) -> str:
        return text[self.start : self.end]


class Unified(NamedTuple):
    """A unified text; character i of ``text`` stands for ``original[starts[i]:ends[i]]``."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]


_QUOTES = dict.fromkeys(map(ord, "\"'`´„“”‟«»‹›‘’‚‛′″"), '"')
_DASHES = dict.fromkeys(map(ord, "-‐‑‒–—―−⁃﹘﹣－"), "-")
_ALIKE = {**_QUOTES, **_DASHES}
_JAMO = range(0x1160, 0x1200)  # vowels and finals, which join the syllable before them
_AROUND = '" .…-:;,'  # what a model sets around a quote, after unification
# A dot after three digits is taken for an ordinal's by ``sentences``; no month has as many days.
_BREAK = re.compile(r"(?<=\d{3})\.\s+(?=[A-ZÄÖÜ])|[,;:]\s+|\s[-–—]\s+|\s*[()]\s*")


def unify(text: str) -> Unified:
    """The text in the one spelling in which quotes are compared, with its way back."""
    letters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    while at < len(text):
        after = at + 1
        while after < len(text) and (unicodedata.combining(text[after]) or ord(text[after]) in _JAMO):
            after += 1
        for letter in unicodedata.normalize("NFKC", text[at:after]).translate(_ALIKE):
            if unicodedata.category(letter) in ("Cf", "Cc") and not letter.isspace():
                continue
            if letter.isspace() and letters and letters[-1] == " ":
                ends[-1] = after
                continue
            letters.append(" " if letter.isspace() else letter)
            starts.append(at)
            ends.append(after)
        at = after
    return Unified("".join(letters), tuple(starts), tuple(ends))


def find(quote: str, passage: str) -> Span | None:
    """Where a quote stands in a passage, as whole words; None when it does not."""
    wanted = unify(quote).text.strip(_AROUND)
    if not wanted:
        return None
    within = unify(passage)
    for first in dict.fromkeys((wanted[0], wanted[0].lower(), wanted[0].upper())):
        found = _whole(first + wanted[1:], within.text)
        if found is not None:
            return Span(within.starts[found], within.ends[found + len(first) + len(wanted) - 2])
    return None


def word_count(text: str) -> int:
    """Words of a text: runs of letters and digits that hold a letter or digit of their own."""
    return sum(1 for _ in german.words(unify(text).text))


def _whole(wanted: str, text: str) -> int | None:
    at = text.find(wanted)
    while at >= 0:
        after = at + len(wanted)
        opens = at == 0 or not (text[at - 1].isalnum() and wanted[0].isalnum())
        closes = after == len(text) or not (text[after].isalnum() and wanted[-1].isalnum())
        if opens and closes:
            return at
        at = text.find(wanted, at + 1)
    return None


def sentence_spans(text: str) -> list[Span]:
    """Where the sentences of a text stand, in order."""
    found = []
    at = 0
    for sentence in sentences(text):
        start = text.index(sentence, at)
        at = start + len(sentence)
        found.append(Span(start, at))
    return found


def clauses(text: str) -> list[Span]:
    """Clauses of at least five words where the sentence has as many, in order; a shorter one joins its neighbour."""
    found: list[Span] = []
    for sentence in sentence_spans(text):
        found += _joined(text, pieces(text, sentence))
    return found


def pieces(text: str, within: Span) -> list[Span]:
    """What stands between commas, colons, dashes and brackets, however short."""
    found = []
    start = within.start
    for mark in _BREAK.finditer(text, within.start, within.end):
        if mark.start() > start:
            found.append(Span(start, mark.start()))
        start = mark.end()
    if within.end > start:
        found.append(Span(start, within.end))
    return found


def _joined(text: str, parts: list[Span]) -> list[Span]:
    found: list[Span] = []
    start: int | None = None
    for part in parts:
        start = part.start if start is None else start
        if word_count(text[start : part.end]) >= LEAST_WORDS:
            found.append(Span(start, part.end))
            start = None
    if start is not None:  # what is left at the end joins the clause before it
        found.append(Span(found.pop().start if found else start, parts[-1].end))
    return found
