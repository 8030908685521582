"""Chromium, and the real host it looks at, for tests of the pages."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from infra.host.app import create_app
from shared.backends import Backends
from shared.bus import MemoryBus
from shared.catalogue import Catalogue
from shared.function import Function, function_of
from shared.settings import Settings
from tests.polling import until

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

LOOKS = [
    ("light", 1280),
    ("dark", 320),
    pytest.param("light", 320, marks=pytest.mark.heavy),
    pytest.param("dark", 1280, marks=pytest.mark.heavy),
]
"""Colour scheme and width; what two of them show the others seldom differ in."""

expect.set_options(timeout=30_000)  # ms: what a busy machine needs is no fault of a page


@contextmanager
def hosting(settings: Settings, *targets: Any, **given: Any) -> Iterator[str]:
    """The host on a free port, with these functions, and ``given`` in place of backends."""
    catalogue = Catalogue.load(Path(__file__).parents[2] / "serverless.yaml")
    backends = Backends(settings, catalogue=catalogue, **given)
    functions: dict[str, Function] = {}
    for target in targets:
        record = function_of(target)
        assert record is not None
        functions[record.name] = record
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        app = create_app(catalogue, functions, settings, backends, MemoryBus())
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        until(lambda: server.started or not thread.is_alive(), "the host listens")
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@dataclass
class Visit:
    """A fresh browser profile; remembers every host asked and everything the console said."""

    site: str
    context: BrowserContext
    hosts: set[str] = field(default_factory=set)
    said: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """A page, once its first search (if it has one) is done."""
        page = self.context.new_page()
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        # A chooser of files is caught only once the browser was told to; told at a key, a busy one is too late.
        page.on("filechooser", lambda _: None)
        page.goto(self.site + path)
        if path.startswith("/search"):
            expect(page.get_by_role("status")).not_to_have_text(re.compile("^$|…$"))
        return page


def visiting(chromium: Browser, site: str, **options: Any) -> Visit:
    """A visit with these browser options (``viewport``, ``color_scheme``, ``locale``)."""
    # Without motion unless a test is about it: what is still fading in has no contrast yet.
    visit = Visit(site=site, context=chromium.new_context(**{"reduced_motion": "reduce", **options}))
    visit.context.on("request", lambda request: visit.hosts.add(urlsplit(request.url).netloc))
    return visit


def faults(page: Page) -> list[tuple[str, Any]]:
    """What axe-core finds wrong: rule and element."""
    found = Axe().run(page).response["violations"]
    return [(one["id"], node["target"]) for one in found for node in one["nodes"]]


def holding(page: Page, pattern: str) -> list[Route]:
    """Requests that stay unanswered until a test answers them."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(pattern, hold)
    return held
