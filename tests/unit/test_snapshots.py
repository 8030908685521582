"""What was read a moment ago: read once for all, anew when it is old, and never an error."""

import asyncio

import pytest

from shared.snapshots import Snapshots


async def test_one_reading_serves_every_call_until_it_is_old() -> None:
    now = 0.0
    readings = 0
    snapshots = Snapshots(lambda: now)

    async def read() -> int:
        nonlocal readings
        await asyncio.sleep(0)
        readings += 1
        return readings

    assert await asyncio.gather(*(snapshots.get("n", 10, read) for _ in range(5))) == [1] * 5
    now = 9.9
    assert await snapshots.get("n", 10, read) == 1
    assert await snapshots.get("other", 10, read) == 2
    now = 10.0
    assert await snapshots.get("n", 10, read) == 3


async def test_an_error_is_not_kept() -> None:
    snapshots = Snapshots()

    async def fail() -> str:
        raise RuntimeError

    async def read() -> str:
        return "read"

    with pytest.raises(RuntimeError):
        await snapshots.get("n", 10, fail)
    assert await snapshots.get("n", 10, read) == "read"
