"""Similar open tickets of one sender, and tickets of the past: the stand-in, real embeddings for meaning."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.zammad import replay
from functions.zammad.client import zammad_of
from functions.zammad.mail import Mail
from functions.zammad.replay import Replayed, replayed, told_of
from functions.zammad.triage import Triage, triage
from functions.zammad.understanding import Understanding
from infra.zammad.world import load_world
from shared.backends import Backends
from shared.secrets import Secrets
from shared.settings import EmbeddingSettings, ZammadGroup, ZammadSettings
from tests.helpdesk import TOKEN, HelpDesk, helpdesk
from tests.integration.helpdesk import TEXT, scripted
from tests.integration.hosting import plain_settings

GROUP = "Führerscheinstelle"
ASKED = "Ich möchte meinen alten rosa Führerschein umtauschen. Welche Unterlagen brauche ich und was kostet das?"
AGAIN = (
    "letzte Woche habe ich Ihnen wegen des Umtauschs meines rosa Führerscheins geschrieben. "
    "Ich weiß noch immer nicht, was ich mitbringen muss und wie hoch die Gebühr ist."
)
OTHER = "Wie beantrage ich einen Bewohnerparkausweis für meine Straße?"


@pytest.fixture
async def desk() -> AsyncIterator[HelpDesk]:
    async with helpdesk(world=load_world().model_copy(update={"tickets": ()})) as desk:
        yield desk


@pytest.fixture
async def use(desk: HelpDesk, embedding_url: str, tmp_path: Path) -> AsyncIterator[Backends]:
    (tmp_path / "zammad-token").write_text(TOKEN)
    zammad = ZammadSettings(url=desk.url, groups=(ZammadGroup(name=GROUP),), responsible={"parken": "Parken"})
    settings = plain_settings(zammad=zammad, embeddings=EmbeddingSettings(url=embedding_url))
    backends = Backends(settings, secrets=Secrets(tmp_path))
    yield backends
    await backends.close()


async def sorted_(use: Backends, ticket_id: int, body: str, subject: str = "Führerschein", **more: Any) -> Triage:
    zammad = zammad_of(use)
    ticket = await zammad.ticket(ticket_id)
    assert ticket is not None
    mail = Mail(subject=subject, sender_name="", sender_email="", body=body)
    return await triage(ticket, mail, Understanding(language="de", **more), zammad, use)


async def test_the_same_again_is_found_by_words_and_by_meaning(desk: HelpDesk, use: Backends) -> None:
    first, _ = await desk.mail(ASKED, subject="Führerschein", group=GROUP)
    parking, _ = await desk.mail(OTHER, subject="Parken", group=GROUP)
    await desk.mail(ASKED, subject="Führerschein", group=GROUP, email="somebody.else@citizen.example")
    closed, _ = await desk.mail(ASKED, subject="Führerschein", group=GROUP)
    await desk.control("PUT", f"tickets/{closed}", {"state": "closed"})
    again, _ = await desk.mail(AGAIN, subject="Nachfrage", group=GROUP)
    by_meaning = await sorted_(use, again, AGAIN, "Nachfrage")
    assert [one.ticket_id for one in by_meaning.duplicates] == [first]
    assert (await sorted_(use, parking, OTHER, "Parken")).duplicates == ()
    # Without the model the words remain.
    away = use.settings.model_copy(update={"embeddings": EmbeddingSettings(url="http://127.0.0.1:9/v1")})
    without = Backends(away, secrets=use.secrets)
    (same,) = (await sorted_(without, again, ASKED)).duplicates
    assert (same.ticket_id, same.similarity) == (first, 1.0)
    assert (await sorted_(without, again, AGAIN, "Nachfrage")).duplicates == ()
    await without.close()


async def test_urgency_group_and_tags_are_suggestions(desk: HelpDesk, use: Backends) -> None:
    ticket, _ = await desk.mail(OTHER, group=GROUP)
    found = await sorted_(use, ticket, OTHER, category="parken", flags=frozenset({"deadline", "complaint"}))
    assert (found.urgency, found.reasons, found.group) == ("high", ("deadline",), "Parken")
    assert found.tags == ("parken", "dringend")
    calm = await sorted_(use, ticket, OTHER, category="fahrerlaubnis", flags=frozenset({"complaint"}))
    assert (calm.urgency, calm.reasons, calm.group, calm.tags) == ("normal", (), None, ("fahrerlaubnis",))


async def test_the_past_is_replayed_and_nothing_is_written(
    desk: HelpDesk, use: Backends, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(replay, "propose", scripted)
    answers = [f"<p>Guten Tag,</p><p>{TEXT}</p>", "<p>Bitte rufen Sie uns an.</p>", None]
    tickets = []
    for answer in answers:
        ticket, _ = await desk.mail("Was kostet der Umtausch? Erika Musterfrau", group=GROUP)
        if answer:
            await desk.reply(ticket, answer)
        await desk.control("PUT", f"tickets/{ticket}", {"state": "closed"})
        tickets.append(ticket)
    elephant, _ = await desk.mail("Darf ich einen Elefanten halten? Der Elefant ist zahm.", group=GROUP)
    await desk.reply(elephant, "<p>Nein.</p>")
    await desk.control("PUT", f"tickets/{elephant}", {"state": "closed"})
    still_open, _ = await desk.mail("Noch offen", group=GROUP)
    await desk.reply(still_open, "<p>Ja.</p>")
    before = await desk.state()
    told: list[tuple[int, int]] = []
    since = datetime.now(UTC) - timedelta(hours=1)
    found = await replayed(use, since, [GROUP], 10, lambda done, of: told.append((done, of)))
    assert {one.ticket_id: one.outcome for one in found} == {
        elephant: None,
        tickets[1]: "discarded",
        tickets[0]: "used",
    }
    assert told[-1] == (4, 4)
    machine = json.dumps(told_of(found, date(2026, 11, 23)))
    assert TEXT not in machine
    assert "Musterfrau" not in machine
    total = told_of(found, date(2026, 11, 23))["total"]
    assert (total["tickets"], total["drafts"], total["used"], total["discarded"]) == (3, 2, 1, 1)
    after = await desk.state()
    assert (after["notes"], after["drafts"], after["mails_sent_by_api"]) == (before["notes"], before["drafts"], 0)
    assert not any(method in ("POST", "PUT", "DELETE") for method, _, _ in after["requests"])
    assert len(await replayed(use, since, [GROUP], 1, lambda done, of: None)) == 1
    report = tmp_path / "report.jsonl"
    replay._write(report, found)
    assert report.stat().st_mode & 0o777 == 0o600
    lines = [Replayed(**json.loads(line)) for line in report.read_text(encoding="utf-8").splitlines()]
    assert TEXT in lines[-1].draft
    with pytest.raises(FileExistsError):
        replay._write(report, found)


async def test_a_similar_ticket_that_cannot_be_read_is_passed_over(desk: HelpDesk, use: Backends) -> None:
    first, _ = await desk.mail(ASKED, subject="Führerschein", group=GROUP)
    again, _ = await desk.mail(ASKED, subject="Führerschein", group=GROUP)
    await desk.control("PUT", "faults", [{"kind": "status", "status": 403, "path": f"by_ticket/{first}"}])
    assert (await sorted_(use, again, ASKED)).duplicates == ()
