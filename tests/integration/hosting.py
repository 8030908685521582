"""A real host for tests: uvicorn on a free port of 127.0.0.1, functions and catalogue given by the test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from infra.host.app import create_app
from infra.host.serve import configured, listening
from shared.backends import Backends
from shared.bus import Bus, MemoryBus
from shared.catalogue import Catalogue
from shared.function import Function, function_of
from shared.settings import HostSettings, Settings
from shared.state import MemoryState
from shared.telemetry import setup
from tests.serving import running

SAME = {"de": "x", "en": "x"}
CARD = dict.fromkeys(("purpose", "data", "evaluation", "risks", "legal_basis", "human_oversight"), SAME)
WORDS = {"title": SAME, "card": {**CARD, "owner": "x", "models": []}}


def catalogue_of(needs: list[str] | None = None, **functions: dict[str, Any]) -> Catalogue:
    """A catalogue of one system ``portal`` with these entries; handler and description are filled in."""
    entries = {n: {"handler": f"portal.pages.{n}", "description": n, **entry} for n, entry in functions.items()}
    tree = {"version": 1, "systems": {"portal": {**WORDS, "needs": needs or []}}, "functions": entries}
    return Catalogue.model_validate(tree)


def records(*handlers: Any) -> dict[str, Function]:
    """The functions' records by name."""
    found = [function_of(handler) for handler in handlers]
    return {function.name: function for function in found if function is not None}


def plain_settings(**values: Any) -> Settings:
    """Settings without any environment; ``host`` and others as dictionaries."""
    return Settings(_env_file=None, **values)


@asynccontextmanager
async def hosted(
    catalogue: Catalogue, *handlers: Any, settings: Settings | None = None, bus: Bus | None = None, **backends: Any
) -> AsyncIterator[str]:
    """Serve until the block ends; yields the address."""
    settings = settings or plain_settings()
    setup(settings.telemetry, "test")
    use = Backends(settings, **{"state": MemoryState(), "catalogue": catalogue, **backends})
    app = create_app(catalogue, records(*handlers), settings, use, bus or MemoryBus())
    server = uvicorn.Server(configured(app))
    with listening(HostSettings(port=0)) as own:
        try:
            async with running(server, own) as url:
                yield url
        finally:
            await use.close()
