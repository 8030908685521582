"""The circuit breaker, by a clock of the test's own."""

from shared.breaker import Breaker


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_after_three_failures_in_a_row_nobody_asks_for_a_while_then_one_tries() -> None:
    clock = Clock()
    breaker = Breaker(clock=clock)
    for _ in range(2):
        assert breaker.allows()
        breaker.failed()
    assert breaker.allows()
    breaker.succeeded()  # not in a row
    for _ in range(3):
        assert breaker.allows()
        breaker.failed()
    assert not breaker.allows()
    clock.now += 29.9
    assert not breaker.allows()
    clock.now += 0.1
    assert [breaker.allows() for _ in range(3)] == [True, False, False]
    breaker.failed()
    clock.now += 29.9
    assert not breaker.allows()
    clock.now += 0.1
    assert breaker.allows()
    breaker.succeeded()
    assert [breaker.allows() for _ in range(3)] == [True, True, True]


def test_a_trial_that_is_given_up_is_followed_by_another() -> None:
    clock = Clock()
    breaker = Breaker(failures=1, clock=clock)
    breaker.failed()
    clock.now += 30
    assert breaker.allows()  # and says nothing
    assert not breaker.allows()
    clock.now += 30
    assert breaker.allows()
