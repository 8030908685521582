"""Streams and consumers, made from the catalogue; run again it changes only what differs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
    StreamSource,
    SubjectTransform,
)
from nats.js.errors import APIError, NotFoundError

from events.storage import ObjectStored
from events.subjects import filter_of, subject_of
from infra.worker import schedules
from shared import deadletters
from shared.catalogue import FunctionEntry
from shared.errors import StadtfunkError
from shared.settings import NatsSettings

EVENTS: Final = "EVENTS"
REPLAY: Final = "replay"
_MESSAGE_BYTES: Final = 128 * 1024  # an event's 64 KB, and room for headers
_REPLAYS: Final = "-replay"  # no function's name has a dash
_OWNER: Final = "stadtfunk-function"  # consumer metadata: whose durable this is


class ProvisionError(StadtfunkError):
    """NATS cannot be brought to what catalogue and settings ask; the text says what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """One durable a worker pulls from."""

    stream: str
    consumer: str
    credit: int  # messages a process asks for at a time


@dataclass(kw_only=True)
class Report:
    """What a run of ``provision`` did."""

    made: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)  # durables that no function of the catalogue reads


def ordered_stream(function: str) -> str:
    """The derived stream of a function with ``order_by``."""
    return f"ORDERED_{function}"


def sources(name: str, entry: FunctionEntry) -> list[Source]:
    """The durables that feed a function: one, or one a partition; one for replays, one for what its schedules fire.

    Replays have their own because a second filter on a durable made the server five times slower (2.15).
    """
    if entry.order_by is None:
        found = [Source(stream=EVENTS, consumer=name, credit=entry.concurrency)] if _filters(entry) else []
        found.append(Source(stream=EVENTS, consumer=f"{name}{_REPLAYS}", credit=1))
    else:
        stream = ordered_stream(name)
        found = [Source(stream=stream, consumer=f"{name}_{n}", credit=1) for n in range(entry.partitions)]
    if any(trigger.schedule for trigger in entry.events):
        found.append(Source(stream=schedules.STREAM, consumer=name, credit=1))
    return found


async def provision(
    js: JetStreamContext,
    functions: Mapping[str, FunctionEntry],
    settings: NatsSettings,
    known: Mapping[str, FunctionEntry] | None = None,
) -> Report:
    """Make the streams and the durables of ``functions`` (event functions of the catalogue).

    ``known`` are all functions of the catalogue: their subjects stay in the stream, whoever of them runs here,
    and durables of others are reported.

    Raises:
        ProvisionError: a change the server cannot make on a living stream or consumer.
    """
    report = Report()
    known = {**(known or {}), **functions}
    raw = {t.nats.subject for entry in known.values() for t in entry.events if t.nats and t.nats.subject}
    for config in (_events(settings, sorted(raw)), _dead(settings)):
        await _stream(js, config, report)
    if any(trigger.schedule for entry in functions.values() for trigger in entry.events):
        await schedules.ensure_stream(js, settings)
    for name, entry in functions.items():
        if entry.order_by is not None:
            await _ordered(js, name, entry, settings, report)
        for number, source in enumerate(sources(name, entry)):
            await _consumer(js, source.stream, _durable(name, entry, source, number, settings), report)
    await _orphans(js, known, report)
    return report


def _events(settings: NatsSettings, raw: list[str]) -> StreamConfig:
    return StreamConfig(
        name=EVENTS,
        description="Every event, until it is too old; a full stream refuses, it never forgets.",
        subjects=["events.>", f"{REPLAY}.>", *raw],
        max_bytes=settings.max_bytes,
        max_age=float(settings.max_age_s),
        max_msg_size=_MESSAGE_BYTES,
        duplicate_window=float(min(settings.duplicate_window_s, settings.max_age_s)),
        **_common(settings),
    )


def _dead(settings: NatsSettings) -> StreamConfig:
    return StreamConfig(
        name=deadletters.STREAM,
        description="Events that functions gave up on, with the cause.",
        subjects=[f"{deadletters.SUBJECT}.>"],
        max_bytes=settings.max_bytes,
        max_age=float(settings.dead_max_age_s),
        duplicate_window=float(min(settings.duplicate_window_s, settings.dead_max_age_s)),
        **_common(settings),
    )


