"""Follows SeaweedFS' filer: each change of its metadata comes over a gRPC stream, from a position on.

The position is kept in NATS when everything before it was told, so that a worker goes on where any worker before
it came to. Several may follow at once: what they tell has the same id and is stored once. What the filer itself lost
(its newest log lies in memory, and dies with it) is found by the reconciliation that is asked for on every connection.
"""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import structlog
from pydantic import BaseModel, ConfigDict

from events.event import Event
from events.storage import ObjectStored, ReconciliationAsked
from shared.aside import BUCKET, Aside
from shared.bus import Bus, derived_id, enveloped
from shared.catalogue import S3Trigger
from shared.errors import BackendError
from shared.notifications import Notice, look, of_entry, wanted
from shared.objects import ObjectRefused, Objects
from shared.retry import Backoff
from shared.settings import ObjectSettings
from shared.state import Bucket, Conflict, State
from shared.telemetry import Trace

if TYPE_CHECKING:
    import grpc.aio

KEY: Final = "tail"
_SOURCE: Final = "/storage/filer"
_PATH: Final = "/buckets/"
_AT_ONCE: Final = 32  # objects looked at at once
_KEEP_S: Final = 1.0  # the position is written no more often
_OVERLAP_NS: Final = 10 * 10**9  # read once more: clocks of several filers differ
_SILENT_S: Final = 30.0  # the filer says something every five seconds
_OPTIONS: Final = (("grpc.max_receive_message_length", 64 * 2**20),)  # an entry names every piece of its file
_AGAIN: Final = Backoff(attempts=1, initial=0.25, max=5.0)  # for ever
_REFUSALS: Final = 2  # of one object, before the next one has it set aside
_log = structlog.get_logger()


class Position(BaseModel):
    """How far the filer was followed."""

    model_config = ConfigDict(frozen=True)

    upto_ns: int  # by the filer's clock, since 1970; everything before was told


