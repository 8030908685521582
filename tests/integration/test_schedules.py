"""Schedules on a real NATS: they fire, follow the catalogue, survive kill -9, and are made up for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError

from events import CloudEvent
from events.cms import CrawlRequested
from infra.worker import schedules
from infra.worker.schedules import (
    STREAM,
    Schedule,
    catch_up,
    ensure_stream,
    fire_filter,
    firing_id,
    next_due,
    schedules_of,
    sync,
)
from shared.backends import Backends
from shared.catalogue import Catalogue
from shared.connection import connect
from shared.errors import CatalogueError
from shared.function import Function, function_of, on
from shared.metrics import SKIPPED
from shared.settings import NatsSettings
from shared.telemetry import EVENT_ID
from tests.conftest import Launched
from tests.integration.addresses import nats_of
from tests.integration.programs.ledger import Ledger
from tests.integration.replicas import replicas
from tests.integration.workbench import Asked, Bench, until
from tests.polling import eventually

TEXT = {"de": "-", "en": "-"}
CARD = dict.fromkeys(("purpose", "data", "evaluation", "risks", "legal_basis", "human_oversight"), TEXT)


@on(CrawlRequested)
async def nightly(event: CrawlRequested, use: Backends) -> None:
    """What the schedules of these tests would run."""


RECORD = function_of(nightly)
assert RECORD is not None
FUNCTIONS: dict[str, Function] = {"nightly": RECORD}


TOO_SLOW = "too slow a machine for this test: the schedule fired before the outage"


def catalogue(*triggers: dict[str, str]) -> Catalogue:
    """A catalogue of one function with these schedules; with none it reacts to events only."""
    events = [{"schedule": trigger} for trigger in triggers] or [{"nats": {"type": "cms.crawl.requested"}}]
    return Catalogue.model_validate(
        {
            "version": 1,
            "systems": {"tests": {"title": TEXT, "card": {**CARD, "owner": "-", "models": []}}},
            "functions": {"nightly": {"handler": "tests.schedules.nightly", "description": "-", "events": events}},
        }
    )


def soon(seconds: float) -> tuple[dict[str, str], datetime]:
    """A daily schedule that is due once, ``seconds`` from now."""
    due = (datetime.now(UTC) + timedelta(seconds=seconds)).replace(microsecond=0)
    return {"cron": f"{due.second} {due.minute} {due.hour} * * *", "time_zone": "UTC"}, due


async def fired(js: JetStreamContext) -> list[RawStreamMsg]:
    """Everything fired so far, by NATS or in its place."""
    found = []
    try:
        info = await js.stream_info(STREAM, subjects_filter=fire_filter("nightly"))
    except NotFoundError:
        return []
    if not info.state.subjects:
        return []
    for sequence in range(info.state.first_seq, info.state.last_seq + 1):
        with suppress(NotFoundError):
            message = await js.get_msg(STREAM, sequence)
            if str(message.subject).startswith("schedules.fire."):
                found.append(message)
    return found


async def firings(js: JetStreamContext) -> list[CloudEvent]:
    """Everything fired so far, with the id a worker gives it."""
    found = []
    for message in await fired(js):
        event = CloudEvent.from_message(message.headers, message.data or b"")
        event.id = firing_id(message.headers) or event.id
        found.append(event)
    return found


@pytest.fixture
async def client(nats_settings: NatsSettings) -> AsyncIterator[Client]:
    client = await connect(nats_settings, name="test")
    await ensure_stream(client.jetstream(), nats_settings)
    yield client
    await client.close()


@pytest.fixture
def js(client: Client) -> JetStreamContext:
    return client.jetstream()


@pytest.fixture
async def fragile(nats_server: Callable[[], Launched]) -> AsyncIterator[tuple[Launched, Client]]:
    """A server to kill, with the stream in it."""
    server = nats_server()
    client = await connect(nats_of(server), name="test")
    await ensure_stream(client.jetstream(), nats_of(server))
    yield server, client
    await client.close()


async def back(client: Client) -> JetStreamContext:
    """The connection after a restart of the server."""

    async def connected() -> bool:
        return client.is_connected

    await eventually(connected, "the connection is back")
    return client.jetstream()


async def past(moment: datetime) -> None:
    async def reached() -> bool:
        return datetime.now(UTC) > moment

    await eventually(reached, f"{moment} has passed", deadline_s=100)


async def test_a_schedule_fires_the_functions_own_event(js: JetStreamContext) -> None:
    wanted = catalogue({"cron": "*/1 * * * * *", "time_zone": "Europe/Berlin"})
    await sync(js, wanted, FUNCTIONS)

    async def twice() -> list[CloudEvent]:
        found = await firings(js)
        return found if len(found) >= 2 else []

    first, second, *_ = await eventually(twice, "two firings")
    assert first.type == "cms.crawl.requested"
    assert CrawlRequested.model_validate_json(first.data) == CrawlRequested()
    assert first.id != second.id
    assert first.id == (await firings(js))[0].id


async def test_the_id_computed_for_a_firing_is_the_one_the_server_leads_to(js: JetStreamContext) -> None:
    """So that a firing made up for and a late one of the server are the same event."""
    wanted = catalogue({"cron": "*/2 * * * * *", "time_zone": "Europe/Berlin"})
    await sync(js, wanted, FUNCTIONS)
    (schedule,) = schedules_of(wanted, FUNCTIONS)
    await eventually(lambda: firings(js), "a firing")
    message = await js.get_last_msg(STREAM, schedule.target)
    assert message.headers is not None
    assert isinstance(message.time, datetime)
    following = next_due(schedule.trigger, message.time)
    assert following == datetime.fromisoformat(message.headers["Nats-Schedule-Next"])


async def stored_schedule(js: JetStreamContext, schedule: Schedule) -> dict[str, str] | None:
    try:
        return (await js.get_last_msg(STREAM, schedule.subject)).headers
    except NotFoundError:
        return None


async def test_only_differences_are_stored_and_what_is_gone_is_removed(js: JetStreamContext) -> None:
    two = catalogue({"cron": "@daily", "time_zone": "Europe/Berlin"}, {"cron": "@every 1h"})
    first, second = schedules_of(two, FUNCTIONS)
    assert await sync(js, two, FUNCTIONS) == 2
    assert await sync(js, two, FUNCTIONS) == 0

    changed = catalogue({"cron": "@daily", "time_zone": "Europe/Vienna"}, {"cron": "@every 1h"})
    assert await sync(js, changed, FUNCTIONS) == 1
    headers = await stored_schedule(js, first)
    assert headers is not None
    assert headers["Nats-Schedule-Time-Zone"] == "Europe/Vienna"
    assert "Nats-Msg-Id" not in headers

    # A worker that runs another function leaves it, one whose catalogue has it no more removes it.
    assert await sync(js, changed, {}) == 0
    assert await sync(js, catalogue({"cron": "@daily", "time_zone": "Europe/Vienna"}), FUNCTIONS) == 1
    assert await stored_schedule(js, second) is None
    assert await sync(js, catalogue(), FUNCTIONS) == 1
    assert await stored_schedule(js, first) is None


async def test_a_disabled_system_has_no_schedules(js: JetStreamContext) -> None:
    wanted = catalogue({"cron": "@daily"})
    (schedule,) = schedules_of(wanted, FUNCTIONS)
    assert await sync(js, wanted, FUNCTIONS) == 1
    system = wanted.systems["tests"].model_copy(update={"enabled": False})
    disabled = wanted.model_copy(update={"systems": {"tests": system}})
    assert await sync(js, disabled, FUNCTIONS) == 1
    assert await stored_schedule(js, schedule) is None
    assert await sync(js, disabled, FUNCTIONS) == 0
    assert await sync(js, wanted, FUNCTIONS) == 1


async def test_firings_that_waited_without_a_worker_are_run_once(
    nats_settings: NatsSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedules, "GRACE_S", 0.0)
    ran: list[str] = []

    @on(Asked)
    async def waited(event: Asked, use: Backends) -> None:
        ran.append(EVENT_ID.get() or "")

    events = [{"schedule": {"cron": "@every 1h"}}, {"schedule": {"cron": "@every 2h", "catch_up": "1ms"}}]
    before = SKIPPED.labels("waited")._value.get()
    async with Bench(nats_settings) as bench:
        async with bench.worker(waited, events=events):
            pass
        for id_, number in (("a", 0), ("b", 0), ("c", 0), ("late", 1)):
            headers = CloudEvent(id=id_, source="/test", type=Asked.type).headers()
            await bench.js.publish(f"schedules.fire.waited.{number}", b"{}", headers=headers)
        async with bench.worker(waited, events=events):
            await until(lambda: ran and SKIPPED.labels("waited")._value.get() - before >= 3, "one run, three skipped")
            await bench.js.publish("schedules.fire.waited.0", b"{}", headers={**headers, "ce-id": "next"})
            await until(lambda: "next" in ran, "the next firing")
    assert ran == ["c", "next"]


async def test_a_changed_schedule_replaces_the_old_one_at_once(js: JetStreamContext) -> None:
    await sync(js, catalogue({"cron": "@every 1h"}), FUNCTIONS)
    await sync(js, catalogue({"cron": "@every 1s"}), FUNCTIONS)
    await eventually(lambda: firings(js), "the new interval fires")


async def test_a_pattern_that_nats_refuses_is_named(js: JetStreamContext) -> None:
    with pytest.raises(CatalogueError, match=r"functions\.nightly\.events: .* '0 0 0 L \* \*'"):
        await sync(js, catalogue({"cron": "0 0 0 L * *"}), FUNCTIONS)


async def test_the_stream_is_made_once_and_keeps_no_age_limit(
    client: Client, js: JetStreamContext, nats_settings: NatsSettings
) -> None:
    await ensure_stream(js, nats_settings)
    config = (await js.stream_info(STREAM)).config
    assert not config.max_age
    assert config.allow_msg_schedules


async def test_schedules_go_on_after_kill_9(fragile: tuple[Launched, Client]) -> None:
    server, client = fragile
    wanted = catalogue({"cron": "@every 1s"})
    await sync(client.jetstream(), wanted, FUNCTIONS)
    server.kill()
    await server.start()
    js = await back(client)
    assert await sync(js, wanted, FUNCTIONS) == 0
    before = len(await firings(js))

    async def more() -> bool:
        return len(await firings(js)) > before

    await eventually(more, "a firing after the restart")


async def test_a_firing_that_fell_into_an_outage_is_run_once_by_three_workers(
    fragile: tuple[Launched, Client],
) -> None:
    server, client = fragile
    for seconds in (3.0, 30.0):
        trigger, due = soon(seconds)
        wanted = catalogue(trigger)
        await sync(client.jetstream(), wanted, FUNCTIONS)
        server.kill()
        if datetime.now(UTC) < due:
            break
        await server.start()
        await (await back(client)).purge_stream(STREAM)
    else:
        raise AssertionError(TOO_SLOW)
    await past(due + timedelta(seconds=0.5))
    await server.start()
    js = await back(client)
    assert await firings(js) == []  # NATS itself does not make up for it

    others = [await connect(nats_of(server), name=f"worker-{n}") for n in range(2)]
    contexts = [js, *(other.jetstream() for other in others)]
    done = await asyncio.gather(*(catch_up(j, wanted, FUNCTIONS, grace_s=0.2) for j in contexts * 5))
    assert [subject for made in done for subject in made] == ["schedules.set.nightly.0"]
    for j in contexts:
        assert await catch_up(j, wanted, FUNCTIONS, grace_s=0.2) == []
    (event,) = await firings(js)
    assert event.type == "cms.crawl.requested"
    assert CrawlRequested.model_validate_json(event.data) == CrawlRequested()
    for other in others:
        await other.close()


async def test_an_interval_missed_many_times_is_run_once(fragile: tuple[Launched, Client]) -> None:
    server, client = fragile
    for seconds in (2, 15):
        if await _made_up_for_once(server, client, seconds):
            return
    raise AssertionError(TOO_SLOW)


async def _made_up_for_once(server: Launched, client: Client, seconds: int) -> bool:
    """False: the machine was so busy that the interval came round by itself before it was made up for."""
    wanted = catalogue({"cron": f"@every {seconds}s"})
    js = client.jetstream()
    await sync(js, wanted, FUNCTIONS)
    await eventually(lambda: firings(js), "a firing before the outage")
    server.kill()
    await past(datetime.now(UTC) + timedelta(seconds=2.25 * seconds))
    await server.start()
    js = await back(client)
    before = len(await fired(js))
    made = await catch_up(js, wanted, FUNCTIONS, grace_s=0.2)
    if not made and len(await fired(js)) > before:
        await js.purge_stream(STREAM)
        return False
    assert made == ["schedules.set.nightly.0"]
    assert await catch_up(js, wanted, FUNCTIONS, grace_s=0.2) == []
    # Its own firings go on; between them there is the one that was made up for.
    assert sum(firing_id(message.headers) is None for message in await fired(js)) == 1
    return True


async def test_nothing_is_made_up_for_that_fired_or_is_too_old(fragile: tuple[Launched, Client]) -> None:
    server, client = fragile
    trigger, due = soon(4.0)
    wanted = catalogue({**trigger, "catch_up": "1s"}, {"cron": "@every 1s"})
    js = client.jetstream()
    await sync(js, wanted, FUNCTIONS)
    await eventually(lambda: firings(js), "the interval fires")
    assert await catch_up(js, wanted, FUNCTIONS) == []
    server.kill()
    await past(due + timedelta(seconds=1.5))
    await server.start()
    js = await back(client)
    assert "schedules.set.nightly.0" not in await catch_up(js, wanted, FUNCTIONS, grace_s=0.2)


@pytest.mark.timeout(240)
async def test_nats_down_over_a_firing_time_is_run_once_by_workers_that_went_on(
    nats_server: Callable[[], Launched], tmp_path: Path
) -> None:
    # Three programs are to run before the schedule is due: on a busy machine that takes longer.
    for number, seconds in enumerate((12.0, 90.0)):
        folder = tmp_path / f"workers-{number}"
        folder.mkdir()
        if await _down_over_a_firing_time(nats_server(), folder, seconds):
            return
    raise AssertionError(TOO_SLOW)


async def _down_over_a_firing_time(server: Launched, folder: Path, seconds: float) -> bool:
    nats = nats_of(server, ack_wait_s=2.0)
    trigger, due = soon(seconds)
    ledger = Ledger(folder / "ledger.db")
    events = [{"schedule": trigger}, {"schedule": {"cron": "@every 1h"}}]

    async with replicas(folder, nats, {"tick": {"events": events}}, count=3) as workers:

        async def running() -> bool:
            return workers.logs().count("worker runs") == 3 or datetime.now(UTC) > due

        await eventually(running, "the workers have stored the schedules and wait", deadline_s=seconds + 1)
        server.kill()
        if datetime.now(UTC) > due:
            ledger.close()
            return False
        await past(due + timedelta(seconds=1))
        await server.start()

        async def ticked() -> bool:
            return ledger.count("ticked") > 0

        await eventually(ticked, "the missed firing is made up for")
        client = await connect(nats, name="test")
        info = await client.jetstream().stream_info(STREAM, subjects_filter="schedules.fire.>")
        await client.close()
        assert info.state.subjects == {"schedules.fire.tick.0": 1}
        assert ledger.count("ticked") == 1
        assert workers.restarts == 0
    ledger.close()
    return True
