"""One HTTP function behind its limits: rate, right, body, slot, time; then ``shared.http.respond``."""

import asyncio
import os
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import IO, Final
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from infra.host.limits import SPOOLED_FROM, Bodies, Clients, Rate, Volume
from infra.host.slots import Slots
from shared.access import Access, Delivery, Repeatable
from shared.backends import Backends
from shared.bus import Bus
from shared.catalogue import FunctionEntry
from shared.function import HttpFunction
from shared.http import EventStream, respond
from shared.telemetry import span

_BODILESS = ("GET", "HEAD")
_PIECE: Final = 256 * 1024


@dataclass(frozen=True, kw_only=True)
class House:
    """What all endpoints of a host share."""

    use: Backends
    bus: Bus
    access: Access
    clients: Clients
    rate: Rate
    volume: Volume
    bodies: Bodies


class Endpoint:
    """An ASGI application that answers for one function."""

    def __init__(self, function: HttpFunction, entry: FunctionEntry, house: House) -> None:
        self._function = function
        self._entry = entry
        self._house = house
        self._slots = Slots(function.name, entry.concurrency, entry.patience)
        self._max_body = entry.max_body or house.use.settings.host.max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; raises Problem or Gone for what goes wrong before the function runs."""
        name, entry, house = self._function.name, self._entry, self._house
        scope["stadtfunk.function"] = name
        request = Request(scope, receive)
        client = house.clients.of(request)
        house.rate.take(client, name)
        await house.access.check(entry, request.headers)
        async with AsyncExitStack() as held:
            body, given, file = b"", _whole(b"", receive), None
            if request.method not in _BODILESS:
                length = request.headers.get("content-length")
                if self._max_body > SPOOLED_FROM and entry.access != "system":
                    file = await held.enter_async_context(house.bodies.spool(receive, length, self._max_body))
                    given = _played(file, receive)
                else:
                    body = await held.enter_async_context(house.bodies.read(receive, length, self._max_body))
                    given = _whole(body, receive)
                if entry.max_hour is not None:  # after it was read: who is cut off in the middle sees no answer
                    size = len(body) if file is None else os.fstat(file.fileno()).st_size
                    house.volume.take(client, name, size, entry.max_hour)
            # A caller without a right gets no slot, and one that sends slowly holds none.
            delivery: Delivery | Repeatable | None = None
            if entry.access == "system":
                delivery = await house.access.signed(name, entry, request.headers, body)
                house.rate.give(client, name)  # a system tells all it has to tell, from one address
            response: Response | None = None
            try:
                async with self._slots.one():
                    with span(name, kind="server"):
                        response = await respond(
                            self._function,
                            Request(scope, given),
                            house.use,
                            lambda: house.bus,
                            cause=delivery.id if delivery is not None else str(uuid4()),
                            limit_s=entry.timeout,
                        )
                        if isinstance(response, EventStream):
                            await response(scope, receive, send)
                            return
            finally:
                if delivery is not None:
                    # What failed on our side may be sent again; what is wrong stays wrong.
                    await delivery.close(answered=response is not None and response.status_code < 500)
        await response(scope, receive, send)


def _played(file: IO[bytes], receive: Receive) -> Receive:
    """The same from a file, a piece at a time."""
    over = False

    async def again() -> Message:
        nonlocal over
        if over:
            return await receive()
        piece = await asyncio.to_thread(file.read, _PIECE)
        over = len(piece) < _PIECE
        return {"type": "http.request", "body": piece, "more_body": not over}

    return again


def _whole(body: bytes, receive: Receive) -> Receive:
    """The body that was read, once more; then what the client does next, which is to leave."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
