"""GET /zammad/source: an answer of the knowledge base as it was when a note cited it, with the quote marked.

Agents come here by a signed link of the note: internal answers are shown, too, and those that were withdrawn since.
"""

import asyncio
import time
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from functions.zammad import signing
from functions.zammad.editions import address, document_of, revision_of
from functions.zammad.ledger import Known, Ledger
from shared.backends import Backends
from shared.function import http
from shared.knowledge.citations import Source
from shared.knowledge.marking import marked
from shared.layout import Layout, moment
from shared.objects import ObjectMissing

PATH: Final = "/zammad/source"
_PURPOSE: Final = "source"
_QUOTE: Final = 600  # characters of a quote in an address
_ZONE: Final = ZoneInfo("Europe/Berlin")
_LAYOUT: Final = Layout(Path(__file__).parent / "templates")


class Link(BaseModel):
    """Which answer, as of when, and what to mark."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    answer: Annotated[str, StringConstraints(pattern=r"^kb:\d{1,18}-\d{1,18}$")]
    revision: int = Field(ge=1, lt=2**53)
    until: int = Field(ge=0, lt=2**40)  # seconds since 1970
    signature: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    quote: Annotated[str, StringConstraints(max_length=_QUOTE)] = ""
    lang: str = ""

    def ours(self, use: Backends) -> bool:
        """Whether we made it. The quote only marks what stands there."""
        fields: signing.Fields = {"answer": self.answer, "revision": self.revision, "until": self.until}
        return signing.ours(fields, self.signature, _PURPOSE, use)


def link(source: Source, quote: str, use: Backends) -> str:
    """An address that shows agents what was cited as it was: an answer, or a page of the city (``xnext.source``)."""
    if not source.document.startswith("kb:"):
        page = {"page": source.document, "revision": source.revision, "quote": quote[:_QUOTE]}
        return f"{signing.base(use)}/source?{urlencode(page)}"
    fields: signing.Fields = {"answer": source.document, "revision": source.revision}
    return signing.address(PATH, fields, _PURPOSE, use, quote=quote[:_QUOTE])


@http
async def answer_source(request: Request, use: Backends) -> Response:
    """The cited revision of an answer as plain text. 403: the link is not ours; 404: not kept; 410: too old a link."""
    try:
        wanted = Link.model_validate(dict(request.query_params))
    except ValidationError:
        wanted = None
    if wanted is None or not wanted.ours(use):
        return _page(request, use, 403)
    if time.time() > wanted.until:
        return _page(request, use, 410)
    try:
        edition, changed_at = await revision_of(wanted.answer, wanted.revision, use)
    except ObjectMissing:
        return _page(request, use, 404)
    document = document_of(edition, wanted.revision, use.settings.zammad)
    shown = await asyncio.to_thread(marked, document, wanted.quote)
    now = (await Ledger(use).one(wanted.answer)) or Known()
    local = changed_at.astimezone(_ZONE)
    values = {
        "edition": edition,
        "url": address(edition, use.settings.zammad) if now.visibility == "published" else "",
        "sections": shown.passages,
        "quoted": bool(wanted.quote),
        "marked": shown.marked,
        "at": local,
        "moment": moment(request, local),
        "withdrawn": now.visibility is None,
        "superseded": now.revision > wanted.revision,
    }
    return _page(request, use, 200, **values)


def _page(request: Request, use: Backends, status: int, **values: object) -> Response:
    page = _LAYOUT.page(request, use, "answer.html", **{"edition": None, "status": status, **values})
    page.status_code = status
    page.headers["cache-control"] = "no-store"
    page.headers["referrer-policy"] = "no-referrer"
    return page
