"""`stadtfunk up`, `backup`, `restore`: the local stack."""

import asyncio
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from infra.cli.output import fail, out
from shared.settings import Settings

app = typer.Typer()

Data = Annotated[
    Path, typer.Option("--data", envvar="STADTFUNK_DATA", help="Folder that keeps state, logs, ports and secrets.")
]


@app.command("up")
def up(
    *,
    data: Data = Path(".data"),
    only: Annotated[
        list[str] | None, typer.Option(help="A system to start, with what it needs; repeatable. None: all enabled.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port of the portal; none: 8080 or the next free one.")
    ] = None,
    city: Annotated[Path | None, typer.Option(help="Another city's services.jsonl instead of the demo city.")] = None,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open the portal in a browser.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")] = False,
) -> None:
    """Start the real servers and every enabled function here, with a demo city. Ctrl-C stops everything."""
    from infra.stack.progress import JsonProgress, PeopleProgress
    from infra.stack.up import Wish, run

    if city is not None and not city.is_file():
        fail(f"{city}: no such file; name a services.jsonl")
    opened = None if no_open or as_json or not sys.stdout.isatty() else webbrowser.open
    progress = JsonProgress() if as_json else PeopleProgress(out, opened)
    wish = Wish(catalogue=_catalogue(), data=data, only=only or (), port=port, city=city)
    asyncio.run(run(wish, progress))


def _catalogue() -> Path:
    """The project's catalogue, whatever a stack that runs beside made of it."""
    return Settings(_env_file=".env").catalogue
