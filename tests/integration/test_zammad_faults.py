"""What must not be lost or done twice in Zammad: killed workers, faults of the interface, lost webhooks."""

import json
import os
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from events.zammad import ArticleReceived, ReconciliationAsked, ReplySent
from functions.zammad import draft, reconcile
from functions.zammad.webhook import zammad_webhook
from infra.worker.dead import DeadLetters
from shared.backends import Backends
from shared.bus import enveloped
from shared.jetstream import JetStreamBus
from shared.secrets import Secrets
from shared.settings import NatsSettings, Settings, ZammadGroup
from tests.integration.helpdesk import (
    GROUP,
    TEXT,
    WHOLE,
    HelpDesk,
    desk_settings,
    desk_worker,
    help_desk,
    proposed,
    publish,
    scripted,
    worked_off,
)
from tests.integration.hosting import hosted
from tests.integration.replicas import Replicas, supervised, variables
from tests.integration.workbench import Bench
from tests.polling import eventually

EAGER = ZammadGroup(name=GROUP, drafts_per_hour=60, triage=False)
STEPS = ("save-1", "put_draft", "save-2", "add_tag", "add_note", "save-3", "told")
MOMENTS = [f"{step}:{when}" for step in STEPS for when in ("before", "after")]
OUTSIDE = ["put_draft:after", "add_note:after"]


@pytest.fixture
async def desk() -> AsyncIterator[HelpDesk]:
    async with help_desk() as desk:
        yield desk


@pytest.fixture
async def bench(nats_settings: NatsSettings) -> AsyncIterator[Bench]:
    async with Bench(nats_settings) as bench:
        yield bench


