"""Photos that a person is to look at: held ones before they leave, and a sample of those that have left."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from events.photos import PhotoReviewed
from shared.backends import Backends
from shared.state import Conflict, Entry

BUCKET: Final = "photos-review"
AUDIT: Final = "photos-audit"
_AUDIT_S: Final = 365 * 24 * 3600.0
Kind = Literal["held", "sample"]
Act = Literal["listed", "looked", "approved", "rejected", "expired"]


class Waiting(BaseModel):
    """A photo in the queue."""

    model_config = ConfigDict(frozen=True)

    kind: Kind
    since: datetime = Field(default_factory=lambda: datetime.now(UTC))
    until: datetime
    reason: str = ""  # why it is held
    found: int = 0  # what the models had found in it
    decided: PhotoReviewed | None = None


class Deed(BaseModel):
    """What was done in the review, in the audit trail. It does not say by whom, nor can the photo be found by it."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    act: Act
    photo: str = ""  # digest of its id
    kind: Kind | None = None
    boxes: int = 0
    missed: int = 0


class Queue:
    """The photos by id. Raises BackendError where NATS is away."""

    def __init__(self, use: Backends) -> None:
        self._use = use
        self._bucket = use.state.bucket(BUCKET)

    async def add(self, photo_id: str, kind: Kind, *, reason: str = "", found: int = 0) -> None:
        """Ask for a look; a photo that is in the queue stays as it is, unless it is held now and was a sample."""
        photos = self._use.settings.photos
        days = photos.held_days if kind == "held" else photos.sample_days
        waiting = Waiting(kind=kind, until=datetime.now(UTC) + timedelta(days=days), reason=reason, found=found)
        while True:
            entry = await self._bucket.get(photo_id)
            if entry is not None and (kind == "sample" or _read(entry).kind == "held"):
                return
            try:
                if entry is None:
                    await self._bucket.create(photo_id, waiting.model_dump_json().encode())
                else:
                    await self._bucket.update(photo_id, waiting.model_dump_json().encode(), entry.revision)
            except Conflict:
                continue
            return

    async def get(self, photo_id: str) -> Waiting | None:
        """One of them."""
        entry = await self._bucket.get(photo_id)
        return None if entry is None else _read(entry)

    async def all(self, *, decided: bool = False) -> dict[str, Waiting]:
        """Every photo that waits for a decision, those whose time ends first at the beginning.

        ``decided``: those too that wait for their decision to be done.
        """
        found: dict[str, Waiting] = {}
        for photo_id in await self._bucket.keys():
            waiting = await self.get(photo_id)
            if waiting is not None and (decided or waiting.decided is None):
                found[photo_id] = waiting
        return dict(sorted(found.items(), key=lambda one: (one[1].until, one[0])))

    async def decide(self, photo_id: str, decision: Callable[[Waiting], PhotoReviewed]) -> PhotoReviewed | None:
        """Note the decision; who was first has decided, and is what this returns. None: it is not in the queue."""
        while (entry := await self._bucket.get(photo_id)) is not None:
            waiting = _read(entry)
            if waiting.decided is not None:
                return waiting.decided
            decided = waiting.model_copy(update={"decided": decision(waiting)})
            try:
                await self._bucket.update(photo_id, decided.model_dump_json().encode(), entry.revision)
            except Conflict:
                continue
            return decided.decided
        return None

    async def remove(self, photo_id: str) -> None:
        """Take it out."""
        await self._bucket.delete(photo_id)


def _read(entry: Entry) -> Waiting:
    return Waiting.model_validate_json(entry.value)


async def audit(
    use: Backends, act: Act, photo_id: str = "", *, kind: Kind | None = None, boxes: int = 0, missed: int = 0
) -> None:
    """Put a deed into the trail, before it is done: what cannot be written down does not happen."""
    now = datetime.now(UTC)
    digest = sha256(photo_id.encode()).hexdigest()[:20] if photo_id else ""
    deed = Deed(at=now, act=act, photo=digest, kind=kind, boxes=boxes, missed=missed)
    bucket = use.state.bucket(AUDIT, ttl_s=_AUDIT_S)
    value = deed.model_dump_json().encode()
    # Two deeds of one microsecond are two all the same.
    for ordinal in range(1000):
        try:
            await bucket.create(f"{now:%Y%m%dT%H%M%S.%f}/{ordinal}", value)
        except Conflict:
            continue
        return


async def trail(use: Backends) -> list[Deed]:
    """The whole trail, oldest first."""
    bucket = use.state.bucket(AUDIT, ttl_s=_AUDIT_S)
    found = [await bucket.get(key) for key in sorted(await bucket.keys())]
    return [Deed.model_validate_json(entry.value) for entry in found if entry is not None]
