"""The host as a process: uvicorn, connections that must get on with it, and a clean end."""

import asyncio
from typing import Any

import uvicorn
import uvloop
from uvicorn.protocols.http.h11_impl import H11Protocol

from infra.handlers import resolve
from infra.host.app import create_app
from shared.backends import Backends
from shared.catalogue import Catalogue
from shared.function import Function
from shared.jetstream import JetStreamBus
from shared.settings import Settings
from shared.telemetry import setup, shutdown

HEADERS_S = 10.0  # a request's head must have arrived by then
_CONNECTIONS = 1000
_GRACE_S = 10  # for answers under way when told to stop
_HEAD_BYTES = 32 * 1024


class Protocol(H11Protocol):
    """uvicorn's HTTP/1.1 with a deadline for the head of each request, which uvicorn has not."""

    headers_s = HEADERS_S
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock of the first request."""
        super().connection_made(transport)
        self._start()

    def data_received(self, data: bytes) -> None:
        """Stop the clock when a whole head is here, start it when the next one begins."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop()
        elif self._deadline is None:
            self._start()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._stop()
        super().connection_lost(exc)

    def _start(self) -> None:
        self._deadline = self.loop.call_later(self.headers_s, self._late)

    def _stop(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _late(self) -> None:
        self._deadline = None
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()


def serve(settings: Settings, catalogue: Catalogue) -> None:
    """Serve the HTTP functions of the catalogue's enabled systems until SIGTERM or Ctrl-C.

    Raises:
        CatalogueError: a handler or a path is wrong.
    """
    setup(settings.telemetry, "stadtfunk-host")
    enabled = catalogue.enabled()
    functions = resolve(enabled, settings.catalogue)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(settings, enabled, functions))
    finally:
        shutdown()


async def _serve(settings: Settings, catalogue: Catalogue, functions: dict[str, Function]) -> None:
    use = Backends(settings, catalogue=catalogue)
    bus = JetStreamBus(settings.nats, name="stadtfunk-host")
    try:
        app = create_app(catalogue, functions, settings, use, bus)
        await uvicorn.Server(configured(app, settings)).serve()
    finally:
        await bus.close()
        await use.close()


def configured(app: Any, settings: Settings) -> uvicorn.Config:
    """How uvicorn is to serve an application of ours."""
    return uvicorn.Config(
        app,
        host=settings.host.bind,
        port=settings.host.port,
        http=Protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,  # its lines hold query strings
        proxy_headers=False,  # X-Forwarded-For is read by our own rule
        server_header=False,
        limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=_GRACE_S,
        h11_max_incomplete_event_size=_HEAD_BYTES,
    )
