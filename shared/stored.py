"""What a storage says of an object, and that it has none."""

from datetime import datetime
from typing import IO, NamedTuple, TypeVar

from shared.errors import BackendError, Reject, StadtfunkError


class ObjectMissing(StadtfunkError):
    """There is no object of this key (or no such bucket)."""

    def __init__(self, bucket: str, key: str) -> None:
        super().__init__(f"no object '{key}' in bucket '{bucket}'")
        self.bucket, self.key = bucket, key


class ObjectTooLarge(Reject):
    """The object is larger than the reader takes; trying again makes it no smaller."""


class ObjectRefused(BackendError):
    """The storage is there and says no to this object: 403, mostly; asking again soon changes nothing."""


class Stored(NamedTuple):
    """One row of a listing, or what the storage says of one object."""

    key: str
    size: int  # bytes
    etag: str  # without quotes
    modified: datetime  # by the storage's clock, whole seconds: all that every storage gives in every answer
    version_id: str | None = None  # where the bucket keeps versions; a listing does not tell it

    @property
    def version(self) -> str:
        """Names what lies under the key now; another one when it is written again."""
        return self.version_id or f"{self.etag}-{int(self.modified.timestamp())}"


Data = bytes | IO[bytes]
"""What is stored: bytes, or a file from its beginning."""

T = TypeVar("T", bound=Data)


def rewound(data: T) -> T:
    """The same, to be read from its beginning: a call that is tried again reads it once more."""
    if not isinstance(data, bytes):
        data.seek(0)
    return data
