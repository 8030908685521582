"""The lanes of one function: standing tasks that take deliveries and see each to its outcome.

A task a message would cost more than the rest of the way. A delivery waits in a line until a lane is
free; only one lane is woken at a time, and it wakes the next when more is waiting, so that functions
that never wait are served by one lane without a switch, and slow ones by all of them.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final

import structlog
from nats.aio.msg import Msg
from pydantic import TypeAdapter

from events import Event
from infra.worker import schedules
from infra.worker.attempts import FRESH, Attempts
from infra.worker.delivery import Delivery, read_envelope
from infra.worker.outcomes import Outcomes
from infra.worker.pull import Pull
from infra.worker.runs import Lane, Runs
from shared import metrics
from shared.backends import Backends
from shared.catalogue import FunctionEntry
from shared.function import EventFunction
from shared.jetstream import JetStreamBus
from shared.retry import Backoff
from shared.telemetry import EVENT_ID, TRACE, Trace

_log = structlog.get_logger()
_INTERRUPT_S: Final = 5.0  # how long an interrupted function may take to clean up
_AGAIN_S: Final = 5.0  # before a function that ignored its cancellation is cancelled again


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
        self._target = function.target
        self._type = function.accepts.type
        self._validate: Callable[[bytes], Event] = TypeAdapter(function.accepts).validator.validate_json
        self._timeout_s = entry.timeout
        self._beat_s = ack_wait_s / 3
        self._backends = backends
        self._client = bus.client
        self._attempts = attempts
        self._patience = schedules.patience_of(function.name, entry)
        self._takes = entry.takes if entry.watches else None
        self._outcomes = Outcomes(
            function.name,
            policy=Backoff(
                attempts=entry.retry.attempts, initial=entry.retry.initial, max=entry.retry.max, patience=patience_s
            ),
            bus=bus,
            attempts=attempts,
            patience=self._patience,
        )
        self._runs = Runs(
            function,
            timeout_s=entry.timeout,
            backends=backends,
            bus=bus,
            attempts=attempts,
            suspects=suspects,
            traced=traced,
        )
        self._publish_all = self._runs.publish_all
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
            await self._outcomes.give_back(self.waiting.popleft())
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
            await self._outcomes.say(delivery, word)
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
            await self._outcomes.say(delivery, b"+WPI")

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
            await self._outcomes.unreadable(delivery, unreadable)
            return
        EVENT_ID.set(event.id)
        trace = Trace.parse(event.traceparent) or Trace.new()
        TRACE.set(trace)
        again = delivery.tokens[4] != "1"
        if (self._takes is not None and not self._takes(data)) or (
            self._patience and not again and await self._outcomes.missed(delivery)
        ):
            await self._outcomes.say(delivery, b"+ACK")
            delivery.pull.remember(delivery.identity)
            return
        record = FRESH
        if again:
            due = await self._outcomes.due(delivery, event.id)
            if due is None:
                return
            record = due
        started = time.monotonic()
        if again or not self._simple:
            error = await self._runs.run(lane, delivery, event, data, trace=trace, record=record)
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
                error = lane.outcome(raised, self._timeout_s)
            finally:
                lane.running = False
        self._seconds.add(time.monotonic() - started)
        if error is None:
            if lane.expired:
                lane.uncancel()  # it finished in spite of its cancellation: then it is done
            if not self._client.acknowledge(delivery.message.reply):
                await self._outcomes.say(delivery, b"+ACK")  # kept until the connection is back
            delivery.pull.remember(delivery.identity)
            self._handled += 1
            if again:
                await self._attempts.forget(delivery.key)
        elif lane.interrupted:
            await self._outcomes.give_back(delivery, record)
        else:
            await self._outcomes.failed(delivery, event.id, record, error)
