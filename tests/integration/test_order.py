"""order_by: events of one key run one after the other, whatever replicas and retries do."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

import pytest

from events.subjects import key_token
from shared.backends import Backends
from shared.errors import Reject, Retry
from shared.function import on
from shared.settings import NatsSettings
from tests.integration.workbench import Bench, Keyed, until

ORDERED: dict[str, Any] = {"order_by": "name", "partitions": 4, "start": "all"}


@pytest.fixture
async def bench(nats_settings: NatsSettings) -> AsyncIterator[Bench]:
    async with Bench(nats_settings) as bench:
        yield bench


async def test_three_replicas_keep_the_order_of_each_key(bench: Bench) -> None:
    running: dict[str, int] = defaultdict(int)
    seen: dict[str, list[int]] = defaultdict(list)
    overlaps = failures = 0

    @on(Keyed)
    async def follow(event: Keyed, use: Backends) -> None:
        nonlocal overlaps, failures
        overlaps += running[event.name]
        running[event.name] += 1
        await asyncio.sleep(0.001 * (event.number % 3))
        running[event.name] -= 1
        if event.number == 7 and failures < 3:
            failures += 1
            raise Retry("not yet", after=0.02)  # holds back its partition, not the others
        seen[event.name].append(event.number)

    limits = {**ORDERED, "retry": {"attempts": 5}}
    async with bench.worker(follow, **limits), bench.worker(follow, **limits), bench.worker(follow, **limits):
        for number in range(12):
            for name in range(10):
                await bench.publish(Keyed(name=f"key {name}", number=number), id=f"{name} {number}")
        await until(lambda: sum(map(len, seen.values())) == 120)
    assert overlaps == 0
    assert failures == 3
    assert all(numbers == list(range(12)) for numbers in seen.values())


async def test_dead_letter_releases_its_partition(bench: Bench) -> None:
    seen: list[int] = []

    @on(Keyed)
    async def follow(event: Keyed, use: Backends) -> None:
        if event.number == 0:
            raise Reject("never")
        seen.append(event.number)

    async with bench.worker(follow, **ORDERED):
        for number in range(3):
            await bench.publish(Keyed(name="one", number=number), id=str(number))
        (letter,) = await bench.dead()
        await until(lambda: seen == [1, 2])
    assert letter.subject.startswith("ordered.follow.")
    assert letter.subject.split(".")[3] == key_token("one")


async def test_start_new_leaves_out_what_was_there_before(bench: Bench) -> None:
    seen: list[int] = []

    @on(Keyed)
    async def follow(event: Keyed, use: Backends) -> None:
        seen.append(event.number)

    @on(Keyed)
    async def other(event: Keyed, use: Backends) -> None: ...

    await bench.provision(other)
    await bench.publish(Keyed(name="one", number=1), id="1")
    async with bench.worker(follow, **(ORDERED | {"start": "new"})):
        await bench.publish(Keyed(name="one", number=2), id="2")
        await until(lambda: seen)
    assert seen == [2]
