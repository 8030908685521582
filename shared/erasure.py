"""Wiping what the streams hold of one key: events, replays and dead letters, overwritten on the server's disk.

An event's subject carries the digest of its key, so a key's messages are found without reading any other;
a dead letter keeps the subject of the event it was.
"""

from collections.abc import Callable
from typing import NamedTuple

from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from events.subjects import ROOT, key_token
from shared import deadletters
from shared.connection import connect
from shared.deadletters import DeadLetter
from shared.errors import BackendError
from shared.settings import NatsSettings
from shared.telemetry import backend_call
from shared.wire import QuickClient

_EVENTS = "EVENTS"


class Wiped(NamedTuple):
    """Messages that were overwritten."""

    events: int
    dead: int


class Erasure:
    """Connects on first use and keeps the connection."""

    def __init__(self, settings: NatsSettings) -> None:
        self._settings = settings
        self._client: QuickClient | None = None

    async def wipe(self, keys: list[str]) -> Wiped:
        """Overwrite every message about these keys.

        Raises:
            BackendError: NATS is away; a repeat finds what is left.
        """
        with backend_call("nats", "wipe"):
            js, tokens = await self._jetstream(), {key_token(key) for key in keys}
            events = 0
            for token in sorted(tokens):
                # Replays go to replay.<function>.<token>.
                for subject in (f"{ROOT}.{token}.>", f"replay.*.{token}"):
                    for number in await _numbers(js, _EVENTS, subject):
                        events += await _delete(js, _EVENTS, number)
            dead = 0
            for number in await self._letters(js, lambda letter: _about(letter, tokens)):
                dead += await _delete(js, deadletters.STREAM, number)
            return Wiped(events, dead)

    async def sweep(self, gone: Callable[[DeadLetter], bool]) -> int:
        """Overwrite the dead letters of which this is true; how many there were."""
        with backend_call("nats", "sweep"):
            js = await self._jetstream()
            numbers = await self._letters(js, gone)
            return sum([await _delete(js, deadletters.STREAM, number) for number in numbers])

    async def left(self, keys: list[str]) -> Wiped:
        """How many messages about these keys there are."""
        with backend_call("nats", "left"):
            js, tokens = await self._jetstream(), {key_token(key) for key in keys}
            events = 0
            for token in tokens:
                for subject in (f"{ROOT}.{token}.>", f"replay.*.{token}"):
                    events += len(await _numbers(js, _EVENTS, subject))
            return Wiped(events, len(await self._letters(js, lambda letter: _about(letter, tokens))))

    async def close(self) -> None:
        """Close the connection; a later call opens a new one."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _letters(self, js: JetStreamContext, wanted: Callable[[DeadLetter], bool]) -> list[int]:
        found: list[int] = []
        next_ = 1
        while True:
            try:
                message = await js.get_msg(deadletters.STREAM, seq=next_, subject=f"{deadletters.SUBJECT}.>", next=True)
            except NotFoundError:
                return found
            next_ = (message.seq or 0) + 1
            if wanted(DeadLetter.read(message.headers or {}, message.data or b"")):
                found.append(next_ - 1)

    async def _jetstream(self) -> JetStreamContext:
        if self._client is None or self._client.is_closed:
            self._client = await connect(self._settings, name="stadtfunk-erasure")
        return self._client.jetstream()


def _about(letter: DeadLetter, tokens: set[str]) -> bool:
    return bool(tokens & set(letter.subject.split(".")))


async def _numbers(js: JetStreamContext, stream: str, subject: str) -> list[int]:
    found: list[int] = []
    while True:
        try:
            message = await js.get_msg(stream, seq=found[-1] + 1 if found else 1, subject=subject, next=True)
        except NotFoundError:
            return found
        if not message.seq:
            raise BackendError("nats", "a stored message came without its number")
        found.append(message.seq)


async def _delete(js: JetStreamContext, stream: str, number: int) -> bool:
    try:
        # Unless told otherwise the server overwrites the message's bytes in its file.
        return bool(await js.delete_msg(stream, number))
    except NotFoundError:
        return False
