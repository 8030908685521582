"""What a storage tells of itself, in three shapes, made one: an ``ObjectStored`` of every version that was written.

A notification is a hint and no more. What lies under its key is asked of the storage, so that whoever tells of an
object (webhook, NATS, the filer's tail, a listing), however often and in whatever words, tells the same event.
"""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import unquote_plus

from pydantic import BaseModel, Field, ValidationError

from events.storage import ObjectStored
from shared.catalogue import S3Trigger
from shared.errors import Reject
from shared.objects import ObjectMissing, ObjectRefused, Objects

MOST: Final = 1000  # records of one notification
_AT_ONCE: Final = 8
_BUCKETS: Final = "/buckets/"  # SeaweedFS keeps buckets as folders here
_INSIDE: Final = ".uploads/"  # parts of an upload that is not complete
_VERSIONS: Final = ".versions"
_VERSION_ID: Final = "Seaweed-X-Amz-Version-Id"
_DELETED: Final = "Seaweed-X-Amz-Delete-Marker"


class Notice(NamedTuple):
    """Something was written there, somebody says."""

    bucket: str
    key: str  # nothing escaped
    version_id: str | None = None  # where the bucket keeps versions and the notification names one


Refused = Callable[[Notice, ObjectRefused], Awaitable[None]]


class _Named(BaseModel):
    name: str


class _Object(BaseModel):
    key: str
    version_id: str | None = Field(default=None, alias="versionId")


class _Place(BaseModel):
    bucket: _Named
    object: _Object


class _Record(BaseModel):
    event_name: str = Field(alias="eventName")  # "ObjectCreated:Put"; MinIO puts "s3:" before it
    s3: _Place


class _Records(BaseModel):
    records: list[_Record] = Field(alias="Records", max_length=MOST)


class _Entry(BaseModel):
    name: str = ""
    is_directory: bool = False
    extended: dict[str, str] = {}


class _Change(BaseModel):
    new_entry: _Entry | None = None
    new_parent_path: str = ""


class _Filer(BaseModel):
    key: str
    event_type: str
    message: _Change


def read(told: Mapping[str, Any]) -> list[Notice]:
    """What was written, by a notification of AWS (2.1), MinIO (2.0) or SeaweedFS' own webhook; empty: nothing was.

    Raises:
        Reject: it has none of these shapes; the text names fields, not what stands in them.
    """
    try:
        if "Records" in told:
            records = _Records.model_validate(told).records
            return [_of_record(one.s3) for one in records if _created(one.event_name)]
        if told.get("Event") == "s3:TestEvent":
            return []
        if "event_type" in told and "message" in told:
            found = _of_change(_Filer.model_validate(told))
            return [] if found is None else [found]
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise Reject(f"the notification is not understood: {where}: {first['msg']}") from None
    raise Reject("the notification is of none of the known shapes: 'Records' (AWS, MinIO), 'message' (SeaweedFS)")


def of_entry(path: str, extended: Mapping[str, bytes]) -> Notice | None:
    """What an entry of SeaweedFS' filer is in S3; None: no object (a part of an upload, a mark of a deletion).

    ``path``: the entry's, from the root; ``extended``: its attributes.
    """
    bucket, _, key = path.removeprefix(_BUCKETS).partition("/")
    if not path.startswith(_BUCKETS) or not key or key.startswith(_INSIDE) or _DELETED in extended:
        return None
    folder, _, name = key.rpartition("/")
    version_id = extended.get(_VERSION_ID, b"").decode("ascii", "replace")
    if version_id and folder.endswith(_VERSIONS) and name == f"v_{version_id}":
        return Notice(bucket, folder.removesuffix(_VERSIONS), version_id)
    return Notice(bucket, key)


def wanted(notices: Iterable[Notice], watches: Sequence[S3Trigger]) -> list[Notice]:
    """Those that a trigger names, each once; a key that ends in "/" is a folder, not an object.

    Nor is one with ``.`` or ``..`` in its path: a storage of folders might lead it into another bucket.
    """
    return [
        one
        for one in dict.fromkeys(notices)
        if not one.key.endswith("/")
        and not {".", ".."} & {*one.key.split("/")}
        and any(watch.covers(one.bucket, one.key) for watch in watches)
    ]


async def look(notice: Notice, objects: Objects) -> ObjectStored | None:
    """What lies there by the storage's own word; None: nothing any more."""
    try:
        stored = await objects.stat(notice.bucket, notice.key, version_id=notice.version_id)
    except ObjectMissing:
        return None
    return ObjectStored(
        bucket=notice.bucket,
        object_key=notice.key,
        version=stored.version,
        size=stored.size,
        stored_at=stored.modified,
    )


async def look_all(notices: Iterable[Notice], objects: Objects, refused: Refused) -> list[ObjectStored]:
    """The same for several, some at once; an object that two notices lead to is there once.

    ``refused``: what becomes of one that the storage refuses to show; the others are told all the same.
    """
    places = asyncio.Semaphore(_AT_ONCE)

    async def one(notice: Notice) -> ObjectStored | None:
        async with places:
            try:
                return await look(notice, objects)
            except ObjectRefused as error:
                await refused(notice, error)
                return None

    found = await asyncio.gather(*map(one, notices))
    return list(dict.fromkeys(event for event in found if event is not None))


def _created(event_name: str) -> bool:
    return event_name.removeprefix("s3:").startswith("ObjectCreated:")


def _of_record(place: _Place) -> Notice:
    # AWS writes a key as a form does, MinIO after it: "+" is a blank, "%2B" a plus.
    given = place.object.version_id
    return Notice(place.bucket.name, unquote_plus(place.object.key), None if given in ("", "null") else given)


def _of_change(told: _Filer) -> Notice | None:
    entry = told.message.new_entry
    if entry is None or entry.is_directory:
        return None
    parent = told.message.new_parent_path or told.key.rpartition("/")[0]
    name = entry.name or told.key.rpartition("/")[2]
    try:
        extended = {name: base64.b64decode(value, validate=True) for name, value in entry.extended.items()}
    except ValueError:
        raise Reject("the notification is not understood: message.new_entry.extended: not in base64") from None
    return of_entry(f"{parent}/{name}", extended)
