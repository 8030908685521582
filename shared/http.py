"""How an HTTP function answers: read the input, run, publish, respond; every error as problem+json (RFC 9457).

The host and ``functions-framework`` both answer through ``respond``, so a function behaves alike on either.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager, suppress
from http import HTTPStatus
from typing import Any, Final, get_args, get_origin

import structlog
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send

from events import Event
from shared.backends import Backends
from shared.bus import Bus, derived_id, enveloped
from shared.errors import Reject, Retry
from shared.function import HttpFunction, Reply, Stream
from shared.metrics import FAILED, HANDLED, IN_FLIGHT, RETRIED, SECONDS
from shared.retry import LONGEST_S
from shared.telemetry import TRACE

log = structlog.get_logger()
PROBLEM: Final = "application/problem+json"
KEEP_ALIVE_S: Final = 15.0  # a comment is sent on a silent stream, so that proxies keep it open
_LAST_S = 5.0  # for the last bytes of a stream
_AFTER_S = 1.0  # Retry-After where nobody said better
_MANY = (list, tuple, set, frozenset)


class Problem(Exception):
    """An answer that is an error; ``detail`` is for the caller and quotes nothing but the caller's own input."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        errors: list[dict[str, str]] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        self.errors = errors  # [{"field": "limit", "message": "…"}]

    def document(self) -> dict[str, Any]:
        """The problem document."""
        document: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            document["errors"] = self.errors
        trace = TRACE.get()
        if trace is not None:
            document["trace_id"] = trace.trace_id
        return document

    def response(self) -> Response:
        """The answer itself."""
        headers = {"cache-control": "no-store"} | self.headers
        return JSONResponse(self.document(), self.status, headers, media_type=PROBLEM)


def busy(detail: str, after: float | None = None) -> Problem:
    """503 with Retry-After in whole seconds."""
    return Problem(503, detail, headers={"retry-after": str(max(1, math.ceil(min(after or _AFTER_S, LONGEST_S))))})


async def respond(
    record: HttpFunction, request: Request, use: Backends, bus: Callable[[], Bus], *, cause: str, limit_s: float
) -> Response:
    """Run one HTTP function on a request whose size and right were checked before.

    ``limit_s`` is the time the whole answer may take. ``cause`` is the id of the call that follow-up ids
    are derived from (the webhook's id, so that its repeat publishes the same ids). Never raises but for
    cancellation.
    """
    try:
        with counted(record.name):
            async with asyncio.timeout(limit_s):
                given = request if record.query is None else await read(record.query, request)
                result = await record.target(given, use)
                if isinstance(result, Reply):
                    await publish(record.name, cause, result.events, bus())
        if isinstance(result, Stream):
            return EventStream(record.name, result.messages, limit_s)
        return _rendered(result)
    except Exception as error:
        return problem_of(error, record.name).response()


async def publish(function: str, cause: str, events: list[Event], bus: Bus) -> None:
    """Store follow-ups of a request; returns when each is confirmed."""
    trace = TRACE.get()
    for ordinal, event in enumerate(events):
        id = derived_id(function, cause, event, ordinal)
        envelope = enveloped(
            event, id=id, source=f"/functions/{function}", traceparent=trace.header if trace is not None else None
        )
        await bus.publish(envelope, key=event.key_value)


