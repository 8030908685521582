"""A proxy before a model that keeps what reaches it: what is evaluated shows so which words a model saw."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

_HOP = frozenset(("host", "content-length", "transfer-encoding", "connection", "content-encoding"))
_MOST = 64 * 2**20


class Recorder:
    """What runs: ``url`` stands in for the server's; ``drain`` gives all texts since the last call.

    ``spans`` are the requests' beginnings and ends, by ``time.perf_counter``.
    """

    def __init__(self, server: str, session: aiohttp.ClientSession) -> None:
        self.url = ""
        self.spans: list[tuple[float, float]] = []
        self._server = server.rstrip("/")
        self._session = session
        self._bodies: list[bytes] = []

    def drain(self) -> list[str]:
        """The texts of the requests since the last call, as the model reads them, and each body as it was sent."""
        bodies, self._bodies = self._bodies, []
        found: list[str] = []
        for body in bodies:
            found.append(body.decode("utf-8", "replace"))
            try:
                found += _texts(json.loads(body))
            except ValueError:
                continue
        return found

    async def pass_on(self, request: web.Request) -> web.StreamResponse:
        """Send a request to the server, keep its body, and stream the answer back."""
        start = time.perf_counter()
        body = await request.read()
        self._bodies.append(body)
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        url = f"{self._server}{request.path_qs}"
        async with self._session.request(request.method, url, data=body, headers=headers) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
            if "Content-Encoding" in answer.headers:
                kept["Content-Encoding"] = answer.headers["Content-Encoding"]
            response = web.StreamResponse(status=answer.status, headers=kept)
            await response.prepare(request)
            async for piece in answer.content.iter_any():
                await response.write(piece)
            self.spans.append((start, time.perf_counter()))
            return response


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


@asynccontextmanager
async def recorder(server: str) -> AsyncIterator[Recorder]:
    """Stand before ``server`` (scheme and host, no path) on a free port of 127.0.0.1 until the block ends."""
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        found = Recorder(server, session)
        app = web.Application(client_max_size=_MOST)
        app.router.add_route("*", "/{path:.*}", found.pass_on)
        async with served(app) as found.url:
            yield found


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    """Serve an application on a free port of 127.0.0.1 until the block ends; its address."""
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.5)
    await runner.setup()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        await web.SockSite(runner, listener).start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            await runner.cleanup()
            await asyncio.sleep(0)
