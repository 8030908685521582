"""``stadtfunk zammad replay``: what would have been drafted for tickets of the past, beside what was sent.

Nothing is written into Zammad. What is shown holds no word of a letter; a report with the drafts is written only
where it is asked for, for its owner alone to read. Sources are those of today, not of when the letter came.
"""

import asyncio
import json
import os
import secrets
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from functions.zammad.client import Zammad, zammad_of
from functions.zammad.comparing import Outcome, outcome_of
from functions.zammad.fingerprint import fingerprint, share
from functions.zammad.loops import group_of, is_reply, of_article
from functions.zammad.mail import mail_of, read_mail
from functions.zammad.people import people_of
from functions.zammad.proposal import Proposal, propose
from functions.zammad.tickets import Article, Ticket
from shared.backends import Backends
from shared.errors import Reject, StadtfunkError
from shared.settings import Settings

_AT_ONCE: Final = 2  # tickets; Zammad and the models serve people, too
_ZONE: Final = ZoneInfo("Europe/Berlin")
_DONE: Final = frozenset({"closed", "merged"})
app = typer.Typer(help="Tickets of the past.")
Told = Callable[[int, int], None]  # tickets done, of how many


@dataclass(frozen=True, kw_only=True, slots=True)
class Replayed:
    """A closed ticket: what would have been proposed, beside what was sent. No word of either but for the report."""

    ticket_id: int
    number: str
    category: str
    language: str
    statements: int  # of the draft; none: there would have been no draft
    reasons: tuple[str, ...]  # why concerns have no statement
    sources: tuple[str, ...]  # documents that the draft cites
    share: float | None  # of the draft's words that the sent answer holds; None: no draft
    outcome: Outcome | None
    seconds: float
    draft: str = ""  # for the report
    sent: str = ""  # for the report


