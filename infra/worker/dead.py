"""What to do about dead letters: look, run again, let go."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import nats.errors
from nats.js import JetStreamContext
from nats.js.errors import Error as JetStreamError
from nats.js.errors import NotFoundError

from infra.worker.delivery import key_token_of
from infra.worker.provision import REPLAY
from shared.deadletters import STREAM, SUBJECT, DeadLetter
from shared.errors import BackendError, StadtfunkError
from shared.jetstream import MSG_ID, JetStreamBus


class NoSuchLetter(StadtfunkError):
    """There is no dead letter of this number or id."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """A dead letter and its number in the stream, by which the command line names it."""

    number: int
    letter: DeadLetter

    def summary(self) -> dict[str, Any]:
        """One line of the list; nothing of the event's content."""
        letter = self.letter
        return {
            "number": self.number,
            "function": letter.function,
            "event_id": letter.headers.get("ce-id", ""),
            "event_type": letter.headers.get("ce-type", ""),
            "attempts": letter.attempts,
            "error": letter.error,
            "first_at": letter.first_at,
            "last_at": letter.last_at,
        }

    def whole(self) -> dict[str, Any]:
        """Everything, the event's content included."""
        letter = self.letter
        try:
            data = json.loads(letter.data)
        except ValueError:
            data = letter.data.decode(errors="replace")
        return self.summary() | {
            "id": letter.id,
            "reason": letter.reason,
            "subject": letter.subject,
            "headers": dict(letter.headers),
            "data": data,
        }


class DeadLetters:
    """The stream of dead letters, for an operator."""

    def __init__(self, bus: JetStreamBus) -> None:
        self._bus = bus

    async def list(self, function: str | None = None) -> list[Stored]:
        """All dead letters, or those of one function, oldest first."""
        js = await self._connected()
        found: list[Stored] = []
        after = 0
        while True:
            try:
                message = await js.get_msg(STREAM, seq=after + 1, subject=f"{SUBJECT}.{function or '*'}", next=True)
            except NotFoundError:
                return found
            except (nats.errors.Error, JetStreamError, OSError) as error:
                raise BackendError("nats", f"dead letters not read ({type(error).__name__})") from None
            after = int(message.seq or 0)
            found.append(_stored(message))

    async def get(self, number: int) -> Stored:
        """One dead letter.

        Raises:
            NoSuchLetter: there is none of this number.
        """
        js = await self._connected()
        try:
            return _stored(await js.get_msg(STREAM, seq=number))
        except NotFoundError:
            raise NoSuchLetter(f"no dead letter {number}; 'stadtfunk dead list' shows those there are") from None
        except (nats.errors.Error, JetStreamError, OSError) as error:
            raise BackendError("nats", f"dead letters not read ({type(error).__name__})") from None

    async def replay(self, number: int) -> None:
        """Give the event back to the function that failed, and to no other; then drop the dead letter.

        The event keeps its id, so follow-ups that were published before keep theirs; the message id is
        fresh, or the stream would take the replay for a duplicate.
        """
        letter = (await self.get(number)).letter
        headers = {**letter.headers, MSG_ID: str(uuid4())}
        await self._bus.store(f"{REPLAY}.{letter.function}.{key_token_of(letter.subject)}", letter.data, headers)
        await self.drop(number)

    async def drop(self, number: int) -> None:
        """Delete a dead letter with its payload for good.

        Raises:
            NoSuchLetter: there is none of this number.
        """
        await self.get(number)
        js = await self._connected()
        await js.delete_msg(STREAM, number)

    async def _connected(self) -> JetStreamContext:
        await self._bus.connect()
        return self._bus.jetstream


def _stored(message: Any) -> Stored:
    return Stored(number=int(message.seq or 0), letter=DeadLetter.read(message.headers or {}, message.data or b""))
