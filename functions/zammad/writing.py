"""Writing a proposal into Zammad: the shared draft if it is nobody else's, then the note.

Before each effect it is looked for: the draft by the hash of its body, the note by its reference. Zammad overwrites a
draft whoever wrote it and knows no conditional write, so that it is read immediately before; what an agent saves in
that very moment (one request's time) is lost. The same moment remains between the last look for a note and the note,
should a worker be paused there for so long that its event was given to another.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr
from typing import Final
from zoneinfo import ZoneInfo

from functions.zammad import reports
from functions.zammad.client import Zammad
from functions.zammad.compose import DraftState, draft_html, note_html
from functions.zammad.fingerprint import fingerprint, key_of
from functions.zammad.markers import Marker, markers_of
from functions.zammad.proposal import Proposal
from functions.zammad.rating import links
from functions.zammad.records import Record, Records
from functions.zammad.source import link
from functions.zammad.tickets import Article, Group, TextModule, Ticket, User
from functions.zammad.triage import Triage
from shared.backends import Backends
from shared.errors import BackendError
from shared.settings import ZammadGroup

ZONE: Final = ZoneInfo("Europe/Berlin")
_GROUP_S: Final = 60.0  # how long a group's flag is believed
_MODULES_S: Final = 300.0
_LONGEST_SUBJECT: Final = 200
_SETTLES: Final = 3  # times the patience with one request, after which Zammad has done it or never will
_SUBJECTS: Final[dict[DraftState, str]] = {
    "written": "KI-Vorschlag: Entwurf liegt bereit",
    "kept_agents": "KI-Vorschlag: vorhandener Entwurf bleibt",
    "no_flag": "KI-Vorschlag in dieser Notiz",
    "outdated": "KI-Vorschlag: kein neuer Entwurf",
    "none": "KI-Vorschlag: kein Entwurf",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What is to be written, and for what."""

    ticket: Ticket
    article: Article
    marker: Marker
    group: ZammadGroup
    proposal: Proposal
    triage: Triage | None
    bot_id: int
    before: Record | None  # what is remembered of the ticket


async def write(plan: Plan, zammad: Zammad, use: Backends) -> Record:
    """Write draft and note, in a dry run a report; what is there already is left. Returns what is remembered of it.

    Raises:
        Retry: another worker is at this ticket, or Zammad is away.
    """
    settings, records = use.settings.zammad, Records(use)
    body, customer = "", None
    if not plan.proposal.abstains:
        # The group is read for what comes after.
        customer, modules, _ = await asyncio.gather(
            zammad.customer(plan.ticket.customer_id),
            use.snapshots.get("zammad-modules", _MODULES_S, zammad.text_modules),
            _group(plan.ticket.group, zammad, use),
        )
        body = _body(plan, customer, modules)
    record = _record(plan, body, use)
    if settings.dry_run:
        state, _ = await _state(plan, body, record, zammad, use)
        record = await records.save(record.model_copy(update={"outcome": "reported"}))
        await reports.put(use, plan.marker, draft=body, note=_note(plan, state, use), state=state)
        return record
    # Before the draft is written: after a crash in between it is known as ours.
    record = await records.save(record)
    state, lies_there = await _state(plan, body, record, zammad, use)
    if state == "written" and not lies_there:
        record = await _put_draft(plan, body, customer, record, zammad)
    elif state != "written":
        record = record.model_copy(update={"outcome": "noted", "fingerprint": ()})
    record = await records.save(record)
    if plan.group.tags and plan.triage is not None:
        await asyncio.gather(*(zammad.add_tag(plan.ticket.id, tag) for tag in plan.triage.tags))
    await _add_note(plan, _note(plan, state, use), state, zammad, settings.timeout_s)
    return record


def _record(plan: Plan, body: str, use: Backends) -> Record:
    before = plan.before
    # Greeting, signature and set phrases stand in every letter: only what is stated can have been used.
    stated = "\n".join(one.text for answer in plan.proposal.answers for one in answer.statements)
    record = Record(
        ticket_id=plan.ticket.id,
        article_id=plan.article.id,
        revision=plan.marker.revision,
        hashes=before.hashes if before is not None else (),
        outcome="drafted" if body else "noted",
        category=plan.proposal.understanding.category,
        statements=sum(len(answer.statements) for answer in plan.proposal.answers),
        fingerprint=fingerprint(stated, key_of(use, "fingerprint")) if body else (),
        day=datetime.now(ZONE).date(),
        stored=before.stored if before is not None else 0,
    )
    return record.model_copy(update={"hashes": record.writing(body)}) if body else record


