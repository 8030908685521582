"""A flood of tickets: all are answered, each once and one event of it at a time, in bounded memory."""

import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import uvloop

from events.zammad import ArticleReceived
from functions.zammad import draft
from shared.bus import enveloped
from shared.memory import peak_memory
from shared.settings import NatsSettings, ZammadGroup
from tests.integration.helpdesk import (
    BOT,
    GROUP,
    desk_settings,
    desk_worker,
    functions_of,
    help_desk,
    proposed,
    scripted,
    worked_off,
)
from tests.integration.workbench import Bench

TICKETS = 5000


@pytest.mark.timeout(2000)
@pytest.mark.heavy
def test_five_thousand_tickets_at_once(
    nats_settings: NatsSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uvloop.run(flood(nats_settings, tmp_path / "secrets", monkeypatch))  # the loop that `stadtfunk run` has


async def flood(nats: NatsSettings, secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running: Counter[int] = Counter()
    most, order = 0, dict[int, list[int]]()

    async def watched(mail: Any, group: Any, use: Any, **_: object) -> Any:
        nonlocal most
        ticket_id = int(mail.subject.split()[-1])
        running[ticket_id] += 1
        order.setdefault(ticket_id, []).append(running[ticket_id])
        most = max(most, running.total())
        await asyncio.sleep(0.001)
        running[ticket_id] -= 1
        return await scripted(mail, group, use)

    monkeypatch.setattr(draft, "propose", watched)
    async with help_desk() as desk, Bench(nats) as bench:
        group = ZammadGroup(name=GROUP, drafts_per_hour=60, triage=False)
        settings = desk_settings(desk.url, nats, secrets, group, timeout_s=60.0)  # none is slow, a machine may be
        asked = [await desk.mail(f"Frage {number}", email=f"b{number}@example.org") for number in range(TICKETS)]
        copies = asked + asked[::5]
        random.Random(1).shuffle(copies)
        async with desk_worker(settings):
            await asyncio.gather(
                *(publish_some(bench, copies[start::8], start) for start in range(8)),
            )
            before = peak_memory()
            await worked_off(bench.bus, deadline_s=1500.0)
            after = peak_memory()
        entry = functions_of("draft_reply")[1].functions["draft_reply"]
        assert most <= entry.concurrency
        assert all(one == [1] for one in order.values()), "two events of one ticket overlapped, or one was done twice"
        assert len(order) == TICKETS
        assert after - before < 300 * 2**20, f"{(after - before) // 2**20} MB more"
        state = await desk.tell("GET", "state")
        assert Counter(state["notes"].values()) == {1: TICKETS}
        assert Counter(state["drafts"].values()) == {BOT: TICKETS}
        assert len(await proposed(bench.bus)) == TICKETS
        assert await bench.count("DEAD") == 0


async def publish_some(bench: Bench, events: list[ArticleReceived], start: int) -> None:
    """A part of the flood, each copy with an id of its own."""
    for number, event in enumerate(events):
        made = enveloped(event, id=f"{start}-{number}", source="/tests")
        await bench.bus.publish(made, key=event.key_value)
