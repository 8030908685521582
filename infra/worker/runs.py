"""Runs of a function that are not the usual one: again after a failure, traced, with a stream of follow-ups."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager, nullcontext
from dataclasses import replace
from typing import Final

from events import CloudEvent, Event
from infra.worker.attempts import Attempts, Record
from infra.worker.delivery import Delivery
from shared.backends import Backends
from shared.bus import derived_id, enveloped
from shared.function import EventFunction
from shared.jetstream import JetStreamBus
from shared.telemetry import Trace, span

_SUSPECT_WAIT_S: Final = 30.0


class Lane:
    """One standing task and what it works on."""

    __slots__ = ("delivery", "expired", "interrupted", "running", "task", "until", "wake")

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.wake: asyncio.Future[None] | None = None
        self.delivery: Delivery | None = None
        self.running = False  # the function itself runs; only then may the lane be cancelled
        self.until = 0.0  # monotonic seconds, when the function's time is over
        self.expired = False
        self.interrupted = False

    def outcome(self, raised: BaseException, timeout_s: float) -> BaseException:
        """What an exception out of the function means; a cancellation of ours is taken back.

        sys.exit() in a function ends the run, not the worker.
        """
        if self.expired:
            self.uncancel()
            return TimeoutError(f"not done within {timeout_s:g} s")
        if self.interrupted:
            self.uncancel()
        elif isinstance(raised, asyncio.CancelledError) and self.task is not None and self.task.cancelling():
            raise raised
        return raised

    def uncancel(self) -> None:
        """Take our own cancellation back."""
        self.expired = False
        while self.task is not None and self.task.uncancel():
            pass


class Runs:
    """Runs one function in a lane, and stores its follow-ups."""

    def __init__(
        self,
        function: EventFunction,
        *,
        timeout_s: float,
        backends: Backends,
        bus: JetStreamBus,
        attempts: Attempts,
        suspects: asyncio.Lock,
        traced: bool,
    ) -> None:
        self._name = function.name
        self._function = function
        self._target = function.target
        self._timeout_s = timeout_s
        self._backends = backends
        self._bus = bus
        self._attempts = attempts
        self._suspects = suspects
        self._traced = traced

    async def run(
        self, lane: Lane, delivery: Delivery, event: CloudEvent, data: Event, *, trace: Trace, record: Record
    ) -> BaseException | None:
        """The function and its follow-ups with all that is not usual; returns what went wrong."""
        async with self._suspicion() if record.open else nullcontext():
            if record.used:
                # Written when its turn comes: those who wait are not charged for what the one before does. Nor is
                # a run beside others, should the process end; only a suspect's own run counts then.
                used = record.used if record.open else record.used - 1
                await self._attempts.write(delivery.key, replace(record, used=used, open=True))
            try:
                if self._traced:
                    with span(f"function {self._name}", parent=trace, kind="consumer", event_type=event.type) as inner:
                        await self._call(lane, event, data, inner)
                else:
                    await self._call(lane, event, data, trace)
            except (Exception, SystemExit, asyncio.CancelledError) as raised:
                return lane.outcome(raised, self._timeout_s)
        return None

    async def _call(self, lane: Lane, event: CloudEvent, data: Event, trace: Trace) -> None:
        lane.until = time.monotonic() + self._timeout_s
        lane.running = True
        result = None
        try:
            if self._function.streams:
                ordinal = 0
                async with aclosing(self._target(data, self._backends)) as follow_ups:
                    async for follow_up in follow_ups:
                        await self._publish(event.id, follow_up, ordinal, trace)
                        ordinal += 1
            else:
                result = await self._target(data, self._backends)
        finally:
            lane.running = False
        if result is not None:
            await self.publish_all(event.id, result, trace)

    @asynccontextmanager
    async def _suspicion(self) -> AsyncIterator[None]:
        """Keep a suspect apart from other suspects, so that the innocent are not lost with the guilty."""
        try:
            async with asyncio.timeout(_SUSPECT_WAIT_S):
                await self._suspects.acquire()
        except TimeoutError:
            yield  # a slow one is no reason to stand still
            return
        try:
            yield
        finally:
            self._suspects.release()

    async def publish_all(self, cause: str, result: Event | Iterable[Event], trace: Trace) -> None:
        """Store what follows from an event."""
        for ordinal, follow_up in enumerate((result,) if isinstance(result, Event) else result):
            await self._publish(cause, follow_up, ordinal, trace)

    async def _publish(self, cause: str, event: Event, ordinal: int, trace: Trace) -> None:
        await self._bus.publish(
            enveloped(
                event,
                id=derived_id(self._name, cause, event, ordinal),
                source=f"/functions/{self._name}",
                traceparent=trace.header,
            ),
            key=event.key_value,
        )
