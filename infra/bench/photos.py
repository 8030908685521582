"""Photos a second through the whole way, from bucket to bucket, beside deface: same photos, same cores, same run.

Drawn photos of 1920 x 1080 pixels, of which faces are looked for, which is all that deface does. Ours go in four at
a time and pass NATS, Triton and S3; deface reads files and writes files, started once for all of them.
"""

import asyncio
import importlib
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from infra.cli.evaluate import stack
from infra.photos.deface import defaced
from infra.photos.drawn import draw
from infra.photos.way import MODES, Meter, running
from shared.errors import StadtfunkError

_PHOTOS: Final = 32
_QUICK: Final = 8
_AT_ONCE: Final = 4


def run(quick: bool = False) -> dict[str, object]:
    """Photos a second, and milliseconds of CPU a photo of all processes."""
    module = importlib.import_module("functions.photos.commands")
    with tempfile.TemporaryDirectory(prefix="stadtfunk-photos-") as folder:
        truth = draw(Path(folder), _QUICK if quick else _PHOTOS)
        photos = module.load_truth(truth, "faces", None)
        found = asyncio.run(_ours(module, photos))
        made = defaced([photo.path for photo in photos], Path(folder) / "deface")
    found |= {
        "deface_per_s": round(len(photos) / made.wall_ms * 1000, 2),
        "deface_cpu_ms": round(made.cpu_ms / len(photos)),
    }
    return {**found, "photos": len(photos), "cores": os.cpu_count(), "load_1min": round(os.getloadavg()[0], 2)}


async def _ours(module: ModuleType, photos: Sequence[Any]) -> dict[str, object]:
    found: dict[str, object] = {}
    async with running(stack(("photos",), None)) as use:

        async def some(mode: str, part: Sequence[Any]) -> None:
            async for passed in module.passing(part, "faces", mode, use):
                if passed.outcome not in ("released", "held"):
                    raise StadtfunkError(f"a drawn photo was {passed.outcome}")

        meter = Meter()
        for mode in MODES:
            await some(mode, photos[:1])  # what starts with the first photo is no matter of speed
            before, began = meter.cpu_ms(), time.monotonic()
            await asyncio.gather(*(some(mode, photos[place::_AT_ONCE]) for place in range(_AT_ONCE)))
            seconds = time.monotonic() - began
            found |= {
                f"{mode}_per_s": round(len(photos) / seconds, 2),
                f"{mode}_cpu_ms": round((meter.cpu_ms() - before) / len(photos)),
            }
    return found
