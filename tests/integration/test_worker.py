"""The worker on a real NATS: what becomes of an event, whatever its function does."""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest

from events import CloudEvent
from events.subjects import subject_of
from shared import metrics
from shared.backends import Backends
from shared.bus import derived_id
from shared.errors import Reject, Retry
from shared.function import on
from shared.settings import NatsSettings, TelemetrySettings
from tests.integration.workbench import TRACE_ID, Answered, Asked, Bench, until


@pytest.fixture
async def bench(nats_settings: NatsSettings) -> AsyncIterator[Bench]:
    async with Bench(nats_settings.model_copy(update={"ack_wait_s": 1.0})) as bench:
        yield bench


async def test_follow_up_is_stored_under_a_derived_id_within_the_trace(bench: Bench) -> None:
    @on(Asked)
    async def answer(event: Asked, use: Backends) -> Answered:
        return Answered(text=event.text.upper())

    handled = metrics.HANDLED.labels("answer")._value.get()
    async with bench.worker(answer):
        await bench.publish(Asked(text="hello"), id="one")
        follow_up = await bench.stored("events.*.test.answered")
        await bench.settled("answer")

    assert follow_up.data == b'{"text":"HELLO"}'
    assert follow_up.id == derived_id("answer", "one", Answered(text="HELLO"), 0)
    assert follow_up.source == "/functions/answer"
    assert follow_up.traceparent is not None
    assert follow_up.traceparent.split("-")[1] == TRACE_ID
    assert metrics.HANDLED.labels("answer")._value.get() == handled + 1


async def test_trace_is_carried_on_where_spans_leave(bench: Bench) -> None:
    @on(Asked)
    async def answer(event: Asked, use: Backends) -> Answered:
        return Answered(text="a")

    telemetry = TelemetrySettings(otlp_endpoint="http://127.0.0.1:9")
    bench.settings = bench.settings.model_copy(update={"telemetry": telemetry})
    async with bench.worker(answer):
        await bench.publish(Asked(), id="one")
        follow_up = await bench.stored("events.*.test.answered")
    assert follow_up.traceparent is not None
    assert follow_up.traceparent.split("-")[1] == TRACE_ID


async def test_yielded_event_is_stored_before_the_generator_goes_on(bench: Bench) -> None:
    stored: list[int] = []

    @on(Asked)
    async def tell(event: Asked, use: Backends) -> AsyncIterator[Answered]:
        for number in range(3):
            yield Answered(text=str(number))
            stored.append((await bench.js.stream_info("EVENTS")).state.messages)

    async with bench.worker(tell):
        await bench.publish(Asked(), id="one")
        await until(lambda: len(stored) == 3)
    assert stored == [2, 3, 4]  # the event itself, and one more each time


async def test_retry_waits_as_long_as_the_other_side_said(bench: Bench) -> None:
    runs: list[float] = []

    @on(Asked)
    async def busy(event: Asked, use: Backends) -> None:
        runs.append(time.monotonic())
        if len(runs) == 1:
            raise Retry("busy", after=0.4)

    async with bench.worker(busy):
        await bench.publish(Asked(), id="one")
        await until(lambda: len(runs) == 2)
        await bench.settled("busy")
    assert runs[1] - runs[0] >= 0.4
    assert await bench.count("DEAD") == 0


async def test_rejected_event_is_a_dead_letter_at_once(bench: Bench) -> None:
    @on(Asked)
    async def refuse(event: Asked, use: Backends) -> None:
        raise Reject("never")

    async with bench.worker(refuse):
        await bench.publish(Asked(text="x"), id="one")
        (letter,) = await bench.dead()
        await bench.settled("refuse")
    assert (letter.function, letter.error, letter.reason, letter.attempts) == ("refuse", "Reject", "never", 1)
    assert letter.data == b'{"text":"x"}'
    assert letter.headers["ce-id"] == "one"
    assert letter.headers["traceparent"].split("-")[1] == TRACE_ID


async def test_bug_is_tried_again_and_then_a_dead_letter(bench: Bench) -> None:
    runs = 0

    @on(Asked)
    async def broken(event: Asked, use: Backends) -> None:
        nonlocal runs
        runs += 1
        raise KeyError("bug")

    async with bench.worker(broken):
        await bench.publish(Asked(), id="one")
        (letter,) = await bench.dead()
        await bench.settled("broken")
    assert runs == 3
    assert (letter.error, letter.attempts) == ("KeyError", 3)
    assert letter.first_at < letter.last_at


