"""The retry policy, by a table: attempt, draw, what the other side said -> delay."""

import pytest

from shared.retry import Backoff, retry_after

POLICY = Backoff(attempts=4, initial=2.0, max=10.0)


@pytest.mark.parametrize(
    ("attempt", "draw", "after", "delay"),
    [
        (1, 1.0, None, 2.0),
        (2, 1.0, None, 4.0),
        (3, 1.0, None, 8.0),
        (4, 1.0, None, 10.0),  # the ceiling stays
        (100_000, 1.0, None, 10.0),  # and nothing overflows
        (3, 0.5, None, 4.0),  # full jitter: evenly between nothing and the ceiling
        (3, 0.0, None, 0.0),
        (1, 1.0, 60.0, 60.0),  # what the other side said counts, even beyond the ceiling
        (1, 1.0, 0.0, 0.0),
        (1, 1.0, -5.0, 0.0),  # a Retry-After that lies in the past
        (1, 1.0, 1e12, 3600.0),  # or beyond what any stream keeps
        (1, 1.0, float("inf"), 3600.0),
    ],
)
def test_delay(attempt: int, draw: float, after: float | None, delay: float) -> None:
    assert POLICY.delay(attempt, after=after, draw=lambda: draw) == delay


@pytest.mark.parametrize(("attempt", "spent"), [(1, False), (3, False), (4, True), (5, True)])
def test_attempts_run_out(attempt: int, spent: bool) -> None:
    assert POLICY.spent(attempt) is spent


@pytest.mark.parametrize(
    ("elapsed", "away", "charged"), [(0, False, True), (0, True, False), (60, True, False), (61, True, True)]
)
def test_a_backend_that_is_away_costs_no_attempt_for_a_while(elapsed: float, away: bool, charged: bool) -> None:
    assert Backoff(attempts=4, initial=2.0, max=10.0, patience=60).charged(elapsed, away=away) is charged


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 21 Oct 2015 07:28:00 -0000", 0.0),
        ("soon", None),
        ("-1", None),
        ("\u00b2", None),  # a digit to Python, and no number
        ("", None),
    ],
)
def test_retry_after_as_seconds_or_date(value: str, seconds: float | None) -> None:
    assert retry_after(value) == seconds
