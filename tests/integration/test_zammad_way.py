"""From an event to a draft and a note in the stand-in, through a real worker and real NATS."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from events.zammad import ArticleReceived
from functions.zammad import draft, reports
from functions.zammad.mail import Mail
from functions.zammad.phrases import known
from functions.zammad.proposal import Proposal
from shared.backends import Backends
from shared.http import Problem
from shared.objects import MemoryObjects
from shared.settings import NatsSettings, ZammadGroup
from tests.integration.helpdesk import (
    AGENT,
    BOT,
    GROUP,
    TEXT,
    HelpDesk,
    desk_settings,
    desk_worker,
    help_desk,
    proposed,
    publish,
    scripted,
    worked_off,
)
from tests.integration.workbench import Bench

EAGER = ZammadGroup(name=GROUP, drafts_per_hour=60, triage=False)


class Way:
    """Stand-in, stream and settings of a test."""

    def __init__(self, desk: HelpDesk, bench: Bench, nats: NatsSettings, folder: Path) -> None:
        self.desk, self.bench, self._nats, self._folder = desk, bench, nats, folder

    @asynccontextmanager
    async def worker(self, *groups: ZammadGroup, **zammad: Any) -> AsyncIterator[None]:
        """A worker of ``draft_reply`` for the block."""
        settings = desk_settings(self.desk.url, self._nats, self._folder, *(groups or (EAGER,)), **zammad)
        async with desk_worker(settings):
            yield

    async def through(self, *events: ArticleReceived, fresh: bool = False) -> None:
        """Publish, and wait until everything is worked on."""
        await publish(self.bench.bus, events, fresh=fresh)
        await self.settled()

    async def settled(self) -> None:
        """Wait until nothing waits."""
        await worked_off(self.bench.bus)


@pytest.fixture
async def way(nats_settings: NatsSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Way]:
    monkeypatch.setattr(draft, "propose", scripted)
    async with help_desk() as desk, Bench(nats_settings) as bench:
        yield Way(desk, bench, nats_settings, tmp_path / "secrets")


async def test_a_letter_becomes_one_draft_and_one_note(way: Way) -> None:
    async with way.worker():
        asked = await way.desk.mail("Umtausch", "Was kostet das?", message_id="<1@mail.example>")
        await way.through(asked)
        made = await way.desk.draft(asked.ticket_id)
        assert made is not None
        assert (made.created_by_id, made.updated_by_id) == (BOT, BOT)
        assert TEXT in made.body
        (note,) = await way.desk.notes(asked.ticket_id)
        assert (note.internal, note.type) == (True, "note")
        reference = f"Vorschlag {asked.ticket_id}-{asked.article_id}-1"
        assert reference in note.subject
        assert reference in note.body
        assert "https://stadt.example/1" in note.body
        (told,) = (await proposed(way.bench.bus)).items()
        assert told[1] == 1
        assert '"outcome":"drafted"' in told[0]
        assert '"statements":1' in told[0]
        assert await way.desk.sent_nothing()


async def test_copies_in_any_order_even_when_the_stream_has_forgotten_them(way: Way) -> None:
    async with way.worker():
        asked = [await way.desk.mail(f"Frage {number}", email=f"b{number}@example.org") for number in range(8)]
        copies = asked * 5
        random.Random(3).shuffle(copies)
        await way.through(*copies, fresh=True)
        for one in asked:
            assert await way.desk.marked(one.ticket_id) == [(one.article_id, 1)]
            assert await way.desk.draft(one.ticket_id) is not None
        # Each effect was asked for once, not merely left over once.
        assert await way.desk.requests("PUT", "shared_draft") == {200: len(asked)}
        assert await way.desk.requests("POST", "ticket_articles") == {201: len(asked)}
        assert len(await proposed(way.bench.bus)) == len(asked)


async def test_only_the_newest_of_a_citizens_letters_is_answered(way: Way) -> None:
    first = await way.desk.mail("Umtausch")
    second = await way.desk.mail("Re: Umtausch", ticket_id=first.ticket_id)
    async with way.worker():
        await way.through(second, first, fresh=True)
        assert await way.desk.marked(first.ticket_id) == [(second.article_id, 1)]
        third = await way.desk.mail("Und noch etwas", ticket_id=first.ticket_id)
        await way.through(third, fresh=True)
        assert await way.desk.marked(first.ticket_id) == [(second.article_id, 1), (third.article_id, 2)]
        assert await way.desk.requests("PUT", "shared_draft") == {200: 2}


async def test_a_draft_that_somebody_else_wrote_stays(way: Way) -> None:
    asked = await way.desk.mail()
    await way.desk.tell("PUT", f"tickets/{asked.ticket_id}/draft", body="Von mir.")
    async with way.worker():
        await way.through(asked)
        kept = await way.desk.draft(asked.ticket_id)
        assert kept is not None
        assert (kept.body, kept.updated_by_id) == ("Von mir.", AGENT)
        (note,) = await way.desk.notes(asked.ticket_id)
        assert "Er bleibt, wie er ist" in note.body
        assert TEXT in note.body
        assert '"outcome":"noted"' in next(iter(await proposed(way.bench.bus)))


async def test_a_draft_of_ours_that_an_agent_changed_stays(way: Way) -> None:
    first = await way.desk.mail()
    async with way.worker():
        await way.through(first)
        ours = await way.desk.draft(first.ticket_id)
        assert ours is not None
        await way.desk.tell("PUT", f"tickets/{first.ticket_id}/draft", body=ours.body + "<p>Gruß, Anke</p>")
        second = await way.desk.mail("Noch etwas", ticket_id=first.ticket_id)
        await way.through(second)
        kept = await way.desk.draft(first.ticket_id)
        assert kept is not None
        assert kept.body.endswith("<p>Gruß, Anke</p>")
        assert await way.desk.marked(first.ticket_id) == [(first.article_id, 1), (second.article_id, 2)]


def slowed(monkeypatch: pytest.MonkeyPatch) -> tuple[asyncio.Event, asyncio.Event]:
    """A model that thinks (the first is set) until it may go on (the second)."""
    thinking, go = asyncio.Event(), asyncio.Event()

    async def slow(mail: Mail, group: ZammadGroup, use: Backends, **_: object) -> Proposal:
        thinking.set()
        await go.wait()
        return await scripted(mail, group, use)

    monkeypatch.setattr(draft, "propose", slow)
    return thinking, go


async def test_an_agent_who_writes_while_the_model_thinks_is_not_overwritten(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    thinking, go = slowed(monkeypatch)
    asked = await way.desk.mail()
    async with way.worker():
        await publish(way.bench.bus, [asked])
        await thinking.wait()
        await way.desk.tell("PUT", f"tickets/{asked.ticket_id}/draft", body="Schneller.")
        go.set()
        await way.settled()
        kept = await way.desk.draft(asked.ticket_id)
        assert kept is not None
        assert kept.body == "Schneller."
        assert await way.desk.marked(asked.ticket_id) == [(asked.article_id, 1)]


@pytest.mark.parametrize("what", ["the citizen", "an agent", "closed", "moved"])
async def test_what_happens_while_the_model_thinks_counts(way: Way, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    thinking, go = slowed(monkeypatch)
    asked = await way.desk.mail()
    async with way.worker():
        await publish(way.bench.bus, [asked])
        await thinking.wait()
        ticket = f"tickets/{asked.ticket_id}"
        if what == "the citizen":
            await way.desk.mail("Erledigt", ticket_id=asked.ticket_id)
        elif what == "an agent":
            await way.desk.tell("POST", f"{ticket}/reply", body="So ist es.")
        else:
            await way.desk.tell("PUT", ticket, **({"state": "closed"} if what == "closed" else {"group": "Parken"}))
        go.set()
        await way.settled()
        assert await way.desk.draft(asked.ticket_id) is None
        assert await way.desk.notes(asked.ticket_id) == []


async def test_a_group_without_shared_drafts_gets_a_note_only(way: Way) -> None:
    await way.desk.tell("PUT", f"groups/{GROUP}", shared_drafts=False)
    asked = await way.desk.mail()
    async with way.worker():
        await way.through(asked)
    assert await way.desk.draft(asked.ticket_id) is None
    (note,) = await way.desk.notes(asked.ticket_id)
    assert "ausgeschaltet" in note.body
    assert TEXT in note.body


async def test_what_no_source_answers_gets_a_note_only(way: Way) -> None:
    asked = await way.desk.mail("Elefant", "Darf ich einen Elefanten halten? Elefant")
    async with way.worker():
        await way.through(asked)
    assert await way.desk.draft(asked.ticket_id) is None
    (note,) = await way.desk.notes(asked.ticket_id)
    assert "Es gibt keinen Entwurf" in note.body


async def test_the_category_becomes_a_tag_where_that_is_wanted(way: Way) -> None:
    asked = await way.desk.mail()
    async with way.worker(EAGER.model_copy(update={"tags": True, "triage": True})):
        await way.through(asked, asked, fresh=True)
    assert await way.desk.bot.tags(asked.ticket_id) == ["fuehrerschein"]
    assert await way.desk.marked(asked.ticket_id) == [(asked.article_id, 1)]


async def test_the_model_is_told_of_no_one_the_ticket_knows(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden: dict[str, object] = {}

    async def noting(mail: Mail, group: ZammadGroup, use: Backends, **people: object) -> Proposal:
        hidden.update(people)
        return await scripted(mail, group, use)

    monkeypatch.setattr(draft, "propose", noting)
    first = await way.desk.mail(name="Erika Musterfrau", email="erika@example.org")
    later = await way.desk.mail(name="Max Muster", email="max@example.org", ticket_id=first.ticket_id)
    async with way.worker():
        await way.through(later)
    team = "fuehrerschein@auenfurt.example"
    assert hidden == {
        "names": ["Erika Musterfrau", "Max Muster"],
        "emails": ["erika@example.org", team, "max@example.org"],
    }


async def test_greeting_and_signature_are_the_groups_text_modules_and_the_tone_is_its_own(way: Way) -> None:
    asked = await way.desk.mail()
    own = {"greeting": "Anrede", "signature": "Gruß Führerscheinstelle", "tone": "plain"}
    async with way.worker(EAGER.model_copy(update=own)):
        await way.through(asked)
    made = await way.desk.draft(asked.ticket_id)
    assert made is not None
    assert f"<p>{known()['de'].plain}</p>" in made.body
    assert "Guten Tag Erika Musterfrau," in made.body
    assert "Ihre Führerscheinstelle" in made.body


async def test_a_draft_for_an_earlier_letter_is_called_so_where_there_is_none_for_the_new_one(way: Way) -> None:
    async with way.worker():
        first = await way.desk.mail()
        await way.through(first)
        await way.through(
            await way.desk.mail("Elefant", "Darf ich einen Elefanten halten? Elefant", ticket_id=first.ticket_id)
        )
    _, note = await way.desk.notes(first.ticket_id)
    assert "kein neuer Entwurf" in note.subject
    assert "Entwurf zu einer früheren Nachricht" in note.body


async def test_who_writes_into_anothers_ticket_is_not_told_whose_it_is(way: Way) -> None:
    first = await way.desk.mail()
    stranger: dict[str, Any] = {"ticket_id": first.ticket_id, "name": "Max Fremd", "email": "max@example.org"}
    asked = await way.desk.mail(**stranger)
    async with way.worker():
        await way.through(asked)
    made = await way.desk.draft(asked.ticket_id)
    assert made is not None
    assert TEXT in made.body
    assert "Erika" not in made.body


LOOPS: dict[str, dict[str, Any]] = {
    "auto-response": {"preferences": {"is-auto-response": True, "send-auto-response": True}},
    "no response wanted": {"preferences": {"send-auto-response": False}},
    **{
        name: {"email": f"{name}@example.org"}
        for name in ("mailer-daemon", "postmaster", "abuse", "root", "noreply", "no-reply", "noreply-shop.7")
    },
    "group unknown": {"group": "Parken"},
    "group switched off": {"group": "Standesamt"},
}


async def test_no_loop_leaves_a_draft_or_a_note(way: Way) -> None:
    asked = {name: await way.desk.mail(name, **values) for name, values in LOOPS.items()}
    for state in ("closed", "merged", "removed"):
        asked[state] = await way.desk.mail(state)
        await way.desk.tell("PUT", f"tickets/{asked[state].ticket_id}", state=state)
    by_agent = await way.desk.mail("an agent's article")
    replied = await way.desk.tell("POST", f"tickets/{by_agent.ticket_id}/reply", body="So ist es.")
    asked["sender is an agent"] = by_agent.model_copy(update=replied)
    asked["answered"] = by_agent
    older = await way.desk.mail("not the newest")
    newest = await way.desk.mail("newest", ticket_id=older.ticket_id, auto=False)
    asked["not the newest"] = older
    own = await way.desk.mail("our own note")
    noted = await way.desk.bot.add_note(own.ticket_id, "von Hand", "<p>x</p>")
    asked["own, internal"] = own.model_copy(update={"article_id": noted.id})
    asked["gone"] = ArticleReceived(ticket_id=999_999, article_id=1)
    off = ZammadGroup(name="Standesamt", enabled=False)
    before = await way.desk.requests("POST", "ticket_articles")
    async with way.worker(EAGER, off):
        await way.through(*asked.values(), fresh=True)
        assert await way.desk.requests("PUT", "shared_draft") == {}
        assert await way.desk.requests("POST", "ticket_articles") == before
        assert await proposed(way.bench.bus) == {}
        assert await way.bench.count("DEAD") == 0
        await way.through(newest)  # and it is no silence of everything
        assert await way.desk.marked(newest.ticket_id) == [(newest.article_id, 1)]


async def test_more_proposals_an_hour_than_the_group_wants_are_not_made(way: Way) -> None:
    first = await way.desk.mail()
    async with way.worker(EAGER.model_copy(update={"drafts_per_hour": 2})):
        for number in range(4):
            again = first if not number else await way.desk.mail(f"{number}", ticket_id=first.ticket_id)
            await way.through(again)
    assert len(await way.desk.notes(first.ticket_id)) == 2


async def test_a_dry_run_writes_a_report_and_nothing_else(
    way: Way, nats_settings: NatsSettings, tmp_path: Path
) -> None:
    asked = await way.desk.mail()
    settings = desk_settings(way.desk.url, nats_settings, tmp_path / "secrets", EAGER, dry_run=True)
    use = Backends(settings, objects=MemoryObjects())
    before = await way.desk.bot.ticket(asked.ticket_id)
    told = [await draft.draft_reply(asked, use) for _ in range(3)]
    listed = await reports.draft_reports(reports.All(), use)
    report = await reports.draft_report(listed.reports[0], use)
    with pytest.raises(Problem, match="30 days"):
        await reports.draft_report(reports.Which(ticket_id=asked.ticket_id, article_id=999), use)
    await use.close()
    assert (len(listed.reports), report.ticket_id, report.article_id) == (1, asked.ticket_id, asked.article_id)
    assert report.state == "written"
    assert TEXT in report.draft
    assert report.reference in report.note
    assert {one.outcome for one in told if one is not None} == {"reported"}
    assert await way.desk.bot.ticket(asked.ticket_id) == before
    assert await way.desk.requests("PUT", "") == {}
    assert await way.desk.requests("POST", "") == {}
