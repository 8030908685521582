"""The command ``stadtfunk``. Each command module is imported only when its command is called."""

import importlib
import sys
from typing import Any

import click
import typer
from typer.main import get_command

from infra.cli.output import fail
from shared.errors import StadtfunkError

# command -> (module, one line of help); a module's ``app`` is a typer app or a function named like it.
COMMANDS = {
    "up": ("stack", "Start the real servers and every enabled function here, with a demo city."),
    "backup": ("stack", "Save streams, state, vectors and objects of a data folder."),
    "restore": ("stack", "Bring a backup back into an empty data folder."),
    "list": ("functions", "The functions of the catalogue."),
    "run": ("functions", "Run functions in this process, fed by NATS."),
    "serve": ("functions", "Serve the HTTP functions."),
    "invoke": ("functions", "Call one function with an event from a file, without a broker."),
    "new": ("new", "Write a new function with its test and catalogue entry."),
    "publish": ("publish", "Publish an event from a file."),
    "search": ("search", "Search the city's pages."),
    "dead": ("dead", "Dead letters: list, show, replay, drop."),
    "status": ("status", "Functions, lag, failures, backends."),
    "events": ("events", "Schemas and AsyncAPI document of the events."),
    "catalogue": ("catalogue", "Check serverless.yaml against the code; export its schema."),
    "bench": ("bench", "Benchmarks beside a peer or the raw limit."),
    "evaluate": ("evaluate", "Judge a system against a data set."),
}


class _Commands(click.Group):
    """Loads a command's module on demand: `stadtfunk list` need not import Milvus."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        app: typer.Typer = importlib.import_module(f"infra.cli.{COMMANDS[cmd_name][0]}").app
        loaded = get_command(app)
        return loaded.commands[cmd_name] if isinstance(loaded, click.Group) and cmd_name in loaded.commands else loaded

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


def main(arguments: list[str] | None = None) -> Any:
    """Entry point; errors of this project end in one line, never in a traceback."""
    group = _Commands("stadtfunk", help="A city's AI services as small functions on its own machines.")
    try:
        return group.main(arguments, prog_name="stadtfunk")
    except StadtfunkError as error:
        try:
            fail(str(error))
        except typer.Exit as leave:
            sys.exit(leave.exit_code)
