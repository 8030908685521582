"""How many calls of a function run and wait at once, and who is refused when more are asked for than can be done.

A refusal at once is worth more than an answer that nobody waits for any longer: what is refused costs a
millisecond, and what was let in is answered in time.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from shared.http import Problem
from shared.metrics import REFUSED

_QUEUE_A_SLOT: Final = 4  # calls waiting for one that runs, where no patience is stated
_QUEUE_S: Final = 5.0  # longest wait there
_FIRST, _LEAST = 4, 2  # calls at once that a limit begins with, and below which it never falls
_GUESS_S: Final = 0.1  # of a call, before any was seen
_WEIGHT: Final = 0.1  # of the newest call in the mean
_LOWER: Final = 0.9


class Limit:
    """How many calls at once are answered in time here: up by one a round that was, down a tenth where one was late.

    (Additive increase, multiplicative decrease, as TCP finds out what a line carries.) ``patience_s`` is halved:
    one half to wait, one to be worked on. No clock of its own, no I/O.
    """

    def __init__(self, most: int, patience_s: float) -> None:
        self._most = most
        self._half_s = patience_s / 2
        self._value = float(min(most, _FIRST))
        self._mean_s = _GUESS_S
        self._lowered = float("-inf")

    @property
    def slots(self) -> int:
        """Calls that may run now."""
        return int(self._value)

    def lets_wait(self, waiting: int) -> bool:
        """Whether one more behind ``waiting`` others can expect a slot in time."""
        return (waiting + 1) * self._mean_s / self.slots <= self._half_s

    def took(self, seconds: float, now: float, *, full: bool) -> None:
        """Learn from a call that ended ``now``; ``full``: while it ran as many did as may."""
        self._mean_s += _WEIGHT * (seconds - self._mean_s)
        if seconds > self._half_s:
            # Once a round: calls that had begun before were late for the same reason.
            if now - seconds > self._lowered:
                self._value = max(float(min(self._most, _LEAST)), self._value * _LOWER)
                self._lowered = now
        elif full:
            self._value = min(float(self._most), self._value + 1 / self._value)


class Slots:
    """At most ``concurrency`` calls at once, a bounded number waiting in turn for a bounded time.

    With ``patience_s`` (how long a caller may be kept, all in all) as many run as are answered in half of it,
    and nobody is let in who would wait longer than the other half.
    """

    def __init__(self, function: str, concurrency: int, patience_s: float | None = None) -> None:
        self._function = function
        self._concurrency = concurrency
        self._limit = None if patience_s is None else Limit(concurrency, patience_s)
        self._queue_s = _QUEUE_S if patience_s is None else patience_s
        self._running = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Hold a slot. Raises Problem 429 when the queue is full or the wait too long."""
        if self._running < self._slots and not self._waiting:
            self._running += 1
        else:
            await self._turn()
        begin, full = time.monotonic(), self._running >= self._slots
        try:
            yield
        finally:
            now = time.monotonic()
            if self._limit is not None:
                self._limit.took(now - begin, now, full=full)
            self._leave()

    @property
    def _slots(self) -> int:
        return self._concurrency if self._limit is None else self._limit.slots

    async def _turn(self) -> None:
        """Wait for a slot, which whoever leaves hands over."""
        if self._limit is None:
            room = len(self._waiting) < self._concurrency * _QUEUE_A_SLOT
        else:
            room = self._limit.lets_wait(len(self._waiting))
        if not room:
            raise self._refused(2)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(self._queue_s):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():  # the slot came in the same moment: it is the next one's
                self._leave()
            elif turn in self._waiting:
                self._waiting.remove(turn)
            if isinstance(error, TimeoutError):
                raise self._refused(5) from None
            raise

    def _leave(self) -> None:
        self._running -= 1
        while self._waiting and self._running < self._slots:
            turn = self._waiting.popleft()
            if not turn.done():
                self._running += 1
                turn.set_result(None)

    def _refused(self, after: int) -> Problem:
        REFUSED.labels(self._function).inc()
        return Problem(
            429,
            "More is asked here than can be answered now; try again in a moment.",
            headers={"retry-after": str(after)},
        )
