"""The worker on a real NATS: what becomes of an event, whatever the function or the servers do."""

from collections.abc import AsyncIterator

import pytest

from shared.backends import Backends
from shared.bus import derived_id
from shared.function import on
from shared.settings import NatsSettings
from tests.integration.workbench import Answered, Asked, Bench


@pytest.fixture
async def bench(nats_settings: NatsSettings) -> AsyncIterator[Bench]:
    bench = Bench(nats_settings.model_copy(update={"ack_wait_s": 1.0}))
    await bench.bus.connect()
    yield bench
    await bench.bus.close()


async def test_event_reaches_function_and_follow_up_is_stored(bench: Bench) -> None:
    seen: list[Asked] = []

    @on(Asked)
    async def answer(event: Asked, use: Backends) -> Answered:
        seen.append(event)
        return Answered(text=event.text.upper())

    async with bench.worker(answer):
        await bench.publish(Asked(text="hello"), id="one")
        follow_up = await bench.stored("events.*.test.answered")
        await bench.settled("answer")

    assert [event.text for event in seen] == ["hello"]
    assert follow_up.id == derived_id("answer", "one", Answered(text="HELLO"), 0)
    assert follow_up.source == "/functions/answer"
    assert follow_up.traceparent is not None
    assert follow_up.traceparent.split("-")[1] == bench.trace_id
