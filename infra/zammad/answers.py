"""Who asks, and how the interface says no: statuses and texts as Zammad's."""

import json
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from infra.zammad.records import Record
from infra.zammad.store import Store

Endpoint = Callable[[Request], Awaitable[Response]]
AsUser = Callable[[Request, int], Awaitable[Response]]


class Json(JSONResponse):
    """JSON, with the charset that Zammad names."""

    media_type = "application/json; charset=utf-8"


class Refused(Exception):
    """An answer other than success."""

    def __init__(self, status: int, error: str, *, human: bool = True) -> None:
        super().__init__(error)
        self.answer = Json({"error": error, **({"error_human": error} if human else {})}, status_code=status)


def forbidden() -> Refused:
    """No right to this."""
    return Refused(403, "Not authorized")


def missing(kind: str, id: object) -> Refused:
    """There is no such record."""
    return Refused(404, f"Couldn't find {kind} with 'id'={id}")


def opaque(status: int) -> Refused:
    """A fault that Zammad tells its administrators only."""
    return Refused(status, f"Error ID {secrets.token_urlsafe(6)}: Please contact your administrator.", human=False)


def unknown(field: str, value: object) -> Refused:
    """A name that stands for nothing."""
    return Refused(422, f"No lookup value found for '{field}': {json.dumps(value, ensure_ascii=False)}")


def as_user(store: Store, endpoint: AsUser) -> Endpoint:
    """The endpoint for whoever holds the token of the request."""

    async def answered(request: Request) -> Response:
        try:
            scheme, _, token = request.headers.get("authorization", "").partition("token=")
            if not scheme.lower().startswith("token") or not token:
                raise Refused(403, "Authentication required")
            if token not in store.tokens:
                raise Refused(401, "Can't find User for Token")
            return await endpoint(request, store.tokens[token])
        except Refused as refused:
            return refused.answer

    return answered


async def body_of(request: Request) -> Record:
    """The JSON object that was sent."""
    try:
        value: Any = await request.json()
    except ValueError:
        raise Refused(400, "Invalid JSON") from None
    if not isinstance(value, dict):
        raise Refused(400, "Invalid JSON")
    return value


def number(request: Request, name: str) -> int:
    """An id of the path; what is no number is the id of nothing."""
    value = request.path_params[name]
    return int(value) if value.isdecimal() else 0
