"""A photo in, a photo without recognisable faces, plates and persons out: or none at all.

Whatever goes wrong on the way (a broken file, an inference server that is away, a model that is not the one that was
agreed) is an exception, and there is no output.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from PIL import Image

from functions.photos import detection
from functions.photos.decoding import Limits, Photo, decode
from functions.photos.detection import REPORTED, Look, Vision
from functions.photos.encoding import encode, media_type, suffix
from functions.photos.inspection import findings
from functions.photos.masking import Box, Fill, Kind, Region, covered, grown, hidden, mask, merged, share
from functions.photos.report import Decision, Looked, Masked, Mode, Position, Reason, Report
from shared.errors import BackendError

ROUNDS: Final = 2  # of looking again at what was masked
_WHOLE_TURN: Final = 2.0  # width to height of a photo that shows all around (equirectangular)
_HIDDEN: Final = 0.5  # of a box: found again in a mask, it is the mask that was found


class UncleanOutput(Exception):
    """What was written holds something that must not be there: a bug of ours. Nothing is given out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What is made of a photo."""

    kinds: tuple[Kind, ...] = ("face", "plate")
    mode: Mode = "accurate"
    fills: Mapping[Kind, Fill] = field(default_factory=dict[Kind, Fill])  # default: solid; a plate is always solid
    panorama: bool | None = None  # a whole turn, looked at across its seam; None: by its shape
    context: bool = False  # when and about where it was taken goes into the report


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """A masked photo and the account of it."""

    decision: Decision
    file: bytes  # released: the output; held: the candidate that staff look at
    media_type: str
    suffix: str  # of a file's name, e.g. ``.jpg``
    report: Report


async def anonymise(data: bytes, options: Options, vision: Vision, limits: Limits | None = None) -> Outcome:
    """Decode, look, mask, look again, encode, inspect.

    Raises:
        PhotoRefused: it is no photo that can be anonymised.
        BackendError: the inference server did not answer, or has no model for what is asked.
        UncleanOutput: the written file did not pass its inspection.
    """
    began = time.monotonic()
    models = await vision.models()
    photo = await asyncio.to_thread(decode, data, limits)
    work = _Work(photo, options, _plan(photo, options, models))
    still = False
    for number in range(len(photo.frames)):
        still |= await work.frame(number, vision)
    written = await asyncio.to_thread(encode, photo)
    if found := await asyncio.to_thread(findings, written, photo.format):
        raise UncleanOutput(f"the written {photo.format} has {', '.join(found)}")
    reason: Reason | None = "still_found" if still else None
    report = await asyncio.to_thread(work.report, reason, models, round(1000 * (time.monotonic() - began)))
    return Outcome(
        decision=report.decision,
        file=written,
        media_type=media_type(photo),
        suffix=suffix(photo),
        report=report,
    )


def _plan(photo: Photo, options: Options, models: Mapping[str, str]) -> tuple[Look, ...]:
    """How it is looked at: as its largest picture needs it, for everything that is asked.

    Raises:
        BackendError: there is no model for one of the kinds (in this mode).
    """
    images = [frame.image for frame in photo.frames]
    largest = max((image.size for image in images), key=max)
    alpha = any(image.mode in ("LA", "RGBA") for image in images)
    looks = detection.plan(options.kinds, options.mode, list(models), largest, alpha=alpha)
    for kind in options.kinds:
        if not any(look.kind == kind for look in looks):
            raise BackendError("triton", f"no model that finds a {kind} is there")
    return looks


@dataclass(frozen=True, slots=True)
class _Found:
    region: Region  # what is masked
    box: Box  # because of this
    round: int


class _Work:
    """A photo while it is worked on, frame by frame."""

    def __init__(self, photo: Photo, options: Options, looks: Sequence[Look]) -> None:
        width, height = photo.size
        self._photo = photo
        self._options = options
        self._looks = looks
        self._wraps = width == _WHOLE_TURN * height if options.panorama is None else options.panorama
        self._fills: dict[Kind, Fill] = {kind: options.fills.get(kind, "solid") for kind in options.kinds}
        if "plate" in self._fills:
            self._fills["plate"] = "solid"  # lettering is read out of any blur
        self._found: list[_Found] = []
        self._shares: list[float] = []
        self._rounds = 1

    async def frame(self, number: int, vision: Vision) -> bool:
        """Mask one frame in place; says whether something was still found in the last round."""
        image = self._photo.frames[number].image
        boxes = await detection.detect(image, self._looks, vision, wraps=self._wraps, frame=number)
        regions = await self._mask(image, boxes, number, 1)
        again, still = detection.again(self._looks, self._options.mode), False
        changed = list(regions)
        for count in range(2, 2 + ROUNDS):
            seen = await detection.detect(image, again, vision, wraps=self._wraps, frame=number, changed=changed)
            sure = [box for box in seen if box.score >= REPORTED[box.model]]
            boxes = await asyncio.to_thread(self._bare, sure, image.size, regions) if sure else []
            self._rounds = max(self._rounds, count)
            still = bool(boxes)
            if not still:
                break
            changed = await self._mask(image, boxes, number, count)
            regions += changed
        self._shares.append(await asyncio.to_thread(share, image.size, regions))
        return still

    def _bare(self, boxes: Sequence[Box], size: tuple[int, int], regions: Sequence[Region]) -> list[Box]:
        """Those that show more than the mask."""
        masked = covered(size, regions)
        return [box for box in boxes if hidden(box, masked, wraps=self._wraps) < _HIDDEN]

    async def _mask(self, image: Image.Image, boxes: Sequence[Box], number: int, count: int) -> list[Region]:
        found = [(region, box) for box in boxes for region in grown(box, image.size, wraps=self._wraps)]
        self._found += [_Found(region, box, count) for region, box in found]
        regions = [region for region, _ in found]
        await asyncio.to_thread(mask, image, regions, self._fills)
        return regions

    def report(self, reason: Reason | None, models: Mapping[str, str], duration_ms: int) -> Report:
        """The account of it, when all frames are done."""
        shown: list[_Found] = []
        counts = dict.fromkeys(self._options.kinds, 0)
        for number in range(len(self._photo.frames)):
            best = sorted((one for one in self._found if one.box.frame == number), key=lambda one: -one.box.score)
            told = {one.region: one for one in reversed(best)}  # the surest of those that are masked alike
            listed = merged([one.region for one in best])
            shown += [told[region] for region in listed]
            for region in merged(listed, apart=True):
                counts[region.kind] += 1
        width, height = self._photo.size
        place = self._photo.position
        asked = {look.model for look in self._looks}
        return Report(
            decision="held" if reason else "released",
            reason=reason,
            kinds=self._options.kinds,
            mode=self._options.mode,
            fills=self._fills,
            read_as=self._photo.read_as,
            written_as=self._photo.format,
            width=width,
            height=height,
            frames=len(self._photo.frames),
            panorama=self._wraps,
            counts=counts,
            masked=tuple(Masked.of(one.region, one.box, one.round) for one in shown),
            masked_share=sum(self._shares) / len(self._shares),
            rounds=self._rounds,
            looked=tuple(
                Looked(model=look.model, side=look.view.side, mirrored=look.view.mirrored, threshold=look.threshold)
                for look in self._looks
                if not look.view.white
            ),
            report_threshold={model: score for model, score in REPORTED.items() if model in asked},
            models={model: digest for model, digest in models.items() if model in asked},
            duration_ms=duration_ms,
            captured_at=self._photo.captured_at if self._options.context else None,
            position=Position(latitude=place[0], longitude=place[1]) if self._options.context and place else None,
        )
