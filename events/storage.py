"""Object storage: an object was written. Told by a notification, the filer's tail or a listing, and stored once."""

from datetime import datetime
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field, StringConstraints

from events.event import Event

BucketName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
"""As S3 allows it."""


class ObjectStored(Event):
    """A version of an object lies in a bucket. However often and by whom it is told, it is one event."""

    type: ClassVar[str] = "storage.object.stored"
    key: ClassVar[str | None] = "bucket"  # a durable filters by it; objects of a bucket have no order
    identity: ClassVar[tuple[str, ...]] = ("bucket", "object_key", "version")
    once: ClassVar[bool] = True

    bucket: BucketName
    object_key: str = Field(min_length=1, max_length=1024)  # as it is, nothing escaped
    version: str = Field(min_length=1, max_length=1100)  # the storage's version id, else ETag and second of writing
    size: int = Field(ge=0)  # bytes
    stored_at: datetime  # by the storage's clock


class NotificationReceived(Event):
    """What a storage published on NATS by itself, as it says it (MinIO, AWS, SeaweedFS): a hint to look there."""

    model_config = ConfigDict(frozen=True, extra="allow")

    type: ClassVar[str] = "storage.notification.received"


class ReconciliationAsked(Event):
    """Look for objects that nobody told of. Fired by schedule, and when a storage's tail was broken off."""

    type: ClassVar[str] = "storage.reconciliation.asked"
