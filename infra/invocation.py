"""One call of one event function without a broker: for `stadtfunk invoke` and a developer's first try."""

import json
from pathlib import Path

from pydantic import ValidationError

from events import CloudEvent, EnvelopeError, Event
from shared.backends import Backends
from shared.errors import Reject
from shared.function import EventFunction, Function
from shared.settings import Settings
from shared.state import MemoryState


def read_event(file: Path, accepts: type[Event]) -> Event:
    """The event in a JSON file, which holds a structured CloudEvent or the data alone.

    Raises:
        Reject: the file is missing, no JSON, of another type, or a field is wrong (named).
    """
    try:
        raw = file.read_bytes()
        fields = json.loads(raw)
    except OSError as error:
        raise Reject(f"{file}: {error.strerror}") from None
    except ValueError as error:
        raise Reject(f"{file}: no JSON: {error}") from None
    data = raw
    if isinstance(fields, dict) and "specversion" in fields:
        try:
            envelope = CloudEvent.from_structured(raw)
        except EnvelopeError as error:
            raise Reject(f"{file}: {error}") from None
        if envelope.type != accepts.type:
            raise Reject(f"{file}: the event is a '{envelope.type}', the function takes '{accepts.type}'")
        data = envelope.data
    try:
        return accepts.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Reject(f"{file}: {where}: {first['msg']}") from None


async def call(function: Function, file: Path, settings: Settings) -> list[Event]:
    """Run the function on the event of a file; the follow-ups, unpublished."""
    if not isinstance(function, EventFunction):
        raise Reject(f"'{function.name}' answers requests; call it with an HTTP client")
    event = read_event(file, function.accepts)
    use = Backends(settings, state=MemoryState())
    try:
        if function.streams:
            return [follow_up async for follow_up in function.target(event, use)]
        result = await function.target(event, use)
    finally:
        await use.close()
    if result is None:
        return []
    return [result] if isinstance(result, Event) else list(result)
