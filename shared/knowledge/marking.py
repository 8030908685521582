"""A document as a page shows it that a citation opens: its passages line by line, with the quote marked."""

from typing import NamedTuple

from shared.knowledge import quotes
from shared.knowledge.passages import Document, passages
from shared.knowledge.quotes import Span


class Piece(NamedTuple):
    """A run of text, marked or not."""

    text: str
    marked: bool


class Line(NamedTuple):
    """A line of a passage."""

    item: bool  # of a list
    pieces: list[Piece]


class Shown(NamedTuple):
    """A passage."""

    heading: str
    page: int  # of a paged document; 0 where there are no pages
    lines: list[Line]


class Marked(NamedTuple):
    """A whole document."""

    passages: list[Shown]
    marked: bool  # the quote stands in it


def marked(document: Document, quote: str) -> Marked:
    """A document with the first place where a quote stands. CPU work: run it in a thread for anything long."""
    there = False
    found: list[Shown] = []
    for passage in passages(document):
        span = None if there or not quote else _found(quote, passage.text)
        there = there or span is not None
        found.append(Shown(" › ".join(passage.headings), passage.page, _lines(passage.text, span)))
    return Marked(found, there)


def _found(quote: str, text: str) -> Span | None:
    """Where a quote stands, with the stop at its end."""
    span = quotes.find(quote, text)
    if span is not None and quote[-1:] == text[span.end : span.end + 1]:
        return Span(span.start, span.end + 1)
    return span


def _lines(text: str, span: Span | None) -> list[Line]:
    """A passage by its lines, cut where the mark begins and ends."""
    found = []
    start = 0
    for line in text.split("\n"):
        end = start + len(line)
        item = line.startswith("- ")
        first, last = (end, end) if span is None else (max(start, span.start), min(end, span.end))
        begin = start + 2 if item else start
        if first >= last:
            pieces = [Piece(text[begin:end], False)]
        else:
            first = max(first, begin)
            pieces = [Piece(text[begin:first], False), Piece(text[first:last], True), Piece(text[last:end], False)]
        found.append(Line(item, [piece for piece in pieces if piece.text]))
        start = end + 1
    return found
