"""Where photos lie: three buckets that forget by themselves, and the names of what is in them.

An object's name is the photo's id and tells nothing; nobody's file name, and no metadata of an object, goes on.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from functions.photos.records import Record
from shared.backends import Backends

_ONCE_S: Final = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Place:
    """An object."""

    bucket: str
    key: str


def foreign_id(bucket: str, key: str, version: str) -> str:
    """The id of a photo that somebody else put into a bucket: one a version, and nothing of its name."""
    return sha256("\x1f".join((bucket, key, version)).encode()).hexdigest()[:32]


def finished(use: Backends, photo_id: str, record: Record) -> Place:
    """The anonymised photo.

    One that a person let out has another name than what a worker wrote that did not know it was held.
    """
    return Place(use.settings.photos.outgoing, _stem(photo_id, record) + record.suffix)


def report(use: Backends, photo_id: str, record: Record) -> Place:
    """The report beside it."""
    return Place(use.settings.photos.outgoing, f"{_stem(photo_id, record)}.json")


def candidate(use: Backends, photo_id: str, record: Record) -> Place:
    """The masked photo that waits for a person."""
    return Place(use.settings.photos.held, photo_id + record.suffix)


def candidate_report(use: Backends, photo_id: str, _record: Record) -> Place:
    """The report beside that."""
    return Place(use.settings.photos.held, f"{photo_id}.json")


def _stem(photo_id: str, record: Record) -> str:
    return f"{photo_id}-reviewed" if record.reviewed else photo_id


async def ready(use: Backends) -> None:
    """Make the buckets, and let the storage forget what lies in them too long."""

    async def made() -> bool:
        photos = use.settings.photos
        # The queue gives a held photo up a little before its object goes.
        for bucket, days in (
            (photos.incoming, photos.incoming_days),
            (photos.outgoing, photos.outgoing_days),
            (photos.held, photos.held_days + 1),
        ):
            await use.objects.ensure_bucket(bucket, expire_days=days)
        return True

    await use.snapshots.get("photos-buckets", _ONCE_S, made)