@pytest.fixture
def settings(desk: HelpDesk, nats_settings: NatsSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(draft, "propose", scripted)
    return desk_settings(desk.url, nats_settings, tmp_path / "secrets", EAGER, timeout_s=1.0)


async def done(desk: HelpDesk, *asked: ArticleReceived) -> None:
    """Each letter has one draft of ours and one note, and nothing went to a citizen."""
    for one in asked:
        assert await desk.marked(one.ticket_id) == [(one.article_id, 1)]
        made = await desk.draft(one.ticket_id)
        assert made is not None
        assert TEXT in made.body
    assert await desk.sent_nothing()


@pytest.mark.parametrize(
    "moments", [pytest.param(OUTSIDE, id="outside"), pytest.param(MOMENTS, id="every", marks=pytest.mark.heavy)]
)
async def test_workers_killed_before_and_after_each_effect(
    desk: HelpDesk, bench: Bench, nats_settings: NatsSettings, tmp_path: Path, moments: list[str]
) -> None:
    nats = nats_settings.model_copy(update={"ack_wait_s": 2.0})
    group = EAGER.model_copy(update={"tags": True, "triage": True})
    settings = desk_settings(desk.url, nats, tmp_path / "secrets", group)
    asked = [await desk.mail(moment, email=f"b{number}@example.org") for number, moment in enumerate(moments)]
    falls = {str(one.ticket_id): moment for one, moment in zip(asked, moments, strict=True)}
    (tmp_path / "falls.json").write_text(json.dumps(falls))
    environment = {
        **variables("NATS", nats),
        **variables("ZAMMAD", settings.zammad),
        "STADTFUNK_SECRETS_DIR": str(settings.secrets_dir),
    }
    command = (sys.executable, "-m", "tests.integration.programs.desk", str(tmp_path))
    copies = asked * 5
    random.Random(5).shuffle(copies)
    async with desk_worker(settings):
        pass  # streams and durables
    await publish(bench.bus, copies, fresh=True)
    async with supervised(Replicas(tmp_path, command, environment), 2) as workers:
        await worked_off(bench.bus, deadline_s=300.0)
        assert workers.restarts >= len(moments)
    fallen = {name for name in os.listdir(tmp_path) if name.startswith("fallen-")}
    assert len(fallen) == len(moments)
    await done(desk, *asked)
    assert len(await proposed(bench.bus)) == len(asked)
    assert await bench.count("DEAD") == 0


OUTAGES: dict[str, list[dict[str, Any]]] = {
    "away, in one way after the other": [
        {"kind": "status", "status": 401, "times": 6},  # the token was revoked, and is put right
        {"kind": "status", "status": 403, "times": 6},  # the bot lost all its rights, and gets them back
        {"kind": "status", "status": 429, "times": 2, "retry_after": 1},
        {"kind": "status", "status": 500, "times": 6},
        {"kind": "cut", "times": 6},
        {"kind": "hang", "path": "by_ticket", "seconds": 1.5, "times": 2},
    ],
    "what was written is not confirmed": [
        {"kind": "cut", "methods": ["PUT"], "after": True, "times": 2},
        {"kind": "cut", "methods": ["POST"], "after": True, "times": 1},
        {"kind": "hang", "methods": ["POST"], "seconds": 1.5, "times": 2},  # and is written after we have gone
    ],
}


@pytest.mark.parametrize("outage", OUTAGES)
async def test_an_outage_of_zammad_delays_and_loses_nothing(
    desk: HelpDesk, bench: Bench, settings: Settings, outage: str
) -> None:
    asked = [await desk.mail(f"Frage {number}", email=f"b{number}@example.org") for number in range(3)]
    await desk.faults(*OUTAGES[outage])
    async with desk_worker(settings):
        await publish(bench.bus, asked)
        await worked_off(bench.bus)
    assert (await desk.tell("GET", "state"))["faults"] == [], "the outage was not passed"
    await done(desk, *asked)
    assert await bench.count("DEAD") == 0


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"kind": "status", "status": 403, "path": "/tickets/"}, ("Forbidden", "ticket.agent")),  # this ticket alone
        ({"kind": "status", "status": 422, "methods": ["POST"]}, ("Reject", "article body")),
        ({"kind": "status", "status": 500, "path": "by_ticket"}, ("Retry", "not for this ticket")),
    ],
)
async def test_what_only_a_person_can_mend_is_a_dead_letter_with_words(
    desk: HelpDesk, bench: Bench, settings: Settings, fault: dict[str, Any], said: tuple[str, str]
) -> None:
    bad = await desk.mail("Geheim", "Was kostet das? Geheim")
    await desk.faults(fault)
    async with desk_worker(settings):
        await publish(bench.bus, [bad])
        (letter,) = await bench.dead()
        assert letter.error == said[0]
        assert said[1] in letter.reason
        assert "Geheim" not in letter.reason
        await desk.faults()
        # Whatever stood behind it goes on, and the letter itself when somebody replays it.
        other = await desk.mail("Andere", email="andere@example.org")
        await publish(bench.bus, [other])
        letters = DeadLetters(bench.bus)
        await letters.replay((await letters.list())[0].number)
        await worked_off(bench.bus)
        await eventually(lambda: desk.marked(bad.ticket_id), "the replayed letter is answered")
    await done(desk, bad, other)


