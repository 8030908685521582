"""What staff see and decide: the queue, a masked photo, a decision. An original is never among it.

Every look is written down before it is given; who looked is known to the sign-in service alone.
"""

import asyncio
import io
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from events.photos import PHOTO_ID, AddedBox, PhotoReviewed
from functions.photos import places
from functions.photos.candidates import Kind, Queue, Waiting, audit
from functions.photos.decoding import Limits, decode
from functions.photos.records import Records
from functions.photos.report import Report
from shared.backends import Backends
from shared.function import Reply, http
from shared.http import Problem
from shared.objects import ObjectMissing

_LISTED = 200
_GONE = "This photo does not wait for a look any more."


class Which(BaseModel):
    """Which photo."""

    model_config = ConfigDict(extra="forbid")

    photo_id: str = Field(pattern=PHOTO_ID)


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
    boxes: tuple[AddedBox, ...] = Field(default=(), max_length=200)  # to be masked, too
    missed: int | None = Field(default=None, ge=0, le=10_000)  # None: as many as there are boxes


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
async def review_candidate(which: Which, use: Backends) -> Response:
    """The masked photo. Raises Problem 404 where it does not wait any more."""
    waiting, record = await Queue(use).get(which.photo_id), await Records(use).get(which.photo_id)
    if waiting is None or record is None or waiting.decided is not None:
        raise Problem(404, _GONE)
    await audit(use, "looked", which.photo_id, kind=waiting.kind)
    place = (places.candidate if waiting.kind == "held" else places.finished)(use, which.photo_id, record)
    try:
        data = await use.objects.get(place.bucket, place.key)
    except ObjectMissing:
        raise Problem(404, _GONE) from None
    headers = {"cache-control": "private, no-store", "content-security-policy": "default-src 'none'; sandbox"}
    media_type = record.media_type
    if media_type == "image/tiff":
        data, media_type = await asyncio.to_thread(_as_jpeg, data), "image/jpeg"
    return Response(data, media_type=media_type, headers=headers)


@http
async def decide_photo(given: Decision, use: Backends) -> Reply:
    """Note a decision; it is done by a worker.

    Raises:
        Problem: 404 the photo does not wait any more, 409 somebody else has decided otherwise.
    """
    missed = len(given.boxes) if given.missed is None else max(given.missed, len(given.boxes))
    queue = Queue(use)
    waiting = await queue.get(given.photo_id)
    if waiting is None:
        raise Problem(404, _GONE)
    await audit(use, given.decision, given.photo_id, kind=waiting.kind, boxes=len(given.boxes), missed=missed)

    def decision(waiting: Waiting) -> PhotoReviewed:
        return PhotoReviewed(
            photo_id=given.photo_id,
            kind=waiting.kind,
            decision=given.decision,
            boxes=given.boxes,
            found=waiting.found,
            missed=missed,
        )

    decided = await queue.decide(given.photo_id, decision)
    if decided is None:
        raise Problem(404, _GONE)
    if decided != decision(waiting):
        raise Problem(409, "Somebody else has decided about this photo.")
    return Reply(response=Decided(decision=decided.decision), events=[decided], status=202)


def _as_jpeg(tiff: bytes) -> bytes:
    """The first page of a masked TIFF as a browser shows it: no browser shows the file itself."""
    out = io.BytesIO()
    page = decode(tiff, Limits(bytes=2**31, pixels=2**31)).frames[0].image
    page.convert("RGB").save(out, "JPEG", quality=90)
    return out.getvalue()


async def _shown(photo_id: str, waiting: Waiting, use: Backends) -> Candidate:
    about = (places.candidate_report if waiting.kind == "held" else places.report)(use, photo_id)
    width = height = 0
    try:
        report = Report.model_validate_json(await use.objects.get(about.bucket, about.key))
        width, height = report.width, report.height
    except ObjectMissing:
        pass  # its time is over; the queue will say so soon
    return Candidate(
        photo_id=photo_id,
        kind=waiting.kind,
        since=waiting.since,
        until=waiting.until,
        reason=waiting.reason,
        found=waiting.found,
        image_url=f"/photos/review/candidates/{photo_id}",
        width=width,
        height=height,
    )
