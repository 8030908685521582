"""`stadtfunk evaluate photos`: photos with known faces, plates or persons go the whole way, beside deface."""

import asyncio
import os
from pathlib import Path
from types import ModuleType

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from infra.cli.evaluate import commit, in_a_line, stack
from infra.cli.output import err, fail, show_json, show_table
from infra.photos.way import judge
from shared.errors import StadtfunkError

_MIRROR = "STADTFUNK_VISION__MIRROR"


def judged_photos(
    system: str,
    module: ModuleType,
    truth: Path,
    kind: str | None,
    *,
    out: Path | None,
    sample: int | None,
    as_json: bool,
) -> None:
    """Judge what comes out of the system and print the figures."""
    if kind is None:
        fail("--kind says what the list of --truth has: faces, plates or persons")
    try:
        photos = module.load_truth(truth, kind, sample)
    except StadtfunkError as error:
        fail(str(error))
    variables = {_MIRROR: os.environ[_MIRROR]} if _MIRROR in os.environ else {}
    with Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=err) as progress:
        tasks: dict[str, TaskID] = {}

        def said(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=of)
            progress.update(tasks[what], completed=done)

        own = stack((system,), None, variables=variables)
        figures = asyncio.run(judge(module, photos, kind, own, said, out=out))
    run = {"truth": str(truth), "kind": kind, "load_1min": round(os.getloadavg()[0], 2), "commit": commit()}
    if as_json:
        show_json(figures | {"run": run})
        return
    names = [name for name in figures["accurate"] if name != "outcomes"]
    rows = [(mode, *(row.get(name) for name in names)) for mode, row in figures.items()]
    show_table(f"{system}: {kind} of {truth.name}", ["Mode", *names], rows)
    for mode in ("accurate", "fast"):
        err.print(f"{mode}: {in_a_line(figures[mode]['outcomes'])}", markup=False, soft_wrap=True)
    err.print(in_a_line(run), markup=False, soft_wrap=True)
