"""What runs, what waits, what failed: read from NATS and the backends, for people and for alerts.

Everything here holds names, numbers, times and types of errors; nothing of an event's content.
"""

import asyncio
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import nats.errors
from nats.js import JetStreamContext
from nats.js.api import ConsumerInfo, StreamInfo
from nats.js.errors import Error as JetStreamError
from nats.js.errors import NotFoundError
from pydantic import BaseModel, ConfigDict

from events.subjects import filter_of
from infra.notifications import filer
from infra.probes import Answer, Probes
from infra.schemas import load_events
from infra.worker import schedules
from infra.worker.provision import EVENTS, ordered_stream, sources
from shared import aside, deadletters
from shared.backends import Backends
from shared.catalogue import Catalogue, FunctionEntry
from shared.errors import StadtfunkError
from shared.settings import Settings

HALF: Final = 0.5  # of a stream's room, or of the time until its events vanish: time for a person to look
NOWHERE: Final = "-"  # the system of a name that is in no catalogue
_LIMIT_S: Final = 5.0
_TAIL_LATE_S: Final = 60.0
_ALARM_LASTS: Final = timedelta(days=1)  # as in the alert rule
_AWAY: Final = (nats.errors.Error, JetStreamError, StadtfunkError, OSError, TimeoutError)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class FunctionStatus(_Frozen):
    """One function; numbers are None where NATS does not answer or the function takes no events.

    A name that only dead letters know (removed, renamed, disabled) is here, too.
    """

    name: str
    system: str
    lag: int | None = None  # events that wait, those put back for later not counted
    in_flight: int | None = None  # delivered and not done: being worked on, or waiting for another try
    redelivered: int | None = None  # of those, delivered more than once
    pulling: bool | None = None  # a worker asks for events
    oldest_s: float | None = None  # age of the oldest event that is not done
    dead: int = 0
    last_error: str | None = None  # type of the newest dead letter's error
    last_dead_at: str | None = None  # RFC 3339
    next_firing: datetime | None = None


class StreamStatus(_Frozen):
    """One stream of the house."""

    name: str
    messages: int
    bytes: int
    fill: float | None = None  # share of max_bytes; None: no limit
    age: float | None = None  # age of the oldest event not done, as a share of max_age; None: nothing waits

    @property
    def alarm(self) -> bool:
        """Half full, or something waits for half of the time that events are kept."""
        return (self.fill or 0.0) >= HALF or (self.age or 0.0) >= HALF


class AlarmStatus(_Frozen):
    """The last event of a type that asks for a person (``….alarmed``)."""

    type: str
    at: datetime


class TailStatus(_Frozen):
    """How far the object storage's filer was followed for s3 triggers."""

    upto: datetime  # by the filer's clock; everything before was told
    behind_s: float

    @property
    def alarm(self) -> bool:
        """Nobody follows: the filer says every few seconds that there is nothing new."""
        return self.behind_s > _TAIL_LATE_S


class Status(_Frozen):
    """The whole at one moment."""

    at: datetime
    backends: list[Answer]
    functions: list[FunctionStatus]
    streams: list[StreamStatus]
    alarms: list[AlarmStatus]
    tail: TailStatus | None = None  # where a filer is followed

    @property
    def problems(self) -> list[str]:
        """What a person should look at, one line each."""
        found = [f"backend {one.backend} does not answer ({one.error})" for one in self.backends if not one.ok]
        for one in self.functions:
            if one.dead:
                gone = "; it is not in the catalogue" if one.system == NOWHERE else ""
                found.append(f"function {one.name} has {one.dead} dead letters, the last by {one.last_error}{gone}")
            if one.pulling is False and one.lag and not one.in_flight:
                found.append(f"function {one.name} has {one.lag} events waiting and no worker")
        found += [f"stream {one.name} is half full or half aged" for one in self.streams if one.alarm]
        if self.tail is not None and self.tail.alarm:
            found.append(f"the storage's filer was not followed for {self.tail.behind_s:.0f} s; new objects wait")
        found += [f"{one.type} asks for a person" for one in self.alarms if self.at - one.at < _ALARM_LASTS]
        return found


async def collect(catalogue: Catalogue, settings: Settings, *, probes: Probes | None = None) -> Status:
    """Look at everything once; what does not answer is said, never raised."""
    use = Backends(settings, catalogue=catalogue) if probes is None else None
    asking = probes or Probes(catalogue, use or Backends(settings))
    enabled = catalogue.enabled()
    try:
        answers = await asking.ask()
        house = _House()
        if any(one.backend == "nats" and one.ok for one in answers):
            try:
                async with asyncio.timeout(_LIMIT_S):
                    house = await _look(asking.bus.jetstream)
            except _AWAY:
                house = _House()
        return Status(
            at=datetime.now(UTC),
            backends=answers,
            functions=[
                *(_function(name, entry, house) for name, entry in enabled.functions.items()),
                *(_gone(name, catalogue, house) for name in sorted(house.dead.keys() - enabled.functions.keys())),
            ],
            streams=[_stream(info, house) for info in house.streams.values()],
            alarms=house.alarms,
            tail=house.tail if settings.objects.filer is not None and catalogue.watches() else None,
        )
    finally:
        if use is not None:
            await asking.close()
            await use.close()


