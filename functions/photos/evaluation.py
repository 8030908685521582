"""How well photos are anonymised: each goes from bucket to bucket, and what comes out is compared with what went in."""

import io
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from events.photos import Wishes
from functions.photos import places
from functions.photos.intake import submit
from functions.photos.masking import GROWTH, MARGIN, Kind
from functions.photos.measuring import Box, Seen, seen
from functions.photos.records import Records
from functions.photos.report import Mode, Report
from shared.backends import Backends
from shared.errors import StadtfunkError

KINDS: Final[Mapping[str, Kind]] = {"faces": "face", "plates": "plate", "persons": "person"}
_PATIENCE_S: Final = 900.0  # a photo

Outcome = Literal["released", "held", "refused", "late"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A photo with what is to be found in it."""

    name: str  # as the list says
    path: Path
    true: Sequence[Box]


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """What became of a photo."""

    outcome: Outcome
    file: bytes  # of a held photo: its masked candidate; empty: there is none
    suffix: str
    found: Sequence[Box]  # as they are masked
    wall_ms: float


def load_truth(file: Path, kind: str, sample: int | None) -> list[Judged]:
    """The photos of a list: JSON lines with ``file`` (beside the list) and the boxes under the kind's name.

    ``sample``: so many of them, spread over the list, always the same.

    Raises:
        StadtfunkError: a line that is none, a photo that is not there, a list with nothing of that kind.
    """
    photos = []
    for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            path, boxes = file.parent / entry["file"], [_box(box) for box in entry[kind]]
        except (ValueError, KeyError, TypeError) as error:
            raise StadtfunkError(f"{file}, line {number}: needs 'file' and '{kind}' ({type(error).__name__})") from None
        if not path.is_file():
            raise StadtfunkError(f"{file}, line {number}: no such file: {path}")
        photos.append(Judged(name=str(entry["file"]), path=path, true=boxes))
    if not any(photo.true for photo in photos):
        raise StadtfunkError(f"{file}: no {kind} in it")
    if sample is not None and sample < len(photos):
        photos = [photos[place * len(photos) // sample] for place in range(sample)]
    return photos


async def passing(photos: Sequence[Judged], kind: str, mode: Mode, use: Backends) -> AsyncIterator[Passed]:
    """Send photos the whole way, one after the other, and fetch what comes out."""
    what = KINDS[kind]
    wishes = Wishes(kinds=(what,), mode=mode)
    for photo in photos:
        began = time.monotonic()
        photo_id = await submit(photo.path.read_bytes(), wishes, use)
        record = await Records(use).settled(photo_id, _PATIENCE_S)
        wall_ms = (time.monotonic() - began) * 1000
        if record is None or record.state not in ("released", "held"):
            outcome: Outcome = "refused" if record is not None and record.state == "refused" else "late"
            yield Passed(outcome=outcome, file=b"", suffix="", found=(), wall_ms=wall_ms)
            continue
        released = record.state == "released"
        place = (places.finished if released else places.candidate)(use, photo_id, record)
        about = (places.report if released else places.candidate_report)(use, photo_id, record)
        report = Report.model_validate_json(await use.objects.get(about.bucket, about.key))
        yield Passed(
            outcome="released" if released else "held",
            file=await use.objects.get(place.bucket, place.key),
            suffix=record.suffix,
            found=[_box(one.box) for one in report.masked if one.kind == what],
            wall_ms=wall_ms,
        )


def look(photo: Judged, output: bytes, found: Sequence[Box], kind: str) -> Seen:
    """Compare an output with its photo; an output that is empty hides nothing and shows nothing."""
    what = KINDS[kind]
    before = upright(photo.path.read_bytes())
    after = upright(output) if output else before
    if after.shape != before.shape:  # a peer that ignores the orientation writes the photo as it lies
        after = before
        found = ()
    return seen(before, after, photo.true, found, growth=GROWTH[what], margin=MARGIN[what])


def summary(all_seen: Sequence[Seen]) -> dict[str, float]:
    """The figures over photos: shares over all boxes, areas as the mean of photos."""
    boxes, count = sum(one.boxes for one in all_seen), len(all_seen)
    grown = sum(one.grown for one in all_seen)
    return {
        "photos": count,
        "boxes": boxes,
        "recall": round(sum(one.hit for one in all_seen) / boxes, 4),
        "cov90": round(sum(one.hidden for one in all_seen) / boxes, 4),
        "masked_share": round(sum(one.masked / one.pixels for one in all_seen) / count, 4),
        "grown_share": round(sum(one.grown / one.pixels for one in all_seen) / count, 4),
        "masked_excess": round(sum(one.masked for one in all_seen) / grown, 2),
        "psnr_outside": round(sum(one.psnr_outside for one in all_seen) / count, 1),
        "psnr_outside_least": round(min(one.psnr_outside for one in all_seen), 1),
    }


def upright(file: bytes) -> NDArray[np.uint8]:
    """The picture as it is to be looked at, [H, W, 3]."""
    with Image.open(io.BytesIO(file)) as opened:
        return np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))


def _box(values: Sequence[float]) -> Box:
    left, top, right, bottom = (float(value) for value in values)
    return left, top, right, bottom
