"""Photos over HTTP: hand one in, ask how far it is, get it back, have everything deleted."""

import hmac
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from events.photos import PHOTO_ID, Wishes
from functions.photos import places
from functions.photos.intake import LEAD, media_type, submit
from functions.photos.processing import remove
from functions.photos.quota import Quota
from functions.photos.records import Record, Records
from shared.backends import Backends
from shared.errors import StadtfunkError
from shared.function import http
from shared.http import Problem
from shared.objects import ObjectMissing

_FIELDS: Final = 12  # of a form; a photo and its wishes have fewer
_PRIVATE: Final = {"cache-control": "private, no-store", "content-security-policy": "default-src 'none'; sandbox"}
_KEPT: Final = "There is no such photo here; photos and what is known of them are deleted after a while."


class Which(BaseModel):
    """Which photo."""

    model_config = ConfigDict(extra="forbid")

    photo_id: str = Field(pattern=PHOTO_ID)


class Taken(BaseModel):
    """Which photo everything is to be deleted of, by whom handed it in."""

    model_config = ConfigDict(extra="forbid")

    photo_id: str = Field(pattern=PHOTO_ID)
    secret: str = Field(min_length=1, max_length=100)


class Photo(BaseModel):
    """How far a photo is."""

    model_config = ConfigDict(frozen=True)

    photo_id: str
    state: Literal["waiting", "working", "held", "released", "refused", "rejected", "gone"]
    reason: str = ""  # of being held or refused
    state_url: str
    result_url: str | None = None  # once it is released
    report_url: str | None = None
    media_type: str = ""  # of the result
    secret: str = ""  # only in the answer to handing it in: have everything deleted with it


@http
async def receive_photo(request: Request, use: Backends) -> Response:
    """Take a photo and answer with the finished one, or with 202 and where to ask, when that takes longer.

    A form: ``photo``, and as wished ``kinds`` (several), ``mode``, ``fill``, ``panorama`` and ``wait`` (seconds).

    Raises:
        Problem: 400 no such form, 413 too large, 415 no photo, 422 a wish nobody can fulfil, or a broken photo,
            429 more comes in than can be taken.
    """
    secret = token_urlsafe(24)
    photo_id, wait_s = await _taken(request, secret, use)
    record = await Records(use).settled(photo_id, wait_s)
    if record is not None and record.state == "released":
        result = await _file(photo_id, record, use)
        result.headers["content-location"] = f"/photos/{photo_id}/result"
        result.headers["link"] = f'</photos/{photo_id}/report>; rel="describedby"'
        result.headers["photo-secret"] = secret
        return result
    if record is not None and record.state == "refused":
        raise Problem(422, record.reason)
    state = _state(photo_id, record).model_copy(update={"secret": secret})
    headers = {**_PRIVATE, "location": state.state_url, "retry-after": "1"}
    return JSONResponse(state.model_dump(mode="json"), 202, headers)


@http
async def photo_state(which: Which, use: Backends) -> Photo:
    """How far a photo is. Raises Problem 404 where there is none."""
    return _state(which.photo_id, await _record(which.photo_id, use))


@http
async def photo_result(which: Which, use: Backends) -> Response:
    """The finished photo. Raises Problem 404 where there is none, or none yet."""
    record = await _record(which.photo_id, use)
    if record.state != "released":
        raise Problem(404, "This photo is not finished.")
    return await _file(which.photo_id, record, use)


@http
async def photo_report(which: Which, use: Backends) -> Response:
    """The report on a finished photo. Raises Problem 404 where there is none, or none yet."""
    record = await _record(which.photo_id, use)
    if record.state != "released":
        raise Problem(404, "This photo is not finished.")
    place = places.report(use, which.photo_id, record)
    try:
        return Response(await use.objects.get(place.bucket, place.key), media_type="application/json", headers=_PRIVATE)
    except ObjectMissing:
        raise Problem(404, _KEPT) from None


