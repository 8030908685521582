"""A photo comes in: put into the storage under a name that tells nothing, and told of when the storage says so."""

import re
from contextlib import suppress
from hashlib import sha256
from typing import IO, Final
from uuid import uuid4

from events.photos import PHOTO_ID, PhotoUploaded, Wishes
from events.storage import ObjectStored
from functions.photos import places
from functions.photos.records import Record, Records
from shared.backends import Backends
from shared.function import on
from shared.state import Conflict

LEAD: Final = 32  # bytes that say what a file is
_LEADS: Final = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"II*\0": "image/tiff",
    b"MM\0*": "image/tiff",
}
_HEIF: Final = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def media_type(data: bytes) -> str | None:
    """What a file is by its first bytes; None: no photo of a kind that is taken."""
    for lead, found in _LEADS.items():
        if data.startswith(lead):
            return found
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return "image/heic" if data[4:8] == b"ftyp" and data[8:12] in _HEIF else None


async def submit(data: bytes | IO[bytes], wishes: Wishes, use: Backends, *, secret: str = "") -> str:
    """Hand in a photo (bytes, or a file); returns its id, by which its record and what becomes of it are found.

    ``secret``: who knows it may have everything deleted; empty: nobody may.
    """
    await places.ready(use)
    photo_id, bucket = uuid4().hex, use.settings.photos.incoming
    digest = sha256(secret.encode()).hexdigest() if secret else ""
    # The record first: the storage tells of the object before the put has returned.
    await Records(use).create(photo_id, Record(bucket=bucket, object_key=photo_id, wishes=wishes, secret=digest))
    await use.objects.put(bucket, photo_id, data)
    return photo_id


@on(ObjectStored)
async def take_in(stored: ObjectStored, use: Backends) -> PhotoUploaded | None:
    """Tell of a photo that lies in the bucket, whoever put it there; one event a version of an object."""
    records = Records(use)

    def told(record: Record) -> Record | None:
        return (
            None
            if record.version or record.bucket != stored.bucket
            else record.model_copy(update={"version": stored.version})
        )

    photo_id = stored.object_key
    own = await records.change(photo_id, told) if re.fullmatch(PHOTO_ID, photo_id) else None
    if own is None or (own.bucket, own.version) != (stored.bucket, stored.version):
        photo_id = places.foreign_id(stored.bucket, stored.object_key, stored.version)
        with suppress(Conflict):  # told before
            await records.create(
                photo_id, Record(bucket=stored.bucket, object_key=stored.object_key, version=stored.version)
            )
    record = await records.get(photo_id)
    if record is None or record.settled:
        return None
    return PhotoUploaded(
        photo_id=photo_id,
        bucket=stored.bucket,
        object_key=stored.object_key,
        version=stored.version,
        wishes=record.wishes,
    )
