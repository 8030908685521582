"""The worker while NATS goes and comes back, and while somebody deletes what it pulls from."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from infra.worker import pull
from shared.backends import Backends
from shared.errors import BackendError
from shared.function import on
from shared.settings import NatsSettings
from tests.conftest import Launched
from tests.integration.workbench import Answered, Asked, Bench, until
from tests.polling import eventually


def at(server: Launched, **values: Any) -> NatsSettings:
    return NatsSettings(
        url=server.provides["STADTFUNK_NATS__URL"],
        server_name=server.provides["STADTFUNK_NATS__SERVER_NAME"],
        max_bytes=64 * 2**20,
        **values,
    )


async def publish(bench: Bench, numbers: range) -> None:
    """As a producer must: again until it is confirmed."""
    for number in numbers:

        async def stored(number: int = number) -> bool:
            try:
                await bench.publish(Asked(text=str(number)), id=str(number))
            except BackendError:
                return False
            return True

        await eventually(stored, f"event {number} is stored")


async def test_nats_killed_and_started_again(nats_server: Callable[[], Launched]) -> None:
    server = nats_server()
    seen: Counter[str] = Counter()

    @on(Asked)
    async def answer(event: Asked, use: Backends) -> Answered:
        seen[event.text] += 1
        await asyncio.sleep(0.002)
        return Answered(text=event.text)

    async with Bench(at(server, ack_wait_s=2.0)) as bench, bench.worker(answer, retry={"attempts": 50}, start="all"):
        for round_ in range(3):
            producer = asyncio.create_task(publish(bench, range(100 * round_, 100 * round_ + 100)))
            await until(lambda round_=round_: len(seen) >= 100 * round_ + 20)  # type: ignore[misc]
            server.kill()
            await server.start()
            await producer
        await until(lambda: len(seen) == 300)
        await bench.settled("answer")
        assert await bench.count("EVENTS") == 600  # each follow-up once, however often the function ran
        assert await bench.count("DEAD") == 0


async def test_deleted_durable_is_made_again(nats_settings: NatsSettings) -> None:
    seen: list[str] = []

    @on(Asked)
    async def read(event: Asked, use: Backends) -> None:
        seen.append(event.text)

    async with Bench(nats_settings) as bench, bench.worker(read, start="all"):
        await bench.js.delete_consumer("EVENTS", "read")
        await bench.publish(Asked(text="a"), id="one")
        await until(lambda: seen)
    assert seen == ["a"]


async def test_pull_that_fell_silent_is_asked_for_again(
    nats_settings: NatsSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull, "HEARTBEAT_S", 0.25)
    seen: list[str] = []

    @on(Asked)
    async def read(event: Asked, use: Backends) -> None:
        seen.append(event.text)

    async with Bench(nats_settings) as bench:
        worker = bench.worker(read)
        async with worker:
            only = worker._pulls[0]
            # The server forgets who asked, and nobody says so.
            assert only._subscription is not None
            await only._client._send_unsubscribe(only._subscription._id)
            await bench.publish(Asked(text="a"), id="one")
            await until(lambda: seen)
    assert seen == ["a"]


async def test_expired_request_gives_its_credit_back(
    nats_settings: NatsSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull, "EXPIRES_S", 1.5)
    monkeypatch.setattr(pull, "HEARTBEAT_S", 0.7)  # silence is twice that: no busy machine is so slow
    seen: list[str] = []

    @on(Asked)
    async def read(event: Asked, use: Backends) -> None:
        seen.append(event.text)

    async with Bench(nats_settings) as bench:
        worker = bench.worker(read, concurrency=3)
        async with worker:
            only = worker._pulls[0]
            inbox, asked = only._inbox, 0
            original = only.ask

            async def counted() -> None:
                nonlocal asked
                asked += 1
                await original()

            monkeypatch.setattr(only, "ask", counted)
            await until(lambda: asked >= 2)  # two requests expired unused
            assert only._inbox == inbox  # it was no restart
            for number in range(10):
                await bench.publish(Asked(text=str(number)), id=str(number))
            await until(lambda: len(seen) == 10)
            assert only._owed + only._free + only.taken == 3
