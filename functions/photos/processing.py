"""A photo's way from the original to the finished file. Nothing is written that did not pass the check of the file.

An error leaves the original where it is: the event is tried again, and in the end is a dead letter. Only a
worker that moved the record on may write, so an event that is delivered five times has one outcome. Where workers
with one photo differ, it is held: who wrote a finished photo meanwhile takes it back, or does when told again.
"""

from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from typing import Final, NamedTuple

from events.photos import PhotoAnonymised, PhotoHeld, PhotoRefused, PhotoUploaded, Wishes
from functions.photos import places, things
from functions.photos.anonymising import Options, anonymise
from functions.photos.candidates import Queue
from functions.photos.decoding import Limits
from functions.photos.decoding import PhotoRefused as Refusal
from functions.photos.places import Place
from functions.photos.records import Record, Records
from functions.photos.report import Report
from shared.backends import Backends
from shared.errors import Reject, Retry
from shared.function import on
from shared.objects import ObjectMissing
from shared.state import Conflict

Told = PhotoAnonymised | PhotoHeld | PhotoRefused
_OTHER_S: Final = 15.0  # how long the outcome of another worker is waited for
_JSON: Final = "application/json"


class Made(NamedTuple):
    """A written file that passed its check, and the report on it."""

    file: bytes
    report: Report


@on(PhotoUploaded)
async def anonymise_photo(uploaded: PhotoUploaded, use: Backends) -> PhotoAnonymised | PhotoHeld | PhotoRefused | None:
    """Anonymise a photo; it is finished, held for a person's look, or refused as no photo."""
    await places.ready(use)
    photo_id, records = uploaded.photo_id, Records(use)
    record, revision = await _begun(uploaded, records)
    if record.settled:
        # Told again, or the worker ended between the last write and the puback.
        await tidy(photo_id, record, use)
        await _forget_original(record, use)
        return told(photo_id, record, use)
    try:
        data = await _original(record, use)
        if data is None:
            return await _gone(photo_id, records, use)
        outcome = await anonymise(data, _options(uploaded.wishes), use.vision, _limits(use))
    except Refusal as refusal:
        refused = record.model_copy(update={"state": "refused", "reason": str(refusal)})
        try:
            await records.update(photo_id, refused, revision)
        except Conflict:
            return await _of_other(photo_id, records, use)
        return told(photo_id, refused, use)
    held = outcome.decision == "held" or (record.state == "writing" and bool(record.reason))
    reason = (outcome.report.reason or record.reason) if held else ""
    made = Made(outcome.file, outcome.report)
    record = record.model_copy(
        update={"state": "writing", "suffix": outcome.suffix, "media_type": outcome.media_type, "reason": reason}
    )
    try:
        revision = await records.update(photo_id, record, revision)
        record = await (hold if held else release)(photo_id, record, revision, made, use)
    except Conflict:
        return await _of_other(photo_id, records, use)
    await _forget_original(record, use)
    return told(photo_id, record, use)


async def release(photo_id: str, record: Record, revision: int, made: Made, use: Backends) -> Record:
    """Write a finished photo and its report, and say that they are there. Raises Conflict where another is at it."""
    record = record.model_copy(update={"state": "released", "reason": ""})
    await put(places.finished(use, photo_id, record), made.file, record.media_type, use)
    await put(places.report(use, photo_id, record), _bytes(made.report), _JSON, use)
    if not record.reviewed and _sampled(photo_id, use):
        await Queue(use).add(photo_id, "sample", found=things.found(made.report))
    try:
        await Records(use).update(photo_id, record, revision)
    except Conflict:
        await tidy(photo_id, record, use)
        raise
    return record


async def hold(photo_id: str, record: Record, revision: int, made: Made, use: Backends) -> Record:
    """Keep a masked candidate for a person's look. Raises Conflict where another worker is at it."""
    held = record.model_copy(update={"state": "held"})
    await put(places.candidate(use, photo_id, held), made.file, record.media_type, use)
    await put(places.candidate_report(use, photo_id, held), _bytes(made.report), _JSON, use)
    await Queue(use).add(photo_id, "held", reason=record.reason, found=things.found(made.report))
    try:
        await Records(use).update(photo_id, held, revision)
    except Conflict:
        await tidy(photo_id, held, use)
        raise
    return held


def told(photo_id: str, record: Record, use: Backends) -> Told | None:
    """The event that says what became of a photo; the same one however often it is asked for."""
    if record.state == "released":
        where = places.finished(use, photo_id, record)
        return PhotoAnonymised(
            photo_id=photo_id,
            bucket=where.bucket,
            object_key=where.key,
            report_key=places.report(use, photo_id, record).key,
            media_type=record.media_type,
            reviewed=record.reviewed,
        )
    if record.state in ("held", "reviewing"):
        return PhotoHeld(photo_id=photo_id, reason=record.reason)
    return PhotoRefused(photo_id=photo_id) if record.state == "refused" else None


