"""The same functions under ``functions-framework`` (Knative, any FaaS that pushes CloudEvents over HTTP).

    functions-framework --source functions/xnext/index.py --target index_page

The framework throws return values away, so follow-ups are stored by the bus before it answers 2xx.
A retry is answered with 503 and Retry-After, a reject with 422 once the dead letter is stored, anything
else with 500: the platform pushes again. The catalogue's limits and access rules hold here too.
"""

import asyncio
import json
import math
from contextlib import aclosing
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from uuid import uuid4

import structlog
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from events import CloudEvent, Event
from events.envelope import JSON_TYPE, now
from events.subjects import subject_of
from shared.access import Access, Delivery, Repeatable
from shared.backends import Backends
from shared.bus import derived_id, enveloped
from shared.catalogue import FunctionEntry
from shared.deadletters import DeadLetter, bury, letter_id, reason_of
from shared.errors import Reject, Retry, SettingsError
from shared.function import EventFunction, HttpFunction
from shared.http import Problem, counted, respond
from shared.jetstream import JetStreamBus
from shared.metrics import DEAD
from shared.retry import LONGEST_S
from shared.settings import Settings
from shared.telemetry import EVENT_ID, TRACE, Trace, setup, span

log = structlog.get_logger()
_AFTER_S: Final = 1.0
_ATTRIBUTES: Final = frozenset({"id", "source", "type", "specversion", "subject", "time", "dataschema"})


@dataclass(frozen=True)
class House:
    """What every call of this process uses."""

    use: Backends
    bus: JetStreamBus
    access: Access

    def entry(self, name: str) -> FunctionEntry:
        """The function's limits and rules; without them it does not run."""
        entry = self.use.catalogue.functions.get(name)
        if entry is None:
            raise SettingsError("STADTFUNK_CATALOGUE", f"the function '{name}' is not in it")
        return entry


@cache
def house() -> House:
    """Made at the first call, in the process that answers it."""
    settings = Settings()
    setup(settings.telemetry, "stadtfunk-function")
    use = Backends(settings)
    access = Access(settings.host, use.secrets, lambda: use.state)
    return House(use=use, bus=JetStreamBus(settings.nats, name="stadtfunk-function"), access=access)


async def react(record: EventFunction, cloudevent: Any) -> None:
    """Run an event function on a ``cloudevents`` event and store its follow-ups.

    Raises:
        HTTPException: 503 try again (with Retry-After), 422 rejected and kept as a dead letter, 500 a bug.
    """
    made = house()
    envelope = _envelope(cloudevent)
    trace = Trace.parse(envelope.traceparent) or Trace.new()
    tokens = EVENT_ID.set(envelope.id), TRACE.set(trace)
    try:
        entry = made.entry(record.name)
        with counted(record.name), span(f"function {record.name}", parent=trace, kind="consumer") as inner:
            async with asyncio.timeout(entry.timeout):
                await _run(record, envelope, made, inner)
    except Reject as error:
        try:
            await _bury(record, envelope, error, made)
        except Retry as later:
            raise _again(later) from None
        raise HTTPException(422, "rejected; kept as a dead letter") from None
    except (Retry, TimeoutError) as error:
        log.warning("event failed", function=record.name, exc_info=error)
        raise _again(error) from None
    except Exception as error:
        log.exception("event failed", function=record.name, exc_info=error)
        raise HTTPException(500, "failed; the cause was logged") from None
    finally:
        EVENT_ID.reset(tokens[0])
        TRACE.reset(tokens[1])


async def answer(record: HttpFunction, request: Request) -> Response:
    """Answer a request as the host does; how many may ask at once is the platform's business here."""
    made = house()
    token = TRACE.set(Trace.parse(request.headers.get("traceparent")) or Trace.new())
    try:
        with span(record.name, kind="server"):
            return await _answer(record, request, made)
    except Problem as problem:
        return problem.response()
    except Exception as error:
        log.exception("request failed", function=record.name, exc_info=error)
        return Problem(500, "This is a fault of ours; it was logged under the trace id.").response()
    finally:
        TRACE.reset(token)


