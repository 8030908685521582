"""What becomes of a delivery that did not simply succeed: tried again, given back, or a dead letter."""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, unquote

import nats.errors
import structlog
from nats.js.errors import Error as JetStreamError

from events.envelope import now as timestamp
from infra.worker import schedules
from infra.worker.attempts import FRESH, Attempts, Record
from infra.worker.delivery import Delivery, told
from shared import metrics
from shared.deadletters import DeadLetter, bury, letter_id, reason_of
from shared.errors import BackendError, Reject, Retry
from shared.jetstream import MSG_ID, JetStreamBus
from shared.retry import Backoff
from shared.telemetry import describe

_log = structlog.get_logger()
_DEAD_PAUSE_S: Final = 15.0  # before a dead letter that could not be stored is tried again


class Outcomes:
    """The outcomes of one function's deliveries."""

    def __init__(
        self, name: str, *, policy: Backoff, bus: JetStreamBus, attempts: Attempts, patience: Mapping[str, float]
    ) -> None:
        self._name = name
        self._policy = policy
        self._bus = bus
        self._client = bus.client
        self._attempts = attempts
        self._patience = patience  # subject of a schedule -> seconds that a firing may wait for a worker

    async def say(self, delivery: Delivery, word: bytes) -> None:
        """Answer the server about a delivery."""
        with suppress(nats.errors.Error):  # no connection: the server delivers the message again after ack_wait
            await self._client.publish(delivery.message.reply, word)

    async def due(self, delivery: Delivery, event_id: str) -> Record | None:
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

    async def missed(self, delivery: Delivery) -> bool:
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
            metrics.SKIPPED.labels(self._name).inc()
            _log.warning("missed firing is not run", function=self._name, seconds=late_s)
        return missed

    async def failed(self, delivery: Delivery, event_id: str, record: Record, error: BaseException) -> None:
        """Try again later, or a dead letter."""
        kind, first_at = type(error).__name__, record.first_at or timestamp()
        metrics.FAILED.labels(self._name, kind).inc()
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
        _log.warning("event failed", function=self._name, attempt=attempt, delay_s=round(delay, 3), **describe(error))
        with suppress(BackendError):  # without it the next run counts as cut off, and that is all
            await self._attempts.write(delivery.key, record)
        metrics.RETRIED.labels(self._name).inc()
        await self._put_back(delivery, delay)

    async def unreadable(self, delivery: Delivery, error: Exception) -> None:
        """A dead letter of what is no event of this function's type."""
        metrics.FAILED.labels(self._name, type(error).__name__).inc()
        record = Record(error=type(error).__name__, reason=told(error), first_at=timestamp())
        event_id = unquote((delivery.message.headers or {}).get("ce-id", ""))
        await self._bury(delivery, event_id, record)

    async def _bury(self, delivery: Delivery, event_id: str, record: Record) -> None:
        message, last_at = delivery.message, timestamp()
        headers = dict(message.headers or {})
        if event_id and "ce-id" in headers:
            headers["ce-id"] = quote(event_id, safe="/:")  # a firing's id is not the one it travelled with
        letter = DeadLetter(
            id=letter_id(self._name, delivery.key, headers.get(MSG_ID, "")),
            function=self._name,
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
            _log.error("dead letter not stored", function=self._name, error=error, delay_s=_DEAD_PAUSE_S)
            with suppress(BackendError):
                await self._attempts.write(delivery.key, replace(record, used=max(record.used, self._policy.attempts)))
            await self._put_back(delivery, _DEAD_PAUSE_S)
            return
        await self.say(delivery, b"+TERM")
        metrics.DEAD.labels(self._name).inc()
        _log.error(
            "event became a dead letter",
            function=self._name,
            event_id=event_id,
            cause=record.error,
            attempts=record.used,
        )
        if delivery.number > 1:
            with suppress(BackendError):
                await self._attempts.forget(delivery.key)

    async def give_back(self, delivery: Delivery, record: Record | None = None) -> None:
        """Return a delivery that is not to count: it was not run, or its run was stopped by us."""
        if record is not None or delivery.number == 1:
            back = record or FRESH
            with suppress(BackendError):
                await self._attempts.write(delivery.key, replace(back, used=max(0, back.used - 1), open=False))
        await self._put_back(delivery, 0.0)

    async def _put_back(self, delivery: Delivery, delay_s: float) -> None:
        await self.say(delivery, b'-NAK {"delay":%d}' % (delay_s * 1e9) if delay_s > 0 else b"-NAK")
