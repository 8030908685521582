"""Publishing: events become CloudEvents with derived ids and are stored by JetStream before anyone goes on."""

from typing import Final, Protocol
from uuid import UUID, uuid5

from events import CloudEvent, Event
from events.envelope import now
from shared.errors import Reject

MAX_BYTES: Final = 64 * 1024
"""The largest data of one event; anything larger lies in object storage and is referred to."""

_SPACE = UUID("6f1f2c0e-5d0e-5a53-9c1f-0b9d3c1f7a11")  # a constant of this project; changing it breaks dedupe


class Bus(Protocol):
    """Stores events. The call returns when the event is safe, not when it is sent."""

    async def publish(self, event: CloudEvent, *, key: str | None = None) -> None:
        """Store one event on the subject of its type and key; the same id twice is stored once.

        Raises:
            BackendError: the stream did not confirm (away or full).
            Reject: the event is larger than 64 KB.
        """
        ...


def derived_id(function: str, cause: str, event: Event, ordinal: int) -> str:
    """The id of a follow-up: equal in every repeat of the same cause, whatever worker runs it.

    ``identity`` fields tell follow-ups apart where the event type names some, else their position. An event
    that is told ``once`` has the same id from every function and every cause.
    """
    mark = "\x1f".join(str(getattr(event, name)) for name in event.identity) if event.identity else str(ordinal)
    told_by = () if event.once else (function, cause)
    return str(uuid5(_SPACE, "\x1f".join((*told_by, event.type, mark))))


def enveloped(event: Event, *, id: str, source: str, traceparent: str | None = None) -> CloudEvent:
    """Put an event into its envelope, stamped with the present time."""
    return CloudEvent(
        id=id,
        source=source,
        type=event.type,
        data=event.model_dump_json().encode(),
        subject=event.key_value,
        time=now(),
        extensions={"traceparent": traceparent} if traceparent else None,
    )


def check_size(event: CloudEvent) -> None:
    """Raise Reject for an event that is too large to travel: trying again makes it no smaller."""
    if len(event.data) > MAX_BYTES:
        raise Reject(
            f"event {event.type} has {len(event.data)} bytes, more than {MAX_BYTES}; "
            "put the content into object storage and let the event name its key",
        )


class MemoryBus:
    """A bus without a server, for tests of functions: keeps what was published, in order."""

    def __init__(self) -> None:
        self.events: list[CloudEvent] = []
        self.keys: list[str | None] = []  # beside ``events``: the key each was published with
        self._ids: set[str] = set()

    async def publish(self, event: CloudEvent, *, key: str | None = None) -> None:
        """See Bus; nothing is ever full or away here."""
        check_size(event)
        if event.id not in self._ids:
            self._ids.add(event.id)
            self.events.append(event)
            self.keys.append(key)

    async def close(self) -> None:
        """Nothing to close; here because every bus has it."""