async def test_webhooks_lost_in_an_outage_are_found_by_the_search(
    bench: Bench, nats_settings: NatsSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draft, "propose", scripted)
    catalogue = WHOLE.model_copy(update={"functions": {"zammad_webhook": WHOLE.functions["zammad_webhook"]}})
    settings = desk_settings("http://127.0.0.1:9", nats_settings, tmp_path / "secrets", EAGER)
    bus = JetStreamBus(nats_settings)
    more: Any = {"secrets": Secrets(settings.secrets_dir), "bus": bus}
    async with (
        hosted(catalogue, zammad_webhook, settings=settings, **more) as url,
        help_desk(webhook=f"{url}/zammad/webhook") as desk,
    ):
        settings = desk_settings(desk.url, nats_settings, tmp_path / "secrets", EAGER)
        async with desk_worker(settings, "draft_reply", "reconcile_tickets"):
            told = await desk.mail("told", email="a@example.org")
            await eventually(lambda: desk.marked(told.ticket_id), "the webhook's letter is answered")
            await desk.tell("PUT", "webhook", copies=0)
            lost = [await desk.mail(f"lost {number}", email=f"l{number}@example.org") for number in range(5)]
            older = await desk.mail("older", email="o@example.org")
            newest = await desk.mail("newest", ticket_id=older.ticket_id, email="o@example.org")
            await desk.mail("not ours", email="n@example.org", group="Parken")
            closed = await desk.mail("closed", email="c@example.org")
            await desk.tell("PUT", f"tickets/{closed.ticket_id}", state="closed")
            await desk.tell("POST", f"tickets/{told.ticket_id}/reply", body="So ist es.")
            # Zammad is away for a while, too.
            await desk.tell("POST", "away", seconds=1.0)
            for number in range(2):
                asking = enveloped(ReconciliationAsked(), id=f"by-hand-{number}", source="/tests")
                await bus.publish(asking)
            await bench.settled("reconcile_tickets")
            await worked_off(bench.bus)
            assert not await desk.notes(closed.ticket_id)
            for one in (*lost, newest):
                assert await desk.marked(one.ticket_id) == [(one.article_id, 1)]
            # However often it looks, each letter was told of once; the agent's reply as well.
            assert await stored(bench, "zammad.article.received") == 1 + len(lost) + 1
            assert await stored(bench, "zammad.reply.sent") == 1
            use = Backends(settings)
            assert [event async for event in reconcile_again(use)] == []
            await use.close()
    await bus.close()


async def reconcile_again(use: Backends) -> AsyncIterator[Any]:
    """What one more search tells of, replies aside."""
    for event in await reconcile.reconcile_tickets(ReconciliationAsked(), use):
        if isinstance(event, ArticleReceived):
            yield event


async def stored(bench: Bench, kind: str) -> int:
    """Events of a type in the stream."""
    info = await bench.js.stream_info("EVENTS", subjects_filter=f"events.*.{kind}")
    return sum((info.state.subjects or {}).values())


async def test_a_reply_sent_days_ago_in_an_outage_is_told_of_once_it_is_over(
    desk: HelpDesk, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await desk.mail("Umtausch")
    use = Backends(settings)
    assert len(list(await reconcile.reconcile_tickets(ReconciliationAsked(), use))) == 1
    await draft.draft_reply(asked, use)
    sent = await desk.tell("POST", f"tickets/{asked.ticket_id}/reply", body="So ist es.")
    # As far as the search knows, it came this far before the letter; now two days have passed since the reply.
    bucket = use.state.bucket(reconcile.BUCKET)
    mark = await bucket.get("watermark")
    assert mark is not None
    then = reconcile.Watermark.model_validate_json(mark.value).since
    await bucket.put("watermark", reconcile.Watermark(since=then, upto=then).model_dump_json().encode())
    monkeypatch.setattr(reconcile, "_DAY", -timedelta(days=2))
    found = list(await reconcile.reconcile_tickets(ReconciliationAsked(), use))
    assert found == [ReplySent(ticket_id=asked.ticket_id, article_id=sent["article_id"])]
    await use.close()


async def test_a_bot_that_may_not_search_waits_for_its_rights(desk: HelpDesk, settings: Settings) -> None:
    asked = await desk.mail("Umtausch")
    use = Backends(settings)
    await desk.faults({"kind": "status", "status": 403})
    assert [event async for event in reconcile_again(use)] == []
    await desk.faults()
    assert [event.ticket_id async for event in reconcile_again(use)] == [asked.ticket_id]
    await use.close()


async def test_a_search_that_was_cut_short_goes_on_where_it_was(
    desk: HelpDesk, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "_RUN_S", 0.0)
    lost = {(await desk.mail(f"{number}", email=f"l{number}@example.org")).ticket_id for number in range(10)}
    use, found, runs = Backends(settings), Counter[int](), 0
    while set(found) != lost and runs < 10:
        found.update([event.ticket_id async for event in reconcile_again(use)])
        runs += 1
    await use.close()
    assert set(found) == lost
    assert runs >= 3  # of four tickets at most
    assert max(found.values()) == 1
