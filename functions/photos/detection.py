"""Everything in a photo that may be a face, a plate or a person: all that any detector says, however unsure it is."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from functions.photos import lettering
from functions.photos.masking import Box, Kind, Region
from functions.photos.report import Mode
from functions.photos.tiling import TILE, Tile, View, tiles


class Found(Protocol):
    """What a detector says of one tile."""

    @property
    def boxes(self) -> NDArray[Any]:
        """[M, 4] left, top, right, bottom in tile pixels."""
        ...

    @property
    def scores(self) -> NDArray[Any]:
        """[M] above 0."""
        ...


class Vision(Protocol):
    """What this room asks of the inference server; ``shared.vision`` is the real one."""

    async def detect(self, model: str, tiles: NDArray[np.uint8]) -> Sequence[Found]:
        """What a model finds in tiles [N, H, W, 3]; one entry a tile."""
        ...

    async def text(self, tiles: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """How likely lettering is, 0 to 255, in each 4 x 4 pixels of tiles [N, H, W, 3]: [N, H/4, W/4]."""
        ...

    async def models(self) -> Mapping[str, str]:
        """SHA-256 of each model that answers."""
        ...


@dataclass(frozen=True, slots=True)
class Look:
    """One detector over one view of the photo."""

    kind: Kind
    model: str
    view: View
    threshold: float  # what scores less is nothing


NATIVE: Final = 0
TEXT: Final = "text"
FACES: Final = ("centerface", "yunet")
# What scores more in the masked photo, after the last round, holds it back.
REPORTED: Final[Mapping[str, float]] = {
    "centerface": 0.5,
    "yunet": 0.6,
    "persons": 0.5,
    "persons_pypi": 0.9,
    "plates": 0.5,
    TEXT: 0.7,
}


def _looks(kind: Kind, model: str, threshold: float, *sides: int, mirrored: bool = False) -> tuple[Look, ...]:
    ways = (False, True) if mirrored else (False,)
    return tuple(Look(kind, model, View(side, way), threshold) for side in sides for way in ways)


# Measured on the dev photos (docs/photos.md): small views find the large faces and large views the small ones, and a
# low threshold finds more than another detector does; what is looked at enlarged must be surer.
_FACES: Final = {
    "accurate": (
        *_looks("face", "centerface", 0.07, 256, 512, mirrored=True),
        *_looks("face", "centerface", 0.12, 1024, NATIVE, mirrored=True),
        *_looks("face", "yunet", 0.25, 256, 512, NATIVE, mirrored=True),
    ),
    # The cheaper one first: it takes the second look.
    "fast": (
        *_looks("face", "yunet", 0.12, 512),
        *_looks("face", "yunet", 0.30, 1280),
        *_looks("face", "centerface", 0.06, 1024),
    ),
}
# Our own detector alone hides all plates of the frames it was not trained on; lettering is the net below it.
_PLATES: Final = {
    "accurate": (*_looks("plate", "plates", 0.15, 640, 1280, NATIVE), *_looks("plate", TEXT, 0.5, 1280)),
    "fast": (*_looks("plate", "plates", 0.20, 1280, NATIVE),),
}
# The second one's boxes are wide; it is asked where the first cannot be had.
_PERSONS: Final = {
    "persons": {
        "accurate": _looks("person", "persons", 0.30, 1280, NATIVE),
        "fast": _looks("person", "persons", 0.30, 640),
    },
    "persons_pypi": {
        "accurate": _looks("person", "persons_pypi", 0.50, 1280, NATIVE),
        "fast": _looks("person", "persons_pypi", 0.50, 1280),
    },
}
# Persons by their faces: beside a detector of persons the sure ones only, without one whatever may be a face.
_BODIES: Final = _looks("person", "centerface", 0.30, 640, 1280)
_BODIES_ALONE: Final = (*_looks("person", "centerface", 0.06, 640, 1280), *_looks("person", "yunet", 0.15, 640))
_BODY: Final = (2.7, 1.0, 10.0)  # face widths to each side of its middle, face heights above its top and below it


def plan(
    kinds: Collection[Kind], mode: Mode, models: Collection[str], size: tuple[int, int], *, alpha: bool = False
) -> tuple[Look, ...]:
    """How a photo of that size is looked at with the models that are there.

    ``alpha``: it can be seen through, which may draw a face, too: it is looked at on white besides.
    """
    chosen: list[Look] = []
    if "face" in kinds:
        chosen += _FACES[mode]
    if "plate" in kinds:
        chosen += _PLATES[mode]
    if "person" in kinds:
        first = next((name for name in _PERSONS if name in models), None)
        chosen += (*_PERSONS[first][mode], *_BODIES) if first else _BODIES_ALONE
    if alpha:
        chosen += [replace(look, view=replace(look.view, white=True)) for look in chosen]
    # At its own size only where that is more than a view that is scaled down shows of it.
    return tuple(look for look in chosen if look.model in models and (look.view.side != NATIVE or max(size) > TILE))


def again(looks: Sequence[Look], mode: Mode) -> tuple[Look, ...]:
    """How the masked photo is looked at: not mirrored; in a hurry with the first detector of each kind."""
    first = {look.kind: look.model for look in reversed(looks)}
    return tuple(
        look for look in looks if not look.view.mirrored and (mode == "accurate" or look.model == first[look.kind])
    )


async def detect(
    image: Image.Image,
    looks: Sequence[Look],
    vision: Vision,
    *,
    wraps: bool = False,
    frame: int = 0,
    changed: Sequence[Region] | None = None,
) -> list[Box]:
    """All boxes of one picture above each look's threshold, in its pixels; nothing is merged or left out.

    ``changed``: only around these regions; elsewhere the picture is as it was when it was looked at last.

    Raises:
        BackendError: the server did not answer to one of the tiles.
    """
    found: list[Box] = []
    places = None
    if changed is not None:
        corners = [(region.left, region.top, region.right, region.bottom) for region in changed]
        # Across the seam a tile shows a region again, one width further right.
        turns = (0, image.width) if wraps else (0,)
        places = np.array([(a + t, b, c + t, d) for a, b, c, d in corners for t in turns], np.float64).reshape(-1, 4)
    for view, group in groupby(sorted(looks, key=_by_view), key=_by_view):
        asked: dict[str, list[Look]] = {}
        for look in group:
            asked.setdefault(look.model, []).append(look)
        async for whole in _ahead(tiles(image, view, wraps=wraps)):
            for tile in (whole,) if places is None else whole.around(places):
                answers = await asyncio.gather(*(_ask(model, tile, vision) for model in asked))
                for same, (boxes, scores) in zip(asked.values(), answers, strict=True):
                    for look in same:
                        found += _boxes(look, tile.back(boxes), scores, frame)
    return found


def _by_view(look: Look) -> View:
    return look.view


async def _ahead(made: Iterator[Tile]) -> AsyncIterator[Tile]:
    """Tiles made off the event loop, the next one while the last one is looked at."""
    following = asyncio.create_task(asyncio.to_thread(next, made, None))
    try:
        while (tile := await following) is not None:
            following = asyncio.create_task(asyncio.to_thread(next, made, None))
            yield tile
    finally:
        await asyncio.gather(following, return_exceptions=True)


async def _ask(model: str, tile: Tile, vision: Vision) -> tuple[NDArray[Any], NDArray[Any]]:
    if model == TEXT:
        return lettering.regions((await vision.text(tile.pixels[None]))[0])
    (found,) = await vision.detect(model, tile.pixels[None])
    return found.boxes, found.scores


def _boxes(look: Look, boxes: NDArray[np.float64], scores: NDArray[Any], frame: int) -> Iterator[Box]:
    for (left, top, right, bottom), score in zip(boxes.tolist(), scores.tolist(), strict=True):
        if score >= look.threshold and left < right and top < bottom:
            box = Box(left, top, right, bottom, look.kind, min(score, 1.0), look.model, frame)
            yield _body(box) if look.kind == "person" and look.model in FACES else box


def _body(face: Box) -> Box:
    """The person below a face: a body is about seven and a half heads high."""
    beside, above, below = _BODY
    middle, width, height = (face.left + face.right) / 2, face.right - face.left, face.bottom - face.top
    return replace(
        face,
        left=middle - beside * width,
        right=middle + beside * width,
        top=face.top - above * height,
        bottom=face.top + below * height,
    )
