"""The command ``stadtfunk``. A command's module is imported only when that command is called."""

import importlib
import logging
import sys
from pathlib import Path

import structlog
import typer

from infra.cli.output import err
from shared.errors import StadtfunkError

# command -> (module of this package, one line of help)
COMMANDS = {
    "up": ("stack", "Start the real servers and every enabled function here, with a demo city."),
    "backup": ("stack", "Save streams, state, vectors and objects."),
    "restore": ("stack", "Bring a backup back into an empty data folder."),
    "list": ("functions", "The functions of the catalogue."),
    "run": ("functions", "Run functions in this process, fed by NATS."),
    "serve": ("functions", "Serve the HTTP functions."),
    "invoke": ("functions", "Call one function with an event from a file, without a broker."),
    "new": ("new", "Write a new function with its test and catalogue entry."),
    "publish": ("publish", "Publish an event from a file."),
    "search": ("search", "Search the city's pages."),
    "dead": ("dead", "Dead letters: list, show, replay, drop."),
    "status": ("status", "Functions, lag, in flight, failures, backends."),
    "events": ("events", "Schemas and AsyncAPI document of the events."),
    "catalogue": ("catalogue", "Check serverless.yaml against the code; export its schema."),
    "vision": ("vision", "The models that look at photos: list them, make the folder that Triton serves."),
    "bench": ("bench", "Benchmarks beside a peer or the raw limit."),
    "evaluate": ("evaluate", "Judge a system against a data set."),
}


def main(arguments: list[str] | None = None) -> None:
    """Entry point; an error of this project ends in one line on standard error, never in a traceback."""
    arguments = sys.argv[1:] if arguments is None else arguments
    root = typer.Typer(
        name="stadtfunk",
        help="A city's AI services as small functions on its own machines.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    # Commands speak by what they print; processes (`run`, `serve`, `up`) set their own logging up.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    try:
        _mount(root, arguments[0] if arguments else None)
        root(arguments, prog_name="stadtfunk")
    except StadtfunkError as error:
        err.print("error: ", style="bold red", end="")
        err.print(str(error), markup=False, soft_wrap=True)
        sys.exit(1)


def _mount(root: typer.Typer, wanted: str | None) -> None:
    for name, (module, text) in COMMANDS.items():
        if name != wanted:
            root.command(name, help=text)(_named)
            continue
        app: typer.Typer = importlib.import_module(f"infra.cli.{module}").app
        command = next((c for c in app.registered_commands if c.name == name), None)
        if command is not None and command.callback is not None:
            # The module holds several commands of the top level (`up`, `backup`); take the one.
            root.command(name, help=command.help)(command.callback)
        else:
            root.add_typer(app, name=name, help=text)
    if wanted and wanted not in COMMANDS and not wanted.startswith("-"):
        _mount_system(root, wanted)


def _mount_system(root: typer.Typer, wanted: str) -> None:
    """`stadtfunk xnext accept …`: the commands a system brings, found through the catalogue."""
    from shared.catalogue import Catalogue
    from shared.settings import Settings

    path: Path = Settings().catalogue
    system = Catalogue.load(path).systems.get(wanted) if path.exists() else None
    if system is not None and system.commands is not None:
        root.add_typer(importlib.import_module(f"functions.{system.commands}").app, name=wanted)


def _named() -> None:
    """Stands for a command that was not called, so that help lists it without importing it."""