def _common(settings: NatsSettings) -> dict[str, Any]:
    return {
        "retention": RetentionPolicy.LIMITS,
        "storage": StorageType.FILE,
        "discard": DiscardPolicy.NEW,
        "num_replicas": settings.replicas,
    }


def _ordered_config(name: str, entry: FunctionEntry, settings: NatsSettings) -> StreamConfig:
    event_type = next((t.nats.type for t in entry.events if t.nats and t.nats.type), None)
    if event_type is None:
        raise ProvisionError(f"{name}: order_by needs a nats trigger with a type; its key is what orders")
    place = f"ordered.{name}.{{{{partition({entry.partitions},1)}}}}.{{{{wildcard(1)}}}}"
    transforms = [
        SubjectTransform(src=filter_of(event_type), dest=f"{place}.{event_type}"),
        SubjectTransform(src=f"{REPLAY}.{name}.*", dest=f"{place}.{REPLAY}"),
    ]
    return StreamConfig(
        name=ordered_stream(name),
        description=f"Events of {name} by partition; a message leaves with its ack.",
        sources=[StreamSource(name=EVENTS, subject_transforms=transforms)],
        max_age=float(settings.max_age_s),
        duplicate_window=float(min(settings.duplicate_window_s, settings.max_age_s)),
        **{**_common(settings), "retention": RetentionPolicy.WORK_QUEUE},
    )


def _filters(entry: FunctionEntry) -> list[str]:
    triggers = [trigger.nats for trigger in entry.events if trigger.nats]
    found = [filter_of(trigger.type) if trigger.type else str(trigger.subject) for trigger in triggers]
    # By bucket: prefix and suffix are no tokens of a subject, the worker looks at them.
    return [*found, *sorted({subject_of(ObjectStored.type, watch.bucket) for watch in entry.watches})]


def _durable(name: str, entry: FunctionEntry, source: Source, number: int, settings: NatsSettings) -> ConsumerConfig:
    new = entry.start == "new" and entry.order_by is None
    if source.stream == schedules.STREAM:
        filters, pending, new = [schedules.fire_filter(name)], 1000, True
    elif entry.order_by is not None:
        filters = [f"ordered.{name}.{number}.>"]
        pending = 1  # what keeps the order: the next of a partition waits for the ack of the one before
    elif source.consumer.endswith(_REPLAYS):
        filters, pending, new = [f"{REPLAY}.{name}.>"], 1000, False
    else:
        filters = _filters(entry)
        pending = max(1000, 2 * entry.concurrency * entry.scale.max)
    return ConsumerConfig(
        name=source.consumer,
        durable_name=source.consumer,
        filter_subjects=filters,
        deliver_policy=DeliverPolicy.NEW if new else DeliverPolicy.ALL,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=settings.ack_wait_s,
        max_deliver=-1,  # the worker counts, and leaves a dead letter; the server would just fall silent
        max_ack_pending=pending,
        metadata={_OWNER: name},
    )


_STREAM_FIELDS: Final = (
    "subjects", "max_bytes", "max_age", "max_msg_size", "duplicate_window", "discard", "retention", "storage",
    "num_replicas",
)  # fmt: skip
_CONSUMER_FIELDS: Final = ("filters", "ack_wait", "max_deliver", "max_ack_pending")


