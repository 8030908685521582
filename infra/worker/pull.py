"""A continuous pull from one durable that survives what happens to servers.

A pull is a promise of the server to send; the promise dies with a server, a deleted consumer, a change
of leader. So the pull is asked for again on reconnect, on a 409 and on silence, each time with a new
inbox: late answers to old requests must not be counted twice.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from itertools import islice
from typing import Final

import nats.errors
import structlog
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from infra.worker.provision import Source
from shared.wire import QuickClient

EXPIRES_S: Final = 30.0
HEARTBEAT_S: Final = 5.0
_REMEMBERED: Final = 1024
_PAUSE_S: Final = 0.25  # before asking again where the server said no
_log = structlog.get_logger()


class Pull:
    """Keeps ``credit`` messages asked for or in work, never more."""

    def __init__(
        self,
        client: QuickClient,
        source: Source,
        deliver: Callable[[Msg, "Pull"], None],
        repair: Callable[[], Awaitable[None]],
    ) -> None:
        self.source = source
        self.taken = 0  # messages delivered and not yet done
        self.acked: dict[str, None] = {}  # identities of the last ones, oldest first
        self._client = client
        self._deliver = deliver
        self._repair = repair  # makes stream and durable again
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{source.stream}.{source.consumer}"
        self._batch = max(1, source.credit // 2)  # asking for many at once is what makes a pull cheap
        self._free = 0  # credit not asked for
        self._owed = 0  # credit asked for, message not yet here
        self._inbox = ""
        self._subscription: Subscription | None = None
        self._heard = True
        self._silent_since = 0.0
        self._restarting: asyncio.Task[None] | None = None
        self._asking: asyncio.Task[None] | None = None
        self._stopped = False

    async def start(self) -> None:
        """Ask for the first messages."""
        await self._renew()

    def done(self) -> bool:
        """One message is finished, whatever its outcome; True: so much credit is free that it is time to ``ask``."""
        self.taken -= 1
        self._free += 1
        return self._free >= self._batch

    @property
    def hungry(self) -> bool:
        """Nothing is asked for although there is free credit; to be mended when a lane has nothing to do."""
        return self._owed <= 0 < self._free

    async def ask(self) -> None:
        """Ask for as many messages as there is free credit."""
        if self._stopped or self._subscription is None or self._free <= 0:
            return
        count, self._free = self._free, 0
        self._owed += count
        request = b'{"batch":%d,"expires":%d,"idle_heartbeat":%d}' % (count, EXPIRES_S * 1e9, HEARTBEAT_S * 1e9)
        with contextlib.suppress(nats.errors.Error):  # no connection: the reconnect asks anew
            await self._client.publish(self._subject, request, reply=self._inbox)

    def remember(self, identity: str) -> None:
        """Note an acknowledged message, so that another delivery of it is known for what it is."""
        acked = self.acked
        acked[identity] = None
        if len(acked) >= 2 * _REMEMBERED:
            for old in tuple(islice(acked, _REMEMBERED)):
                del acked[old]

    async def stop(self) -> None:
        """Take no more messages; those delivered are the caller's to finish."""
        self._stopped = True
        if self._restarting is not None:
            self._restarting.cancel()
        subscription, self._subscription = self._subscription, None
        if subscription is not None and self._client.is_connected:
            # Drained, not dropped: a message on its way to us would lose a delivery and wait for ack_wait.
            with contextlib.suppress(nats.errors.Error, OSError):
                await subscription.drain()  # type: ignore[no-untyped-call]

    def restart(self, pause_s: float = 0.0, *, repair: bool = False) -> None:
        """Ask anew, with a new inbox, after a pause; at most one restart is under way."""
        if not self._stopped and (self._restarting is None or self._restarting.done()):
            self._restarting = asyncio.create_task(self._restart(pause_s, repair))

    def listen(self, now: float, *, blocked: bool) -> None:
        """Called a few times a second: restart after two heartbeats without a sign of life."""
        # Nothing is asked for, so nothing is promised; and a loop that was blocked heard nothing either.
        if self._heard or self._owed <= 0 or blocked or not self._client.is_connected:
            self._heard = False
            self._silent_since = now
        elif now - self._silent_since > 2 * HEARTBEAT_S:
            self._silent_since = now
            _log.warning("pull fell silent", stream=self.source.stream, consumer=self.source.consumer)
            self.restart(repair=True)

    async def _restart(self, pause_s: float, repair: bool) -> None:
        while not self._stopped:
            if pause_s:
                await asyncio.sleep(pause_s)
            try:
                if repair:
                    await self._repair()
                await self._renew()
            except Exception as error:
                # Whatever it is (no quorum yet, the connection went again): the pull must come back.
                _log.warning("pull not renewed", stream=self.source.stream, consumer=self.source.consumer, error=error)
                pause_s, repair = 1.0, True
            else:
                return

    async def _renew(self) -> None:
        await self._leave()
        self._inbox = self._client.new_inbox()
        self._owed = 0
        self._heard = True
        self._subscription = await self._client.subscribe(self._inbox)
        self._client.direct(self._subscription, self._receive)
        self._free = self.source.credit - self.taken
        if self._free > 0:
            await self.ask()

    async def _leave(self) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            with contextlib.suppress(nats.errors.Error):  # a closed connection has none any more
                await subscription.unsubscribe()

    def _receive(self, message: Msg) -> None:
        self._heard = True
        if message.reply:
            self._owed -= 1
            self.taken += 1
            self._deliver(message, self)
        elif not self._stopped:
            self._answered(message.headers or {})

    def _answered(self, headers: Mapping[str, str]) -> None:
        status = headers.get("Status")
        if status == "100":  # a heartbeat
            return
        if status == "408":  # the request expired; what was not delivered of it is free again
            unused = int(headers.get("Nats-Pending-Messages", 0))
            self._owed -= unused
            self._free += unused
            self._asking = asyncio.create_task(self.ask())
            return
        # 409: consumer deleted, leader changed, server leaves. 503: nobody there. 400: never, or a bug.
        _log.info("pull ended by the server", stream=self.source.stream, consumer=self.source.consumer, status=status)
        self.restart(_PAUSE_S, repair=True)