async def _state(plan: Plan, body: str, record: Record, zammad: Zammad, use: Backends) -> tuple[DraftState, bool]:
    """What may become of the draft, and whether it lies there; the last thing that is asked before it is written."""
    if not body:
        # It cannot be taken back without taking what an agent just wrote: the note says whose question it is about.
        old = await zammad.draft(plan.ticket.id) if record.hashes else None
        return "none" if old is None or not record.wrote(old.body) else "outdated", False
    group = await _group(plan.ticket.group, zammad, use)
    if group is None or not group.shared_drafts:
        return "no_flag", False
    present = await zammad.draft(plan.ticket.id)
    if present is None:
        return "written", False
    if present.updated_by_id == plan.bot_id and record.wrote(present.body):
        # What an earlier run for this very article wrote; for an earlier article it has another subject.
        begun = plan.before is not None and plan.before.article_id == plan.article.id
        return "written", begun and present.body == body
    return "kept_agents", False


async def _put_draft(plan: Plan, body: str, customer: User | None, record: Record, zammad: Zammad) -> Record:
    article, to = plan.article, _to(plan.article, customer)
    told = " ".join((article.subject or plan.ticket.title).split())
    subject = told if told.lower().startswith(("re:", "aw:")) else f"Re: {told}"
    written = await zammad.put_draft(
        plan.ticket.id, body, to=to, subject=subject[:_LONGEST_SUBJECT], in_reply_to=article.message_id
    )
    return record.model_copy(update={"hashes": record.writing(written.body)})  # as Zammad keeps it


def _to(article: Article, customer: User | None) -> str:
    told = parseaddr(article.reply_to or article.from_)[1]
    # A web form or a telephone note may name nobody, or a name without an address.
    return told if "@" in told else customer.email if customer is not None else ""


async def _add_note(plan: Plan, html: str, state: DraftState, zammad: Zammad, timeout_s: float) -> None:
    articles = await zammad.articles(plan.ticket.id)
    if any(marker.article_id == plan.article.id for marker in markers_of(articles, plan.bot_id)):
        return
    try:
        await zammad.add_note(plan.ticket.id, f"{_SUBJECTS[state]} ({plan.marker})", html)
    except BackendError as error:
        # An answer that got lost says nothing: a Zammad that is slow may write the note yet. Looked for after that.
        error.after = max(error.after or 0.0, _SETTLES * timeout_s)
        raise


def _note(plan: Plan, state: DraftState, use: Backends) -> str:
    category = plan.proposal.understanding.category
    thumbs = links(plan.ticket.id, plan.article.id, category, use)
    return note_html(
        plan.proposal,
        marker=str(plan.marker),
        draft=state,
        triage=plan.triage,
        thumbs=None if use.settings.zammad.dry_run else thumbs,
        opened=lambda source, quote: link(source, quote, use),
    )


def _body(plan: Plan, customer: User | None, modules: list[TextModule]) -> str:
    ticket, group = plan.ticket, plan.group
    fields = {"ticket.number": ticket.number, "ticket.title": ticket.title, "ticket.group.name": ticket.group}
    # Who knows a ticket's number can write into it: what it knows of its customer is told to no one else.
    if customer is not None and customer.email.lower() == _to(plan.article, customer).lower():
        fields |= {
            "ticket.customer.firstname": customer.firstname,
            "ticket.customer.lastname": customer.lastname,
            "ticket.customer.email": customer.email,
        }
    return draft_html(
        plan.proposal,
        fields=fields,
        greeting=_module(modules, group.greeting, ticket.group_id),
        signature=_module(modules, group.signature, ticket.group_id),
        office=ticket.group.rpartition("::")[2],
        tone=group.tone,
    )


def _module(modules: list[TextModule], name: str, group_id: int) -> str:
    """The content of a group's text module; empty: none is named, or there is none of this name any more."""
    found = (one for one in modules if one.name == name and one.active)
    return next((one.content for one in found if not one.group_ids or group_id in one.group_ids), "")


async def _group(name: str, zammad: Zammad, use: Backends) -> Group | None:
    async def read() -> Group | None:
        return await zammad.group(name)

    return await use.snapshots.get(f"zammad-group-{name}", _GROUP_S, read)
