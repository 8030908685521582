"""The lanes of one function: standing tasks that take deliveries and see each to its outcome.

A task a message would cost more than the rest of the way. A delivery waits in a line until a lane is
free; only one lane is woken at a time, and it wakes the next when more is waiting, so that functions
that never wait are served by one lane without a switch, and slow ones by all of them.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import aclosing, asynccontextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote, unquote

import nats.errors
import structlog
from nats.aio.msg import Msg
from nats.js.errors import Error as JetStreamError
from pydantic import TypeAdapter

from events import CloudEvent, Event
from events.envelope import now as timestamp
from infra.worker import schedules
from infra.worker.attempts import FRESH, Attempts, Record
from infra.worker.delivery import Delivery, read_envelope, told
from infra.worker.pull import Pull
from shared import metrics
from shared.backends import Backends
from shared.bus import derived_id, enveloped
from shared.catalogue import FunctionEntry
from shared.deadletters import DeadLetter, bury, letter_id, reason_of
from shared.errors import BackendError, Reject, Retry
from shared.function import EventFunction
from shared.jetstream import MSG_ID, JetStreamBus
from shared.retry import Backoff
from shared.telemetry import EVENT_ID, TRACE, Trace, describe, span

_log = structlog.get_logger()
_SUSPECT_WAIT_S: Final = 30.0
_DEAD_PAUSE_S: Final = 15.0  # before a dead letter that could not be stored is tried again
_INTERRUPT_S: Final = 5.0  # how long an interrupted function may take to clean up
_AGAIN_S: Final = 5.0  # before a function that ignored its cancellation is cancelled again


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


class Lanes:
    """Runs one function on what its pulls deliver."""

    def __init__(
        self,
        function: EventFunction,
        entry: FunctionEntry,
        *,
        backends: Backends,
        bus: JetStreamBus,
        attempts: Attempts,
        suspects: asyncio.Lock,
        ack_wait_s: float,
        patience_s: float,
        traced: bool,
    ) -> None:
        self.name = function.name
        self.lanes = [Lane() for _ in range(entry.concurrency)]
        self.waiting: deque[Delivery] = deque()
        self.pulls: list[Pull] = []
        self._function = function
        self._target = function.target
        self._type = function.accepts.type
        self._validate: Callable[[bytes], Event] = TypeAdapter(function.accepts).validator.validate_json
        self._timeout_s = entry.timeout
        self._beat_s = ack_wait_s / 3
        self._policy = Backoff(
            attempts=entry.retry.attempts, initial=entry.retry.initial, max=entry.retry.max, patience=patience_s
        )
        self._backends = backends
        self._bus = bus
        self._client = bus.client
        self._attempts = attempts
        self._suspects = suspects
        self._patience = schedules.patience_of(function.name, entry)
        self._traced = traced
        self._simple = not traced and not function.streams
        self._idle: list[Lane] = []
        self._side: set[asyncio.Task[None]] = set()
        self._waking = False
        self._closing = False
        self._handled = 0  # since the last sweep; a Prometheus counter costs more than an integer
        self._seconds = metrics.Tally(metrics.SECONDS.labels(self.name))
        self._in_flight = metrics.IN_FLIGHT.labels(self.name)
        self._handled_total = metrics.HANDLED.labels(self.name)

    def start(self) -> None:
        """Start the lanes."""
        for lane in self.lanes:
            lane.task = asyncio.create_task(self._work(lane), name=f"lane of {self.name}")

    def deliver(self, message: Msg, pull: Pull) -> None:
        """Take a message into the line."""
        delivery = Delivery(message, pull, time.monotonic() + self._beat_s)
        if delivery.tokens[4] != "1" and self._is_copy(delivery):
            return
        self.waiting.append(delivery)
        if self._idle and not self._waking:
            self._wake()

    @property
    def busy(self) -> bool:
        """Whether anything delivered is not finished."""
        return bool(self.waiting) or any(lane.delivery is not None for lane in self.lanes)

    def replies(self) -> list[str]:
        """Where heartbeats of everything delivered go; safe to call from another thread."""
        working = [lane.delivery for lane in self.lanes]
        return [d.message.reply for d in (*working, *tuple(self.waiting)) if d is not None]

    async def sweep(self, now: float, late_s: float) -> None:
        """Heartbeats, timeouts and counters; called a few times a second.

        ``late_s`` is how long the loop was blocked before: nobody's time is charged for it.
        """
        busy = 0
        for lane in self.lanes:
            if lane.delivery is None:
                continue
            busy += 1
            if lane.running:
                lane.until += late_s
                if now >= lane.until and lane.task is not None:
                    lane.expired = True
                    lane.until = now + _AGAIN_S
                    lane.task.cancel()
            await self._beat(lane.delivery, now)
        for delivery in tuple(self.waiting):
            await self._beat(delivery, now)
        self._in_flight.set(busy)
        self._handled_total.inc(self._handled)
        self._handled = 0
        self._seconds.flush()

    async def stop(self, grace_s: float) -> None:
        """Finish what was delivered; what is not done in time goes back without using up an attempt."""
        deadline = time.monotonic() + grace_s
        while self.busy and time.monotonic() < deadline:  # noqa: ASYNC110 - an event a message would cost the hot path
            await asyncio.sleep(0.02)
        self._closing = True
        while self.waiting:
            await self._give_back(self.waiting.popleft())
        for lane in self._idle:
            if lane.wake is not None and not lane.wake.done():
                lane.wake.set_result(None)
        deadline = time.monotonic() + _INTERRUPT_S
        left = {lane.task for lane in self.lanes if lane.task is not None}
        while left and time.monotonic() < deadline:
            for lane in self.lanes:
                if lane.running and lane.task is not None:
                    lane.interrupted = True
                    lane.task.cancel()
            _, left = await asyncio.wait(left, timeout=1.0)
        for task in left:
            task.cancel()
        await self.sweep(time.monotonic(), 0.0)

    def _is_copy(self, delivery: Delivery) -> bool:
        """Whether this worker has the message already, or is done with it.

        A message that lay unread in the socket while the loop was blocked comes several times, and one
        whose ack was lost with a server comes again.
        """
        identity, pull = delivery.identity, delivery.pull
        if identity in pull.acked:
            self._spawn(self._dismiss(delivery, b"+ACK"))
            return True
        for held in (*(lane.delivery for lane in self.lanes), *self.waiting):
            if held is not None and held.pull is pull and held.identity == identity:
                held.renew(delivery)
                self._spawn(self._dismiss(delivery, None))
                return True
        return False

    async def _dismiss(self, delivery: Delivery, word: bytes | None) -> None:
        if word is not None:
            await self._say(delivery, word)
        if delivery.pull.done() or delivery.pull.hungry:
            await delivery.pull.ask()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._side.add(task)  # the loop itself keeps no hold of a task
        task.add_done_callback(self._side.discard)

    def _wake(self) -> None:
        lane = self._idle.pop()
        if lane.wake is not None and not lane.wake.done():
            self._waking = True
            lane.wake.set_result(None)

    async def _beat(self, delivery: Delivery, now: float) -> None:
        if now >= delivery.beat_at:
            delivery.beat_at = now + self._beat_s
            await self._say(delivery, b"+WPI")

    async def _say(self, delivery: Delivery, word: bytes) -> None:
        with suppress(nats.errors.Error):  # no connection: the server delivers the message again after ack_wait
            await self._client.publish(delivery.message.reply, word)

    async def _work(self, lane: Lane) -> None:
        loop, waiting, idle = asyncio.get_running_loop(), self.waiting, self._idle
        while True:
            while not waiting:
                if self._closing:
                    return
                lane.wake = loop.create_future()
                idle.append(lane)
                await lane.wake
                self._waking = False
            delivery = lane.delivery = waiting.popleft()
            if waiting and idle and not self._waking:
                self._wake()
            try:
                await self._handle(lane, delivery)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                # Not the function's fault but ours or the connection's: the message comes back by itself.
                _log.error("delivery not finished", function=self.name, error=error)
            finally:
                lane.delivery = None
            if delivery.pull.done():
                await delivery.pull.ask()
            elif not waiting:
                # Asking one by one for what is about to come anyway would cost more than the messages.
                for pull in self.pulls:
                    if pull.hungry:
                        await pull.ask()

    async def _handle(self, lane: Lane, delivery: Delivery) -> None:
        try:
            event = read_envelope(delivery, self._type)
            data = self._validate(event.data)
        except Exception as unreadable:  # whatever it is, the message is at fault: it would come back for ever
            await self._unreadable(delivery, unreadable)
            return
        EVENT_ID.set(event.id)
        trace = Trace.parse(event.traceparent) or Trace.new()
        TRACE.set(trace)
        again = delivery.tokens[4] != "1"
        if self._patience and not again and await self._missed(delivery):
            await self._say(delivery, b"+ACK")
            delivery.pull.remember(delivery.identity)
            return
        record = FRESH
        if again:
            due = await self._due(delivery, event.id)
            if due is None:
                return
            record = due
        started = time.monotonic()
        if again or not self._simple:
            error = await self._run(lane, delivery, event, data, trace=trace, record=record)
        else:
            # The usual way, written out: each call and each context manager more would be felt here.
            error = None
            lane.until = started + self._timeout_s
            lane.running = True
            try:
                result = await self._target(data, self._backends)
                lane.running = False
                if result is not None:
                    await self._publish_all(event.id, result, trace)
            except (Exception, SystemExit, asyncio.CancelledError) as raised:
                error = self._outcome(lane, raised)
            finally:
                lane.running = False
        self._seconds.add(time.monotonic() - started)
        if error is None:
            if lane.expired:
                self._uncancel(lane)  # it finished in spite of its cancellation: then it is done
            if not self._client.acknowledge(delivery.message.reply):
                await self._say(delivery, b"+ACK")  # kept until the connection is back
            delivery.pull.remember(delivery.identity)
            self._handled += 1
            if again:
                await self._attempts.forget(delivery.key)
        elif lane.interrupted:
            await self._give_back(delivery, record)
        else:
            await self._failed(delivery, event.id, record, error)

    async def _run(
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
                    with span(f"function {self.name}", parent=trace, kind="consumer", event_type=event.type) as inner:
                        await self._call(lane, event, data, inner)
                else:
                    await self._call(lane, event, data, trace)
            except (Exception, SystemExit, asyncio.CancelledError) as raised:
                return self._outcome(lane, raised)
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
            await self._publish_all(event.id, result, trace)

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

    async def _publish_all(self, cause: str, result: Event | Iterable[Event], trace: Trace) -> None:
        for ordinal, follow_up in enumerate((result,) if isinstance(result, Event) else result):
            await self._publish(cause, follow_up, ordinal, trace)

    async def _publish(self, cause: str, event: Event, ordinal: int, trace: Trace) -> None:
        await self._bus.publish(
            enveloped(
                event,
                id=derived_id(self.name, cause, event, ordinal),
                source=f"/functions/{self.name}",
                traceparent=trace.header,
            ),
            key=event.key_value,
        )

    def _outcome(self, lane: Lane, raised: BaseException) -> BaseException:
        """What an exception out of the function means; a cancellation of ours is taken back.

        sys.exit() in a function ends the run, not the worker.
        """
        if lane.expired:
            self._uncancel(lane)
            return TimeoutError(f"not done within {self._timeout_s:g} s")
        if lane.interrupted:
            self._uncancel(lane)
        elif isinstance(raised, asyncio.CancelledError) and lane.task is not None and lane.task.cancelling():
            raise raised
        return raised

    def _uncancel(self, lane: Lane) -> None:
        lane.expired = False
        while lane.task is not None and lane.task.uncancel():
            pass

    async def _due(self, delivery: Delivery, event_id: str) -> Record | None:
        """The record of a run that is not the first, this run counted; None when no further run is due.

        ``open`` says that the run before was cut off: this event may be what kills the process.
        """
        record = await self._attempts.read(delivery.key)
        if self._policy.spent(record.used):
            if record.open:
                record = replace(record, error="ProcessLost", reason="the worker ended while the function ran")
            await self._bury(delivery, event_id, record)
            return None
        return replace(record, used=record.used + 1)

    async def _missed(self, delivery: Delivery) -> bool:
        """Whether a firing waited too long for a worker, or others after it: what was missed is run once.

        Only at its first delivery: an attempt that failed is tried again however late it has become.
        """
        subject = delivery.message.subject
        patience_s = self._patience.get(subject)
        if patience_s is None:
            return False
        late_s = time.time() - delivery.stored_at
        missed = late_s > patience_s
        if not missed and not delivery.last:
            with suppress(nats.errors.Error, JetStreamError):  # without an answer it is run: once too often, not never
                missed = await schedules.overtaken(self._bus.jetstream, subject, delivery.sequence)
        if missed:
            metrics.SKIPPED.labels(self.name).inc()
            _log.warning("missed firing is not run", function=self.name, seconds=late_s)
        return missed

    async def _failed(self, delivery: Delivery, event_id: str, record: Record, error: BaseException) -> None:
        kind, first_at = type(error).__name__, record.first_at or timestamp()
        metrics.FAILED.labels(self.name, kind).inc()
        elapsed = (datetime.now(UTC) - datetime.fromisoformat(first_at)).total_seconds()
        charged = self._policy.charged(elapsed, away=isinstance(error, BackendError))
        record = replace(
            record,
            used=max(1, record.used) if charged else max(0, record.used - 1),
            waits=record.waits + (not charged),
            open=False,
            error=kind,
            reason=reason_of(error),
            first_at=first_at,
        )
        attempt = record.used + record.waits
        if isinstance(error, Reject) or (charged and self._policy.spent(record.used)):
            await self._bury(delivery, event_id, record)
            return
        delay = self._policy.delay(attempt, after=error.after if isinstance(error, Retry) else None)
        _log.warning("event failed", function=self.name, attempt=attempt, delay_s=round(delay, 3), **describe(error))
        with suppress(BackendError):  # without it the next run counts as cut off, and that is all
            await self._attempts.write(delivery.key, record)
        metrics.RETRIED.labels(self.name).inc()
        await self._put_back(delivery, delay)

    async def _unreadable(self, delivery: Delivery, error: Exception) -> None:
        metrics.FAILED.labels(self.name, type(error).__name__).inc()
        record = Record(error=type(error).__name__, reason=told(error), first_at=timestamp())
        event_id = unquote((delivery.message.headers or {}).get("ce-id", ""))
        await self._bury(delivery, event_id, record)

    async def _bury(self, delivery: Delivery, event_id: str, record: Record) -> None:
        message, last_at = delivery.message, timestamp()
        headers = dict(message.headers or {})
        if event_id and "ce-id" in headers:
            headers["ce-id"] = quote(event_id, safe="/:")  # a firing's id is not the one it travelled with
        letter = DeadLetter(
            id=letter_id(self.name, delivery.key, headers.get(MSG_ID, "")),
            function=self.name,
            attempts=record.used + record.waits,
            error=record.error,
            reason=record.reason,
            first_at=record.first_at or last_at,
            last_at=last_at,
            subject=message.subject,
            headers=headers,
            data=message.data,
        )
        try:
            await bury(letter, self._bus)
        except BackendError as error:
            # Given up only when it is stored; until then it comes back, and is not run again.
            _log.error("dead letter not stored", function=self.name, error=error, delay_s=_DEAD_PAUSE_S)
            with suppress(BackendError):
                await self._attempts.write(delivery.key, replace(record, used=max(record.used, self._policy.attempts)))
            await self._put_back(delivery, _DEAD_PAUSE_S)
            return
        await self._say(delivery, b"+TERM")
        metrics.DEAD.labels(self.name).inc()
        _log.error(
            "event became a dead letter",
            function=self.name,
            event_id=event_id,
            cause=record.error,
            attempts=record.used,
        )
        if delivery.number > 1:
            with suppress(BackendError):
                await self._attempts.forget(delivery.key)

    async def _give_back(self, delivery: Delivery, record: Record | None = None) -> None:
        """Return a delivery that is not to count: it was not run, or its run was stopped by us."""
        if record is not None or delivery.number == 1:
            back = record or FRESH
            with suppress(BackendError):
                await self._attempts.write(delivery.key, replace(back, used=max(0, back.used - 1), open=False))
        await self._put_back(delivery, 0.0)

    async def _put_back(self, delivery: Delivery, delay_s: float) -> None:
        await self._say(delivery, b'-NAK {"delay":%d}' % (delay_s * 1e9) if delay_s > 0 else b"-NAK")
