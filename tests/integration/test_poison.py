"""Events that no function can digest: each becomes a dead letter with its cause, and holds up no other."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from infra.worker.dead import DeadLetters
from shared.jetstream import JetStreamBus
from tests.conftest import Launched
from tests.integration.addresses import nats_of
from tests.integration.programs.ledger import Ledger
from tests.integration.replicas import replicas
from tests.integration.test_faults import bus_to, done, numbered, publish
from tests.polling import eventually

pytestmark = pytest.mark.timeout(300)  # s: a busy machine is slow to start what was killed
FINE = 200
SECRET = "Geheim"  # stands in data and error texts, and must stand in no log


@pytest.fixture
def server(nats_server: Callable[[], Launched]) -> Launched:
    return nats_server()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "workers" / "fixes").mkdir(parents=True)
    return tmp_path / "workers"


@pytest.fixture
def ledger(folder: Path) -> Iterable[Ledger]:
    ledger = Ledger(folder / "ledger.db")
    yield ledger
    ledger.close()


async def send(bus: JetStreamBus, thing: str, data: bytes, **headers: str) -> None:
    """A message of whatever content on the subject of a Numbered."""
    given = numbered(thing, 0).headers() | {name.replace("_", "-"): value for name, value in headers.items()}
    given = {name: value for name, value in given.items() if value}
    await bus.store("events.-.tests.thing.numbered", data, given)


async def causes(letters: DeadLetters) -> dict[str, tuple[str, int]]:
    """Dead letters by event id: error type and runs."""
    return {s.letter.headers.get("ce-id", ""): (s.letter.error, s.letter.attempts) for s in await letters.list()}


async def dead(letters: DeadLetters, count: int, deadline_s: float = 120.0) -> dict[str, tuple[str, int]]:
    async def enough() -> bool:
        return len(await letters.list()) >= count

    await eventually(enough, f"{count} dead letters", deadline_s=deadline_s)
    return await causes(letters)


async def test_each_poison_has_its_cause_and_a_replay_after_the_fix_works(
    folder: Path, server: Launched, ledger: Ledger
) -> None:
    nats = nats_of(server, ack_wait_s=1.0)
    limits = {"concurrency": 8, "timeout": "2s", "retry": {"attempts": 3, "initial": "20ms", "max": "100ms"}}
    functions = {"suffer": limits, "settle": {}}
    async with replicas(folder, nats, functions) as workers, bus_to(nats) as bus:
        letters = DeadLetters(bus)
        await publish(bus, [numbered("fine", n) for n in range(FINE // 2)])
        valid = numbered("fine", 0).data
        await send(bus, "bad-json", b'{"thing": "Geheim')
        await send(bus, "no-object", b"[1, 2]")
        await send(bus, "wrong-field", b'{"thing": "Geheim", "number": "Geheim"}')
        await send(bus, "wrong-type", valid, ce_type="tests.thing.settled")
        await send(bus, "no-source", valid, ce_source="")
        await send(bus, "old-version", valid, ce_specversion="0.3")
        await send(bus, "", b"no CloudEvent at all", ce_id="", content_type="text/plain")
        dying = ["bug", "reject", "kill", "segfault", "exit", "endless"]
        await publish(bus, [numbered(kind, 0) for kind in [*dying, "moody"]])
        await publish(bus, [numbered("fine", n) for n in range(FINE // 2, FINE)])

        found = await dead(letters, 13)
        assert found == {
            "bad-json:0000": ("ValidationError", 0),
            "no-object:0000": ("ValidationError", 0),
            "wrong-field:0000": ("ValidationError", 0),
            "wrong-type:0000": ("WrongType", 0),
            "no-source:0000": ("EnvelopeError", 0),
            "old-version:0000": ("EnvelopeError", 0),
            "": ("EnvelopeError", 0),
            "bug:0000": ("KeyError", 3),
            "reject:0000": ("Reject", 1),
            "kill:0000": ("ProcessLost", 3),
            "segfault:0000": ("ProcessLost", 3),
            "exit:0000": ("SystemExit", 3),
            "endless:0000": ("TimeoutError", 3),
        }
        # What is fine, or only needs patience, is done, however often its neighbours killed the process.
        wanted = {f"fine:{n:04}" for n in range(FINE)} | {"moody:0000"}
        await done(ledger, "survived", len(wanted))
        await done(ledger, "settled", len(wanted))
        assert Counter(ledger.effects("settled")) == Counter(wanted)
        assert 3 <= ledger.runs("suffer")["kill:0000"] <= 4  # beside others once at most, then alone
        assert workers.restarts >= 3

        for kind in dying:
            (folder / "fixes" / kind).touch()
        for stored in await letters.list():
            if stored.letter.headers.get("ce-id", "").split(":")[0] in dying:
                await letters.replay(stored.number)
        wanted |= {f"{kind}:0000" for kind in dying}
        await done(ledger, "survived", len(wanted))
        await done(ledger, "settled", len(wanted))
        assert Counter(ledger.effects("settled")) == Counter(wanted)
        assert len(await letters.list()) == 7
        logs = workers.logs()
        assert "event became a dead letter" in logs
        assert SECRET not in logs


async def test_slow_is_no_error(folder: Path, server: Launched, ledger: Ledger) -> None:
    """Six seconds where a silent worker loses its events after one: waiting, and blocking the loop."""
    nats = nats_of(server, ack_wait_s=1.0)
    limits = {"concurrency": 4, "timeout": "100s", "retry": {"attempts": 2, "initial": "20ms", "max": "100ms"}}
    async with replicas(folder, nats, {"suffer": limits}, count=2) as workers, bus_to(nats) as bus:
        await publish(bus, [numbered("slow", 0), numbered("block", 0)])

        async def begun() -> bool:
            return {"slow:0000", "block:0000"} <= set(ledger.runs("suffer"))

        await eventually(begun, "both are at work")
        enough = time.monotonic() + 6
        await publish(bus, [numbered("fine", n) for n in range(FINE)])

        async def most() -> bool:
            return ledger.count("survived") >= FINE // 2

        await eventually(most, "others are done meanwhile")

        async def passed() -> bool:
            return time.monotonic() > enough

        await eventually(passed, "six seconds")
        assert not {"slow:0000", "block:0000"} & set(ledger.effects("survived"))
        for kind in ("slow", "block"):
            (folder / "fixes" / kind).touch()
        await done(ledger, "survived", FINE + 2)
        # An ack that lay in the blocked process's buffer came late; its event may have come again, its effect not.
        runs = ledger.runs("suffer")
        assert (runs["slow:0000"], runs["block:0000"]) == (1, 1)
        assert len(runs) == FINE + 2
        assert workers.restarts == 0
        assert await DeadLetters(bus).list() == []


async def test_what_kills_the_process_takes_no_other_event_with_it(
    folder: Path, server: Launched, ledger: Ledger
) -> None:
    """Three killers among events that are in work at the same moment: only the killers are given up."""
    nats = nats_of(server, ack_wait_s=1.0)
    limits = {"concurrency": 16, "retry": {"attempts": 2, "initial": "20ms", "max": "100ms"}}
    killers = [numbered("kill", n) for n in range(3)]
    fine = [numbered("fine", n) for n in range(FINE)]
    mixed = [
        event for n, event in enumerate(fine) for event in ([killers[n // 70], event] if n % 70 == 20 else [event])
    ]
    async with replicas(folder, nats, {"suffer": limits}) as workers, bus_to(nats) as bus:
        await publish(bus, mixed)
        found = await dead(DeadLetters(bus), len(killers))
        assert found == {event.id: ("ProcessLost", 2) for event in killers}
        await done(ledger, "survived", FINE)
        assert set(ledger.effects("survived")) == {event.id for event in fine}
        assert len(await DeadLetters(bus).list()) == len(killers)
        assert workers.restarts >= len(killers)


async def test_a_run_beside_a_killer_costs_no_attempt(folder: Path, server: Launched, ledger: Ledger) -> None:
    """The last attempt of one event is under way when another kills the process."""
    nats = nats_of(server, ack_wait_s=1.0)
    limits = {"concurrency": 4, "retry": {"attempts": 3, "initial": "20ms", "max": "100ms"}}
    async with replicas(folder, nats, {"suffer": limits}), bus_to(nats) as bus:
        await publish(bus, [numbered("moody", 0)])

        async def last() -> bool:
            return ledger.runs("suffer")["moody:0000"] == 3

        await eventually(last, "the third attempt")
        await publish(bus, [numbered("kill", 0)])
        await done(ledger, "survived", 1)
        assert ledger.runs("suffer")["moody:0000"] == 4
        assert await dead(DeadLetters(bus), 1) == {"kill:0000": ("ProcessLost", 3)}
