"""What an operator does with photos: ``stadtfunk photos anonymise | status | audit``."""

import asyncio
import json
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from events.photos import Wishes
from functions.photos import folder
from functions.photos.candidates import Queue, trail
from functions.photos.evaluation import load_truth, look, passing, summary
from functions.photos.figures import NoQuery, photo_figures
from shared.backends import Backends
from shared.settings import Settings

__all__ = ["app", "load_truth", "look", "passing", "summary"]


class Kind(StrEnum):
    """What is masked."""

    face = "face"
    plate = "plate"
    person = "person"


app = typer.Typer(help="Anonymising photos.", no_args_is_help=True)
_WORDS = {
    "released": "anonymised",
    "held": "held for a person's look",
    "refused": "no photo that can be read",
    "there": "there already",
    "late": "not done in time; it goes on, run this again",
    "failed": "failed",
    "gone": "gone",
    "rejected": "rejected in the review",
}


@app.callback()
def photos() -> None:
    """Anonymising photos."""


@app.command("anonymise")
def anonymise(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A folder of photos; they stay as they are.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="Where the anonymised ones go; made if need be.")],
    *,
    kind: Annotated[list[Kind] | None, typer.Option(help="What is masked; several. [face and plate]")] = None,
    fill: Annotated[Literal["solid", "blur"], typer.Option(help="Of faces and persons.")] = "solid",
    mode: Annotated[Literal["accurate", "fast"], typer.Option(help="How closely is looked.")] = "accurate",
    at_once: Annotated[int, typer.Option(min=1, max=64, help="Photos handed in at a time.")] = 8,
    patience: Annotated[float, typer.Option(min=1, help="Seconds a photo may take.")] = 900.0,
    as_json: Annotated[bool, typer.Option("--json", help="A line a photo, and the summary.")] = False,
) -> None:
    """Anonymise a folder of photos through the running system; what is there already is left as it is."""
    wishes = Wishes(kinds=tuple(one.value for one in kind or (Kind.face, Kind.plate)), fill=fill, mode=mode)
    try:
        found = folder.photos_in(source, target)
    except folder.FolderError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    results = asyncio.run(_folder(found, wishes, at_once, patience, as_json))
    counts = Counter(one.outcome for one in results)
    if as_json:
        things = sum((Counter(one.counts) for one in results), Counter[str]())
        typer.echo(json.dumps({"photos": len(results), "outcomes": dict(counts), "found": dict(things)}))
    else:
        _summary(results, target)
    if set(counts) - {"released", "there"}:
        raise typer.Exit(1)


async def _folder(
    found: list[folder.Task], wishes: Wishes, at_once: int, patience: float, as_json: bool
) -> list[folder.Result]:
    use = Backends(Settings())
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    results: list[folder.Result] = []
    try:
        # The bar goes to standard error, so that what is piped on is the answer alone.
        with Progress(*columns, console=Console(stderr=True), disable=as_json) as progress:
            bar = progress.add_task("Anonymising", total=len(found))
            async for result in folder.run(found, wishes, use, at_once=at_once, patience_s=patience):
                results.append(result)
                progress.advance(bar)
                if as_json:
                    typer.echo(json.dumps(result.document(), ensure_ascii=False))
    finally:
        await use.close()
    return results


def _summary(results: list[folder.Result], target: Path) -> None:
    counts = Counter(one.outcome for one in results)
    things = sum((Counter(one.counts) for one in results), Counter[str]())
    typer.echo(f"{len(results)} photos: " + ", ".join(f"{count} {_WORDS[name]}" for name, count in counts.items()))
    if things:
        typer.echo("masked: " + ", ".join(f"{count} x {name}" for name, count in sorted(things.items())))
    for one in results:
        if one.outcome not in ("released", "there"):
            typer.echo(f"  {one.source.name}: {one.reason or _WORDS[one.outcome]}", err=True)
    if counts["released"]:
        typer.echo(f"they lie in {target}, each with its report")


@app.command("status")
def status(as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False) -> None:
    """What waits for a person's look, and how many photos went which way."""

    async def run() -> dict[str, Any]:
        use = Backends(Settings())
        try:
            waiting = await Queue(use).all()
            figures = await photo_figures(NoQuery(), use)
        finally:
            await use.close()
        kinds = Counter(one.kind for one in waiting.values())
        first = min((one.until for one in waiting.values()), default=None)
        return {
            "waiting": {"held": kinds["held"], "sample": kinds["sample"]},
            "decide_until": first.isoformat() if first else None,
            "figures": [[str(cell) for cell in row] for row in figures.rows],
        }

    found = asyncio.run(run())
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    typer.echo(f"waiting for a look: {found['waiting']['held']} held, {found['waiting']['sample']} samples")
    if found["decide_until"]:
        typer.echo(f"the first is given up at {found['decide_until']}")
    for name, value, interval in found["figures"]:
        typer.echo(f"{name.partition(' / ')[2]}: {value}" + (f", 95 % interval {interval}" if interval else ""))


@app.command("audit")
def audit() -> None:
    """The trail of the review as JSON lines: every look and decision, without a word on whose or of whom."""

    async def run() -> list[str]:
        use = Backends(Settings())
        try:
            return [deed.model_dump_json(exclude_defaults=True) for deed in await trail(use)]
        finally:
            await use.close()

    for line in asyncio.run(run()):
        typer.echo(line)
