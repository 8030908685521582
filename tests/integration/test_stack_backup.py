"""Streams of a backup: sequence numbers, revisions and positions of consumers hold; nothing is delivered anew."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import nats
import pytest
from nats.aio.client import Client
from nats.js.api import AckPolicy, ConsumerConfig, RetentionPolicy, StreamConfig, StreamSource, SubjectTransform

from infra.stack.backup import streams
from tests.conftest import Launch, Launched


@asynccontextmanager
async def _connected(server: Launched) -> AsyncIterator[Client]:
    client = await nats.connect(server.provides["STADTFUNK_NATS__URL"])
    try:
        yield client
    finally:
        await client.close()


async def _fill(client: Client) -> None:
    """1,000 events of 3 KB (many chunks), 400 acknowledged; a derived stream with two waiting; a revised value."""
    js = client.jetstream()
    await js.add_stream(StreamConfig(name="EVENTS", subjects=["events.>"], max_bytes=64 * 2**20))
    await js.add_consumer("EVENTS", ConsumerConfig(durable_name="handle", ack_policy=AckPolicy.EXPLICIT))
    transform = SubjectTransform(src="events.*.t", dest="ordered.f.{{wildcard(1)}}")
    await js.add_stream(
        StreamConfig(
            name="ORDERED_f",
            retention=RetentionPolicy.WORK_QUEUE,
            sources=[StreamSource(name="EVENTS", subject_transforms=[transform])],
        )
    )
    await js.add_consumer("ORDERED_f", ConsumerConfig(durable_name="f_0", ack_policy=AckPolicy.EXPLICIT))
    for number in range(1000):
        await js.publish(f"events.{number}.t", number.to_bytes(2, "big") * 1500)
    handled = await js.pull_subscribe_bind("handle", stream="EVENTS")
    for message in await handled.fetch(400, timeout=10):
        await message.ack()
    ordered = await js.pull_subscribe_bind("f_0", stream="ORDERED_f")
    for message in await ordered.fetch(998, timeout=10):
        await message.ack_sync()
    bucket = await js.create_key_value(bucket="pages")
    await bucket.put("a", b"1")
    await bucket.put("a", b"2")


async def test_streams_come_back_as_they_were(nats_server: Launch, tmp_path: Path) -> None:
    async with _connected(nats_server()) as source:
        await _fill(source)
        await source.jetstream().add_stream(name="SOMEONE_ELSES", subjects=["other"])
        async with streams.paused(source, wait_s=10) as at_work:
            names = await streams.names(source)
            saved = {name: await streams.save(source, name, tmp_path) for name in names}
        assert at_work == {}
        assert names == ["KV_pages", "EVENTS", "ORDERED_f"]
        assert saved == {"KV_pages": 1, "ORDERED_f": 2, "EVENTS": 1000}
        assert not [c.name for c in await source.jetstream().consumers_info("EVENTS") if c.paused]

    async with _connected(nats_server()) as target:
        for name in ("EVENTS", "KV_pages", "ORDERED_f"):
            last_of = {"EVENTS": 1000, "KV_pages": 2, "ORDERED_f": 1000}
            assert await streams.bring_back(target, name, tmp_path, replicas=1, last_of=last_of) == saved[name]
        js = target.jetstream()
        assert (await (await js.key_value("pages")).get("a")).revision == 2
        position = await js.consumer_info("EVENTS", "handle")
        assert (position.num_pending, position.ack_floor.stream_seq if position.ack_floor else 0) == (600, 400)
        await js.publish("events.new.t", b"after")
        ordered = await js.pull_subscribe_bind("f_0", stream="ORDERED_f")
        subjects = [(await ordered.fetch(1, timeout=10))[0].subject for _ in range(3)]
        assert subjects == ["ordered.f.998", "ordered.f.999", "ordered.f.new"]
        with pytest.raises(nats.errors.TimeoutError):
            await ordered.fetch(1, timeout=1)


async def test_what_is_in_a_functions_hands_is_told(nats_server: Launch) -> None:
    async with _connected(nats_server()) as client:
        await _fill(client)
        handled = await client.jetstream().pull_subscribe_bind("handle", stream="EVENTS")
        await handled.fetch(3, timeout=10)
        async with streams.paused(client, wait_s=0.5) as at_work:
            assert at_work == {"handle": 3}
            with pytest.raises(nats.errors.TimeoutError):
                await handled.fetch(1, timeout=0.5)
        assert await handled.fetch(1, timeout=10)
