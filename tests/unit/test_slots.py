"""Who runs, who waits and who is refused."""

import asyncio
from collections.abc import Sequence

import pytest
from prometheus_client import REGISTRY

from infra.host.slots import Limit, Slots
from shared.http import Problem


def after(most: int, calls: Sequence[float], *, full: bool = True) -> int:
    """Slots after calls of these seconds, one after the other, at a patience of a second."""
    limit = Limit(most, 1.0)
    now = 0.0
    for seconds in calls:
        now += seconds + 0.01
        limit.took(seconds, now, full=full)
    return limit.slots


@pytest.mark.parametrize(
    ("most", "calls", "full", "slots"),
    [
        (16, [], True, 4),  # a machine that nobody knows yet
        (1, [], True, 1),
        (1, [0.9] * 50, True, 1),
        (16, [0.1] * 5, True, 5),  # one more a round
        (16, [0.1] * 500, True, 16),  # never above what the catalogue allows
        (16, [0.1] * 500, False, 4),  # what was not tried is not known to work
        (16, [0.9] * 50, True, 2),  # late: fewer, yet never one after the other
        (16, [*[0.1] * 500, *[0.9] * 6], True, 8),
    ],
)
def test_as_many_run_as_are_answered_in_time(most: int, calls: list[float], full: bool, slots: int) -> None:
    assert after(most, calls, full=full) == slots


def test_calls_late_together_count_once() -> None:
    limit = Limit(16, 1.0)
    for _ in range(200):
        limit.took(0.1, 0.0, full=True)
    for _ in range(16):
        limit.took(0.8, 10.0, full=True)
    assert limit.slots == 14


def test_nobody_is_let_in_who_would_wait_too_long() -> None:
    limit = Limit(4, 1.0)
    for _ in range(100):
        limit.took(0.2, 0.0, full=True)
    # Four at a time, each a fifth of a second: ten are through in half a second.
    assert [limit.lets_wait(waiting) for waiting in (0, 8, 9, 10, 11)] == [True, True, True, False, False]


async def test_a_slot_is_given_back_whatever_happens() -> None:
    slots = Slots("kept", 1)
    for _ in range(3):
        with pytest.raises(RuntimeError):
            async with slots.one():
                raise RuntimeError
    holding = asyncio.Event()

    async def hold() -> None:
        async with slots.one():
            holding.set()
            await asyncio.sleep(60)

    first = asyncio.create_task(hold())
    await holding.wait()
    waiting = [asyncio.create_task(hold()) for _ in range(4)]
    await asyncio.sleep(0)
    with pytest.raises(Problem) as caught:
        async with slots.one():
            pass
    assert caught.value.status == 429
    assert caught.value.headers["retry-after"] == "2"
    assert REGISTRY.get_sample_value("stadtfunk_function_refused_total", {"function": "kept"}) == 1
    for task in (*waiting, first):
        task.cancel()
    await asyncio.gather(first, *waiting, return_exceptions=True)
    async with slots.one():
        pass


async def test_those_who_wait_come_in_turn_and_one_who_left_is_passed_over() -> None:
    slots = Slots("turns", 1)
    came: list[int] = []
    let_go = asyncio.Event()

    async def hold(number: int) -> None:
        async with slots.one():
            came.append(number)
            await let_go.wait()

    tasks = []
    for number in range(5):
        tasks.append(asyncio.create_task(hold(number)))
        await asyncio.sleep(0)
    tasks[2].cancel()
    await asyncio.sleep(0)
    let_go.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert came == [0, 1, 3, 4]


async def test_a_wait_ends_in_a_refusal_and_leaves_no_trace() -> None:
    slots = Slots("ended", 1, 0.02)  # seconds of patience: the wait is over soon
    let_go = asyncio.Event()

    async def hold() -> None:
        async with slots.one():
            await let_go.wait()

    async def asks() -> int:
        try:
            async with slots.one():
                return 200
        except Problem as problem:
            return problem.status

    slots._limit._mean_s = 0.0  # type: ignore[union-attr]  # as after quick calls: one may wait
    first = asyncio.create_task(hold())
    await asyncio.sleep(0)
    assert list(await asyncio.gather(asks(), asks())) == [429, 429]
    let_go.set()
    await first
    assert await asks() == 200