class _House:
    """What NATS says."""

    def __init__(self) -> None:
        self.streams: dict[str, StreamInfo] = {}
        self.consumers: dict[tuple[str, str], ConsumerInfo] = {}
        self.oldest: dict[tuple[str, str], float] = {}  # consumer -> time of its oldest message not done
        self.dead: dict[str, int] = {}
        self.letters: dict[str, deadletters.DeadLetter] = {}
        self.alarms: list[AlarmStatus] = []
        self.tail: TailStatus | None = None


async def _look(js: JetStreamContext) -> _House:
    house = _House()
    ours = (EVENTS, deadletters.STREAM, schedules.STREAM, ordered_stream(""))
    for info in await js.streams_info():
        name = str(info.config.name)
        if name in ours[:3] or name.startswith(ours[3]):
            house.streams[name] = info
            await _consumers(js, name, house)
    if deadletters.STREAM in house.streams:
        counted = await js.stream_info(deadletters.STREAM, subjects_filter=f"{deadletters.SUBJECT}.*")
        for subject, count in (counted.state.subjects or {}).items():
            function = subject.removeprefix(f"{deadletters.SUBJECT}.")
            house.dead[function] = count
            message = await js.get_last_msg(deadletters.STREAM, subject)
            house.letters[function] = deadletters.DeadLetter.read(message.headers or {}, message.data or b"")
    house.tail = await _tail(js)
    if EVENTS in house.streams:
        for type_ in load_events():
            if type_.endswith(".alarmed"):
                try:
                    message = await js.get_last_msg(EVENTS, filter_of(type_))
                except NotFoundError:
                    continue
                house.alarms.append(AlarmStatus(type=type_, at=_time(message.time)))
    return house


async def _tail(js: JetStreamContext) -> TailStatus | None:
    try:
        message = await js.get_last_msg(f"KV_{aside.BUCKET}", f"$KV.{aside.BUCKET}.{filer.KEY}")
        position = filer.Position.model_validate_json(message.data or b"")
    except (NotFoundError, ValueError):
        return None
    upto = datetime.fromtimestamp(position.upto_ns / 1e9, UTC)
    behind_s = (datetime.now(UTC) - upto).total_seconds()
    return TailStatus(upto=upto, behind_s=round(max(0.0, behind_s), 3))


async def _consumers(js: JetStreamContext, stream: str, house: _House) -> None:
    offset = 0
    while page := await js.consumers_info(stream, offset=offset):
        for info in page:
            house.consumers[stream, info.name] = info
            if info.num_pending or info.num_ack_pending:
                oldest = await _oldest(js, stream, info)
                if oldest is not None:
                    house.oldest[stream, info.name] = oldest
        offset += len(page)


async def _oldest(js: JetStreamContext, stream: str, info: ConsumerInfo) -> float | None:
    """When the first message behind the consumer's acks was stored."""
    floor = info.ack_floor.stream_seq if info.ack_floor else 0
    filters = info.config.filter_subjects or [info.config.filter_subject or ">"]
    times = []
    for subject in filters:
        try:
            message = await js.get_msg(stream, seq=floor + 1, subject=subject, next=True)
        except NotFoundError:
            continue
        times.append(_time(message.time).timestamp())
    return min(times, default=None)


def _common(name: str, system: str, house: _House) -> dict[str, Any]:
    letter = house.letters.get(name)
    return {
        "name": name,
        "system": system,
        "dead": house.dead.get(name, 0),
        "last_error": letter.error if letter else None,
        "last_dead_at": letter.last_at if letter else None,
    }


def _gone(name: str, catalogue: Catalogue, house: _House) -> FunctionStatus:
    """A disabled or unknown function, of which only its dead letters are left."""
    entry = catalogue.functions.get(name)
    return FunctionStatus(**_common(name, entry.system if entry else NOWHERE, house))


def _function(name: str, entry: FunctionEntry, house: _House) -> FunctionStatus:
    common = _common(name, entry.system, house)
    if all(trigger.http for trigger in entry.events):
        return FunctionStatus(**common)
    keys = [(source.stream, source.consumer) for source in sources(name, entry)]
    infos = [house.consumers[key] for key in keys if key in house.consumers]
    firings = [schedules.next_due(t.schedule, datetime.now(UTC)) for t in entry.events if t.schedule]
    common["next_firing"] = min((one for one in firings if one), default=None)
    if not infos:
        return FunctionStatus(**common)
    oldest = min((house.oldest[key] for key in keys if key in house.oldest), default=None)
    return FunctionStatus(
        **common,
        lag=_sum(info.num_pending for info in infos),
        in_flight=_sum(info.num_ack_pending for info in infos),
        redelivered=_sum(info.num_redelivered for info in infos),
        pulling=any(info.num_waiting for info in infos),
        oldest_s=None if oldest is None else round(max(0.0, time.time() - oldest), 3),
    )


def _stream(info: StreamInfo, house: _House) -> StreamStatus:
    name, config, state = str(info.config.name), info.config, info.state
    waiting = min((at for (stream, _), at in house.oldest.items() if stream == name), default=None)
    room, kept = config.max_bytes or 0, config.max_age or 0.0
    return StreamStatus(
        name=name,
        messages=state.messages,
        bytes=state.bytes,
        fill=round(state.bytes / room, 4) if room > 0 else None,
        age=round(max(0.0, time.time() - waiting) / kept, 6) if waiting is not None and kept > 0 else None,
    )


def _sum(numbers: Iterable[int | None]) -> int:
    return sum(number or 0 for number in numbers)


def _time(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