async def _stream(js: JetStreamContext, wanted: StreamConfig, report: Report) -> None:
    name = str(wanted.name)
    try:
        info = await js.stream_info(name)
    except NotFoundError:
        await _asked(f"stream {name}", js.add_stream(wanted))
        report.made.append(name)
        return
    differs = _differences(_STREAM_FIELDS, info.config, wanted)
    if not differs:
        return
    if wanted.max_bytes and wanted.max_bytes > 0 and info.state.bytes > wanted.max_bytes:
        raise ProvisionError(
            f"stream {name} holds {info.state.bytes} bytes, more than STADTFUNK_NATS__MAX_BYTES={wanted.max_bytes}: "
            "it would refuse every event; choose a larger limit, or purge the stream first"
        )
    if differs & {"retention", "storage"}:
        raise ProvisionError(
            f"stream {name} has another {' and '.join(sorted(differs & {'retention', 'storage'}))} than this version "
            f"needs, and that cannot change while it lives; back it up, delete it (nats stream rm {name}), start again"
        )
    # What the house does not set (placement, tags, description) stays as an operator left it.
    await _asked(f"stream {name}", js.update_stream(info.config, **{f: getattr(wanted, f) for f in differs}))
    report.changed.append(f"{name}: {', '.join(sorted(differs))}")


async def _ordered(
    js: JetStreamContext, name: str, entry: FunctionEntry, settings: NatsSettings, report: Report
) -> None:
    wanted = _ordered_config(name, entry, settings)
    assert wanted.sources  # noqa: S101 - set two lines above
    try:
        info = await js.stream_info(str(wanted.name))
    except NotFoundError:
        if entry.start == "new":
            wanted.sources[0].opt_start_seq = (await js.stream_info(EVENTS)).state.last_seq + 1
    else:
        existing = _transforms(info.config)
        if existing != _transforms(wanted):
            raise ProvisionError(
                f"{name}: event type or number of partitions differ from those of stream {wanted.name}, and moving "
                f"keys between partitions would break their order; stop who publishes, wait until the stream is empty "
                f"({info.state.messages} messages now), delete it (nats stream rm {wanted.name}), start again"
            )
    await _stream(js, wanted, report)


def _transforms(config: StreamConfig) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for source in config.sources or []:
        found.update((transform.src, transform.dest) for transform in source.subject_transforms or [])
    return found


async def _consumer(js: JetStreamContext, stream: str, wanted: ConsumerConfig, report: Report) -> None:
    name = str(wanted.durable_name)
    try:
        existing = (await js.consumer_info(stream, name)).config
    except NotFoundError:
        await _asked(f"consumer {name}", js.add_consumer(stream, wanted))
        report.made.append(f"{stream}/{name}")
        return
    differs = _differences(_CONSUMER_FIELDS, existing, wanted)
    if differs:
        wanted.deliver_policy = existing.deliver_policy  # where it began is history
        wanted.opt_start_seq, wanted.opt_start_time = existing.opt_start_seq, existing.opt_start_time
        await _asked(f"consumer {name}", js.add_consumer(stream, wanted))
        report.changed.append(f"{stream}/{name}: {', '.join(sorted(differs))}")


def _differences(fields: Iterable[str], existing: Any, wanted: Any) -> set[str]:
    return {name for name in fields if _value(existing, name) != _value(wanted, name)}


def _value(config: Any, name: str) -> Any:
    if name == "filters":
        return sorted(config.filter_subjects or ([config.filter_subject] if config.filter_subject else []))
    value = getattr(config, name)
    # The server answers 0 or -1 where nothing was asked.
    return sorted(value) if isinstance(value, list) else None if value in (None, 0, -1) else value


async def _asked(what: str, call: Any) -> None:
    try:
        await call
    except APIError as error:
        raise ProvisionError(
            f"{what}: the server refuses the change ({error.description}); put the setting back, or delete the "
            f"{what.partition(' ')[0]} after a backup and start again"
        ) from None


async def _orphans(js: JetStreamContext, known: Mapping[str, FunctionEntry], report: Report) -> None:
    """Also of a function that reads elsewhere now: what its old durable holds would wait for ever."""
    read = {(source.stream, source.consumer) for name, entry in known.items() for source in sources(name, entry)}
    for info in await js.streams_info():
        name = str(info.config.name)
        if name not in (EVENTS, schedules.STREAM) and not name.startswith(ordered_stream("")):
            continue
        for consumer in await js.consumers_info(name):
            if _OWNER in (consumer.config.metadata or {}) and (name, consumer.name) not in read:
                report.orphans.append(f"{name}/{consumer.name}")
