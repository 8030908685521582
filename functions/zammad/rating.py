"""The thumbs in a note: two signed links, one of which counts once. Who clicked, nobody learns.

A link shows a page with a button: programs that look into every link of a mail do not vote.
"""

import hmac
import time
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.requests import Request

from events.zammad import DraftRated
from functions.zammad import signing
from functions.zammad.fingerprint import key_of
from shared.backends import Backends
from shared.function import Reply, http
from shared.layout import Layout
from shared.state import Conflict

Kind = Literal["up", "down"]
PATH: Final = "/zammad/rating"
RATINGS: Final = "zammad-ratings"  # state bucket: rating id -> Taken
_PURPOSE: Final = "rating"
_KEPT_S: Final = signing.VALID_S + 7 * 86_400.0
_ZONE: Final = ZoneInfo("Europe/Berlin")
_LAYOUT: Final = Layout(Path(__file__).parent / "templates")


class Link(BaseModel):
    """What a thumb's address says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    kind: Kind
    category: Annotated[str, StringConstraints(max_length=64)] = ""
    until: int = Field(ge=0, lt=2**40)  # seconds since 1970
    signature: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    lang: str = ""

    def ours(self, use: Backends) -> bool:
        """Whether we made it."""
        fields: signing.Fields = {"id": self.id, "kind": self.kind, "category": self.category, "until": self.until}
        return signing.ours(fields, self.signature, _PURPOSE, use)


class Taken(BaseModel):
    """The one rating of a proposal."""

    model_config = ConfigDict(frozen=True)

    kind: Kind
    day: date


def links(ticket_id: int, article_id: int, category: str, use: Backends) -> tuple[str, str]:
    """Addresses for a thumb up and a thumb down on the proposal for an article; both count as one rating.

    They hold for ninety days, and say neither ticket nor article.
    """
    id = hmac.digest(key_of(use, _PURPOSE), f"{ticket_id}/{article_id}".encode(), "sha256").hex()[:32]

    def address(kind: Kind) -> str:
        return signing.address(PATH, {"id": id, "kind": kind, "category": category}, _PURPOSE, use)

    return address("up"), address("down")


@http
async def rate_draft(request: Request, use: Backends) -> Reply:
    """Show the thumb that a link gives, with a button; count it when that is pressed.

    403 where the link is not ours, 410 where it is too old.
    """
    try:
        link = Link.model_validate(dict(request.query_params))
    except ValidationError:
        link = None
    if link is None or not link.ours(use):
        return _page(request, use, "wrong", 403)
    if time.time() > link.until:
        return _page(request, use, "old", 410)
    bucket = use.state.bucket(RATINGS, ttl_s=_KEPT_S)
    entry = await bucket.get(link.id)
    if request.method != "POST":
        return _page(request, use, "ask" if entry is None else "counted", 200, link=link)
    taken = Taken(kind=link.kind, day=datetime.now(_ZONE).date())
    state = "counted"
    if entry is None:
        try:
            await bucket.create(link.id, taken.model_dump_json().encode())
            state = "thanks"
        except Conflict:
            entry = await bucket.get(link.id)
    if entry is not None:
        taken = Taken.model_validate_json(entry.value)
    # What was taken is told again: the first telling may not have been stored. It counts once, by its id.
    event = DraftRated(rating_id=link.id, kind=taken.kind, category=link.category, day=taken.day)
    page = _page(request, use, state, 200, link=link)
    return Reply(response=page.response, events=[event])


def _page(request: Request, use: Backends, state: str, status: int, link: Link | None = None) -> Reply:
    page = _LAYOUT.page(request, use, "rating.html", state=state, kind=link.kind if link else "", action=_action(link))
    page.status_code = status
    page.headers["cache-control"] = "no-store"
    page.headers["referrer-policy"] = "no-referrer"
    return Reply(response=page)


def _action(link: Link | None) -> str:
    return "" if link is None else f"{PATH}?{urlencode(link.model_dump())}"
