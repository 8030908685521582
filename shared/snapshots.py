"""What was read a moment ago and may be a little old: one reading serves every call of the process meanwhile.

For what is read in every call and changes seldom (a pointer, a list). Nothing about a person belongs here.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Snapshots:
    """Values by name, each read at most every so many seconds; calls at the same moment wait for one reading."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[float, Any]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    def clear(self) -> None:
        """Let the next call read anew."""
        self._kept.clear()

    async def get(self, name: str, seconds: float, read: Callable[[], Awaitable[T]]) -> T:
        """The value that was read at most ``seconds`` ago, else what ``read`` gives now; its errors are not kept."""
        async with self._locks.setdefault(name, asyncio.Lock()):
            at, value = self._kept.get(name, (float("-inf"), None))
            if self._clock() - at >= seconds:
                value = await read()
                self._kept[name] = self._clock(), value
            found: T = value
            return found
