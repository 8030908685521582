"""The outermost layer: trace context, security headers, one log line a request, and no error without an answer."""

import time
from collections.abc import Sequence
from typing import Final

import structlog
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra.host.limits import Gone
from shared.http import Problem
from shared.telemetry import TRACE, Trace

log = structlog.get_logger()
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
_SAID: Final = {
    404: "Nothing is here under this address.",
    405: "This address takes other methods, see Allow.",
}


def security_headers(frame_ancestors: Sequence[str]) -> dict[str, str]:
    """Headers every answer has, unless its function set its own."""
    headers = {
        "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'self'; object-src 'none'; "
        f"frame-ancestors {' '.join(frame_ancestors) or chr(39) + 'none' + chr(39)}",
        "x-content-type-options": "nosniff",
        # A query stands in the address: no other site learns it.
        "referrer-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=()",
        "cross-origin-opener-policy": "same-origin",
        "cache-control": "no-store",
    }
    if not frame_ancestors:
        headers["x-frame-options"] = "DENY"
    return headers


class Edge:
    """ASGI middleware around everything."""

    def __init__(self, app: ASGIApp, headers: dict[str, str]) -> None:
        self._app = app
        self._headers = headers
        self._framing = next(d for d in headers["content-security-policy"].split("; ") if d.startswith("frame-"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens inside."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, start = 0, time.perf_counter()

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                if "x-frame-options" not in self._headers:  # some may frame us: pages leave that to the host
                    own = headers["content-security-policy"]
                    headers["content-security-policy"] = own.replace("frame-ancestors 'none'", self._framing)
            await send(message)

        parent = Request(scope).headers.get("traceparent")
        token = TRACE.set(Trace.parse(parent) or Trace.new())
        try:
            await self._app(scope, receive, sending)
        except Gone:
            pass
        except Exception as error:
            log.exception("host failed", function=scope.get("stadtfunk.function"), exc_info=error)
            if not status:
                await answer_of(error)(scope, receive, sending)
        finally:
            line = log.info if scope.get("stadtfunk.function") or status >= 400 else log.debug
            line(
                "answered",
                function=scope.get("stadtfunk.function"),
                method=scope["method"] if scope["method"] in _METHODS else "other",
                status=status,
                seconds=round(time.perf_counter() - start, 4),
            )
            TRACE.reset(token)


def answer_of(error: Exception) -> Response:
    """The problem document for an exception that left the routes."""
    if isinstance(error, Problem):
        return error.response()
    if isinstance(error, HTTPException):
        said = _SAID.get(error.status_code, "The request cannot be answered like this.")
        return Problem(error.status_code, said, headers=error.headers).response()
    return Problem(500, "This is a fault of ours; it was logged under the trace id.").response()


async def handle(_: Request, error: Exception) -> Response:
    """``answer_of`` as starlette calls it."""
    return answer_of(error)
