"""Waiting in tests: look again until it is so, or the deadline has passed."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def eventually(look: Callable[[], Awaitable[T]], what: str, *, deadline_s: float = 30.0) -> T:
    """The first truthy value that ``look`` returns; fails the test with the last one seen."""
    end = time.monotonic() + deadline_s
    while True:
        seen = await look()
        if seen:
            return seen
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline_s:g} s: {what}; last seen: {seen!r}")
        await asyncio.sleep(0.05)


def until(look: Callable[[], T], what: str, *, deadline_s: float = 30.0) -> T:
    """``eventually`` for tests that run programs and need no event loop."""
    end = time.monotonic() + deadline_s
    while not (seen := look()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline_s:g} s: {what}; last seen: {seen!r}")
        time.sleep(0.2)
    return seen
