"""GET /source: a page in the revision that an answer cites, with the quote marked."""

import asyncio
from pathlib import Path
from typing import Annotated, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response

from functions.xnext.index import document_with_file, index_of
from functions.xnext.revisions import revision
from shared.backends import Backends
from shared.function import http
from shared.http import read
from shared.knowledge import quotes
from shared.knowledge.passages import passages
from shared.knowledge.quotes import Span
from shared.layout import Layout, language_of
from shared.objects import ObjectMissing

_LAYOUT = Layout(Path(__file__).parent / "templates")
_ZONE = ZoneInfo("Europe/Berlin")


class SourceQuery(BaseModel):
    """Which page, as of when, and what to mark."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    page: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    revision: int = Field(ge=1, lt=2**53)
    quote: Annotated[str, StringConstraints(max_length=2000)] = ""
    lang: str = ""


class Piece(NamedTuple):
    """A run of text, marked or not."""

    text: str
    marked: bool


class Shown(NamedTuple):
    """A passage."""

    heading: str
    page: int  # of a paged document; 0 where there are no pages
    lines: list["Line"]


class Line(NamedTuple):
    """A line of a passage."""

    item: bool  # of a list
    pieces: list[Piece]


@http
async def source(request: Request, use: Backends) -> Response:
    """The cited revision of a page as plain text with the quote marked.

    404 where none is kept; 410 of a page that was withdrawn: why it was, nobody here knows, so nothing of it is shown.
    """
    wanted = SourceQuery.model_validate((await read(SourceQuery, request)).model_dump())
    known = await index_of(use).record(wanted.page)
    withdrawn = known is not None and known.removed
    try:
        page, changed_at = (None, None) if withdrawn else await revision(wanted.page, wanted.revision, use)
    except ObjectMissing:
        page, changed_at = None, None
    if page is None or changed_at is None:
        answer = _LAYOUT.page(request, use, "source.html", page=None, withdrawn=withdrawn)
        answer.status_code = 410 if withdrawn else 404
        return answer
    marked = False
    sections: list[Shown] = []
    document = await document_with_file(page, wanted.revision, use)
    for passage in await asyncio.to_thread(passages, document):
        span = None if marked or not wanted.quote else _found(wanted.quote, passage.text)
        marked = marked or span is not None
        sections.append(Shown(" › ".join(passage.headings), passage.page, _lines(passage.text, span)))
    local = changed_at.astimezone(_ZONE)
    return _LAYOUT.page(
        request,
        use,
        "source.html",
        page=page,
        url=page.url if page.url and page.url.startswith(("https://", "http://")) else None,
        sections=sections,
        quoted=bool(wanted.quote),
        marked=marked,
        at=local,
        moment=local.strftime("%Y-%m-%d, %H:%M" if language_of(request) == "en" else "%d.%m.%Y, %H:%M Uhr"),
        superseded=known is not None and known.revision > wanted.revision,
    )


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
