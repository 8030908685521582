"""Connecting to NATS, as far as no server is needed."""

import asyncio

import pytest

from shared import connection


async def test_an_attempt_that_swallows_its_cancellation_does_not_outlive_the_timeout() -> None:
    """nats-py 2.16: a refusal that comes with the cancellation hides it, and the next attempt begins."""
    swallowed = 0

    async def connecting() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                swallowed += 1
                if swallowed == 3:
                    raise

    with pytest.raises(TimeoutError):
        await connection._within(0.01, connecting())
    assert swallowed == 3


async def test_what_an_attempt_raises_is_raised() -> None:
    async def connecting() -> None:
        raise ConnectionRefusedError

    with pytest.raises(ConnectionRefusedError):
        await connection._within(5, connecting())
