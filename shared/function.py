"""How a function is written: ``@on`` for an event, ``@http`` for a request.

    @on(PageChanged)
    async def index_page(page: PageChanged, use: Backends) -> PageIndexed | None: ...

    @http
    async def search(query: SearchQuery, use: Backends) -> SearchResults: ...

The decorated function stays callable as it is written (tests do). Called with one argument, as
functions-framework does, it adapts: see ``shared.framework``. The host and the worker take the bare
function from its record (``function_of``), so the wrapper costs them nothing.

An event function returns a follow-up event, several, or none; or it is an async generator: then each
event is stored by the bus before the code after its ``yield`` runs, so state may be recorded there.
"""

import inspect
import sys
import typing
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from events import Event
from shared.backends import Backends

_RECORD = "__stadtfunk__"


@dataclass(frozen=True, kw_only=True, slots=True)
class EventFunction:
    """A function that reacts to one event type."""

    name: str
    accepts: type[Event]
    streams: bool  # an async generator of follow-ups instead of a coroutine that returns them
    target: Callable[[Any, Backends], Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpFunction:
    """A function that answers requests."""

    name: str
    query: type[BaseModel] | None  # read from the query string (GET) or the JSON body; None: the raw request
    result: type[BaseModel] | None  # the model it answers with, for the OpenAPI document; None: not one model
    target: Callable[[Any, Backends], Awaitable[Any]]


Function = EventFunction | HttpFunction


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer that also publishes: ``events`` are stored by the bus first, then ``response`` is sent."""

    response: BaseModel | Response
    events: list[Event] = field(default_factory=list)
    status: int = 200  # of a model response; a Response carries its own


@dataclass(frozen=True)
class Stream:
    """Server-sent events as ``(name, model)`` pairs. A client that goes away closes the iterator."""

    messages: AsyncIterator[tuple[str, BaseModel]]


def on(accepts: type[Event]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make an async function (or async generator) a reaction to events of type ``accepts``."""

    def decorate(target: Callable[..., Any]) -> Callable[..., Any]:
        first = _parameters(target)[0]
        if first is not accepts:
            raise TypeError(f"{target.__qualname__} is @on({accepts.__name__}) but takes {first!r}")
        streams = inspect.isasyncgenfunction(target)
        if not streams and not inspect.iscoroutinefunction(target):
            raise TypeError(f"{target.__qualname__} must be an async function or an async generator")
        record = EventFunction(name=target.__name__, accepts=accepts, streams=streams, target=target)

        @wraps(target)
        async def call(event: Any, use: Backends | None = None) -> Any:
            if use is None:
                from shared.framework import react

                return await react(record, event)
            if streams:
                return [follow_up async for follow_up in target(event, use)]
            return await target(event, use)

        setattr(call, _RECORD, record)
        _register(record.name, "cloudevent")
        return call

    return decorate


def http(target: Callable[..., Any]) -> Callable[..., Any]:
    """Make an async function answer requests.

    Its first parameter is a pydantic model (read from the query string or the JSON body, wrong input
    is answered with 422 and the field's name) or a ``starlette.requests.Request``. It returns a model,
    a ``Response``, a ``Reply`` or a ``Stream``.
    """
    if not inspect.iscoroutinefunction(target):
        raise TypeError(f"{target.__qualname__} must be an async function")
    first, result = _parameters(target)[0], typing.get_type_hints(target).get("return")
    query = first if inspect.isclass(first) and issubclass(first, BaseModel) else None
    if query is None and first is not Request:
        raise TypeError(f"{target.__qualname__} must take a pydantic model or a Request, not {first!r}")
    record = HttpFunction(
        name=target.__name__,
        query=query,
        result=result if inspect.isclass(result) and issubclass(result, BaseModel) else None,
        target=target,
    )

    @wraps(target)
    async def call(request: Any, use: Backends | None = None) -> Any:
        if use is None:
            from shared.framework import answer

            return await answer(record, request)
        return await target(request, use)

    setattr(call, _RECORD, record)
    _register(record.name, "http")
    return call


def function_of(target: Any) -> Function | None:
    """The record of a decorated function, or None for anything else."""
    record = getattr(target, _RECORD, None)
    return record if isinstance(record, (EventFunction, HttpFunction)) else None


def _parameters(target: Callable[..., Any]) -> list[Any]:
    hints = typing.get_type_hints(target)
    names = list(inspect.signature(target).parameters)
    if len(names) != 2 or hints.get(names[1]) is not Backends:
        raise TypeError(f"{target.__qualname__} must take (event or request, use: Backends)")
    return [hints.get(name) for name in names]


def _register(name: str, signature: str) -> None:
    # Only a process that functions-framework started needs its registry; importing it costs 0.2 s.
    if "functions_framework" in sys.modules:
        from functions_framework import _function_registry as registry

        registry.REGISTRY_MAP[name] = signature
        registry.ASGI_FUNCTIONS.add(name)
