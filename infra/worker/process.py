"""The process ``stadtfunk run``: which functions, telemetry, the metrics port, the event loop."""

import asyncio
import difflib
from collections.abc import Mapping
from pathlib import Path

import uvloop
from prometheus_client import start_http_server

from infra.handlers import resolve
from infra.worker.worker import Worker
from shared import telemetry
from shared.catalogue import Catalogue
from shared.errors import CatalogueError
from shared.function import EventFunction
from shared.settings import Settings


def choose(names: list[str] | None, catalogue: Catalogue, path: Path) -> dict[str, EventFunction]:
    """The event functions to run, imported and checked.

    Raises:
        CatalogueError: a name is unknown or answers requests only; or nothing is left to run.
    """
    enabled = catalogue.enabled()
    for name in names or ():
        if name not in catalogue.functions:
            close = difflib.get_close_matches(name, list(catalogue.functions), n=1, cutoff=0.5)
            raise CatalogueError(f"unknown function '{name}'" + (f"; did you mean '{close[0]}'?" if close else ""))
    entries = {name: catalogue.functions[name] for name in names} if names else enabled.functions
    functions = resolve(catalogue.model_copy(update={"functions": entries}), path)
    chosen = {name: function for name, function in functions.items() if isinstance(function, EventFunction)}
    for name in names or ():
        if name not in chosen:
            raise CatalogueError(f"'{name}' answers requests; 'stadtfunk serve' runs it")
    if not chosen:
        raise CatalogueError("no event function is enabled; see 'systems' in the catalogue")
    return chosen


def work(functions: Mapping[str, EventFunction], settings: Settings, catalogue: Catalogue) -> None:
    """Run the functions until the process is told to stop."""
    telemetry.setup(settings.telemetry, "worker")
    if settings.telemetry.metrics_port is not None:
        start_http_server(settings.telemetry.metrics_port, addr=settings.host.bind)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(Worker(functions, catalogue, settings).run())
    finally:
        telemetry.shutdown()
