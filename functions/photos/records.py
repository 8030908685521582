"""What is known of a photo while it is worked on and for a while after: where it lies, what is wanted, how far it is.

A record moves on by compare-and-set, so that of two workers with one photo only one writes what leaves.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from events.photos import Wishes
from shared.backends import Backends
from shared.state import Conflict

BUCKET: Final = "photos"
KEPT_S: Final = 60 * 24 * 3600.0  # after the last change; longer than any event or original lives
State = Literal["waiting", "writing", "held", "reviewing", "released", "refused", "rejected", "gone"]
SETTLED: Final = frozenset({"held", "reviewing", "released", "refused", "rejected", "gone"})


class Record(BaseModel):
    """One photo."""

    model_config = ConfigDict(frozen=True)

    state: State = "waiting"
    since: datetime = Field(default_factory=lambda: datetime.now(UTC))
    bucket: str
    object_key: str
    version: str = ""  # of the object; empty: it was not told yet
    wishes: Wishes = Wishes()
    secret: str = ""  # digest of what lets the uploader delete everything; empty: nobody may
    suffix: str = ""  # of the written file
    media_type: str = ""  # the same
    reason: str = ""  # why it is held (a word of the report) or refused (a sentence for people)
    reviewed: bool = False

    @property
    def settled(self) -> bool:
        """Whether nothing more is to be made of the photo by itself."""
        return self.state in SETTLED

    @property
    def leaves(self) -> bool:
        """Whether a worker that found nothing more may have written the finished photo.

        A worker that held it has the last word, whoever else is at it: never again then.
        """
        return not self.reviewed and (self.state == "released" or (self.state == "writing" and not self.reason))

    @property
    def waits(self) -> bool:
        """Whether a masked candidate may lie there for a person."""
        return self.state in ("writing", "held", "reviewing")


class Records:
    """The records by photo id. Raises BackendError where NATS is away."""

    def __init__(self, use: Backends) -> None:
        self._bucket = use.state.bucket(BUCKET, ttl_s=KEPT_S)

    async def get(self, photo_id: str) -> Record | None:
        """The record as it is now."""
        found = await self.revised(photo_id)
        return None if found is None else found[0]

    async def revised(self, photo_id: str) -> tuple[Record, int] | None:
        """The record and its revision."""
        entry = await self._bucket.get(photo_id)
        return None if entry is None else (Record.model_validate_json(entry.value), entry.revision)

    async def create(self, photo_id: str, record: Record) -> int:
        """Begin a record. Raises Conflict where there is one."""
        return await self._bucket.create(photo_id, _bytes(record))

    async def update(self, photo_id: str, record: Record, revision: int) -> int:
        """Move it on from this very revision. Raises Conflict when somebody else did."""
        return await self._bucket.update(photo_id, _bytes(record), revision)

    async def change(self, photo_id: str, change: Callable[[Record], Record | None]) -> Record | None:
        """Move it on whatever it is now; a ``change`` to None leaves it. Returns the record after, None without one."""
        while (found := await self.revised(photo_id)) is not None:
            record, revision = found
            changed = change(record)
            if changed is None:
                return record
            try:
                await self.update(photo_id, changed, revision)
            except Conflict:
                continue
            return changed
        return None

    async def settled(self, photo_id: str, seconds: float) -> Record | None:
        """The record once it is settled, or as it is when the time is up."""
        return await _until(lambda: self.get(photo_id), seconds)

    async def count(self) -> int:
        """How many photos there are records of."""
        return len(await self._bucket.keys())


async def _until(look: Callable[[], Awaitable[Record | None]], seconds: float) -> Record | None:
    clock = asyncio.get_running_loop()
    end, pause = clock.time() + seconds, 0.05
    while True:
        record = await look()
        left = end - clock.time()
        if record is None or record.settled or left <= 0:
            return record
        await asyncio.sleep(min(pause, left))
        pause = min(pause * 1.3, 0.5)


def _bytes(record: Record) -> bytes:
    return record.model_dump_json().encode()
