"""Streams and durables from the catalogue: made once, changed where possible, refused with words where not."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from nats.js.api import RetentionPolicy

from infra.worker.provision import ProvisionError, Report, provision
from shared.backends import Backends
from shared.catalogue import FunctionEntry
from shared.errors import BackendError
from shared.function import EventFunction, function_of, on
from shared.settings import NatsSettings
from tests.integration.workbench import Asked, Bench, Keyed, catalogue


@on(Asked)
async def plain(event: Asked, use: Backends) -> None: ...


@on(Keyed)
async def ordered(event: Keyed, use: Backends) -> None: ...


def entries(target: Any, **limits: Any) -> dict[str, FunctionEntry]:
    function = function_of(target)
    assert isinstance(function, EventFunction)
    return dict(catalogue({function.name: function}, **limits).functions)


@pytest.fixture
async def bench(nats_settings: NatsSettings) -> AsyncIterator[Bench]:
    async with Bench(nats_settings) as bench:
        yield bench


async def make(bench: Bench, functions: dict[str, FunctionEntry], **settings: Any) -> Report:
    return await provision(bench.js, functions, bench.settings.nats.model_copy(update=settings))


async def publish_all(bench: Bench, events: list[Asked]) -> None:
    for number, event in enumerate(events):
        await bench.publish(event, id=str(number))


async def test_second_run_changes_nothing(bench: Bench) -> None:
    functions = entries(plain) | entries(ordered, order_by="name", partitions=2)
    first = await make(bench, functions)
    assert first.made == [
        "EVENTS",
        "DEAD",
        "EVENTS/plain",
        "EVENTS/plain-replay",
        "ORDERED_ordered",
        "ORDERED_ordered/ordered_0",
        "ORDERED_ordered/ordered_1",
    ]
    assert await make(bench, functions) == Report()


async def test_changed_limits_are_applied(bench: Bench) -> None:
    await make(bench, entries(plain))
    report = await make(bench, entries(plain, concurrency=600), max_age_s=3600, duplicate_window_s=60, ack_wait_s=7)
    assert report.changed == [
        "EVENTS: duplicate_window, max_age",
        "DEAD: duplicate_window",
        "EVENTS/plain: ack_wait, max_ack_pending",
        "EVENTS/plain-replay: ack_wait",
    ]
    events = (await bench.js.stream_info("EVENTS")).config
    durable = (await bench.js.consumer_info("EVENTS", "plain")).config
    assert (events.max_age, events.duplicate_window) == (3600, 60)
    assert (durable.ack_wait, durable.max_ack_pending) == (7, 1200)


async def test_what_an_operator_set_stays(bench: Bench) -> None:
    await make(bench, entries(plain))
    config = (await bench.js.stream_info("EVENTS")).config
    await bench.js.update_stream(config, description="ours", max_msgs_per_subject=5)
    await make(bench, entries(plain), max_age_s=3600)
    config = (await bench.js.stream_info("EVENTS")).config
    assert (config.description, config.max_msgs_per_subject, config.max_age) == ("ours", 5, 3600)


async def test_limit_below_what_is_stored_is_refused(bench: Bench) -> None:
    await make(bench, entries(plain))
    for number in range(20):
        await bench.publish(Asked(text="x" * 60_000), id=str(number))
    with pytest.raises(ProvisionError, match="STADTFUNK_NATS__MAX_BYTES=1048576"):
        await make(bench, entries(plain), max_bytes=2**20)


async def test_other_retention_is_refused(bench: Bench) -> None:
    await bench.js.add_stream(name="EVENTS", subjects=["events.>", "replay.>"], retention=RetentionPolicy.INTEREST)
    with pytest.raises(ProvisionError, match=r"retention.*nats stream rm EVENTS"):
        await make(bench, entries(plain))


async def test_change_the_server_refuses_is_said_with_its_words(bench: Bench) -> None:
    await make(bench, entries(plain))
    with pytest.raises(ProvisionError, match=r"stream EVENTS: .*replicas"):
        await make(bench, entries(plain), replicas=3)


async def test_number_of_partitions_needs_a_drain(bench: Bench) -> None:
    await make(bench, entries(ordered, order_by="name", partitions=2))
    with pytest.raises(ProvisionError, match="nats stream rm ORDERED_ordered"):
        await make(bench, entries(ordered, order_by="name", partitions=3))


async def test_durable_without_a_function_is_reported_and_left(bench: Bench) -> None:
    await make(bench, entries(plain))
    report = await make(bench, entries(ordered))
    assert report.orphans == ["EVENTS/plain", "EVENTS/plain-replay"]
    assert await bench.js.consumer_info("EVENTS", "plain")
    report = await provision(bench.js, entries(ordered), bench.settings.nats, known=entries(plain))
    assert report.orphans == []


async def test_durables_that_a_living_function_reads_no_more_are_reported(bench: Bench) -> None:
    fired = {"schedule": {"cron": "@every 1h"}}
    await make(bench, entries(plain, events=[{"nats": {"type": Asked.type}}, fired]) | entries(ordered))
    report = await make(bench, entries(plain) | entries(ordered, order_by="name", partitions=2))
    assert sorted(report.orphans) == ["EVENTS/ordered", "EVENTS/ordered-replay", "SCHEDULES/plain"]


async def test_a_worker_of_other_functions_leaves_foreign_subjects_in_the_stream(bench: Bench) -> None:
    listening = entries(plain, events=[{"nats": {"subject": "sensors.>"}}])
    whole = listening | entries(ordered, order_by="name", partitions=2)
    for name, entry in whole.items():
        await provision(bench.js, {name: entry}, bench.settings.nats, known=whole)
    assert "sensors.>" in ((await bench.js.stream_info("EVENTS")).config.subjects or [])
    # Out of the catalogue, out of the stream.
    await make(bench, entries(ordered, order_by="name", partitions=2))
    assert (await bench.js.stream_info("EVENTS")).config.subjects == ["events.>", "replay.>"]


async def test_start_says_where_a_new_function_begins(bench: Bench) -> None:
    await make(bench, entries(plain))
    await bench.publish(Asked(text="before"), id="1")

    @on(Asked)
    async def late(event: Asked, use: Backends) -> None: ...

    @on(Asked)
    async def whole(event: Asked, use: Backends) -> None: ...

    await make(bench, entries(late, start="new") | entries(whole, start="all"))
    assert (await bench.js.consumer_info("EVENTS", "late")).num_pending == 0
    assert (await bench.js.consumer_info("EVENTS", "whole")).num_pending == 1


async def test_full_stream_refuses_and_forgets_nothing(bench: Bench) -> None:
    await make(bench, entries(plain), max_bytes=2**20)
    events = [Asked(text="x" * 60_000)] * 40
    with pytest.raises(BackendError, match="full"):
        await publish_all(bench, events)
    assert 10 < await bench.count("EVENTS") < 40
    assert (await bench.js.stream_info("EVENTS")).state.first_seq == 1
