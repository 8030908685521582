"""How commands speak: tables to people, JSON to programs, errors in one red line."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]


def show_json(value: Any) -> None:
    """Print one JSON document on standard output."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows as a table; cells are text, never markup (they may come from an event)."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    out.print(table)


def fail(message: str, code: int = 1) -> NoReturn:
    """Print what is wrong and how out of it, and exit."""
    err.print("error: ", style="bold red", end="")
    err.print(message, markup=False, soft_wrap=True)
    raise typer.Exit(code)


def _cell(value: object) -> str:
    return "" if value is None else str(value).replace("[", "\\[")
