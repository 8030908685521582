"""Faults that the interface can be told to have, and what it counts, so that the bot can be tested against them."""

import asyncio
import time
from collections import Counter, deque
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

API = "/api/"
_WORDS = {401: "Can't find User for Token", 403: "Not authorized", 422: "Need at least an 'article body' field."}


class Fault(BaseModel):
    """What happens to requests that fit, instead of an answer."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["status", "hang", "cut"]  # cut: the connection ends within the answer
    status: int = Field(default=500, ge=400, le=599)
    seconds: float = Field(default=60.0, ge=0, le=600)  # of a hang; the answer comes after it
    retry_after: int | None = None
    times: int | None = Field(default=None, ge=1)  # requests that suffer it; None: until it is switched off
    methods: tuple[str, ...] = ()  # empty: all
    path: str = ""  # part of the path
    after: bool = False  # the request is carried out first, and only its answer is lost


class Guard:
    """Counts the requests to the interface and lets them suffer what ``faults`` says."""

    def __init__(self, app: ASGIApp, trouble: "Trouble") -> None:
        self._app = app
        self._trouble = trouble

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(API):
            await self._app(scope, receive, send)
            return
        status = 0

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
            await send(message)

        try:
            await self._answer(scope, receive, note)
        finally:
            self._trouble.note(scope["method"], scope["path"], status)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self._trouble.take(scope["method"], scope["path"])
        if fault is None:
            await self._app(scope, receive, send)
            return
        if fault.after:
            await self._app(scope, receive, _nowhere)
        if fault.kind == "hang":
            await asyncio.sleep(fault.seconds)
        if fault.kind == "cut":
            headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b'{"id":', "more_body": True})
            return  # the server ends the connection of an answer that is not whole
        if fault.kind == "hang" and not fault.after:
            await self._app(scope, receive, send)
            return
        await _refusal(fault)(scope, receive, send)


class Trouble:
    """The faults that are on, and the requests seen."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.away_until = 0.0  # by the monotonic clock
        self.requests: deque[tuple[str, str, int]] = deque(maxlen=50_000)  # method, path, status (0: none sent)
        self.counts: Counter[str] = Counter()  # by status, and "all"

    def away(self, seconds: float) -> None:
        """Cut every connection for so long."""
        self.away_until = time.monotonic() + seconds

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that this request suffers."""
        if time.monotonic() < self.away_until:
            return Fault(kind="cut")
        for fault in self.faults:
            if fault.path in path and (not fault.methods or method in fault.methods):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times == 0:
                        self.faults.remove(fault)
                return fault
        return None

    def note(self, method: str, path: str, status: int) -> None:
        """Count one request."""
        self.requests.append((method, path, status))
        self.counts["all"] += 1
        self.counts[str(status)] += 1

    def forget(self) -> None:
        """Start counting anew."""
        self.requests.clear()
        self.counts.clear()


def _refusal(fault: Fault) -> Response:
    text = _WORDS.get(fault.status, "Error ID xxxxxxxx: Please contact your administrator.")
    headers = {} if fault.retry_after is None else {"retry-after": str(fault.retry_after)}
    return JSONResponse({"error": text, "error_human": text}, status_code=fault.status, headers=headers)


async def _nowhere(_: Message) -> None:
    """Takes an answer that nobody gets."""
