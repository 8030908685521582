"""One suite for both buses: what the double does, the real one does."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from events import CloudEvent
from infra.worker.provision import provision
from shared.bus import MAX_BYTES, Bus, MemoryBus
from shared.errors import BackendError, Reject, SettingsError
from shared.jetstream import JetStreamBus
from shared.settings import NatsSettings


@pytest.fixture(params=["memory", "jetstream"])
async def bus(request: pytest.FixtureRequest, nats_settings: NatsSettings) -> AsyncIterator[Any]:
    if request.param == "memory":
        yield MemoryBus()
        return
    bus = JetStreamBus(nats_settings)
    await bus.connect()
    await provision(bus.jetstream, {}, nats_settings)
    yield bus
    await bus.close()


async def stored(bus: Bus) -> list[CloudEvent]:
    if isinstance(bus, MemoryBus):
        return bus.events
    assert isinstance(bus, JetStreamBus)
    state = (await bus.jetstream.stream_info("EVENTS")).state
    messages = [await bus.jetstream.get_msg("EVENTS", number) for number in range(1, state.last_seq + 1)]
    return [CloudEvent.from_message(message.headers, message.data or b"") for message in messages]


def event(id: str, data: bytes = b"{}") -> CloudEvent:
    trace = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
    return CloudEvent(id=id, source="/test", type="test.stored", data=data, subject="Größe 5", extensions=trace)


async def test_same_id_is_stored_once(bus: Bus) -> None:
    for id in ("a", "b", "a", "ä"):
        await bus.publish(event(id), key="Größe 5")
    assert await stored(bus) == [event("a"), event("b"), event("ä")]


async def test_largest_event_is_stored_and_a_larger_one_refused(bus: Bus) -> None:
    await bus.publish(event("fits", b"x" * MAX_BYTES))
    with pytest.raises(Reject, match="object storage"):
        await bus.publish(event("does not", b"x" * (MAX_BYTES + 1)))
    assert [e.id for e in await stored(bus)] == ["fits"]


async def test_no_stream_is_said_with_the_way_out(nats_settings: NatsSettings) -> None:
    bus = JetStreamBus(nats_settings)
    with pytest.raises(BackendError, match="no stream takes"):
        await bus.publish(event("a"))
    await bus.close()


async def test_other_server_is_refused(nats_settings: NatsSettings) -> None:
    bus = JetStreamBus(nats_settings.model_copy(update={"server_name": "another"}))
    with pytest.raises(SettingsError, match="is not 'another'"):
        await bus.connect()


async def test_nobody_there_is_a_backend_error() -> None:
    with pytest.raises(BackendError, match="no answer"):
        await JetStreamBus(NatsSettings(url="nats://127.0.0.1:9")).publish(event("a"))
