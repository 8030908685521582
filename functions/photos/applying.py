"""What was decided in the review is done: a candidate is masked further and leaves, or everything of it is deleted."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from events.photos import AddedBox, ExpiryAsked, PhotoAnonymised, PhotoReviewed
from functions.photos import places
from functions.photos.anonymising import UncleanOutput
from functions.photos.candidates import Queue, Waiting, audit
from functions.photos.decoding import Limits, decode
from functions.photos.encoding import encode
from functions.photos.inspection import findings
from functions.photos.masking import Region, mask, share
from functions.photos.processing import Made, put, release, remove, tidy, told
from functions.photos.records import Record, Records
from functions.photos.report import Masked, Report
from functions.photos.things import REVIEW
from shared.backends import Backends
from shared.errors import Retry
from shared.function import on
from shared.objects import ObjectMissing
from shared.state import Conflict


@on(PhotoReviewed)
async def apply_review(reviewed: PhotoReviewed, use: Backends) -> PhotoAnonymised | None:
    """Do what a person decided, or what the end of the time means: a held photo is rejected then, a sample stays."""
    records, photo_id = Records(use), reviewed.photo_id
    found = await records.revised(photo_id)
    if found is None:
        await Queue(use).remove(photo_id)
        return None
    record, revision = found
    if record.state == "gone":
        await remove(photo_id, record, use)  # a worker that ended in the middle may have left something
        return None
    if reviewed.kind == "held" and reviewed.decision == "approved":
        return await _approve(reviewed, record, revision, use)
    if reviewed.decision == "rejected" or reviewed.kind == "held":
        # Said first: a worker that writes meanwhile sees it, and takes its files back.
        after = await records.change(
            photo_id, lambda now: None if now.state == "gone" else now.model_copy(update={"state": "rejected"})
        )
        await remove(photo_id, after or record, use)
        return None
    if reviewed.boxes and record.state == "released":
        await _mask_finished(reviewed, record, use)
    await Queue(use).remove(photo_id)
    return None


@on(ExpiryAsked)
async def expire_photos(_asked: ExpiryAsked, use: Backends) -> list[PhotoReviewed]:
    """Decide for those who did not: the time of a candidate is over."""
    queue, now = Queue(use), datetime.now(UTC)
    decided: list[PhotoReviewed] = []
    for photo_id, waiting in (await queue.all(decided=True)).items():
        if waiting.decided is not None:
            decided.append(waiting.decided)  # once more: it may not have been told
            continue
        if waiting.until > now:
            continue

        def expired(waiting: Waiting, photo_id: str = photo_id) -> PhotoReviewed:
            return PhotoReviewed(photo_id=photo_id, kind=waiting.kind, decision="expired", found=waiting.found)

        await audit(use, "expired", photo_id, kind=waiting.kind)
        decision = await queue.decide(photo_id, expired)
        if decision is not None:
            decided.append(decision)
    return decided


async def _approve(reviewed: PhotoReviewed, record: Record, revision: int, use: Backends) -> PhotoAnonymised | None:
    photo_id, records = reviewed.photo_id, Records(use)
    if record.state in ("waiting", "writing"):
        raise Retry("the worker that held it is still at it")
    if record.state in ("held", "reviewing"):
        place, about = places.candidate(use, photo_id, record), places.candidate_report(use, photo_id, record)
        try:
            file = await use.objects.get(place.bucket, place.key)
            report = Report.model_validate_json(await use.objects.get(about.bucket, about.key))
        except ObjectMissing:
            raise Retry("the candidate is not there") from None
        file, report = await asyncio.to_thread(masked_further, file, reviewed.boxes, report)
        record = record.model_copy(update={"state": "reviewing", "reviewed": True})
        try:
            revision = await records.update(photo_id, record, revision)
            record = await release(photo_id, record, revision, Made(file, report), use)
        except Conflict:
            raise Retry("another worker has this photo") from None
    if record.state == "released":
        for one in (places.candidate(use, photo_id, record), places.candidate_report(use, photo_id, record)):
            await use.objects.erase(one.bucket, one.key)
    await Queue(use).remove(photo_id)
    event = told(photo_id, record, use)
    return event if isinstance(event, PhotoAnonymised) else None


async def _mask_finished(reviewed: PhotoReviewed, record: Record, use: Backends) -> None:
    """Mask what a person saw in a photo that has left already."""
    place, about = places.finished(use, reviewed.photo_id, record), places.report(use, reviewed.photo_id, record)
    try:
        file = await use.objects.get(place.bucket, place.key)
        report = Report.model_validate_json(await use.objects.get(about.bucket, about.key))
    except ObjectMissing:
        return  # its time is over
    file, report = await asyncio.to_thread(masked_further, file, reviewed.boxes, report)
    await put(place, file, record.media_type, use)
    await put(about, report.model_dump_json(indent=1).encode(), "application/json", use)
    await tidy(reviewed.photo_id, record, use)


def masked_further(file: bytes, boxes: Sequence[AddedBox], report: Report) -> tuple[bytes, Report]:
    """A masked file with more of it masked, written anew and looked at as before it first left.

    Raises:
        UncleanOutput: what was written holds more than pixels.
    """
    photo = decode(file, Limits(bytes=2**31, pixels=2**31))  # it was let in before
    masked, shares = list[Masked](), list[float]()
    for number, frame in enumerate(photo.frames):
        regions = _regions(boxes, number, frame.image.size)
        mask(frame.image, regions, {})
        masked += [
            Masked(kind=one.kind, box=(one.left, one.top, one.right, one.bottom), score=1.0, model=REVIEW, frame=number)
            for one in regions
        ]
        shares.append(share(frame.image.size, regions) if regions else 0.0)
    written = encode(photo)
    if faults := findings(written, photo.format):
        raise UncleanOutput(f"the written {photo.format} has {', '.join(faults)}")
    counts = dict(report.counts)
    for one in boxes:
        counts[one.kind] = counts.get(one.kind, 0) + 1
    changed = {
        "decision": "released",
        "reason": None,
        "counts": counts,
        "masked": (*report.masked, *masked),
        "masked_share": min(1.0, report.masked_share + sum(shares) / len(shares)),
    }
    again = any(one in report.masked for one in masked)  # done before, and told again
    return written, report if again else report.model_copy(update=changed)


def _regions(boxes: Sequence[AddedBox], number: int, size: tuple[int, int]) -> list[Region]:
    """What is masked in one picture of this size."""
    width, height = size
    regions = [
        Region(min(box.left, width), min(box.top, height), min(box.right, width), min(box.bottom, height), box.kind)
        for box in boxes
        if box.frame in (None, number)
    ]
    return [one for one in regions if one.left < one.right and one.top < one.bottom]
