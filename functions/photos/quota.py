"""How many bytes of photos the house takes over HTTP in an hour and in a day, so that nobody fills its disks.

What one sender may take of it is the host's to say (``max_hour`` in ``serverless.yaml``): no address comes here.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.backends import Backends
from shared.http import Problem
from shared.state import Conflict

BUCKET: Final = "photos-quota"  # "<hour or day>" -> bytes
_KEPT_S: Final = 2 * 24 * 3600.0


class Quota:
    """What was taken, by hour and day (UTC). Raises BackendError where NATS is away."""

    def __init__(self, use: Backends) -> None:
        self._photos = use.settings.photos
        self._bucket = use.state.bucket(BUCKET, ttl_s=_KEPT_S)

    async def take(self, count: int, now: datetime | None = None) -> None:
        """Note that so many bytes come in. Raises Problem 429 with the seconds until there is room again."""
        now = now or datetime.now(UTC)
        for name, end, most in self._periods(now):
            if not await self._add(name, count, most):
                wait = str(int((end - now).total_seconds()) + 1)
                what = "More photos come in than can be taken here; please try again later."
                raise Problem(429, what, headers={"retry-after": wait})

    async def give(self, count: int, now: datetime | None = None) -> None:
        """Note that they did not come in after all."""
        for name, _, most in self._periods(now or datetime.now(UTC)):
            await self._add(name, -count, most)

    def _periods(self, now: datetime) -> Iterator[tuple[str, datetime, int]]:
        """Name, end and limit of each that has one."""
        hour = now.replace(minute=0, second=0, microsecond=0)
        if self._photos.hour_bytes is not None:
            yield f"{hour:%Y%m%dT%H}", hour + timedelta(hours=1), self._photos.hour_bytes
        if self._photos.day_bytes is not None:
            yield f"{hour:%Y%m%d}", hour.replace(hour=0) + timedelta(days=1), self._photos.day_bytes

    async def _add(self, name: str, count: int, most: int) -> bool:
        while True:
            entry = await self._bucket.get(name)
            after = max(0, count + (0 if entry is None else int(entry.value)))
            if after > most:
                return False
            try:
                if entry is None:
                    await self._bucket.create(name, b"%d" % after)
                else:
                    await self._bucket.update(name, b"%d" % after, entry.revision)
            except Conflict:
                continue
            return True
