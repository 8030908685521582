"""What the house takes in an hour and in a day."""

from datetime import UTC, datetime, timedelta

import pytest

from functions.photos.quota import Quota
from shared.backends import Backends
from shared.http import Problem
from shared.settings import PhotosSettings, Settings
from shared.state import MemoryState

NOON = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)


def quota(**photos: int | None) -> Quota:
    settings = PhotosSettings.model_validate({"max_bytes": 10} | photos)
    return Quota(Backends(Settings(_env_file=None, photos=settings), state=MemoryState()))


async def refused(quota: Quota, count: int, now: datetime) -> int:
    with pytest.raises(Problem) as caught:
        await quota.take(count, now)
    assert caught.value.status == 429
    return int(caught.value.headers["retry-after"])


async def test_an_hour_that_is_full_ends() -> None:
    own = quota(hour_bytes=20, day_bytes=None)
    await own.take(10, NOON)
    await own.take(8, NOON)
    assert await refused(own, 3, NOON) == 1801
    await own.take(2, NOON)
    await own.give(10, NOON)
    await own.take(10, NOON)
    assert await refused(own, 1, NOON) == 1801
    await own.take(10, NOON + timedelta(minutes=30))


async def test_a_day_that_is_full_ends_with_it() -> None:
    own = quota(hour_bytes=None, day_bytes=20)
    for hour in range(2):
        await own.take(10, NOON - timedelta(hours=hour))
    assert await refused(own, 1, NOON) == 11.5 * 3600 + 1
    await own.take(10, NOON + timedelta(hours=12))


async def test_nothing_is_counted_where_there_is_no_limit() -> None:
    own = quota(hour_bytes=None, day_bytes=None)
    for _ in range(100):
        await own.take(10, NOON)


def test_a_limit_has_room_for_a_photo() -> None:
    with pytest.raises(ValueError, match="room for a photo"):
        PhotosSettings(max_bytes=100, day_bytes=99)
