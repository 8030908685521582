"""Schedules: messages that NATS itself fires, kept equal to the catalogue, and firings made up for.

    schedules.set.<function>.<n>    the schedule: pattern, zone, and the event it fires
    schedules.fire.<function>.<n>   what it fired; the function's consumer reads ``fire_filter(function)``

NATS fires within milliseconds and goes on after a crash, but does not make up for what fell into its
outage. The stream knows when each schedule fired last, so ``catch_up`` needs no records of its own, and
compare-and-set on the fired subject lets one of many workers do it.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import structlog
from cronsim import CronSim
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, Header, RawStreamMsg, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import APIError, NotFoundError

from events import CloudEvent
from shared.catalogue import Catalogue, FunctionEntry, ScheduleTrigger
from shared.errors import CatalogueError
from shared.function import EventFunction, Function
from shared.settings import NatsSettings

STREAM: Final = "SCHEDULES"
KEPT: Final = 1000  # firings a schedule; a worker that was away longer than that runs the last ones
GRACE_S: Final = 5.0  # a firing later than this was missed
_SPACE: Final = UUID("b7f6c1de-9a5b-5c62-8f0e-3c8e7d0f2a44")
_ROLLUP: Final = "Nats-Rollup"  # added by the server to what it stores
_WRONG_PATTERN: Final = 10189
_OVERTAKEN: Final = frozenset({10071, 10164})  # wrong last sequence
_MACROS: Final = {
    "@yearly": "0 0 0 1 1 *",
    "@monthly": "0 0 0 1 * *",
    "@weekly": "0 0 0 * * 0",
    "@daily": "0 0 0 * * *",
    "@hourly": "0 0 * * * *",
}
_UNITS: Final = {"s": 1, "m": 60, "h": 3600}
_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """One schedule trigger of one function, and the message it is stored as."""

    function: str
    number: int  # which of the function's schedule triggers, from 0
    trigger: ScheduleTrigger
    body: bytes  # data of the event it fires
    event_type: str

    @property
    def subject(self) -> str:
        """Where the schedule is stored; its name towards the server."""
        return f"schedules.set.{self.function}.{self.number}"

    @property
    def target(self) -> str:
        """Where it fires to."""
        return f"schedules.fire.{self.function}.{self.number}"

    @property
    def event_headers(self) -> dict[str, str]:
        """The fired event's headers; its id is replaced by ``firing_id``, its time is the firing's."""
        event = CloudEvent(id=self.subject, source=f"/schedules/{self.function}", type=self.event_type)
        return event.headers()

    @property
    def headers(self) -> dict[str, str]:
        """All headers of the stored schedule. Never a message id: a change must not pass for a duplicate."""
        zone = {"Nats-Schedule-Time-Zone": self.trigger.time_zone} if self.trigger.time_zone else {}
        return {"Nats-Schedule": self.trigger.cron, "Nats-Schedule-Target": self.target, **zone, **self.event_headers}


def fire_filter(function: str) -> str:
    """The subject filter for every firing of a function."""
    return f"schedules.fire.{function}.*"


def patience_of(function: str, entry: FunctionEntry) -> dict[str, float]:
    """How late a firing may be run, in seconds by its subject; later it was missed, as in an outage of NATS."""
    triggers = [trigger.schedule for trigger in entry.events if trigger.schedule]
    return {f"schedules.fire.{function}.{n}": max(one.catch_up, GRACE_S) for n, one in enumerate(triggers)}


def firing_id(headers: Mapping[str, str] | None) -> str | None:
    """The event id of a firing, equal in every delivery of it; None for a message that no schedule fired."""
    if not headers or "Nats-Scheduler" not in headers:
        return None
    return _id(headers["Nats-Scheduler"], datetime.fromisoformat(headers["Nats-Schedule-Next"]))


def schedules_of(catalogue: Catalogue, functions: Mapping[str, Function]) -> Iterator[Schedule]:
    """The schedules of those enabled functions of the catalogue that are loaded here."""
    for name, entry in catalogue.enabled().functions.items():
        function = functions.get(name)
        if isinstance(function, EventFunction):
            body = None
            for number, trigger in enumerate(t.schedule for t in entry.events if t.schedule):
                body = body or function.accepts().model_dump_json().encode()
                yield Schedule(
                    function=name, number=number, trigger=trigger, body=body, event_type=function.accepts.type
                )


async def ensure_stream(js: JetStreamContext, settings: NatsSettings) -> None:
    """Make the stream, or change its limits to these. No max_age: it would delete the schedules."""
    wanted = StreamConfig(
        name=STREAM,
        description="Message schedules and what they fired",
        subjects=["schedules.>"],
        retention=RetentionPolicy.LIMITS,
        discard=DiscardPolicy.OLD,
        max_msgs_per_subject=KEPT,
        storage=StorageType.FILE,
        num_replicas=settings.replicas,
        allow_msg_schedules=True,
    )
    try:
        present = (await js.stream_info(STREAM)).config
    except NotFoundError:
        await js.add_stream(wanted)
        return
    changed = ("description", "max_msgs_per_subject", "num_replicas")
    if any(getattr(present, field) != getattr(wanted, field) for field in changed):
        await js.update_stream(present, **{field: getattr(wanted, field) for field in changed})


async def sync(js: JetStreamContext, catalogue: Catalogue, functions: Mapping[str, Function]) -> int:
    """Store what is new or changed, remove what the catalogue has no more; returns how many of both.

    A schedule of a function that is not loaded here is left as it is, one of a disabled system is removed.
    Make the functions' consumers first: a firing that no consumer waits for is not kept for it.

    Raises:
        CatalogueError: NATS refuses a pattern; function and pattern are named.
    """
    try:
        state = (await js.stream_info(STREAM, subjects_filter="schedules.set.>")).state
    except NotFoundError:
        return 0  # nothing was ever scheduled; a function with a schedule has the stream made
    changes = 0
    for schedule in schedules_of(catalogue, functions):
        stored = await _last(js, schedule.subject)
        if stored is not None:
            headers = {name: value for name, value in (stored.headers or {}).items() if name != _ROLLUP}
            if headers == schedule.headers and (stored.data or b"") == schedule.body:
                continue
        try:
            await js.publish(schedule.subject, schedule.body, headers=schedule.headers)
        except APIError as error:
            if error.err_code == _WRONG_PATTERN:
                raise CatalogueError(
                    f"functions.{schedule.function}.events: NATS refuses the schedule '{schedule.trigger.cron}'"
                ) from None
            raise
        changes += 1
    configured = {
        f"schedules.set.{name}.{number}"
        for name, entry in catalogue.enabled().functions.items()
        for number in range(sum(1 for trigger in entry.events if trigger.schedule))
    }
    for subject in set(state.subjects or {}) - configured:
        await js.purge_stream(STREAM, subject=subject)
        changes += 1
    return changes


async def overtaken(js: JetStreamContext, subject: str, sequence: int) -> bool:
    """Whether a newer firing than this one stands under its subject."""
    last = await _last(js, subject)
    return last is not None and (last.seq or 0) > sequence


async def catch_up(
    js: JetStreamContext, catalogue: Catalogue, functions: Mapping[str, Function], *, grace_s: float = GRACE_S
) -> list[str]:
    """Fire once what should have fired while NATS was down; returns the subjects of those schedules.

    Call at start, when the connection is back, and now and then. However many workers call it, each
    missed firing is stored once, under the id it would have had.
    """
    fired: list[str] = []
    for schedule in schedules_of(catalogue, functions):
        stored = await _last(js, schedule.subject)
        if stored is None:
            continue
        last = await _last(js, schedule.target)
        since = max(_time(message) for message in (stored, last) if message is not None)
        now = datetime.now(UTC)
        due = last_due(schedule.trigger, since, now - timedelta(seconds=grace_s))
        if due is None:
            continue
        late_s = (now - due).total_seconds()
        if late_s > schedule.trigger.catch_up:
            _log.warning("missed firing is too old to make up for", function=schedule.function, seconds=late_s)
            continue
        id_ = _id(schedule.subject, next_due(schedule.trigger, due) or due)
        headers = schedule.event_headers | {
            "ce-id": id_,
            Header.MSG_ID.value: id_,
            Header.EXPECTED_LAST_SUBJECT_SEQUENCE.value: str(last.seq if last else 0),
        }
        try:
            stored_once = await js.publish(schedule.target, schedule.body, headers=headers)
        except APIError as error:
            if error.err_code in _OVERTAKEN:
                continue  # another worker, or the schedule itself, fired meanwhile
            raise
        if not stored_once.duplicate:
            fired.append(schedule.subject)
            _log.info("missed firing made up for", function=schedule.function, seconds=late_s)
    return fired


def next_due(trigger: ScheduleTrigger, after: datetime) -> datetime | None:
    """The first time after ``after`` at which the schedule is due; None if there is none in 50 years."""
    step = _interval(trigger)
    return after + step if step else next(_cron(trigger, after), None)


def last_due(trigger: ScheduleTrigger, since: datetime, until: datetime) -> datetime | None:
    """The last time in ``(since, until]`` at which the schedule was due, or None."""
    step = _interval(trigger)
    if step:
        times = math.floor((until - since) / step)
        return since + times * step if times >= 1 else None
    first = next_due(trigger, since)
    if first is None or first > until:
        return None
    # The library's way back begins below the given second, unless it has a fraction.
    return next(_cron(trigger, until.replace(microsecond=1), reverse=True), None)


def _interval(trigger: ScheduleTrigger) -> timedelta | None:
    if not trigger.cron.startswith("@every "):
        return None
    text = trigger.cron.removeprefix("@every ")
    return timedelta(seconds=int(text[:-1]) * _UNITS[text[-1]])


def _cron(trigger: ScheduleTrigger, moment: datetime, *, reverse: bool = False) -> CronSim:
    pattern = _MACROS.get(trigger.cron, trigger.cron).replace("?", "*")
    zone = ZoneInfo(trigger.time_zone) if trigger.time_zone else UTC
    return CronSim(pattern, moment.astimezone(zone), reverse=reverse)


def _id(subject: str, following: datetime) -> str:
    # The server writes the following due time in the schedule's zone; the id must not depend on that.
    return str(uuid5(_SPACE, f"{subject}\x1f{following.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"))


async def _last(js: JetStreamContext, subject: str) -> RawStreamMsg | None:
    try:
        return await js.get_last_msg(STREAM, subject)
    except NotFoundError:
        return None


def _time(message: RawStreamMsg) -> datetime:
    time = message.time
    return time if isinstance(time, datetime) else datetime.fromisoformat(str(time))
