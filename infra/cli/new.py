"""`stadtfunk new SYSTEM/FUNCTION`: a function with its event, its test and its catalogue entry."""

import re
from pathlib import Path
from typing import Annotated

import typer

from infra.cli.output import fail, out
from infra.scaffold import Plan, scaffold

app = typer.Typer()


@app.command("new")
def new(
    target: Annotated[str, typer.Argument(metavar="SYSTEM/FUNCTION", help="e.g. parks/count_visits")],
    event: Annotated[
        str | None, typer.Option(help="React to this event type; a new type is declared under events/.")
    ] = None,
    path: Annotated[str | None, typer.Option("--http", help="Answer GET requests under this path instead.")] = None,
) -> None:
    """Write a function that runs at once, to be filled with what it shall do."""
    match = re.fullmatch(r"([a-z][a-z0-9_]*)/([a-z][a-z0-9_]*)", target)
    if match is None:
        fail(f"'{target}' is not SYSTEM/FUNCTION, two names of lower-case letters, digits and '_'")
    if event is not None and path is not None:
        fail("a new function is started by --event or by --http; add the other to serverless.yaml afterwards")
    if event is not None and not re.fullmatch(r"[a-z][a-z0-9]*(\.[a-z][a-z0-9]*){2,}", event):
        fail(f"'{event}' is no event type; write it domain.thing.happened")
    if path is not None and not path.startswith("/"):
        fail(f"'{path}' is no path; it begins with '/'")
    system, function = match[1], match[2]
    plan = Plan(system=system, function=function, event=event or f"{system}.{function}.requested", path=path)
    for file in scaffold(plan, Path.cwd()):
        out.print(f"wrote {file}", markup=False)
    out.print(f"next: write what it does, then `pytest tests/unit/test_{function}.py`", markup=False)
    if path is None:
        out.print("      and `stadtfunk events export`, which checks the event's schema in", markup=False)
