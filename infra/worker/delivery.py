"""A message as it was delivered, and the event in it."""

from typing import Any

from nats.aio.msg import Msg
from pydantic import ValidationError

from events import CloudEvent, EnvelopeError
from events.subjects import NO_KEY
from infra.worker.pull import Pull
from infra.worker.schedules import firing_id

_OURS = ("events.", "replay.", "ordered.", "schedules.")


class WrongType(ValueError):
    """The event is of another type than the function takes."""


class Delivery:
    """One delivery of a message: its place in the stream, and when its next heartbeat is due."""

    __slots__ = ("beat_at", "message", "pull", "tokens")

    def __init__(self, message: Msg, pull: Pull, beat_at: float) -> None:
        self.message = message
        self.pull = pull
        self.beat_at = beat_at  # monotonic seconds
        # $JS.ACK.<stream>.<consumer>.<delivered>.<stream sequence>...; newer servers put domain and account first.
        tokens = message.reply.split(".")
        self.tokens = tokens if len(tokens) == 9 else tokens[2:]

    @property
    def number(self) -> int:
        """1 for the first delivery."""
        return int(self.tokens[4])

    @property
    def identity(self) -> str:
        """Names the message within its stream, and no other after the stream was made anew."""
        return self.tokens[5] + self.tokens[7]  # sequence and time

    @property
    def sequence(self) -> int:
        """Its place in the stream."""
        return int(self.tokens[5])

    @property
    def stored_at(self) -> float:
        """When the stream took it, in seconds since 1970."""
        return int(self.tokens[7]) / 1e9

    @property
    def last(self) -> bool:
        """Nothing waited behind it in its durable when it was delivered."""
        return self.tokens[8] == "0"

    def renew(self, later: "Delivery") -> None:
        """Take a later delivery of the same message for this one: its ack is the one that counts."""
        self.message = later.message

    @property
    def key(self) -> str:
        """Names the message for this function: durable and stream sequence."""
        source = self.pull.source
        return f"{source.stream}/{source.consumer}/{self.tokens[5]}"


def key_token_of(subject: str) -> str:
    """The key's token in ``events.<key>.<type>``, ``replay.<function>.<key>``, ``ordered.<function>.<n>.<key>...``."""
    tokens = subject.split(".")
    place = {"events": 1, "replay": 2, "ordered": 3}.get(tokens[0], len(tokens))
    return tokens[place] if place < len(tokens) else NO_KEY


def read_envelope(delivery: Delivery, accepts: str) -> CloudEvent:
    """The CloudEvent of a message.

    Raises:
        EnvelopeError: the message is none.
        WrongType: it has another type than ``accepts``.
    """
    message = delivery.message
    headers: dict[str, str] | None = message.headers
    try:
        event = CloudEvent.from_message(headers, message.data)
    except EnvelopeError:
        if message.subject.startswith(_OURS):
            raise
        # Foreign software on a subject that the catalogue names: the body is the data.
        identity = (headers or {}).get("Nats-Msg-Id") or delivery.key
        return CloudEvent(id=identity, source=f"nats:{message.subject}", type=accepts, data=message.data)
    if event.type != accepts:
        raise WrongType(f"the event is of type {event.type[:100]!r}, the function takes {accepts!r}")
    if headers is not None and "Nats-Scheduler" in headers:
        event.id = firing_id(headers) or event.id  # every firing of a schedule repeats the same ce-id
    return event


def told(error: BaseException) -> str:
    """Why a message is unreadable, for its dead letter: places and kinds, not the values found there."""
    if not isinstance(error, ValidationError):
        return str(error)[:500]  # of an envelope: it names types and headers
    faults: list[Any] = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(".".join(map(str, f["loc"])) + f": {f['msg']}" for f in faults[:5])[:500]
