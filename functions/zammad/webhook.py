"""Zammad's word that a ticket changed (its signature is the host's work).

Zammad sends again whatever is no 2xx, so that only what is wrongly set up is refused. What the payload says for
certain of an article is decided here; the ticket itself is shown as it was at delivery, and read again later.
"""

from http import HTTPStatus

from pydantic import BaseModel
from starlette.requests import Request

from events.event import Event
from events.zammad import ArticleReceived, ReplySent
from functions.zammad import sightings
from functions.zammad.loops import Reason, group_of, is_sent, of_article, skip
from functions.zammad.payload import Told, Unreadable, read
from shared.backends import Backends
from shared.function import Reply, http
from shared.http import Problem
from shared.settings import ZammadSettings


class Taken(BaseModel):
    """What Zammad is told, and shows to its administrators."""

    taken: bool
    reason: Reason | None = None  # why there is nothing to do


@http
async def zammad_webhook(request: Request, use: Backends) -> Reply:
    """Take note of an article; 202 once the event is stored, 200 where there is nothing to do.

    Raises:
        Problem: 422 with the field that is wrong; its text repeats no value.
    """
    try:
        told = read(await request.body())
    except Unreadable as error:
        errors = [{"field": error.field, "message": str(error)}]
        raise Problem(422, f"The payload is not understood: {error.field} {error}", errors=errors) from None
    await sightings.note(use)
    found = "no_article" if told is None else happened(told, use.settings.zammad)
    if isinstance(found, Event):
        return Reply(response=Taken(taken=True), events=[found], status=HTTPStatus.ACCEPTED)
    skip(found)
    return Reply(response=Taken(taken=False, reason=found))


def happened(told: Told, settings: ZammadSettings) -> ArticleReceived | ReplySent | Reason:
    """The event that a payload tells of, or why there is none."""
    if told.article_id is None:
        return "no_article"
    if told.group and group_of(settings, told.group) is None:
        return "group"
    if told.sender == "Agent" and not told.internal and is_sent(told.type):
        return ReplySent(ticket_id=told.ticket_id, article_id=told.article_id)
    # What is not said is decided when the ticket is read.
    reason = of_article(
        sender=told.sender or "Customer",
        internal=bool(told.internal),
        from_=told.from_,
        preferences=told.preferences,
    )
    return reason or ArticleReceived(ticket_id=told.ticket_id, article_id=told.article_id)
