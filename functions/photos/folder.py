"""A folder of photos through the running system: handed in some at a time, fetched when they are finished.

Originals are only read. A file in the target is written whole or not at all, and never written over.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal
from uuid import uuid4

from events.photos import Wishes
from functions.photos import places
from functions.photos.intake import LEAD, media_type, submit
from functions.photos.records import Records
from functions.photos.report import Report
from shared.backends import Backends
from shared.errors import StadtfunkError

Outcome = Literal["released", "held", "refused", "rejected", "gone", "late", "there", "failed"]
_SUFFIXES: Final = (".jpg", ".png", ".webp", ".tif")


class FolderError(StadtfunkError):
    """The folders cannot be used like this; the text says why."""


@dataclass(frozen=True, slots=True)
class Task:
    """A photo, and where it goes: the name gets the suffix of the written file."""

    source: Path
    target: Path  # without a suffix


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What became of a photo."""

    source: Path
    outcome: Outcome
    reason: str = ""
    target: Path | None = None
    counts: dict[str, int] = field(default_factory=dict)  # masked, by kind

    def document(self) -> dict[str, Any]:
        """For machines."""
        found: dict[str, Any] = {"source": str(self.source), "outcome": self.outcome}
        if self.target is not None:
            found |= {"target": str(self.target), "found": self.counts}
        return found | ({"reason": self.reason} if self.reason else {})


def photos_in(source: Path, target: Path) -> list[Task]:
    """Every photo below a folder, told by content; hidden files and links are left alone.

    Raises:
        FolderError: there is no such folder, no photo in it, or one of the two lies within the other.
    """
    if not source.is_dir():
        raise FolderError(f"{source}: no such folder")
    inner, outer = target.resolve(), source.resolve()
    if inner == outer or outer in inner.parents or inner in outer.parents:
        raise FolderError(
            f"{target}: choose a folder outside {source}, and not around it: originals and results must not mix"
        )
    found = [
        path
        for path in sorted(source.rglob("*"))
        if path.is_file() and not path.is_symlink() and not any(one.startswith(".") for one in _below(path, source))
    ]
    photos = [path for path in found if _is_photo(path)]
    if not photos:
        raise FolderError(f"{source}: no JPEG, PNG, WebP, TIFF or HEIC photo is in it")
    # a.png and a.jpg would both become a.jpg: then the whole name stays.
    stems = Counter(path.with_suffix("") for path in photos)
    return [
        Task(path, target / (path if stems[path.with_suffix("")] > 1 else path.with_suffix("")).relative_to(source))
        for path in photos
    ]


async def run(
    tasks: Sequence[Task], wishes: Wishes, use: Backends, *, at_once: int, patience_s: float
) -> AsyncIterator[Result]:
    """Work through photos; a result each, as they are finished."""
    slots = asyncio.Semaphore(at_once)

    async def one(task: Task) -> Result:
        async with slots:
            try:
                return await _work(task, wishes, use, patience_s)
            except (StadtfunkError, OSError) as error:
                return Result(source=task.source, outcome="failed", reason=f"{type(error).__name__}: {error}")

    working = [asyncio.create_task(one(task)) for task in tasks]
    try:
        for done in asyncio.as_completed(working):
            yield await done
    finally:
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)


async def _work(task: Task, wishes: Wishes, use: Backends, patience_s: float) -> Result:
    there = next((path for suffix in _SUFFIXES if (path := _named(task.target, suffix)).exists()), None)
    if there is not None:
        return Result(source=task.source, outcome="there", target=there)
    most = use.settings.photos.max_bytes
    if task.source.stat().st_size > most:
        return Result(source=task.source, outcome="refused", reason=f"has more than {most // 10**6} MB")
    with task.source.open("rb") as photo:
        photo_id = await submit(photo, wishes, use)
    record = await Records(use).settled(photo_id, patience_s)
    if record is None or not record.settled:
        return Result(source=task.source, outcome="late")
    if record.state != "released":
        outcome: Outcome = "held" if record.state in ("held", "reviewing") else record.state  # type: ignore[assignment]
        return Result(source=task.source, outcome=outcome, reason=record.reason)
    place, about = places.finished(use, photo_id, record), places.report(use, photo_id, record)
    file = await use.objects.get(place.bucket, place.key)
    report = await use.objects.get(about.bucket, about.key)
    path = _named(task.target, record.suffix)
    await asyncio.to_thread(_write, _named(task.target, ".report.json"), report)
    await asyncio.to_thread(_write, path, file)
    counts = {str(kind): count for kind, count in Report.model_validate_json(report).counts.items() if count}
    return Result(source=task.source, outcome="released", target=path, counts=counts)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{uuid4().hex}")
    try:
        draft.write_bytes(data)
        os.replace(draft, path)
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()


def _named(target: Path, suffix: str) -> Path:
    return target.with_name(target.name + suffix)


def _below(path: Path, folder: Path) -> tuple[str, ...]:
    return path.relative_to(folder).parts


def _is_photo(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return media_type(file.read(LEAD)) is not None
    except OSError:
        return False