@http
async def forget_photo(taken: Taken, use: Backends) -> Photo:
    """Delete everything of a photo, for whoever has the secret of its upload; at once, and once more if asked.

    Raises:
        Problem: 404 there is no such photo, or the secret is not its.
    """
    record = await Records(use).get(taken.photo_id)
    digest = sha256(taken.secret.encode()).hexdigest()
    if record is None or not record.secret or not hmac.compare_digest(record.secret, digest):
        raise Problem(404, _KEPT)
    after = await Records(use).change(
        taken.photo_id, lambda now: now.model_copy(update={"state": "gone", "reason": ""})
    )
    await remove(taken.photo_id, after or record, use)
    return _state(taken.photo_id, after)


async def _record(photo_id: str, use: Backends) -> Record:
    record = await Records(use).get(photo_id)
    if record is None:
        raise Problem(404, _KEPT)
    return record


def _state(photo_id: str, record: Record | None) -> Photo:
    here = f"/photos/{photo_id}"
    state = record.state if record is not None else "gone"
    finished = state == "released"
    return Photo(
        photo_id=photo_id,
        state="working" if state == "writing" else "held" if state == "reviewing" else state,
        reason=record.reason if record is not None else "",
        state_url=here,
        result_url=f"{here}/result" if finished else None,
        report_url=f"{here}/report" if finished else None,
        media_type=record.media_type if record is not None and finished else "",
    )


async def _file(photo_id: str, record: Record, use: Backends) -> Response:
    place = places.finished(use, photo_id, record)
    try:
        data = await use.objects.get(place.bucket, place.key)
    except ObjectMissing:
        raise Problem(404, _KEPT) from None
    # The name says nothing of the file that was handed in, and an old browser does not run it as a page.
    headers = {**_PRIVATE, "content-disposition": f'attachment; filename="anonymised{record.suffix}"'}
    return Response(data, media_type=record.media_type, headers=headers)


async def _taken(request: Request, secret: str, use: Backends) -> tuple[str, float]:
    """Hand the form's photo in; its id, and how many seconds to wait for it."""
    photos = use.settings.photos
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise Problem(415, "Send the photo as a form (multipart/form-data) with a file named 'photo'.")
    try:
        # Larger files are spooled to the disk while they are read.
        async with request.form(max_files=1, max_fields=_FIELDS, max_part_size=1024) as form:
            photo = form.get("photo")
            if not isinstance(photo, UploadFile):
                raise Problem(
                    422, "photo: a file is needed", errors=[{"field": "photo", "message": "a file is needed"}]
                )
            if photo.size is not None and photo.size > photos.max_bytes:
                raise Problem(413, f"The photo has more than {photos.max_bytes // 10**6} MB.")
            given: dict[str, Any] = {
                name: str(form[name]) for name in ("mode", "fill") if form.get(name) not in (None, "")
            }
            if kinds := [str(one) for one in form.getlist("kinds") if one != ""]:
                given["kinds"] = kinds
            if form.get("panorama") not in (None, "", "auto"):
                given["panorama"] = str(form["panorama"])
            asked = str(form.get("wait") or photos.wait_s)
            wishes, wait_s = _wishes(given), _seconds(asked, photos.wait_s)
            if media_type(await photo.read(LEAD)) is None:
                raise Problem(415, "The file is no JPEG, PNG, WebP, TIFF or HEIC photo.")
            size, quota = photo.size or 0, Quota(use)
            await quota.take(size)
            try:
                return await submit(photo.file, wishes, use, secret=secret), wait_s
            except StadtfunkError:
                await quota.give(size)
                raise
    except (MultiPartException, HTTPException):  # the latter where a host answers
        raise Problem(400, "The form cannot be read.") from None


def _wishes(given: dict[str, Any]) -> Wishes:
    try:
        return Wishes.model_validate(given)
    except ValidationError as error:
        wrong = [str(one["loc"][0]) for one in error.errors(include_url=False, include_input=False)]
        errors = [{"field": name, "message": "is none of what can be wished for"} for name in dict.fromkeys(wrong)]
        raise Problem(422, f"{wrong[0]}: is none of what can be wished for", errors=errors) from None


def _seconds(text: str, most: float) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not seconds >= 0:  # nor what is no number
        raise Problem(422, "wait: is a number of seconds")
    return min(seconds, most)