class Tail:
    """Follows one filer and tells of what s3 triggers name."""

    def __init__(
        self, address: str, settings: ObjectSettings, watches: Sequence[S3Trigger], bus: Bus, state: State
    ) -> None:
        self._address = address  # of its gRPC interface
        self._watches = watches
        self._bus = bus
        self._bucket: Bucket = state.bucket(BUCKET)
        self._objects = Objects(settings)  # of its own: functions must not keep it waiting
        self._aside = Aside(self._bucket, self._objects)
        self._waiting: deque[tuple[int, asyncio.Task[None] | None]] = deque()  # in the filer's order
        self._upto_ns = 0
        self._kept_ns = 0
        self._kept_at = 0.0

    async def run(self) -> None:
        """Follow until cancelled, whatever becomes of the filer."""
        attempt = 0
        try:
            while True:
                began = time.monotonic()
                try:
                    await self._follow()
                except Exception as error:
                    # Whatever it is: nobody else would begin again.
                    attempt = 1 if time.monotonic() - began > _SILENT_S else attempt + 1
                    delay = _AGAIN.delay(attempt)
                    cause = str(error) if isinstance(error, _Lost) else type(error).__name__
                    _log.warning("the filer is not followed", cause=cause, delay_s=round(delay, 3))
                    await asyncio.sleep(delay)
        finally:
            try:
                await self._drop()
            finally:  # even when cancelled once more
                await self._objects.close()

    async def _follow(self) -> None:
        import grpc.aio

        async with grpc.aio.insecure_channel(self._address, options=_OPTIONS) as channel:
            from infra.notifications.messages import METHOD, Change, Subscribe

            method = channel.unary_stream(
                METHOD, request_serializer=Subscribe.SerializeToString, response_deserializer=Change.FromString
            )
            request = Subscribe(
                client_name="stadtfunk",
                path_prefix=_PATH,
                since_ns=await self._since(),
                client_id=secrets.randbelow(2**31 - 1) + 1,  # a known one would be taken for a reconnection
                client_epoch=1,
                client_supports_idle_heartbeat=True,
            )
            try:
                await self._read(method(request))
            except grpc.aio.AioRpcError as error:
                raise _Lost(error.code().name) from None
            except BackendError as error:
                raise _Lost(f"{error.backend} is away") from None
            finally:
                await self._drop()

    async def _read(self, changes: "grpc.aio.UnaryStreamCall[Any, Any]") -> None:
        import grpc.aio

        asked = False
        while True:
            try:
                async with asyncio.timeout(_SILENT_S):
                    change = await changes.read()
            except TimeoutError:
                raise _Lost("silence") from None
            if change is grpc.aio.EOF:
                raise _Lost("the stream ended")
            if not asked:
                asked = True
                await self._publish(ReconciliationAsked(), id=str(uuid4()))
            notice = _notice(change)
            telling = wanted([notice], self._watches) if notice is not None else []
            task = asyncio.create_task(self._tell(telling[0])) if telling else None
            self._waiting.append((change.ts_ns, task))  # 0 where the filer says nothing
            while (first := self._undone()) is not None and len(self._waiting) > _AT_ONCE:
                await asyncio.wait((first,))
            await self._keep()

    def _undone(self) -> asyncio.Task[None] | None:
        """The first that is not told yet; the position moves over everything before it."""
        while self._waiting:
            at_ns, task = self._waiting[0]
            if task is not None and not task.done():
                return task
            self._upto_ns = max(self._upto_ns, at_ns)
            self._waiting.popleft()
        return None

    async def _tell(self, notice: Notice) -> None:
        """Tell of one object, however long storage or NATS are away; one that is refused is set aside."""
        attempt = 0
        while True:
            try:
                event = await self._seen(notice, attempt)
                if event is not None:
                    await self._publish(event, id=derived_id(_SOURCE, "", event, 0))
            except BackendError as error:
                attempt += 1
                delay = _AGAIN.delay(attempt)
                _log.warning("an object is not told yet", delay_s=round(delay, 3), error=error)
                await asyncio.sleep(delay)
            except Exception as error:  # one object must not keep the others waiting; a listing tries it again
                _log.error("an object cannot be told", error=error)
                return
            else:
                return

    async def _seen(self, notice: Notice, attempt: int) -> ObjectStored | None:
        try:
            return await look(notice, self._objects)
        except ObjectRefused as error:
            if attempt < _REFUSALS:
                raise
            await self._aside.put(notice, error)
            return None

    async def _publish(self, event: Event, *, id: str) -> None:
        trace = Trace.new()
        await self._bus.publish(enveloped(event, id=id, source=_SOURCE, traceparent=trace.header), key=event.key_value)

    async def _since(self) -> int:
        """Where to go on; a tail that never ran begins now, and the reconciliation looks at what lies there."""
        try:
            entry = await self._bucket.get(KEY)
        except BackendError as error:
            raise _Lost(type(error).__name__) from None
        now_ns = time.time_ns()
        upto_ns = now_ns if entry is None else min(now_ns, Position.model_validate_json(entry.value).upto_ns)
        self._upto_ns = self._kept_ns = upto_ns
        return upto_ns - _OVERLAP_NS

    async def _keep(self) -> None:
        """Write the position, unless another worker came further."""
        if self._upto_ns <= self._kept_ns or time.monotonic() - self._kept_at < _KEEP_S:
            return
        with suppress(BackendError, Conflict):  # then the next time
            entry, upto_ns = await self._bucket.get(KEY), self._upto_ns
            value = Position(upto_ns=upto_ns).model_dump_json().encode()
            if entry is None:
                await self._bucket.create(KEY, value)
            elif Position.model_validate_json(entry.value).upto_ns < upto_ns:
                await self._bucket.update(KEY, value, entry.revision)
            self._kept_ns = upto_ns
        self._kept_at = time.monotonic()

    async def _drop(self) -> None:
        """Leave what is not told yet: the position is before it."""
        tasks = [task for _, task in self._waiting if task is not None]
        self._waiting.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Lost(Exception):
    """The stream is broken; the text says by what, and holds nothing of what came over it."""


def _notice(change: Any) -> Notice | None:
    notification = change.event_notification
    if not change.HasField("event_notification") or not notification.HasField("new_entry"):
        return None
    entry = notification.new_entry
    if entry.is_directory:
        return None
    parent = notification.new_parent_path or change.directory
    return of_entry(f"{parent}/{entry.name}", {one.key: one.value for one in entry.extended})
