"""What must not be lost, done twice or turned round, while processes and servers are killed.

Workers are processes of their own on a NATS of the test's own; 1,000 events each. ``Ledger`` stands for a
foreign system: it would do an effect twice if it were told so twice.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from nats.js.errors import NotFoundError

from events import CloudEvent
from shared.errors import BackendError
from shared.jetstream import JetStreamBus
from shared.settings import NatsSettings
from tests.conftest import Launched
from tests.integration.addresses import nats_of
from tests.integration.programs.ledger import Ledger
from tests.integration.replicas import Replicas, replicas
from tests.polling import eventually

COUNT = 1000
THINGS = 40


def numbered(thing: str, number: int) -> CloudEvent:
    """One event; its id says what happened, as derived ids do."""
    return CloudEvent(
        id=f"{thing}:{number:04}",
        source="/tests",
        type="tests.thing.numbered",
        data=f'{{"thing":"{thing}","number":{number}}}'.encode(),
        subject=thing,
    )


def events() -> list[CloudEvent]:
    """COUNT events of THINGS things, each thing's in order."""
    return [numbered(f"thing{n % THINGS}", n // THINGS) for n in range(COUNT)]


MARKERS = {event.id for event in events()}


@pytest.fixture
def server(nats_server: Callable[[], Launched]) -> Launched:
    return nats_server()


@pytest.fixture
def nats(server: Launched) -> NatsSettings:
    return nats_of(server, ack_wait_s=2.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "workers"
    folder.mkdir()
    return folder


@pytest.fixture
def ledger(folder: Path) -> Iterable[Ledger]:
    ledger = Ledger(folder / "ledger.db")
    yield ledger
    ledger.close()


@asynccontextmanager
async def bus_to(nats: NatsSettings) -> AsyncIterator[JetStreamBus]:
    """A producer; workers have made the stream before the first event is sent."""
    bus = JetStreamBus(nats, name="producer")
    await bus.connect()

    async def stream() -> bool:
        try:
            await bus.jetstream.stream_info("EVENTS")
        except NotFoundError:
            return False
        return True

    try:
        await eventually(stream, "a worker has made the stream")
        yield bus
    finally:
        await bus.close()


async def publish(bus: JetStreamBus, wanted: Iterable[CloudEvent]) -> None:
    """Publish in order, each again until it is confirmed, as a producer must."""
    for event in wanted:
        async with asyncio.timeout(30):
            while True:
                try:
                    await bus.publish(event, key=event.subject)
                except BackendError:
                    await asyncio.sleep(0.05)
                    continue
                break


async def done(ledger: Ledger, kind: str, count: int = COUNT, *, deadline_s: float = 60.0) -> None:
    async def enough() -> bool:
        return ledger.count(kind) >= count

    try:
        await eventually(enough, f"{count} times {kind}", deadline_s=deadline_s)
    except AssertionError:
        raise AssertionError(f"{ledger.count(kind)} of {count} {kind} after {deadline_s:g} s") from None


async def settled_messages(bus: JetStreamBus) -> int:
    """How many follow-ups lie in the stream."""
    info = await bus.jetstream.stream_info("EVENTS", subjects_filter="events.*.tests.thing.settled")
    return sum((info.state.subjects or {}).values())


async def dead(bus: JetStreamBus) -> int:
    return (await bus.jetstream.stream_info("DEAD")).state.messages


async def check_whole(ledger: Ledger, bus: JetStreamBus) -> None:
    """Every event had its effect, none had it twice, none was given up."""
    assert Counter(ledger.effects("settled")) == Counter(MARKERS)
    assert await dead(bus) == 0


async def killed_often(workers: Replicas, ledger: Ledger) -> None:
    """kill -9 whenever another fifth of the effects is there."""
    for part in range(1, 5):
        await done(ledger, "settled", part * COUNT // 5)
        workers.kill()


async def test_worker_killed_often(folder: Path, nats: NatsSettings, ledger: Ledger) -> None:
    functions = {"take": {"concurrency": 8}, "settle": {"concurrency": 8}}
    async with replicas(folder, nats, functions) as workers, bus_to(nats) as bus:
        await asyncio.gather(publish(bus, events()), killed_often(workers, ledger))
        await done(ledger, "settled")
        assert workers.restarts == 4
        assert sum(ledger.runs("take").values()) > COUNT, "no event was cut off: the test killed nothing"
        assert await settled_messages(bus) == COUNT
        await check_whole(ledger, bus)


@pytest.mark.parametrize("window_s", [120, 1], ids=["in the window", "after the window"])
async def test_crash_between_follow_up_and_ack(folder: Path, server: Launched, ledger: Ledger, window_s: int) -> None:
    nats = nats_of(server, ack_wait_s=3.0, duplicate_window_s=window_s)
    functions = {"take_and_fall": {"concurrency": 4}, "settle": {"concurrency": 4}}
    async with replicas(folder, nats, functions) as workers, bus_to(nats) as bus:
        await publish(bus, [numbered("t", n) for n in range(COUNT)])
        await done(ledger, "settled")

        async def again() -> bool:
            return sum(1 for times in ledger.runs("take_and_fall").values() if times > 1) >= 5

        await eventually(again, "the events whose ack was lost come again")
        assert workers.restarts == 5
        if window_s == 1:
            assert await settled_messages(bus) > COUNT, "no follow-up was stored twice: the window was not passed"
        else:
            assert await settled_messages(bus) == COUNT

        async def all_seen() -> bool:
            return sum(ledger.runs("settle").values()) >= await settled_messages(bus)

        await eventually(all_seen, "every follow-up was taken")
        assert Counter(ledger.effects("settled")) == Counter({f"t:{n:04}" for n in range(COUNT)})
        assert await dead(bus) == 0


async def test_nats_killed_and_started_again(
    folder: Path, server: Launched, nats: NatsSettings, ledger: Ledger
) -> None:
    functions = {"take": {"concurrency": 8}, "settle": {"concurrency": 8}}

    async def killed() -> None:
        for part in (1, 2, 3):
            await done(ledger, "settled", part * COUNT // 4)
            server.kill()
            await asyncio.sleep(0.3)  # an outage, not a blink
            await server.start()

    async with replicas(folder, nats, functions) as workers, bus_to(nats) as bus:
        await asyncio.gather(publish(bus, events()), killed())
        await done(ledger, "settled")
        assert workers.restarts == 0, "a worker ended because NATS did"
        assert await settled_messages(bus) == COUNT
        await check_whole(ledger, bus)


@pytest.mark.parametrize("window_s", [120, 1], ids=["in the window", "after the window"])
async def test_every_event_delivered_twice(folder: Path, server: Launched, ledger: Ledger, window_s: int) -> None:
    nats = nats_of(server, duplicate_window_s=window_s)
    functions = {"take": {"concurrency": 16}, "settle": {"concurrency": 16}}
    async with replicas(folder, nats, functions), bus_to(nats) as bus:
        await publish(bus, events())
        await done(ledger, "settled")
        if window_s == 1:
            await asyncio.sleep(1.5)
        await publish(bus, events())
        expected = 2 * COUNT if window_s == 1 else COUNT

        async def all_run() -> bool:
            return sum(ledger.runs("take").values()) >= expected

        await eventually(all_run, f"{expected} runs")

        async def all_seen() -> bool:
            return sum(ledger.runs("settle").values()) >= await settled_messages(bus)

        await eventually(all_seen, "every follow-up was taken")
        assert sum(ledger.runs("take").values()) == expected
        await check_whole(ledger, bus)


async def test_disorder_and_repeats_put_no_older_revision_over_a_newer(
    folder: Path, nats: NatsSettings, ledger: Ledger
) -> None:
    shuffled = events()
    random.Random(7).shuffle(shuffled)
    async with replicas(folder, nats, {"revise": {"concurrency": 8}}, count=2) as workers, bus_to(nats) as bus:
        sending = asyncio.create_task(publish(bus, shuffled))

        async def seen() -> int:
            return len(set(ledger.effects("written") + ledger.effects("ignored")))

        async def some() -> bool:
            return await seen() >= COUNT // 2

        await eventually(some, "half of the events")
        workers.kill(0)
        await sending

        async def every() -> bool:
            return await seen() == COUNT

        await eventually(every, "every event", deadline_s=60)
        # What counts is what is stored: who is killed between that and its line in the ledger finds it there again.
        for n in range(THINGS):
            entry = await bus.jetstream.get_last_msg("KV_things", f"$KV.things.thing{n}")
            assert entry.data == str(COUNT // THINGS - 1).encode()
        assert await dead(bus) == 0


async def test_three_replicas_of_an_ordered_function(folder: Path, nats: NatsSettings, ledger: Ledger) -> None:
    functions = {"follow": {"order_by": "thing", "partitions": 8, "concurrency": 8}}
    async with replicas(folder, nats, functions, count=3) as workers, bus_to(nats) as bus:
        sending = asyncio.create_task(publish(bus, events()))
        await done(ledger, "followed", COUNT)  # half: each event begins and ends
        workers.kill(1)
        await sending

        async def every() -> bool:
            return len(set(ledger.effects("followed"))) == 2 * COUNT

        await eventually(every, "every event", deadline_s=60)
        lines: dict[str, list[str]] = {}
        for line in ledger.effects("followed"):
            thing, rest = line.split(" ", 1)
            lines.setdefault(thing, []).append(rest)
        wanted = [f"{n:04} {what}" for n in range(COUNT // THINGS) for what in ("begin", "end")]
        for thing, seen in lines.items():
            # A killed worker's event runs again, from its begin: only such repeats, nothing turned round.
            assert list(dict.fromkeys(seen)) == wanted, thing
            assert seen == sorted(seen, key=lambda line: line.split()[0]), thing
        repeated = sum(len(seen) for seen in lines.values()) - 2 * COUNT
        assert 0 <= repeated <= 2 * 8, "at most one event a partition was cut off"
        assert await dead(bus) == 0