async def test_function_that_calls_exit_fails_and_the_worker_goes_on(bench: Bench) -> None:
    seen: list[str] = []

    @on(Asked)
    async def leave(event: Asked, use: Backends) -> None:
        if event.text == "exit":
            sys.exit(3)
        seen.append(event.text)

    async with bench.worker(leave):
        await bench.publish(Asked(text="exit"), id="one")
        await bench.publish(Asked(text="stay"), id="two")
        (letter,) = await bench.dead()
        await until(lambda: seen)
    assert letter.error == "SystemExit"


async def test_unreadable_messages_are_dead_letters_with_the_cause(bench: Bench) -> None:
    seen: list[str] = []

    @on(Asked)
    async def read(event: Asked, use: Backends) -> None:
        seen.append(event.text)

    subject = subject_of("test.asked")
    good = CloudEvent(id="good", source="/test", type="test.asked", data=b'{"text":"good"}')
    async with bench.worker(read):
        envelope = CloudEvent(id="x", source="/test", type="test.asked").headers()
        await bench.bus.store(subject, b"{no json", envelope | {"ce-id": "json"})
        await bench.bus.store(subject, b'{"text":[]}', envelope | {"ce-id": "field"})
        await bench.bus.store(subject, b"{}", envelope | {"ce-id": "type", "ce-type": "test.other"})
        await bench.bus.store(subject, b"{}", {"content-type": "text/plain"})
        await bench.bus.store(subject, b"[" * 60_000, {"content-type": "application/cloudevents+json"})
        await bench.bus.publish(good)
        letters = await bench.dead(5)
        await until(lambda: seen)
    kinds = ["ValidationError", "ValidationError", "WrongType", "EnvelopeError", "EnvelopeError"]
    assert [letter.error for letter in letters] == kinds
    assert letters[1].reason == "text: Input should be a valid string"
    assert "test.other" in letters[2].reason
    assert {letter.attempts for letter in letters} == {0}
    assert seen == ["good"]


async def test_foreign_message_on_a_named_subject_is_the_data(bench: Bench) -> None:
    seen: list[str] = []

    @on(Asked)
    async def read(event: Asked, use: Backends) -> None:
        seen.append(event.text)

    async with bench.worker(read, events=[{"nats": {"subject": "sensors.*.level"}}]):
        await bench.bus.store("sensors.bridge.level", b'{"text":"high water"}', {})
        await until(lambda: seen)
    assert seen == ["high water"]


async def test_structured_mode_is_read(bench: Bench) -> None:
    seen: list[str] = []

    @on(Asked)
    async def read(event: Asked, use: Backends) -> None:
        seen.append(event.text)

    async with bench.worker(read):
        event = CloudEvent(id="s", source="/test", type="test.asked", data=b'{"text":"structured"}')
        kind = {"content-type": "application/cloudevents+json"}
        await bench.bus.store(subject_of("test.asked"), event.structured(), kind)
        await until(lambda: seen)
    assert seen == ["structured"]


async def test_slow_function_is_not_run_twice(bench: Bench) -> None:
    runs: list[str] = []

    @on(Asked)
    async def slow(event: Asked, use: Backends) -> None:
        runs.append(event.text)
        await asyncio.sleep(3)  # three times ack_wait

    async with bench.worker(slow, concurrency=1):
        await bench.publish(Asked(text="a"), id="one")
        await until(lambda: runs)
        await bench.settled("slow")
    assert runs == ["a"]


async def test_function_that_blocks_the_loop_is_not_run_twice(bench: Bench) -> None:
    runs: list[str] = []

    @on(Asked)
    async def block(event: Asked, use: Backends) -> None:
        runs.append(event.text)
        if event.text == "block":
            time.sleep(4)  # noqa: ASYNC251 - four times ack_wait, longer than the function's timeout

    async with bench.worker(block, timeout="3500ms"):
        await bench.publish(Asked(text="block"), id="one")
        for number in range(5):
            await bench.publish(Asked(text=f"other {number}"), id=f"other {number}")
        await until(lambda: len(runs) >= 6)
        await bench.settled("block")
        assert await bench.count("DEAD") == 0
    assert Counter(runs) == Counter(["block", *(f"other {number}" for number in range(5))])


async def test_function_beyond_its_timeout_is_cancelled(bench: Bench) -> None:
    cancelled = 0

    @on(Asked)
    async def endless(event: Asked, use: Backends) -> None:
        nonlocal cancelled
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled += 1
            raise

    async with bench.worker(endless, timeout="100ms"):
        await bench.publish(Asked(), id="one")
        (letter,) = await bench.dead()
        await bench.settled("endless")
    assert cancelled == 3
    assert (letter.error, letter.attempts) == ("TimeoutError", 3)


