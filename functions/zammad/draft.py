"""A citizen's article becomes a proposal: read fresh, decided, understood, answered, written once.

The bus delivers at least once and Zammad's interface has no ids of ours, so that every effect is looked for before it
is done: a note by its reference, a draft by the hash of its body. What a crash left half done is done to its end.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from events.zammad import ArticleReceived, DraftProposed
from functions.zammad import reports
from functions.zammad.client import Forbidden, Zammad, zammad_of
from functions.zammad.loops import group_of, judge, skip
from functions.zammad.mail import mail_of
from functions.zammad.markers import Marker, markers_of
from functions.zammad.people import people_of
from functions.zammad.proposal import Proposal, propose
from functions.zammad.records import Record, Records
from functions.zammad.tickets import Article, Ticket
from functions.zammad.triage import Triage, triage
from functions.zammad.writing import Plan, write
from shared.backends import Backends
from shared.errors import BackendError, Retry, StadtfunkError
from shared.function import on
from shared.settings import ZammadGroup

_BOT_S: Final = 300.0  # how long the token is believed to be the same user's


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A ticket whose article wants a proposal."""

    ticket: Ticket
    article: Article
    articles: tuple[Article, ...]  # all, oldest first
    marker: Marker
    group: ZammadGroup
    bot_id: int
    record: Record | None


@on(ArticleReceived)
async def draft_reply(received: ArticleReceived, use: Backends) -> DraftProposed | None:
    """Write a draft and a note for a citizen's article, or a note that says why there is no draft; once.

    None: the article gets no proposal (``functions.zammad.loops``), which only a metric tells.
    """
    zammad = zammad_of(use)
    try:
        return await _reply(received, zammad, use)
    except Forbidden:
        if not await _admits(zammad):
            # The bot itself lost its rights, as with a revoked token: that is mended by a person, and nothing is lost.
            raise BackendError("zammad", "status 403: the bot's token or role has no rights at all") from None
        raise
    except BackendError as error:
        if error.backend == "zammad" and await _answers(zammad):
            # Not away: this ticket alone fails. It must not hold up those behind it for as long as an outage may.
            raise Retry(f"zammad answers, but not for this ticket ({error})", after=error.after) from None
        raise


async def bot_of(zammad: Zammad, use: Backends) -> int:
    """The id of the bot's own user."""

    async def read() -> int:
        return (await zammad.me()).id

    return await use.snapshots.get("zammad-bot", _BOT_S, read)


async def _reply(received: ArticleReceived, zammad: Zammad, use: Backends) -> DraftProposed | None:
    found = await _look(received, zammad, use)
    if not isinstance(found, Found):
        return found
    mail, (names, emails) = await asyncio.gather(
        mail_of(found.article, found.ticket, zammad, use), people_of(found.ticket, found.articles, zammad)
    )
    proposal = await propose(mail, found.group, use, names=names, emails=emails)
    # A model may have taken a minute, in which the citizen or an agent wrote, or another worker was faster.
    sorted_, found = await asyncio.gather(_sorted(found, proposal, zammad, use), _look(received, zammad, use))
    if not isinstance(found, Found):
        return found
    plan = Plan(
        ticket=found.ticket,
        article=found.article,
        marker=found.marker,
        group=found.group,
        proposal=proposal,
        triage=sorted_,
        bot_id=found.bot_id,
        before=found.record,
    )
    return await _done(received, await write(plan, zammad, use), use)


async def _sorted(found: Found, proposal: Proposal, zammad: Zammad, use: Backends) -> Triage | None:
    if not found.group.triage:
        return None
    return await triage(found.ticket, proposal.mail, proposal.understanding, zammad, use)


async def _look(received: ArticleReceived, zammad: Zammad, use: Backends) -> "Found | DraftProposed | None":
    """The ticket as it is now; or what there is to say when nothing is to be done."""
    ticket, articles, bot_id, record = await asyncio.gather(
        zammad.ticket(received.ticket_id),
        zammad.articles(received.ticket_id),
        bot_of(zammad, use),
        Records(use).get(received.ticket_id),
    )
    if ticket is None:
        skip("gone")
        return None
    markers = markers_of(articles, bot_id)
    done = any(marker.article_id == received.article_id for marker in markers)
    if not done and use.settings.zammad.dry_run:
        done = await reports.exists(use, received.ticket_id, received.article_id)
    if done:
        return await _done(received, record, use)
    group = group_of(use.settings.zammad, ticket.group)
    reason = judge(ticket, articles, received.article_id, bot_id=bot_id, group=group, now=datetime.now(UTC))
    if reason is not None or group is None:
        skip(reason or "group")
        return None
    if record is not None and record.article_id == received.article_id:
        revision = record.revision  # begun before
    else:
        revision = max([record.revision if record is not None else 0, *(marker.revision for marker in markers)]) + 1
    return Found(
        ticket=ticket,
        article=next(one for one in articles if one.id == received.article_id),
        articles=tuple(articles),
        marker=Marker(ticket_id=ticket.id, article_id=received.article_id, revision=revision),
        group=group,
        bot_id=bot_id,
        record=record,
    )


async def _done(received: ArticleReceived, record: Record | None, use: Backends) -> DraftProposed | None:
    """The follow-up of what is written, the same in every repeat; None where nothing is remembered of it any more."""
    if record is None or record.article_id != received.article_id:
        return None
    if not record.done:
        await Records(use).save(record.model_copy(update={"done": True}))
    return DraftProposed(
        ticket_id=received.ticket_id,
        article_id=received.article_id,
        outcome=record.outcome,
        category=record.category,
        statements=record.statements,
    )


async def _admits(zammad: Zammad) -> bool:
    """Whether the bot may see as much as itself."""
    try:
        await zammad.me()
    except Forbidden:
        return False
    return True


async def _answers(zammad: Zammad) -> bool:
    try:
        await zammad.me()
    except StadtfunkError:
        return False
    return True
