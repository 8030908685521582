"""Objects that somebody told of and that the storage refuses to show: set aside, so that they keep no other waiting.

Each listing asks for them again. What is refused for two weeks is given up.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

import structlog
from pydantic import BaseModel, Field

from events.storage import ObjectStored
from shared.metrics import OBJECTS_REFUSED
from shared.notifications import Notice, look
from shared.objects import ObjectRefused, Objects
from shared.state import Bucket, Conflict

_FOLDER: Final = "refused/"
_KEPT: Final = timedelta(days=14)
log = structlog.get_logger()


BUCKET: Final = "storage"


class _Refused(BaseModel):
    bucket: str
    key: str
    version_id: str | None = None
    since: datetime = Field(default_factory=lambda: datetime.now(UTC))


class Aside:
    """What was set aside, in a bucket of the state. Raises BackendError where NATS is away."""

    def __init__(self, bucket: Bucket, objects: Objects) -> None:
        self._bucket = bucket
        self._objects = objects

    async def put(self, notice: Notice, error: ObjectRefused) -> None:
        """Set an object aside; one that is there keeps its time."""
        name = _FOLDER + sha256("\x1f".join((notice.bucket, notice.key, notice.version_id or "")).encode()).hexdigest()
        try:
            await self._bucket.create(name, _Refused(**notice._asdict()).model_dump_json().encode())
        except Conflict:
            return
        OBJECTS_REFUSED.inc()
        log.warning("the storage refuses an object; it is asked for again by each listing", error=error)

    async def again(self) -> AsyncIterator[ObjectStored]:
        """What can be seen now; it is set aside no more once the next one is asked for."""
        for name in [name for name in await self._bucket.keys() if name.startswith(_FOLDER)]:
            entry = await self._bucket.get(name)
            if entry is None:
                continue
            refused = _Refused.model_validate_json(entry.value)
            try:
                event = await look(Notice(refused.bucket, refused.key, refused.version_id), self._objects)
            except ObjectRefused as error:
                if datetime.now(UTC) - refused.since < _KEPT:
                    continue
                log.warning("an object that the storage refuses is given up", error=error)
            else:
                if event is not None:
                    yield event
            await self._bucket.delete(name)
