"""Object triggers when the storage is killed, and when everything comes at once: none lost, each handled once."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from shared.settings import NatsSettings, ObjectSettings
from tests.conftest import Launched, object_settings
from tests.integration.storeroom import Storeroom, storeroom
from tests.integration.workbench import until

pytestmark = pytest.mark.heavy
MANY = 500


@pytest.fixture
async def room(nats_settings: NatsSettings, s3_settings: ObjectSettings) -> AsyncIterator[Storeroom]:
    async with storeroom(nats_settings, s3_settings) as room:
        yield room


async def test_a_killed_storage_loses_no_object_that_it_took(
    nats_settings: NatsSettings, s3_server: Callable[[], Launched]
) -> None:
    server = s3_server()
    async with storeroom(nats_settings, object_settings(server)) as room:
        async with room.worker():
            await write(room, "before", 5)
            await until(lambda: len(room.seen) == 5, "before the kill")
            server.kill()
            await server.start()
            await write(room, "after", 5)
            await until(lambda: len(room.seen) == 10, "after the kill")
        # Nobody listens, and what the filer has not yet written of its log dies with it: a listing finds these.
        await write(room, "unheard", 5)
        server.kill()
        await server.start()
        async with room.worker():
            await write(room, "last", 5)
            await until(lambda: len(room.seen) == 20, "what was written unheard")
            await room.bench.settled("note")
        assert set(room.seen.values()) == {1}
        assert await room.bench.count("DEAD") == 0


async def test_five_hundred_at_once_with_every_notification_doubled_are_handled_once_each(room: Storeroom) -> None:
    async with room.worker(concurrency=16), room.worker(concurrency=16):
        keys = [f"drive {number % 7}/ü+{number}.jpg" for number in range(MANY)]
        places = asyncio.Semaphore(32)

        async def drop(key: str) -> None:
            async with places:
                await room.put(key, key.encode())
                await asyncio.gather(room.publish(room.minio(key)), room.publish(room.minio(key)))

        await asyncio.gather(*map(drop, keys))
        await until(lambda: len(room.seen) == MANY, f"{MANY} objects")
        await room.bench.settled("take_notification")
        await room.reconcile()
        await room.bench.settled("note")
    assert room.keys == sorted(keys)
    assert set(room.seen.values()) == {1}
    assert await room.told() == MANY
    assert await room.bench.count("DEAD") == 0


async def write(room: Storeroom, name: str, count: int) -> None:
    for number in range(count):
        await room.put(f"{name}-{number}.jpg")
