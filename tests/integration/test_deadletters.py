"""Dead letters: listed, shown, replayed to the failed function alone, dropped."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from typer.testing import CliRunner

from infra.cli.dead import app
from infra.worker.dead import DeadLetters, NoSuchLetter
from shared.backends import Backends
from shared.errors import Reject
from shared.function import on
from shared.settings import NatsSettings
from tests.integration.workbench import Answered, Asked, Bench, Keyed, until


@pytest.fixture
async def bench(nats_settings: NatsSettings) -> AsyncIterator[Bench]:
    async with Bench(nats_settings) as bench:
        yield bench


async def test_replay_reaches_the_failed_function_alone(bench: Bench) -> None:
    mended = False
    failed: list[str] = []
    fine: list[str] = []

    @on(Asked)
    async def weak(event: Asked, use: Backends) -> Answered:
        if not mended:
            raise Reject("not mended")
        failed.append(event.text)
        return Answered(text=event.text)

    @on(Asked)
    async def strong(event: Asked, use: Backends) -> None:
        fine.append(event.text)

    letters = DeadLetters(bench.bus)
    async with bench.worker(weak, strong):
        await bench.publish(Asked(text="a"), id="one")
        await bench.dead()
        (stored,) = await letters.list()
        assert stored.letter.function == "weak"
        mended = True
        await letters.replay(stored.number)
        await until(lambda: failed)
        await bench.settled("weak-replay")
        await bench.settled("strong")
    assert (failed, fine) == (["a"], ["a"])
    assert await letters.list() == []
    assert await bench.count("EVENTS") == 3  # event, replay, follow-up


async def test_replay_that_fails_again_is_a_dead_letter_again(bench: Bench) -> None:
    @on(Asked)
    async def weak(event: Asked, use: Backends) -> None:
        raise Reject("never")

    letters = DeadLetters(bench.bus)
    async with bench.worker(weak):
        await bench.publish(Asked(text="a"), id="one")
        await bench.dead()
        (first,) = await letters.list()
        await letters.replay(first.number)
        await bench.settled("weak-replay")
        (second,) = await letters.list()
    assert second.number != first.number
    assert second.letter.headers["ce-id"] == "one"
    assert second.letter.data == first.letter.data


async def test_replay_of_an_ordered_function_goes_to_its_partition(bench: Bench) -> None:
    mended = False
    seen: list[int] = []

    @on(Keyed)
    async def follow(event: Keyed, use: Backends) -> None:
        if not mended:
            raise Reject("not mended")
        seen.append(event.number)

    letters = DeadLetters(bench.bus)
    async with bench.worker(follow, order_by="name", partitions=4, start="all"):
        await bench.publish(Keyed(name="one", number=1), id="1")
        await bench.dead()
        (stored,) = await letters.list("follow")
        mended = True
        await letters.replay(stored.number)
        await until(lambda: seen == [1])
        info = await bench.js.stream_info("ORDERED_follow")
        assert info.state.last_seq == 2


async def test_command_line(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    @on(Asked)
    async def weak(event: Asked, use: Backends) -> None:
        raise Reject(f"no {event.text}")

    async with bench.worker(weak):
        for number in range(4):
            await bench.publish(Asked(text=f"[b]{number}"), id=str(number))
        await bench.dead(4)
    monkeypatch.setenv("STADTFUNK_NATS__URL", bench.settings.nats.url)

    async def call(*arguments: str) -> str:
        result = await asyncio.to_thread(CliRunner().invoke, app, list(arguments))
        assert result.exit_code == 0, result.output
        return result.output

    rows = json.loads(await call("list", "--json"))
    assert [row["event_id"] for row in rows] == ["0", "1", "2", "3"]
    assert "[b]" not in await call("list")  # no content in the list
    assert json.loads(await call("list", "--function", "other", "--json")) == []
    first = str(rows[0]["number"])
    whole = json.loads(await call("show", first, "--json"))
    assert (whole["reason"], whole["data"]) == ("no [b]0", {"text": "[b]0"})
    assert "[b]0" in await call("show", first)
    assert json.loads(await call("drop", first, "--json")) == {"dropped": [rows[0]["number"]]}
    assert json.loads(await call("replay", str(rows[1]["number"]), "--json")) == {"replayed": [rows[1]["number"]]}
    assert json.loads(await call("drop", "--all", "--function", "weak", "--json"))["dropped"] == [
        row["number"] for row in rows[2:]
    ]
    assert json.loads(await call("list", "--json")) == []


async def test_unknown_number_is_said_with_the_way_out(bench: Bench) -> None:
    @on(Asked)
    async def any_function(event: Asked, use: Backends) -> None: ...

    await bench.provision(any_function)
    with pytest.raises(NoSuchLetter, match="stadtfunk dead list"):
        await DeadLetters(bench.bus).drop(42)
