"""When a failed event is tried again, and what another side asks for in ``Retry-After``; no I/O."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST_S: Final = 3600.0  # what another side may ask for at most: it must not put an event off for ever


@dataclass(frozen=True, kw_only=True, slots=True)
class Backoff:
    """Exponential backoff with full jitter: the delay is drawn evenly between nothing and the ceiling."""

    attempts: int  # how often the function runs at most, the first run included
    initial: float  # seconds; the ceiling after the first failure
    max: float  # seconds; the ceiling never grows beyond
    patience: float = 0.0  # seconds from the first failure for which a backend that is away costs no attempt

    def spent(self, attempt: int) -> bool:
        """Whether no further run follows this one (attempts count from 1)."""
        return attempt >= self.attempts

    def charged(self, elapsed: float, *, away: bool) -> bool:
        """Whether a failed run counts, ``elapsed`` seconds after the first failure.

        Where a backend is ``away`` the event is not at fault, and thousands like it fail alike: an outage
        must not turn them into dead letters, until it has lasted so long that someone has to decide.
        """
        return not away or elapsed > self.patience

    def ceiling(self, attempt: int) -> float:
        """The longest possible delay after this attempt, in seconds."""
        # 2**1000 would overflow a float; no sensible ceiling is 2**60 times the initial delay.
        return min(self.max, self.initial * 2.0 ** min(attempt - 1, 60))

    def delay(self, attempt: int, *, after: float | None = None, draw: Callable[[], float] = random.random) -> float:
        """Seconds until the next run: what the other side asked for (``after``, within reason), else jitter."""
        if after is not None:
            return min(max(0.0, after), max(self.max, LONGEST_S))
        return draw() * self.ceiling(attempt)


def retry_after(value: str) -> float | None:
    """Seconds of a Retry-After header, written as seconds or as a date; None where it says nothing usable."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        then = parsedate_to_datetime(value)
        return max(0.0, (then.replace(tzinfo=then.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError):
        return None
