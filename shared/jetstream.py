"""NATS JetStream: the bus that returns when an event is stored."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import nats.errors
import nats.js.errors
from nats.aio.client import DEFAULT_PENDING_SIZE
from nats.js import JetStreamContext

from events import CloudEvent
from events.subjects import subject_of
from shared.bus import check_size
from shared.connection import connect
from shared.errors import BackendError
from shared.settings import NatsSettings
from shared.wire import QuickClient

MSG_ID: Final = "Nats-Msg-Id"
_FULL: Final = frozenset({10023, 10047, 10077, 10122})  # out of room: the account, the disk, the stream


class JetStreamBus:
    """Publishes to the streams of the house; connects on first use and keeps the connection."""

    def __init__(self, settings: NatsSettings, *, name: str = "stadtfunk", timeout_s: float = 5.0) -> None:
        self._settings = settings
        self._name = name
        self._timeout_s = timeout_s
        self._client: QuickClient | None = None
        self._jetstream: JetStreamContext | None = None
        self._connecting = asyncio.Lock()
        self._listeners: list[Callable[[], Awaitable[None]]] = []

    async def connect(self) -> None:
        """Connect now instead of at the first event; see ``shared.connection`` for what it raises."""
        async with self._connecting:
            if self._client is None or self._client.is_closed:
                # Unlike a write of state, an event, an ack or a nak may well arrive late: ids make it harmless.
                self._client = await connect(
                    self._settings,
                    name=self._name,
                    pending_size=DEFAULT_PENDING_SIZE,
                    reconnected_cb=self._reconnected,
                )
                self._jetstream = self._client.jetstream(timeout=self._timeout_s)

    @property
    def client(self) -> QuickClient:
        """The connection, for those who pull."""
        if self._client is None:
            raise BackendError("nats", "not connected yet")
        return self._client

    @property
    def jetstream(self) -> JetStreamContext:
        """The JetStream context of the connection."""
        if self._jetstream is None:
            raise BackendError("nats", "not connected yet")
        return self._jetstream

    def on_reconnect(self, listener: Callable[[], Awaitable[None]]) -> None:
        """Call ``listener`` each time the connection is back."""
        self._listeners.append(listener)

    async def publish(self, event: CloudEvent, *, key: str | None = None) -> None:
        """See Bus; returns after the stream's confirmation."""
        check_size(event)
        headers = event.headers()
        headers[MSG_ID] = headers["ce-id"]
        await self.store(subject_of(event.type, key), event.data, headers)

    async def store(self, subject: str, data: bytes, headers: dict[str, str]) -> None:
        """Store a message as it is; with ``Nats-Msg-Id`` among the headers, once.

        Raises:
            BackendError: the stream is full, missing, or did not confirm in time.
        """
        if self._client is None or self._client.is_closed:
            await self.connect()
        try:
            await self.jetstream.publish(subject, data, headers=headers)
        except nats.js.errors.NoStreamResponseError:
            raise BackendError("nats", f"no stream takes {subject}; a worker that starts makes them") from None
        except nats.js.errors.APIError as error:
            said = "is full" if error.err_code in _FULL else "refuses it"
            raise BackendError("nats", f"the stream of {subject} {said}: {error.description}") from None
        except (nats.errors.Error, OSError) as error:
            raise BackendError("nats", f"{subject} was not confirmed ({type(error).__name__})") from None

    async def close(self) -> None:
        """Close the connection; a later publish opens a new one."""
        client, self._client, self._jetstream = self._client, None, None
        if client is not None:
            await client.close()

    async def _reconnected(self) -> None:
        for listener in self._listeners:
            await listener()
