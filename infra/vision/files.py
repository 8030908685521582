"""Finds a model's published file, and refuses one that is not byte for byte the one in the list."""

import hashlib
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from infra.vision.models import Model
from shared.errors import StadtfunkError

MIRROR = Path("../shared/models")
_LIMIT_S = 15
_MOST_BYTES = 64 * 2**20


class ModelMissing(StadtfunkError):
    """A model's file cannot be had here; the text says where it was looked for."""


class WrongModel(StadtfunkError):
    """A file is not the one in the list of models; nothing is served of it."""


def published(model: Model, *, mirror: Path | None, wheels: Path | None, kept: Path) -> Path:
    """The file as its authors publish it: own, kept from an earlier start, or out of mirror, wheel or address.

    ``wheels`` is the folder that the packages of locks/models.txt are installed in, ``kept`` holds what was fetched.

    Raises:
        ModelMissing: it is nowhere.
        WrongModel: it has another hash than the list says.
    """
    if model.own is not None:
        return checked(model.own, model.sha256, model.name)
    places: Sequence[Path | None] = (
        mirror / model.file if mirror else None,
        wheels / model.wheel[1] if wheels and model.wheel else None,
        kept / model.file,
    )
    for place in places:
        if place is not None and place.is_file():
            return checked(place, model.sha256, model.name)
    if model.address is None:
        raise ModelMissing(f"{model.name}: {model.file} is in none of {', '.join(str(p) for p in places if p)}")
    return checked(_fetched(model, model.address, kept / model.file), model.sha256, model.name)


def checked(file: Path, sha256: str, name: str) -> Path:
    """The file, when it is the right one.

    Raises:
        WrongModel: it is not; says so in words that lead out.
    """
    found = digest(file)
    if found != sha256:
        raise WrongModel(
            f"{name}: {file} has sha256 {found}, and the list of models says {sha256}; it is not served. "
            "Remove the file, or put the right one there"
        )
    return file


def digest(file: Path) -> str:
    """Its sha256 in hex."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _fetched(model: Model, address: str, place: Path) -> Path:
    try:
        with urllib.request.urlopen(address, timeout=_LIMIT_S) as answer:  # noqa: S310 - https, from our own list
            content = answer.read(_MOST_BYTES)
    except OSError as error:
        raise ModelMissing(
            f"{model.name}: no answer from {address} ({type(error).__name__}); "
            f"put {model.file} into a folder and name it with STADTFUNK_VISION__MIRROR"
        ) from None
    if hashlib.sha256(content).hexdigest() != model.sha256:
        raise WrongModel(f"{model.name}: {address} gives another file than the list of models says; it is not served")
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_suffix(".part")
    part.write_bytes(content)
    return part.rename(place)
