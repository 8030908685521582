"""The peer ``deface`` over photos, as its command runs: own environment, its own code, its boxes written down.

Whole boxes, filled solid, as ours are: its default, an ellipse, leaves the corners of a box as they were.
"""

import json
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.stack.environments import install
from shared.errors import StadtfunkError

Box = tuple[float, float, float, float]
_PATIENCE_S: Final = 3600.0
_MARGIN: Final = 0.3  # of a box's size, added on each side: what the command's default (mask scale 1.3) comes to
# Runs in the other environment: the command itself, with what its detector says kept.
_PROGRAM: Final = """
import json, sys
from deface import centerface, deface
ask, said = centerface.CenterFace.__call__, []
def asked(self, *given, **named):
    found = ask(self, *given, **named)
    said.append([[float(value) for value in one[:4]] for one in found[0]])
    return found
centerface.CenterFace.__call__ = asked
target = sys.argv.pop(1)
deface.main()
with open(target, "w") as file:
    json.dump(said, file)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaced:
    """What deface made of photos, all in one run."""

    outputs: Sequence[Path | None]  # None: it wrote nothing
    found: Sequence[Sequence[Box]]  # its boxes, as it masks them
    cpu_ms: float  # of the whole run, its start included
    wall_ms: float


def defaced(photos: Sequence[Path], folder: Path) -> Defaced:
    """Run it over copies of photos in a new folder.

    Raises:
        InstallError: its environment cannot be installed.
        StadtfunkError: it failed.
    """
    python = install("deface")
    folder.mkdir(parents=True)
    copies = []
    for number, photo in enumerate(photos):
        copy = folder / f"{number:06d}{photo.suffix.lower()}"
        copy.write_bytes(photo.read_bytes())
        copies.append(copy)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("STADTFUNK_", "PYTHON"))}
    boxes = folder / "found.json"
    options = (
        "--boxes",
        "--replacewith",
        "solid",
        "--backend",
        "onnxrt",
        "--execution-provider",
        "CPUExecutionProvider",
    )
    before, began = os.times(), time.monotonic()
    ended = subprocess.run(
        (str(python), "-c", _PROGRAM, str(boxes), *map(str, copies), *options),
        env=environment,
        capture_output=True,
        text=True,
        timeout=_PATIENCE_S,
        check=False,
    )
    wall, after = time.monotonic() - began, os.times()
    if ended.returncode:
        raise StadtfunkError(f"deface failed:\n{ended.stderr[-500:]}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    outputs = [one if one.is_file() else None for one in (c.with_stem(f"{c.stem}_anonymized") for c in copies)]
    said = json.loads(boxes.read_text())
    if len(said) != len(photos):
        raise StadtfunkError(f"deface looked at {len(said)} of {len(photos)} photos")
    return Defaced(
        outputs=outputs,
        found=[[_grown(a, b, c, d) for a, b, c, d in one] for one in said],
        cpu_ms=cpu * 1000,
        wall_ms=wall * 1000,
    )


def _grown(left: float, top: float, right: float, bottom: float) -> Box:
    wide, high = (right - left) * _MARGIN, (bottom - top) * _MARGIN
    return left - wide, top - high, right + wide, bottom + high