async def test_function_that_finishes_in_spite_of_its_cancellation_is_done(bench: Bench) -> None:
    runs = 0

    @on(Asked)
    async def stubborn(event: Asked, use: Backends) -> Answered:
        nonlocal runs
        runs += 1
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return Answered(text="done")

    async with bench.worker(stubborn, timeout="100ms"):
        for number in range(3):
            await bench.publish(Asked(), id=str(number))
        await until(lambda: runs == 3)
        await bench.settled("stubborn")
    assert await bench.count("DEAD") == 0
    assert await bench.count("EVENTS") == 6


async def test_no_more_than_concurrency_in_flight(bench: Bench) -> None:
    gates: list[asyncio.Event] = []  # of those inside, or that were
    done = 0

    @on(Asked)
    async def count(event: Asked, use: Backends) -> None:
        nonlocal done
        gates.append(asyncio.Event())
        await gates[-1].wait()
        done += 1

    await bench.provision(count, concurrency=5)
    await asyncio.gather(*(bench.publish(Asked(), id=str(number)) for number in range(40)))
    async with bench.worker(count, concurrency=5):
        for left in range(35):
            await until(lambda inside=left + 5: len(gates) == inside)  # type: ignore[misc]
            # What the server has given out, on its way or inside: with more credit it would be more by now.
            info = await bench.js.consumer_info("EVENTS", "count")
            assert info.num_pending == 35 - left
            assert len(gates) == left + 5
            gates[left].set()
        await until(lambda: len(gates) == 40)
        for gate in gates:
            gate.set()
        await bench.settled("count")
    assert done == 40


async def test_the_same_id_within_the_window_is_one_event_and_beyond_it_a_repeat(nats_settings: NatsSettings) -> None:
    seen: list[str] = []

    @on(Asked)
    async def read(event: Asked, use: Backends) -> Answered:
        seen.append(event.text)
        return Answered(text="a")

    async with Bench(nats_settings.model_copy(update={"duplicate_window_s": 3})) as bench, bench.worker(read):
        await bench.publish(Asked(text="first"), id="one")
        await bench.publish(Asked(text="again"), id="one")
        await until(lambda: seen)

        async def taken() -> bool:
            await bench.publish(Asked(text="late"), id="one")
            return len(seen) == 2

        await until(taken)
        await bench.settled("read")
    assert seen == ["first", "late"]


async def test_drain_finishes_what_runs(bench: Bench) -> None:
    gate = asyncio.Event()
    begun, finished = [], []

    @on(Asked)
    async def work(event: Asked, use: Backends) -> None:
        begun.append(event.text)
        await gate.wait()
        finished.append(event.text)

    async def withdrawn() -> bool:
        return not (await bench.js.consumer_info("EVENTS", "work")).num_waiting

    worker = bench.worker(work, concurrency=2)
    await worker.start()
    for number in range(10):
        await bench.publish(Asked(text=str(number)), id=str(number))
    await until(lambda: len(begun) == 2)
    draining = asyncio.create_task(worker.stop())
    await until(withdrawn, "the worker asks for no more")
    gate.set()
    await draining
    assert sorted(finished) == sorted(begun)
    assert len(begun) == 2  # those that ran; the drain takes no further ones

    async def counted() -> bool:  # the server counts an ack a moment after it has read it
        info = await bench.js.consumer_info("EVENTS", "work")
        return (info.num_ack_pending, info.num_pending) == (0, 8)

    await until(counted, "what ran is acknowledged, the rest waits")


async def test_interrupted_run_goes_back_at_once_and_uses_up_no_attempt(bench: Bench) -> None:
    runs: list[str] = []

    @on(Asked)
    async def long(event: Asked, use: Backends) -> None:
        runs.append(event.text)
        if len(runs) <= 3:
            await asyncio.sleep(60)

    limits: dict[str, Any] = {"retry": {"attempts": 1}, "concurrency": 1}
    await bench.provision(long, **limits)
    await bench.publish(Asked(text="a"), id="one")
    for number in range(3):
        async with bench.worker(long, drain_s=0.05, **limits):
            await until(lambda count=number + 1: len(runs) == count)  # type: ignore[misc]
    async with bench.worker(long, **limits):
        await bench.settled("long")
    assert runs == ["a"] * 4
    assert await bench.count("DEAD") == 0
