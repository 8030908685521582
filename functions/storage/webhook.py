"""A storage's word over HTTP that objects were written (signature or token are the host's work)."""

from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic_core import from_json
from starlette.requests import Request

from shared.aside import BUCKET, Aside
from shared.backends import Backends
from shared.errors import Reject
from shared.function import Reply, http
from shared.http import Problem
from shared.notifications import look_all, read, wanted


class Taken(BaseModel):
    """What the sender is told."""

    objects: int  # that lie there and that a function wants to know of


@http
async def storage_webhook(request: Request, use: Backends) -> Reply:
    """Take a signed notification; 202 once its events are stored, 200 where it tells of nothing that is wanted.

    Raises:
        Problem: 400 no JSON, 422 of no known shape.
    """
    return await _take(request, use)


@http
async def storage_token_webhook(request: Request, use: Backends) -> Reply:
    """The same from a storage that sends a bearer token (MinIO, RustFS, SeaweedFS): none of them signs.

    Raises:
        Problem: 400 no JSON, 422 of no known shape.
    """
    return await _take(request, use)


async def _take(request: Request, use: Backends) -> Reply:
    try:
        told: Any = from_json(await request.body())
    except ValueError:
        raise Problem(400, "The body is no JSON.") from None
    try:
        notices = read(told if isinstance(told, dict) else {})
    except Reject as error:  # its text names fields alone
        raise Problem(422, str(error)) from None
    aside = Aside(use.state.bucket(BUCKET), use.objects)
    found = await look_all(wanted(notices, use.catalogue.watches()), use.objects, aside.put)
    status = HTTPStatus.ACCEPTED if found else HTTPStatus.OK
    return Reply(response=Taken(objects=len(found)), events=[*found], status=status)