def problem_of(error: BaseException, function: str) -> Problem:
    """What the caller is told about an exception; a bug is logged by type and place and told without detail."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, Retry):
        log.warning("answered with retry later", function=function, exc_info=error)
        return busy("Something this answer needs is away or busy; try again later.", error.after)
    if isinstance(error, Reject):
        # Its text may quote a backend, or what the backend holds; only a Problem speaks to the caller.
        log.warning("answered with reject", function=function, exc_info=error)
        return Problem(422, "This function cannot do what was asked, and asking again would not change that.")
    if isinstance(error, TimeoutError):
        log.warning("ran past its timeout", function=function)
        return Problem(504, "The answer took longer than this function may take.")
    log.error("function failed", function=function, exc_info=error)
    return Problem(500, "This is a fault of ours; it was logged under the trace id.")


async def read(model: type[BaseModel], request: Request) -> BaseModel:
    """The function's input: the query string (GET, DELETE) or the JSON body, path parameters over both.

    Raises:
        Problem: 400 no JSON, 415 another content type, 422 with the fields that are wrong.
    """
    try:
        if request.method in ("GET", "HEAD", "DELETE"):
            return model.model_validate(_from_query(model, request) | request.path_params)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json" and not kind.endswith("+json"):
            raise Problem(415, "Send the body as application/json.", headers={"accept": "application/json"})
        body = await request.body()
        if not request.path_params:
            return model.model_validate_json(body)
        whole = from_json(body)
        return model.model_validate(whole | request.path_params if isinstance(whole, dict) else whole)
    except ValidationError as error:
        raise _wrong_input(error) from None
    except ValueError:
        raise Problem(400, "The body is no JSON.") from None


class EventStream(Response):
    """Server-sent events; a client that goes away cancels the function where it stands.

    Its iterator runs in one task from first to last step, so that ``async with`` in it works.
    """

    def __init__(self, function: str, messages: AsyncIterator[tuple[str, BaseModel]], timeout: float) -> None:
        super().__init__(
            media_type="text/event-stream", headers={"cache-control": "no-store", "x-accel-buffering": "no"}
        )
        del self.headers["content-length"]
        self._function = function
        self._messages = messages
        self._timeout = timeout
        self._sent = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send messages until they end, the time is up or the client is gone."""
        lock = asyncio.Lock()

        async def put(body: bytes, more: bool = True) -> None:
            async with lock:
                try:
                    await send({"type": "http.response.body", "body": body, "more_body": more})
                except OSError:
                    raise _Left from None
                self._sent = time.monotonic()

        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        tasks = [asyncio.create_task(work) for work in (self._pump(put), _gone(receive), self._keep_alive(put))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _pump(self, put: Callable[..., Any]) -> None:
        last = b""
        try:
            with counted(self._function):
                async with AsyncExitStack() as stack, asyncio.timeout(self._timeout):
                    close = getattr(self._messages, "aclose", None)
                    if close is not None:
                        stack.push_async_callback(close)
                    async for name, model in self._messages:
                        await put(_message(name, model.model_dump_json(by_alias=True)))
        except _Left:
            return
        except Exception as error:
            problem = problem_of(error, self._function)
            last = _message("error", JSONResponse(problem.document()).body)
        # A client that no longer reads would hold us here for ever.
        with suppress(TimeoutError, _Left):
            async with asyncio.timeout(_LAST_S):
                await put(last, False)

    async def _keep_alive(self, put: Callable[..., Any]) -> None:
        self._sent = time.monotonic()
        while True:
            silent = time.monotonic() - self._sent
            if silent >= KEEP_ALIVE_S:
                await put(b": keep-alive\n\n")
                silent = 0.0
            await asyncio.sleep(KEEP_ALIVE_S - silent)


class _Left(Exception):
    """The client is gone; nothing went wrong here."""


async def _gone(receive: Receive) -> None:
    message: Message = {"type": ""}
    while message["type"] != "http.disconnect":
        message = await receive()


def _message(name: str, data: str | bytes | memoryview) -> bytes:
    if "\n" in name or "\r" in name:
        raise ValueError("the name of a message is one line")
    return (
        b"event: " + name.encode() + b"\ndata: " + (data.encode() if isinstance(data, str) else bytes(data)) + b"\n\n"
    )


@contextmanager
def counted(name: str) -> Iterator[None]:
    """Count and time one call of a function: in flight, handled, failed by type, put off."""
    IN_FLIGHT.labels(name).inc()
    start = time.perf_counter()
    try:
        yield
        HANDLED.labels(name).inc()
    except (Problem, _Left):
        HANDLED.labels(name).inc()  # a wrong question, answered; or nobody listens any more
        raise
    except Exception as error:
        FAILED.labels(name, type(error).__name__).inc()
        if isinstance(error, Retry):
            RETRIED.labels(name).inc()
        raise
    finally:
        SECONDS.labels(name).observe(time.perf_counter() - start)
        IN_FLIGHT.labels(name).dec()


def _rendered(result: Any) -> Response:
    if isinstance(result, Response):
        return result
    if isinstance(result, Reply):
        if isinstance(result.response, Response):
            return result.response
        return Response(result.response.model_dump_json(by_alias=True), result.status, media_type="application/json")
    if isinstance(result, BaseModel):
        return Response(result.model_dump_json(by_alias=True), media_type="application/json")
    raise TypeError(f"an HTTP function returned {type(result).__name__}")


def _from_query(model: type[BaseModel], request: Request) -> dict[str, Any]:
    values: dict[str, Any] = {}
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    for name in request.query_params:
        given = request.query_params.getlist(name)
        field = fields.get(name)
        if field is not None and _takes_many(field.annotation):
            values[name] = [value for value in given if value != ""]
        elif len(given) > 1:
            problem = {"field": name, "message": "stands more than once"}
            raise Problem(422, f"{name}: stands more than once", errors=[problem])
        elif given[0] != "" or field is None or field.is_required():
            values[name] = given[0]  # an empty form field that may be left out is left out
    return values


def _takes_many(annotation: Any) -> bool:
    if (get_origin(annotation) or annotation) in _MANY:
        return True
    return any(_takes_many(argument) for argument in get_args(annotation) if argument is not type(None))


def _wrong_input(error: ValidationError) -> Problem:
    found = error.errors(include_url=False, include_input=False, include_context=False)
    if found[0]["type"] == "json_invalid":
        return Problem(400, "The body is no JSON.")
    errors = [
        {
            "field": ".".join(str(part) for part in one["loc"]) or "body",
            "message": one["msg"].removeprefix("Value error, "),
        }
        for one in found[:20]
    ]
    return Problem(422, f"{errors[0]['field']}: {errors[0]['message']}", errors=errors)
