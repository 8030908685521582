"""Functions that do each thing a function may do, for the suite that holds both transports to one contract."""

import asyncio
from collections.abc import AsyncIterator
from typing import ClassVar, Literal

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from events import Event
from shared.backends import Backends
from shared.errors import BackendError, Reject, Retry
from shared.function import Reply, Stream, http, on


class Asked(Event):
    """Do as it says."""

    type: ClassVar[str] = "test.contract.asked"
    key: ClassVar[str | None] = "who"

    how: Literal["one", "two", "none", "away", "retry", "reject", "bug", "slow"]
    who: str = "Erika"


class Told(Event):
    """It was done."""

    type: ClassVar[str] = "test.contract.told"
    key: ClassVar[str | None] = "who"
    identity: ClassVar[tuple[str, ...]] = ("number",)

    who: str
    number: int


class Wanted(BaseModel):
    """A request."""

    how: str
    number: int = 1


@on(Asked)
async def react_once(asked: Asked, use: Backends) -> Told | list[Told] | None:
    """Return follow-ups, or fail in the way that is asked for."""
    if asked.how == "away":
        raise BackendError("vectors", f"geheim {asked.who}", after=0.05)
    if asked.how == "retry":
        raise Retry(f"geheim {asked.who}", after=0.05)
    if asked.how == "reject":
        raise Reject("the page has no title")
    if asked.how == "bug":
        raise RuntimeError(f"geheim {asked.who}")
    if asked.how == "slow":
        await asyncio.sleep(60)
    if asked.how == "two":
        return [Told(who=asked.who, number=1), Told(who=asked.who, number=2)]
    return Told(who=asked.who, number=1) if asked.how == "one" else None


@on(Asked)
async def react_stream(asked: Asked, use: Backends) -> AsyncIterator[Told]:
    """Yield follow-ups, and know each to be stored when going on."""
    yield Told(who=asked.who, number=1)
    yield Told(who=asked.who, number=2)


@http
async def respond_json(wanted: Wanted, use: Backends) -> Reply:
    """Answer with JSON and an event, or fail in the way that is asked for."""
    if wanted.how == "retry":
        raise BackendError("vectors", "geheim", after=3)
    if wanted.how == "reject":
        raise Reject("geheim")
    if wanted.how == "bug":
        raise RuntimeError("geheim")
    return Reply(response=wanted, events=[Told(who="Erika", number=wanted.number)], status=202)


@http
async def respond_stream(request: Request, use: Backends) -> Stream:
    """Answer with two messages."""

    async def messages() -> AsyncIterator[tuple[str, BaseModel]]:
        for number in (1, 2):
            yield "number", Wanted(how="stream", number=number)

    return Stream(messages())


@http
async def respond_closed(request: Request, use: Backends) -> Response:
    """For staff only, as its entry in the catalogue says."""
    return Response("inside")
