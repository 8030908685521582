"""Finds what a lost webhook told of: Zammad gives up after five tries, and an outage may last longer.

Every event has the id it would have had (``once``), so that what came by webhook as well is stored once. How far the
search has come is kept by Zammad's own clock: the last change that was looked at.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from pydantic import BaseModel, ConfigDict

from events.event import Event
from events.zammad import ArticleReceived, ReconciliationAsked, ReplySent
from functions.zammad.client import Forbidden, Zammad, zammad_of
from functions.zammad.draft import bot_of
from functions.zammad.loops import group_of, is_reply, judge, newest_question
from functions.zammad.markers import markers_of
from functions.zammad.records import Records
from functions.zammad.tickets import Article, Ticket
from shared.backends import Backends
from shared.errors import BackendError, Reject
from shared.function import on
from shared.state import Bucket

log = structlog.get_logger()
BUCKET: Final = "zammad-reconciliation"
_KEY: Final = "watermark"
_OVERLAP: Final = timedelta(minutes=2)  # changes whose transaction ended late
_FIRST: Final = timedelta(minutes=10)  # how far the very first run looks back
_DAY: Final = timedelta(days=1)  # in which the stream knows a reply that was told before: so far back all are told
_AT_ONCE: Final = 4  # tickets read at once; Zammad serves people, too
_RUN_S: Final = 90.0  # then the rest is left to the next run


class Watermark(BaseModel):
    """How far the search has come; a search may take several runs."""

    model_config = ConfigDict(frozen=True)

    since: datetime  # of the first run; older articles are nobody's loss
    upto: datetime  # the last change that was there when the search before began: all of it was looked at
    until: datetime | None = None  # the same of the present search; None: the last run came to its end
    place: tuple[datetime, int] | None = None  # change and ticket that were looked at last in the present search


@on(ReconciliationAsked)
async def reconcile_tickets(_asked: ReconciliationAsked, use: Backends) -> AsyncIterator[Event]:
    """Tell of customers' articles without an outcome, and of agents' replies to our drafts."""
    names = [group.name for group in use.settings.zammad.groups if group.enabled]
    if use.settings.zammad.url is None or not names:
        return
    zammad, bucket, end = zammad_of(use), use.state.bucket(BUCKET), time.monotonic() + _RUN_S
    mark = await _mark(bucket)
    try:
        changed = sorted(await zammad.changed_since(mark.upto - _OVERLAP, names), key=_place)
    except Forbidden as error:
        # A right is missing: nothing is passed over, and the next run, in two minutes, finds it given back.
        log.warning("the bot may not search", exc_info=error)
        return
    if not changed:
        return
    mark = mark.model_copy(update={"until": mark.until or changed[-1].updated_at})
    left = [ticket for ticket in changed if mark.place is None or _place(ticket) > mark.place]
    for start in range(0, len(left), _AT_ONCE):
        part = left[start : start + _AT_ONCE]
        for found in await asyncio.gather(*(_missing(ticket, mark, zammad, use) for ticket in part)):
            for event in found:
                yield event
        # What was yielded is stored.
        mark = mark.model_copy(update={"place": _place(part[-1])})
        await _keep(bucket, mark)
        if time.monotonic() > end and start + len(part) < len(left):
            log.info("reconciliation goes on in the next run", count=len(left) - start - len(part))
            return
    upto = max(mark.upto, mark.until or mark.upto)
    await _keep(bucket, Watermark(since=mark.since, upto=upto))


async def _mark(bucket: Bucket) -> Watermark:
    entry = await bucket.get(_KEY)
    if entry is not None:
        return Watermark.model_validate_json(entry.value)
    first = datetime.now(UTC) - _FIRST
    mark = Watermark(since=first, upto=first)
    await _keep(bucket, mark)
    return mark


async def _keep(bucket: Bucket, mark: Watermark) -> None:
    await bucket.put(_KEY, mark.model_dump_json().encode())


def _place(ticket: Ticket) -> tuple[datetime, int]:
    return ticket.updated_at, ticket.id


async def _missing(ticket: Ticket, mark: Watermark, zammad: Zammad, use: Backends) -> list[Event]:
    try:
        articles, bot_id = await zammad.articles(ticket.id), await bot_of(zammad, use)
    except Reject:
        return []  # out of the bot's sight meanwhile
    except BackendError as error:
        await zammad.me()  # raises where Zammad is away: then nothing is passed over
        log.warning("a ticket cannot be read", exc_info=error)
        return []
    found: list[Event] = []
    day = datetime.now(UTC) - _DAY
    article = await _unanswered(ticket, articles, bot_id, mark, use)
    if article is not None:
        found.append(ArticleReceived(ticket_id=ticket.id, article_id=article.id))
    if markers_of(articles, bot_id):
        found += [
            ReplySent(ticket_id=ticket.id, article_id=one.id)
            for one in articles
            # What came since the search was last here is told however long ago that is.
            if is_reply(one, bot_id) and one.created_at > max(mark.since, min(mark.upto - _OVERLAP, day))
        ]
    return found


async def _unanswered(
    ticket: Ticket, articles: list[Article], bot_id: int, mark: Watermark, use: Backends
) -> Article | None:
    article, group = newest_question(articles, bot_id), group_of(use.settings.zammad, ticket.group)
    if article is None or article.created_at < mark.since:
        return None
    if any(marker.article_id == article.id for marker in markers_of(articles, bot_id)):
        return None
    if judge(ticket, articles, article.id, bot_id=bot_id, group=group, now=datetime.now(UTC)) is not None:
        return None
    # A dry run leaves no note; what is remembered tells it as well.
    record = await Records(use).get(ticket.id)
    return None if record is not None and record.done and record.article_id >= article.id else article
