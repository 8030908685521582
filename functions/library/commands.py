"""What the library's people do at a terminal: ``stadtfunk library import | titles | list | train | report | …``."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, TypeVar
from uuid import uuid4

import typer

from events import Event
from functions.library.evaluation import compare
from functions.library.importer import Import
from functions.library.table import Layout, Row
from shared.backends import Backends
from shared.bus import enveloped
from shared.errors import StadtfunkError
from shared.jetstream import JetStreamBus

__all__ = ["app", "compare"]

app = typer.Typer(help="The library's recommendations.", no_args_is_help=True)
T = TypeVar("T")
_BATCH = 500  # titles told at a time


@app.callback()
def library() -> None:
    """The library's recommendations."""


@app.command("import")
def import_loans(
    paths: Annotated[list[Path], typer.Argument(help="CSV files (also .gz), or folders of nightly files.")],
    *,
    column: Annotated[
        list[str] | None, typer.Option(help="reader=NAME, title=NAME or day=NAME, where the usual names do not stand.")
    ] = None,
    delimiter: Annotated[str | None, typer.Option(help="Between fields; none: found out.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Of the text; none: UTF-8, else Windows-1252.")] = None,
    day_format: Annotated[
        str | None, typer.Option(help="Of the day, as strftime has it; none: the usual ones.")
    ] = None,
    report: Annotated[Path, typer.Option(help="File for rows that are refused: line and reason.")] = Path(
        "library-refused.csv"
    ),
    again: Annotated[bool, typer.Option("--again", help="Also files that were imported before.")] = False,
) -> None:
    """Read loans into the day files, under pseudonyms; a run that was stopped goes on where it was."""
    columns = dict(one.partition("=")[::2] for one in column or ())
    if unknown := set(columns) - set(Row._fields):
        raise StadtfunkError(f"--column {unknown.pop()}: the columns are {', '.join(Row._fields)}")
    layout = Layout(columns, delimiter, encoding, day_format)

    async def run(use: Backends) -> None:
        told = await Import(use, layout, typer.echo, report=report).run(paths, again=again)
        await _publish(use, told)

    _with(run)


@app.command("titles")
def import_titles(
    paths: Annotated[list[Path], typer.Argument(help="MARC21 (.mrc), MARCXML (.xml) or CSV (.csv) files.")],
) -> None:
    """Tell the catalogue's titles; each becomes findable as soon as its content vector is computed."""
    from functions.library.records import changes

    async def run(use: Backends) -> int:
        count, batch = 0, list[Event]()
        for path in paths:
            for change in changes(path, typer.echo):
                batch.append(change)
                if len(batch) == _BATCH:
                    await _publish(use, batch)
                    count, batch = count + len(batch), []
                    typer.echo(f"{count} titles told")
        await _publish(use, batch)
        return count + len(batch)

    typer.echo(f"{_with(run)} titles told")


@app.command("reindex")
def reindex() -> None:
    """Write the titles' content vectors anew: Milvus lost them, or another embedding model is set."""
    from functions.library.titles import Titles

    async def run(use: Backends) -> int:
        return await Titles(use).reindex()

    typer.echo(f"{_with(run)} titles are as their records say")


@app.command("report")
def show_report(request_id: Annotated[str, typer.Argument(help="Id that the wish to be forgotten was given.")]) -> None:
    """Show the report of an erasure."""
    from functions.library.forget import report
    from shared.objects import ObjectMissing

    async def run(use: Backends) -> str:
        try:
            return (await report(use, request_id)).model_dump_json(indent=2)
        except ObjectMissing:
            raise StadtfunkError(f"there is no report {request_id}, or the erasure is still at work") from None

    typer.echo(_with(run))


@app.command("train")
def train() -> None:
    """Ask for a training now, instead of waiting for the schedule."""
    from events.library import TrainingAsked

    async def run(use: Backends) -> None:
        await _publish(use, [TrainingAsked()])

    _with(run)
    typer.echo("a training was asked for; see `stadtfunk status`")


@app.command("withdraw")
def withdraw() -> None:
    """Take the live model back: the one before recommends again, within seconds."""
    from functions.library.model import store

    version = _with(store.withdraw)
    if version is None:
        raise StadtfunkError("there is no earlier model to go back to")
    typer.echo(f"model {version} is live")


@app.command("list")
def keep_list(
    name: Annotated[str | None, typer.Argument(help="Name of a list, as readers see it; none: shows them all.")] = None,
    titles: Annotated[list[str] | None, typer.Argument(help="Ids of its titles, the first ones first.")] = None,
    *,
    remove: Annotated[bool, typer.Option("--remove", help="Take the list away.")] = False,
) -> None:
    """Keep lists of the library's own choice; they show where nothing else is known."""
    from functions.library.lists import curate, curated
    from functions.library.titles import Titles

    if (name is None) != (not titles and not remove) or (titles and remove):
        raise StadtfunkError("give a list its name and the ids of its titles, or --remove and its name, or nothing")

    async def run(use: Backends) -> dict[str, list[str]]:
        if name is not None:
            unknown = set(titles or ()) - set(await Titles(use).get(titles or ()))
            if unknown:
                raise StadtfunkError(f"not in the catalogue: {', '.join(sorted(unknown))}")
            await curate(use, name, titles or [])
        return await curated(use)

    for kept, ids in _with(run).items():
        typer.echo(f"{kept}: {' '.join(ids)}")


async def _publish(use: Backends, events: Sequence[Event]) -> None:
    bus = JetStreamBus(use.settings.nats, name="stadtfunk-library")
    try:
        for event in events:
            await bus.publish(enveloped(event, id=str(uuid4()), source="stadtfunk/library"), key=event.key_value)
    finally:
        await bus.close()


def _with(work: Callable[[Backends], Awaitable[T]]) -> T:
    async def run() -> T:
        use = Backends()
        try:
            return await work(use)
        finally:
            await use.close()

    return asyncio.run(run())
