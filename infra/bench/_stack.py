"""The whole local stack with the demo city, in a temporary folder, for one benchmark."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from shared.errors import StadtfunkError

_START_S: Final = 900.0  # on a machine with other work


@dataclass(frozen=True)
class Stack:
    """A running stack: where to reach it, and the process of each part."""

    addresses: dict[str, str]
    pids: dict[str, int] = field(default_factory=dict)


@contextmanager
def stack(settings: Mapping[str, str], system: str = "xnext") -> Iterator[Stack]:
    """One system's stack for this benchmark alone, its pages findable; of the environment only these settings."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STADTFUNK_")}
    with tempfile.TemporaryDirectory(prefix="stadtfunk-bench-") as folder:
        errors = Path(folder) / "errors"
        options = ("--json", "--no-open", "--data", str(Path(folder) / "data"))
        with errors.open("w") as stderr:
            process = subprocess.Popen(
                [str(Path(sys.executable).parent / "stadtfunk"), "up", "--only", system, *options],
                env=environment | dict(settings),
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        try:
            yield _up(process, errors)
        finally:
            process.terminate()
            process.wait(60)
            if process.stdout is not None:
                process.stdout.close()


def _up(process: "subprocess.Popen[str]", errors: Path) -> Stack:
    deadline = time.monotonic() + _START_S
    pids: dict[str, int] = {}
    for line in process.stdout or ():
        fact = json.loads(line)
        if fact["event"] == "part" and fact["state"] == "ready":
            pids[fact["part"]] = fact["pid"]
        if fact["event"] == "up":
            return Stack(fact["addresses"], pids)
        if time.monotonic() > deadline:
            break
    raise StadtfunkError(f"the stack did not come up: {errors.read_text()[-500:]}")
