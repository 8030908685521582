"""What the worker's tests share: event types, a worker of functions made in the test, a look into NATS."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import nats.errors
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig
from nats.js.errors import NotFoundError

from events import CloudEvent, Event
from infra.worker.worker import Worker
from shared.bus import enveloped
from shared.catalogue import Catalogue
from shared.deadletters import DeadLetter
from shared.function import EventFunction, function_of
from shared.jetstream import JetStreamBus
from shared.settings import NatsSettings, Settings

DEADLINE_S = 30.0
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
_TEXT = {"de": "-", "en": "-"}
_TEXTS = ("purpose", "data", "evaluation", "risks", "legal_basis", "human_oversight")
_CARD = {"owner": "test", "models": [], **dict.fromkeys(_TEXTS, _TEXT)}


class Asked(Event):
    """What the functions of the tests react to."""

    type: ClassVar[str] = "test.asked"

    text: str = ""


class Answered(Event):
    """What they say."""

    type: ClassVar[str] = "test.answered"

    text: str


class Keyed(Event):
    """An event whose order matters within a key."""

    type: ClassVar[str] = "test.keyed"
    key: ClassVar[str | None] = "name"

    name: str
    number: int


def catalogue(functions: Mapping[str, EventFunction], **limits: Any) -> Catalogue:
    """A catalogue of these functions, all with the same limits."""
    return Catalogue.model_validate(
        {
            "version": 1,
            "systems": {"test": {"title": {"de": "-", "en": "-"}, "card": _CARD}},
            "functions": {
                name: {
                    "handler": f"test.module.{name}",
                    "description": "-",
                    "events": [{"nats": {"type": function.accepts.type}}],
                    "retry": {"attempts": 3, "initial": "10ms", "max": "50ms"},
                    **limits,
                }
                for name, function in functions.items()
            },
        }
    )


async def until(condition: Callable[[], Any], what: str = "") -> None:
    """Wait until the condition (plain or awaitable) holds, or fail."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        holds = condition()
        if hasattr(holds, "__await__"):
            holds = await holds
        if holds:
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {DEADLINE_S:g} s: {what or condition}")
        await asyncio.sleep(0.01)


class Bench:
    """One NATS, with a bus to publish on and to look through."""

    def __init__(self, nats: NatsSettings) -> None:
        self.settings = Settings(_env_file=None, nats=nats)
        self.bus = JetStreamBus(nats)

    async def __aenter__(self) -> "Bench":
        await self.bus.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.bus.close()

    @property
    def js(self) -> JetStreamContext:
        """JetStream, for looking."""
        return self.bus.jetstream

    def worker(self, *targets: Callable[..., Any], drain_s: float = 5.0, **limits: Any) -> Worker:
        """A worker that runs these decorated functions with these limits of the catalogue."""
        functions: dict[str, EventFunction] = {}
        for target in targets:
            function = function_of(target)
            assert isinstance(function, EventFunction)
            functions[function.name] = function
        return Worker(functions, catalogue(functions, **limits), self.settings, drain_s=drain_s)

    async def publish(self, event: Event, *, id: str) -> None:
        """Publish as a producer would, with a trace."""
        parent = f"00-{TRACE_ID}-00f067aa0ba902b7-01"
        await self.bus.publish(enveloped(event, id=id, source="/test", traceparent=parent), key=event.key_value)

    async def stored(self, subject: str, stream: str = "EVENTS") -> CloudEvent:
        """The last event on a subject, once there is one."""
        found: list[CloudEvent] = []

        async def there() -> bool:
            try:
                message = await self.js.get_msg(stream, seq=1, subject=subject, next=True)
            except NotFoundError:
                return False
            found.append(CloudEvent.from_message(message.headers, message.data or b""))
            return True

        await until(there, f"a message on {subject}")
        return found[0]

    async def provision(self, *targets: Callable[..., Any], **limits: Any) -> None:
        """Make streams and durables, as a worker that starts and stops."""
        async with self.worker(*targets, **limits):
            pass

    async def count(self, stream: str) -> int:
        """Messages in a stream."""
        return int((await self.js.stream_info(stream)).state.messages)

    async def dead(self, count: int = 1) -> list[DeadLetter]:
        """The dead letters, once there are so many."""

        async def enough() -> bool:
            return await self.count("DEAD") >= count

        await until(enough, f"{count} dead letters")
        letters = []
        state = (await self.js.stream_info("DEAD")).state
        for number in range(state.first_seq, state.last_seq + 1):
            message = await self.js.get_msg("DEAD", number)
            letters.append(DeadLetter.read(message.headers or {}, message.data or b""))
        return letters

    async def settled(self, consumer: str, stream: str = "EVENTS") -> None:
        """Wait until a durable has nothing waiting and nothing unacknowledged."""

        async def quiet() -> bool:
            try:
                info = await self.js.consumer_info(stream, consumer)
            except (NotFoundError, nats.errors.Error):
                return False
            if info.num_pending or info.num_ack_pending:
                return False
            # The server counts what is pending a moment after it has stored it.
            delivered = info.delivered.stream_seq if info.delivered else 0
            return delivered >= await self._last(stream, info.config)

        await until(quiet, f"{consumer} settled")

    async def _last(self, stream: str, config: ConsumerConfig) -> int:
        """Sequence number of the newest message that a durable is to get."""
        subjects, last = config.filter_subjects or [config.filter_subject or ">"], 0
        for subject in subjects:
            with contextlib.suppress(NotFoundError):
                last = max(last, (await self.js.get_last_msg(stream, subject)).seq or 0)
        return last
