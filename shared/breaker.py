"""A circuit breaker: a server that failed several times in a row is left alone for a while, then tried once."""

import time
from collections.abc import Callable


class Breaker:
    """Ask ``allows`` before each call and say how it went; a call that is given up says nothing."""

    def __init__(self, *, failures: int = 3, rest_s: float = 30.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = failures
        self._rest_s = rest_s
        self._clock = clock
        self._failed = 0  # in a row
        self._until = 0.0  # nobody asks before then, by the clock

    def allows(self) -> bool:
        """Whether to call now. After the rest one caller may, and the others from when that went well."""
        if self._failed < self._most:
            return True
        now = self._clock()
        if now < self._until:
            return False
        self._until = now + self._rest_s
        return True

    def succeeded(self) -> None:
        """The server answered."""
        self._failed = 0

    def failed(self) -> None:
        """It did not."""
        self._failed += 1
        self._until = self._clock() + self._rest_s
