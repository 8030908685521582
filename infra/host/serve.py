"""The host as a process: uvicorn, connections that must get on with it, and a clean end."""

import asyncio
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
import uvloop
from uvicorn.protocols.http.h11_impl import H11Protocol

from infra.handlers import resolve
from infra.host.app import create_app
from shared.backends import Backends
from shared.catalogue import Catalogue
from shared.errors import SettingsError
from shared.function import Function
from shared.jetstream import JetStreamBus
from shared.settings import HostSettings, Settings
from shared.telemetry import setup, shutdown

HEADERS_S = 10.0  # a request's head must have arrived by then
_CONNECTIONS = 1000
_GRACE_S = 4  # for answers under way when told to stop
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


class Server(uvicorn.Server):
    """uvicorn that ends by returning; its own would die of the signal before connections are closed and spans sent."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End on SIGTERM and Ctrl-C; a second Ctrl-C ends at once."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)


def serve(settings: Settings, catalogue: Catalogue) -> None:
    """Serve the HTTP functions of the catalogue's enabled systems until SIGTERM or Ctrl-C.

    Raises:
        CatalogueError: a handler or a path is wrong.
        SettingsError: the address cannot be listened on.
    """
    setup(settings.telemetry, "stadtfunk-host")
    enabled = catalogue.enabled()
    functions = resolve(enabled, settings.catalogue)
    try:
        with listening(settings.host) as own, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(settings, enabled, functions, own))
    finally:
        shutdown()


def listening(settings: HostSettings) -> socket.socket:
    """The socket of the settings' address.

    Raises:
        SettingsError: another program has it, or there is no such address here.
    """
    family = socket.AF_INET6 if ":" in settings.bind else socket.AF_INET
    # Said to be TCP, or asyncio leaves Nagle's algorithm on, and every answer waits 40 ms for an acknowledgement.
    own = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        own.bind((settings.bind, settings.port))
        own.listen(2048)
    except OSError as error:
        own.close()
        where = f"{settings.bind} port {settings.port}"
        raise SettingsError(
            "STADTFUNK_HOST__PORT", f"cannot listen on {where} ({error.strerror}); choose another"
        ) from None
    return own


async def _serve(settings: Settings, catalogue: Catalogue, functions: dict[str, Function], own: socket.socket) -> None:
    use = Backends(settings, catalogue=catalogue)
    bus = JetStreamBus(settings.nats, name="stadtfunk-host")
    try:
        app = create_app(catalogue, functions, settings, use, bus)
        await Server(configured(app)).serve(sockets=[own])
    finally:
        await bus.close()
        await use.close()


def configured(app: Any) -> uvicorn.Config:
    """How uvicorn is to serve an application of ours."""
    return uvicorn.Config(
        app,
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