@app.command("replay")
def replay(
    since: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Tickets that changed since this day.")],
    *,
    limit: Annotated[int, typer.Option(min=1, help="Tickets at most, the newest.")] = 100,
    group: Annotated[list[str] | None, typer.Option(help="Of this group alone; again for another.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of a table; no word of a letter.")] = False,
    report: Annotated[
        Path | None, typer.Option(help="New file for drafts and sent answers, JSON lines, readable by you alone.")
    ] = None,
) -> None:
    """Draft for closed tickets of the past and compare with what was sent; nothing is written into Zammad."""
    if report is not None and report.exists():
        raise StadtfunkError(f"{report} is there already; it is not written over")
    settings = Settings()
    names = [one.name for one in settings.zammad.groups if one.enabled and (not group or one.name in group)]
    if not names:
        raise StadtfunkError("no group to replay: STADTFUNK_ZAMMAD__GROUPS has none that is on and named")
    start = datetime.combine(since.date(), datetime.min.time(), _ZONE)

    async def run(told: Told) -> list[Replayed]:
        use = Backends(settings)
        try:
            return await replayed(use, start, names, limit, told)
        finally:
            await use.close()

    columns = (TextColumn("tickets"), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("tickets", total=None)
        found = asyncio.run(run(lambda done, of: progress.update(task, completed=done, total=of)))
    if report is not None:
        _write(report, found)
    if as_json:
        typer.echo(json.dumps(told_of(found, since.date()), indent=2, ensure_ascii=False))
    else:
        _show(found)


async def replayed(use: Backends, since: datetime, groups: Sequence[str], limit: int, told: Told) -> list[Replayed]:
    """Closed tickets that changed since then, newest first, each with a letter that an agent answered.

    Raises:
        BackendError: Zammad, the index or a model is away.
    """
    zammad = zammad_of(use)
    bot = (await zammad.me()).id
    changed = await zammad.changed_since(since, groups)
    tickets = sorted((one for one in changed if one.state in _DONE), key=lambda one: -one.id)
    key, waiting = secrets.token_bytes(32), iter(tickets)
    found: list[Replayed] = []
    looked = 0

    async def lane() -> None:
        nonlocal looked
        for ticket in waiting:
            if len(found) >= limit:
                return
            one = await _replay(ticket, bot, key, zammad, use)
            looked += 1
            if one is not None:
                found.append(one)
            told(looked, len(tickets))

    await asyncio.gather(*(lane() for _ in range(_AT_ONCE)))
    return sorted(found, key=lambda one: -one.ticket_id)[:limit]


def told_of(found: Sequence[Replayed], since: date) -> dict[str, Any]:
    """The outcome for machines: figures, ids and names of sources."""
    rows = [asdict(replace(one, draft="", sent="")) for one in found]
    for row in rows:
        del row["draft"], row["sent"]
    return {"since": since.isoformat(), "total": figures(found), "categories": by_category(found), "tickets": rows}


def by_category(found: Sequence[Replayed]) -> dict[str, dict[str, Any]]:
    """Figures of each category."""
    rows: defaultdict[str, list[Replayed]] = defaultdict(list)
    for one in found:
        rows[one.category].append(one)
    return {category: figures(rows[category]) for category in sorted(rows)}


def figures(found: Sequence[Replayed]) -> dict[str, Any]:
    """How many drafts there would have been, and what of them stands in the answers that were sent."""
    outcomes = Counter(one.outcome for one in found)
    shares = [one.share for one in found if one.share is not None]
    return {
        "tickets": len(found),
        "drafts": len(shares),
        "used": outcomes["used"],
        "edited": outcomes["edited"],
        "discarded": outcomes["discarded"],
        "share_p50": round(statistics.median(shares), 3) if shares else None,
        "seconds_p50": round(statistics.median(one.seconds for one in found), 3) if found else None,
    }


async def _replay(ticket: Ticket, bot: int, key: bytes, zammad: Zammad, use: Backends) -> Replayed | None:
    group = group_of(use.settings.zammad, ticket.group)
    articles = await zammad.articles(ticket.id)
    pair = _pair(articles, bot)
    if group is None or pair is None:
        return None
    asked, answer = pair
    names, emails = await people_of(ticket, articles, zammad)
    start = time.perf_counter()
    try:
        mail = await mail_of(asked, ticket, zammad, use)
        proposal = await propose(mail, group, use, names=names, emails=emails)
    except Reject:
        return None  # a file of it is too large, or gone
    seconds = time.perf_counter() - start
    reply = read_mail(subject=answer.subject, sender=answer.from_, body=answer.body, html=answer.html)
    sent = f"{reply.body}\n{reply.signature}".strip()
    stated = [one for answered in proposal.answers for one in answered.statements]
    draft = "\n".join(one.text for one in stated)
    kept = None if not stated else round(share(fingerprint(draft, key), fingerprint(sent, key)), 3)
    return Replayed(
        ticket_id=ticket.id,
        number=ticket.number,
        category=proposal.understanding.category,
        language=proposal.language,
        statements=len(stated),
        reasons=_reasons(proposal),
        sources=tuple(dict.fromkeys(one.source.document for one in stated)),
        share=kept,
        outcome=None if kept is None else outcome_of(kept),
        seconds=round(seconds, 3),
        draft=draft,
        sent=sent,
    )


def _pair(articles: Sequence[Article], bot: int) -> tuple[Article, Article] | None:
    """The first answer of an agent, after the letter that it answers: the last one before it."""
    asked: Article | None = None
    for one in articles:
        if asked is not None and is_reply(one, bot):
            return asked, one
        reason = of_article(sender=one.sender, internal=one.internal, from_=one.from_, preferences=one.preferences)
        if reason is None:
            asked = one
    return None


def _reasons(proposal: Proposal) -> tuple[str, ...]:
    if not proposal.understanding.asks:
        return ("asks_nothing",)
    return tuple(answered.reason or "none" for answered in proposal.answers if not answered.statements)


def _write(file: Path, found: Sequence[Replayed]) -> None:
    """A line a ticket, with the texts; made by us and for its owner's eyes only."""
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as lines:
        for one in found:
            lines.write(json.dumps(asdict(one), ensure_ascii=False) + "\n")


def _show(found: Sequence[Replayed]) -> None:
    table = Table("category", "tickets", "drafts", "used", "edited", "discarded", "share (median)")
    rows = {**by_category(found), "all": figures(found)}
    for name, row in rows.items():
        middle = "–" if row["share_p50"] is None else f"{100 * row['share_p50']:.0f} %"
        table.add_row(name, *(str(row[what]) for what in ("tickets", "drafts", "used", "edited", "discarded")), middle)
    Console().print(table)