async def _run(record: EventFunction, envelope: CloudEvent, made: House, trace: Trace) -> None:
    if envelope.type != record.accepts.type:
        raise _Unreadable("WrongType", f"the event is a '{envelope.type}', the function takes '{record.accepts.type}'")
    try:
        event = record.accepts.model_validate_json(envelope.data)
    except ValidationError as error:
        # Fields and kinds, not the values found there.
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        said = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults[:5])
        raise _Unreadable("ValidationError", said) from None
    if not made.entry(record.name).takes(event):
        return  # an object that no s3 trigger of the function names

    async def publish(follow_up: Event, ordinal: int) -> None:
        id = derived_id(record.name, envelope.id, follow_up, ordinal)
        source = f"/functions/{record.name}"
        made_of = enveloped(follow_up, id=id, source=source, traceparent=trace.header)
        await made.bus.publish(made_of, key=follow_up.key_value)

    if record.streams:
        ordinal = 0
        async with aclosing(record.target(event, made.use)) as follow_ups:
            async for follow_up in follow_ups:
                await publish(follow_up, ordinal)
                ordinal += 1
        return
    result = await record.target(event, made.use)
    follow_ups = [] if result is None else [result] if isinstance(result, Event) else list(result)
    for ordinal, follow_up in enumerate(follow_ups):
        await publish(follow_up, ordinal)


class _Unreadable(Reject):
    """The event never reaches the function: another type, or data that do not fit it."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


async def _bury(record: EventFunction, envelope: CloudEvent, error: Reject, made: House) -> None:
    at = now()
    letter = DeadLetter(
        id=letter_id(record.name, envelope.id),
        function=record.name,
        attempts=0 if isinstance(error, _Unreadable) else 1,
        error=error.kind if isinstance(error, _Unreadable) else type(error).__name__,
        reason=reason_of(error),
        first_at=at,
        last_at=at,
        subject=subject_of(envelope.type, envelope.subject),
        headers=envelope.headers(),
        data=envelope.data,
    )
    await bury(letter, made.bus)
    log.error("event became a dead letter", function=record.name, cause=letter.error, attempts=letter.attempts)
    DEAD.labels(record.name).inc()


async def _answer(record: HttpFunction, request: Request, made: House) -> Response:
    entry = made.entry(record.name)
    await made.access.check(entry, request.headers)
    limit, body = entry.max_body or made.use.settings.host.max_body_bytes, b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise Problem(413, f"The body is larger than {limit} bytes.")
    delivery: Delivery | Repeatable | None = None
    if entry.access == "system":
        delivery = await made.access.signed(record.name, entry, request.headers, body)

    async def whole() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    response: Response | None = None
    try:
        response = await respond(
            record,
            Request(request.scope, whole),
            made.use,
            lambda: made.bus,
            cause=delivery.id if delivery is not None else str(uuid4()),
            limit_s=entry.timeout,
        )
        return response
    finally:
        if delivery is not None:
            await delivery.close(answered=response is not None and response.status_code < 500)


def _envelope(event: Any) -> CloudEvent:
    attributes: dict[str, Any] = dict(event.get_attributes())
    data = event.get_data()
    # The framework has parsed JSON already; anything else is bytes or text as it came.
    raw = data if isinstance(data, bytes) else b"" if data is None else json.dumps(data, ensure_ascii=False).encode()
    extensions = {name: str(value) for name, value in attributes.items() if name not in _ATTRIBUTES}
    kind = extensions.pop("datacontenttype", None) or JSON_TYPE
    return CloudEvent(
        id=str(attributes["id"]),
        source=str(attributes["source"]),
        type=str(attributes["type"]),
        data=raw,
        subject=attributes.get("subject"),
        time=attributes.get("time"),
        dataschema=attributes.get("dataschema"),
        datacontenttype=kind,
        extensions=extensions or None,
    )


def _again(error: BaseException) -> HTTPException:
    after = error.after if isinstance(error, Retry) and error.after is not None else _AFTER_S
    return HTTPException(503, "try again later", {"Retry-After": str(max(1, math.ceil(min(after, LONGEST_S))))})
