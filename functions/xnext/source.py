"""GET /source: a page in the revision that an answer cites, with the quote marked."""

import asyncio
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response

from functions.xnext.index import document_with_file, index_of
from functions.xnext.revisions import revision
from shared.backends import Backends
from shared.function import http
from shared.http import read
from shared.knowledge.marking import marked
from shared.layout import Layout, moment
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
    document = await document_with_file(page, wanted.revision, use)
    shown = await asyncio.to_thread(marked, document, wanted.quote)
    local = changed_at.astimezone(_ZONE)
    return _LAYOUT.page(
        request,
        use,
        "source.html",
        page=page,
        url=page.url if page.url and page.url.startswith(("https://", "http://")) else None,
        sections=shown.passages,
        quoted=bool(wanted.quote),
        marked=shown.marked,
        at=local,
        moment=moment(request, local),
        superseded=known is not None and known.revision > wanted.revision,
    )
