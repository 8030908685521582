"""What staff see and decide: the queue, a masked photo, a decision. An original is never among it.

Every look is written down before it is given; who looked is known to the sign-in service alone.
"""

import asyncio
import io
from datetime import datetime
from typing import Final, Literal, NamedTuple

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from events.photos import PHOTO_ID, AddedBox, PhotoReviewed
from functions.photos import places, things
from functions.photos.candidates import Kind, Queue, Waiting, audit
from functions.photos.records import Record, Records
from functions.photos.report import Report
from shared.backends import Backends
from shared.function import Reply, http
from shared.http import Problem
from shared.objects import ObjectMissing

_LISTED: Final = 200
_WRITTEN: Final = ("JPEG", "PNG", "WEBP", "TIFF")
_GONE: Final = "This photo does not wait for a look any more."


class Which(BaseModel):
    """Which photo."""

    model_config = ConfigDict(extra="forbid")

    photo_id: str = Field(pattern=PHOTO_ID)


class Look(Which):
    """Which picture of it: an animation and a file of pages have several."""

    frame: int = Field(default=0, ge=0, le=10_000)


class All(BaseModel):
    """Which photos: there is nothing to choose."""

    model_config = ConfigDict(extra="forbid")


class Candidate(BaseModel):
    """A photo that waits for a look."""

    photo_id: str
    kind: Kind
    since: datetime
    until: datetime  # then the time for it is over
    reason: str
    found: int  # things the models had found
    image_url: str
    frames: int = 1  # pictures in the file
    width: int = 0  # of the upright photo; 0: not known
    height: int = 0


class Listed(BaseModel):
    """The queue, what ends first at the beginning."""

    waiting: int  # in all
    candidates: list[Candidate]  # the first of them


class Decision(BaseModel):
    """A person's decision."""

    model_config = ConfigDict(extra="forbid")

    photo_id: str = Field(pattern=PHOTO_ID)
    decision: Literal["approved", "rejected"]
    boxes: tuple[AddedBox, ...] = Field(default=(), max_length=200)  # what is to be masked, too: it was missed


class Decided(BaseModel):
    """That it was noted."""

    decision: Literal["approved", "rejected", "expired"]


@http
async def review_queue(_: All, use: Backends) -> Listed:
    """The photos that wait for a look."""
    await audit(use, "listed")
    everything = await Queue(use).all()
    first = list(everything.items())[:_LISTED]
    return Listed(
        waiting=len(everything), candidates=[await _shown(photo_id, waiting, use) for photo_id, waiting in first]
    )


@http
async def review_candidate(look: Look, use: Backends) -> Response:
    """The masked photo, or one of several pictures in it; the header ``photo-frames`` says how many there are.

    Raises:
        Problem: 404 it does not wait any more, or has no such picture.
    """
    waiting, record = await Queue(use).get(look.photo_id), await Records(use).get(look.photo_id)
    if waiting is None or record is None or waiting.decided is not None:
        raise Problem(404, _GONE)
    await audit(use, "looked", look.photo_id, kind=waiting.kind)
    place = (places.candidate if waiting.kind == "held" else places.finished)(use, look.photo_id, record)
    try:
        data = await use.objects.get(place.bucket, place.key)
    except ObjectMissing:
        raise Problem(404, _GONE) from None
    shown = await asyncio.to_thread(_picture, data, look.frame)
    headers = {
        "cache-control": "private, no-store",
        "content-security-policy": "default-src 'none'; sandbox",
        "photo-frames": str(shown.frames),
    }
    return Response(shown.data or data, media_type="image/jpeg" if shown.data else record.media_type, headers=headers)


@http
async def decide_photo(given: Decision, use: Backends) -> Reply:
    """Note a decision; it is done by a worker.

    Raises:
        Problem: 404 the photo does not wait any more, 409 somebody else has decided otherwise.
    """
    queue, missed = Queue(use), things.missed(given.boxes)
    waiting = await queue.get(given.photo_id)
    if waiting is None:
        raise Problem(404, _GONE)
    found = await _found(given, waiting, use)
    await audit(use, given.decision, given.photo_id, kind=waiting.kind, boxes=len(given.boxes), missed=missed)

    def decision(waiting: Waiting) -> PhotoReviewed:
        return PhotoReviewed(
            photo_id=given.photo_id,
            kind=waiting.kind,
            decision=given.decision,
            boxes=given.boxes,
            found=found,
            missed=missed,
        )

    decided = await queue.decide(given.photo_id, decision)
    if decided is None:
        raise Problem(404, _GONE)
    if decided != decision(waiting):
        raise Problem(409, "Somebody else has decided about this photo.")
    return Reply(response=Decided(decision=decided.decision), events=[decided], status=202)


async def _found(given: Decision, waiting: Waiting, use: Backends) -> int:
    """How many things the models had found and the person need not mask."""
    if waiting.kind == "held" or not given.boxes:
        return waiting.found
    record = await Records(use).get(given.photo_id)
    report = None if record is None else await _report(given.photo_id, waiting, record, use)
    return waiting.found if report is None else things.found(report, given.boxes)


class _Picture(NamedTuple):
    frames: int
    data: bytes = b""  # empty: the file itself is shown


def _picture(file: bytes, number: int) -> _Picture:
    """One picture of a masked file as a browser shows it and holds it still, where it does not so with the file.

    Raises:
        Problem: 404 it has no such picture.
    """
    with Image.open(io.BytesIO(file), formats=_WRITTEN) as opened:
        frames = int(getattr(opened, "n_frames", 1))
        if number >= frames:
            raise Problem(404, f"The file has {frames} pictures.")
        if frames == 1 and opened.format != "TIFF":
            return _Picture(1)
        opened.seek(number)
        out = io.BytesIO()
        opened.convert("RGB").save(out, "JPEG", quality=90)
    return _Picture(frames, out.getvalue())


async def _report(photo_id: str, waiting: Waiting, record: Record, use: Backends) -> Report | None:
    about = (places.candidate_report if waiting.kind == "held" else places.report)(use, photo_id, record)
    try:
        return Report.model_validate_json(await use.objects.get(about.bucket, about.key))
    except ObjectMissing:
        return None  # its time is over; the queue will say so soon


async def _shown(photo_id: str, waiting: Waiting, use: Backends) -> Candidate:
    record = await Records(use).get(photo_id)
    report = None if record is None else await _report(photo_id, waiting, record, use)
    return Candidate(
        photo_id=photo_id,
        kind=waiting.kind,
        since=waiting.since,
        until=waiting.until,
        reason=waiting.reason,
        found=waiting.found,
        image_url=f"/photos/review/candidates/{photo_id}",
        frames=report.frames if report is not None else 1,
        width=report.width if report is not None else 0,
        height=report.height if report is not None else 0,
    )
