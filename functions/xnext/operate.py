"""What an operator does about the sources: look how the last runs went, and accept what a run held back."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from functions.xnext.run import SOURCES, SourceRecord, accept, record_of
from shared.backends import Backends
from shared.errors import StadtfunkError
from shared.state import Bucket

app = typer.Typer(help="The sources of city pages.")
T = TypeVar("T")
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of lines.")]


@app.command("sources")
def sources(as_json: AsJson = False) -> None:
    """How the last run over each source went."""

    async def read(records: Bucket, names: list[str]) -> dict[str, SourceRecord]:
        return {name: (await record_of(records, name))[0] for name in names}

    found = _with_state(read)
    if as_json:
        print(json.dumps({name: record.model_dump(mode="json") for name, record in found.items()}, indent=2))  # noqa: T201
        return
    for name, record in found.items():
        finished = f"{record.finished_at:%Y-%m-%d %H:%M} UTC" if record.finished_at else "never"
        typer.echo(f"{name}: {record.size} pages, last run {finished}")
        for alarm in record.alarms:
            typer.echo(f"  {alarm.reason}: expected {alarm.expected}, found {alarm.found}")


@app.command("accept")
def accept_source(source: Annotated[str, typer.Argument(help="Name of the source.")]) -> None:
    """Say that what the last run held back is in order: a shorter list, or more removals than the cap."""

    async def do(records: Bucket, names: list[str]) -> list[str]:
        if source not in names:
            raise StadtfunkError(
                f"unknown source '{source}'; STADTFUNK_XNEXT__SOURCES has {', '.join(names) or 'none'}"
            )
        return await accept(records, source)

    for line in _with_state(do):
        typer.echo(line)


def _with_state(work: Callable[[Bucket, list[str]], Awaitable[T]]) -> T:
    async def run() -> T:
        use = Backends()
        try:
            return await work(use.state.bucket(SOURCES), [source.name for source in use.settings.xnext.sources])
        finally:
            await use.close()

    return asyncio.run(run())
