"""Dead letters: an event a function gave up on, kept with the cause until someone decides."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import quote, unquote
from uuid import UUID, uuid5

from shared.errors import StadtfunkError
from shared.telemetry import describe

SUBJECT: Final = "dead"
STREAM: Final = "DEAD"
_SPACE = UUID("1d0c8a55-6a0e-5c41-9a0b-5f8f6a1c9be2")  # a constant of this project; changing it breaks dedupe
_OWN: Final = "stadtfunk-"
_LONGEST: Final = 500  # characters of the reason


class Store(Protocol):
    """What keeps dead letters: ``JetStreamBus``, or a test's own."""

    async def store(self, subject: str, data: bytes, headers: dict[str, str]) -> None:
        """Store a message and wait for the confirmation."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetter:
    """One event that one function could not handle."""

    id: str  # derived: the same failure stored twice is one dead letter
    function: str
    attempts: int  # runs of the function; 0: the message never reached it
    error: str  # type of the last error
    reason: str  # its text; may quote the event, so it stays out of logs
    first_at: str  # RFC 3339; first delivery that failed
    last_at: str  # RFC 3339; when it was given up
    subject: str  # where the event was published
    headers: Mapping[str, str]  # as they were
    data: bytes

    def message(self) -> tuple[str, bytes, dict[str, str]]:
        """Subject, body and headers of the stored message."""
        # The server's own headers would be obeyed again (message id, expected stream, schedule).
        headers = {name: value for name, value in self.headers.items() if not name.lower().startswith(("nats-", _OWN))}
        headers["Nats-Msg-Id"] = self.id
        for name in ("function", "attempts", "error", "reason", "first_at", "last_at", "subject"):
            headers[_OWN + name.replace("_", "-")] = quote(str(getattr(self, name)), safe=" :.,/*>-_()'")
        return f"{SUBJECT}.{self.function}", self.data, headers

    @classmethod
    def read(cls, headers: Mapping[str, str], data: bytes) -> "DeadLetter":
        """Read a stored message back."""
        own = {name: unquote(headers.get(_OWN + name, "")) for name in ("function", "error", "reason", "subject")}
        return cls(
            id=headers.get("Nats-Msg-Id", ""),
            attempts=int(headers.get(_OWN + "attempts") or 0),
            first_at=unquote(headers.get(_OWN + "first-at", "")),
            last_at=unquote(headers.get(_OWN + "last-at", "")),
            headers={n: v for n, v in headers.items() if not n.lower().startswith(("nats-", _OWN))},
            data=data,
            **own,
        )


def letter_id(function: str, *origin: object) -> str:
    """The id of a dead letter; ``origin`` names the message (stream and sequence, or the event's id)."""
    return str(uuid5(_SPACE, "\x1f".join((function, *map(str, origin)))))


def reason_of(error: BaseException) -> str:
    """Why, for a dead letter: the words of an error of ours; of any other its place, as its text may quote data."""
    return (str(error) if isinstance(error, StadtfunkError) else describe(error)["place"])[:_LONGEST]


async def bury(letter: DeadLetter, store: Store) -> None:
    """Store a dead letter; returns when it is safe.

    Raises:
        BackendError: it could not be stored; the event must not be given up yet.
    """
    subject, data, headers = letter.message()
    await store.store(subject, data, headers)
