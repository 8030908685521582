"""Faults that the stand-in can be told to have, and what it counts, so that a crawl can be tested against them."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

EVERY = "*"  # in a list of ids: every page, the list too
HUGE_BYTES = 100 * 2**20


class Faults(BaseModel):
    """What goes wrong with the interfaces (never with the pages for citizens)."""

    model_config = ConfigDict(extra="forbid")

    fail_next: int = Field(default=0, ge=0)  # so many requests are answered with fail_status
    fail_status: int = Field(default=500, ge=400, le=599)
    slow_s: float = Field(default=0.0, ge=0, le=60)  # before every answer
    list_share: float = Field(default=1.0, ge=0, le=1)  # of each list that is told
    loop: list[str] = []  # ids redirected (301) to themselves, for ever
    gone: list[str] = []  # ids answered with 410
    huge: list[str] = []  # ids answered with 100 MB, streamed
    broken: list[str] = []  # ids answered with half a JSON document


class Guard:
    """Counts the requests to the interfaces and lets them suffer what ``faults`` says."""

    def __init__(self, app: ASGIApp, faults: "Trouble") -> None:
        self._app = app
        self._trouble = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(("/befi/", "/magnolia/")):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        conditional = "if-none-match" in request.headers or "if-modified-since" in request.headers
        status = 0

        async def note(message: dict[str, object]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(str(message["status"]))
            await send(message)

        try:
            answer = await self._trouble.answer(request)
            await (answer or self._app)(scope, receive, note)  # type: ignore[arg-type]
        finally:
            self._trouble.note(scope["path"], status, conditional)


class Trouble:
    """The faults that are on, and the requests seen since the last reset."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.requests: Counter[str] = Counter()  # by status, and "conditional", "all"
        self.paths: deque[tuple[str, int, bool]] = deque(maxlen=2000)  # path, status, conditional

    def note(self, path: str, status: int, conditional: bool) -> None:
        """Count one answered request; status 0: the client went away before an answer."""
        self.requests["all"] += 1
        self.requests[str(status)] += 1
        self.requests["conditional"] += conditional
        self.paths.append((path, status, conditional))

    def forget(self) -> None:
        """Start counting anew."""
        self.requests.clear()
        self.paths.clear()

    async def answer(self, request: Request) -> Response | None:
        """The faulty answer, or None where the real one is to be given."""
        faults = self.faults
        if faults.slow_s:
            await asyncio.sleep(faults.slow_s)
        if self.faults.fail_next > 0:
            self.faults.fail_next -= 1
            return PlainTextResponse("The stand-in was told to fail.", status_code=faults.fail_status)
        parts = request.url.path.strip("/").split("/")
        id = parts[2] if parts[:2] == ["befi", "services"] and len(parts) == 4 else EVERY
        if _named(faults.loop, id):
            count = int(request.query_params.get("loop", "0")) if request.query_params.get("loop", "0").isdigit() else 0
            return RedirectResponse(f"{request.url.path}?loop={count + 1}", status_code=301)
        if id == EVERY:
            return None
        if _named(faults.gone, id):
            return PlainTextResponse("Gone.", status_code=410)
        if _named(faults.huge, id):
            return StreamingResponse(_huge(), media_type="application/json")
        if _named(faults.broken, id):
            return Response(f'{{"id": "{id}", "name": "half a doc', media_type="application/json")
        return None


def _named(ids: list[str], id: str) -> bool:
    return id in ids or EVERY in ids


async def _huge() -> AsyncIterator[bytes]:
    """Valid JSON whose description does not end before 100 MB; nothing of it is held in memory."""
    yield b'{"id": "x", "name": "huge", "public": true, "fields": [], "description": "<p>'
    chunk = b"Auenfurt " * 7281  # just below 64 KiB
    for _ in range(HUGE_BYTES // len(chunk) + 1):
        yield chunk
        await asyncio.sleep(0)  # lets a client that has enough go away
    yield b'</p>"}'