async def remove(photo_id: str, record: Record, use: Backends) -> None:
    """Delete every file of a photo, the original too, and take it out of the queue."""
    await Queue(use).remove(photo_id)
    for reviewed in (False, True):
        await _erase(photo_id, record.model_copy(update={"reviewed": reviewed}), use, places.finished, places.report)
    await _erase(photo_id, record, use, places.candidate, places.candidate_report)
    await _forget_original(record, use)


async def tidy(photo_id: str, record: Record, use: Backends) -> None:
    """Take back what a worker wrote (``record``: as it knew it) that is not what became of the photo.

    Whatever runs at the same time: a name that is erased here is one that nobody writes for good any more.
    """
    now = await Records(use).get(photo_id)
    if now is None or now.state in ("gone", "rejected"):
        await remove(photo_id, record, use)
        return
    if not now.leaves:
        await _erase(photo_id, record.model_copy(update={"reviewed": False}), use, places.finished, places.report)
    if not now.waits:
        await _erase(photo_id, record, use, places.candidate, places.candidate_report)


async def _erase(
    photo_id: str, record: Record, use: Backends, *named: Callable[[Backends, str, Record], Place]
) -> None:
    for name in named:
        place = name(use, photo_id, record)
        await use.objects.erase(place.bucket, place.key)


async def _begun(uploaded: PhotoUploaded, records: Records) -> tuple[Record, int]:
    """The photo's record; one that was forgotten meanwhile (a dead letter played again) is begun anew."""
    found = await records.revised(uploaded.photo_id)
    if found is not None:
        return found
    record = Record(
        bucket=uploaded.bucket, object_key=uploaded.object_key, version=uploaded.version, wishes=uploaded.wishes
    )
    try:
        return record, await records.create(uploaded.photo_id, record)
    except Conflict:
        raise Retry("the photo was told twice at once") from None


async def _original(record: Record, use: Backends) -> bytes | None:
    """The photo as it was put in; None: it is not there, or another one has taken its place.

    Raises:
        Refusal: it is too large to be looked at.
    """
    most = use.settings.photos.max_bytes
    try:
        stored = await use.objects.stat(record.bucket, record.object_key)
        if stored.version != record.version:
            return None  # told by an event of its own
        if stored.size > most:
            raise Refusal(f"The file has {stored.size // 10**6} MB; at most {most // 10**6} MB are taken.")
        return await use.objects.get(record.bucket, record.object_key, max_bytes=most)
    except ObjectMissing:
        return None


async def _gone(photo_id: str, records: Records, use: Backends) -> Told | None:
    """There is no original: another worker has finished, the uploader took it back, or its time is over."""
    record = await records.settled(photo_id, 0.0)
    if record is None or not record.settled:
        await records.change(photo_id, lambda now: now.model_copy(update={"state": "gone"}))
        raise Reject("the original is no longer there; its time is over, or somebody deleted it")
    return told(photo_id, record, use)


async def _of_other(photo_id: str, records: Records, use: Backends) -> Told | None:
    record = await records.settled(photo_id, _OTHER_S)
    if record is None or not record.settled:
        raise Retry("another worker has this photo")
    return told(photo_id, record, use)


async def _forget_original(record: Record, use: Backends) -> None:
    if record.state in ("released", "held", "rejected", "gone"):
        with suppress(ObjectMissing):
            stored = await use.objects.stat(record.bucket, record.object_key)
            if record.version in ("", stored.version):
                await use.objects.erase(record.bucket, record.object_key)


async def put(place: Place, data: bytes, media_type: str, use: Backends) -> None:
    """Store a file."""
    await use.objects.put(place.bucket, place.key, data, media_type)


def _options(wishes: Wishes) -> Options:
    return Options(
        kinds=wishes.kinds,
        mode=wishes.mode,
        fills={"face": wishes.fill, "person": wishes.fill, "plate": "solid"},
        panorama=wishes.panorama,
    )


def _limits(use: Backends) -> Limits:
    return Limits(bytes=use.settings.photos.max_bytes, pixels=use.settings.photos.max_pixels)


def _sampled(photo_id: str, use: Backends) -> bool:
    """Whether a person is to look at this one: as a repeat would decide, and as nobody can foresee or choose."""
    share = int.from_bytes(sha256(f"sample/{photo_id}".encode()).digest()[:4]) / 2**32
    return share < use.settings.photos.sample_share


def _bytes(report: Report) -> bytes:
    return report.model_dump_json(indent=1).encode()
