"""One measured run in a process of its own: ``python -m infra.bench._consumers KIND SETTINGS COUNT``.

Consumes COUNT no-op events and prints the CPU microseconds of each, from the end of the first twentieth
(imports, first uses) to the last ack flushed. All kinds run on uvloop, credit 64, each with its own durable.
"""

import asyncio
import gc
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Final

import uvloop

from events import Event
from shared.settings import NatsSettings, Settings, TelemetrySettings

CREDIT: Final = 64
STREAM: Final = "EVENTS"
SUBJECT: Final = "events.*.bench.measured"


class Measured(Event):
    """The event of the benchmark; about 1 KB."""

    type: ClassVar[str] = "bench.measured"
    key: ClassVar[str | None] = "page_id"

    page_id: str
    source: str
    revision: int
    content_hash: str
    text: str


class Sent(Event):
    """An event that says when it was sent."""

    type: ClassVar[str] = "bench.sent"

    sent: float  # monotonic seconds
    text: str


class Meter:
    """Counts events and takes the process's CPU time, warm-up left out."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._warm = count // 20
        self._seen = 0
        self._begun = 0.0
        self.done = asyncio.Event()

    def tick(self) -> None:
        """One event handled."""
        if self._seen == self._warm:
            # As the worker's own process does; the collector would walk every loaded module for each kind.
            gc.collect()
            gc.freeze()
            self._begun = time.process_time()
        self._seen += 1
        if self._seen == self._count:
            self.done.set()

    def microseconds(self) -> float:
        """CPU time of one event so far."""
        return (time.process_time() - self._begun) / (self._seen - self._warm) * 1e6


async def raw(settings: NatsSettings, meter: Meter) -> float:
    """nats-py alone: a continuous pull that is asked for in halves, each message acknowledged."""
    import nats

    client = await nats.connect(settings.url)
    await client.jetstream().pull_subscribe(SUBJECT, durable="raw", stream=STREAM)
    inbox, subject = client.new_inbox(), f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.raw"
    free = 0

    async def ask(batch: int) -> None:
        await client.publish(subject, b'{"batch":%d,"expires":30000000000}' % batch, reply=inbox)

    async def receive(message: Any) -> None:
        nonlocal free
        if not message.reply:
            return
        meter.tick()
        await message.ack()
        free += 1
        if free == CREDIT // 2:
            free = 0
            await ask(CREDIT // 2)

    await client.subscribe(inbox, cb=receive)
    await ask(CREDIT)
    await meter.done.wait()
    await client.flush()
    spent = meter.microseconds()
    await client.close()
    return spent


def _worker(settings: NatsSettings, target: Any) -> Any:
    """A worker of one function, set up as the process ``stadtfunk run`` does."""
    from infra.worker.worker import Worker
    from shared.catalogue import Catalogue
    from shared.function import EventFunction, function_of
    from shared.telemetry import setup

    setup(TelemetrySettings(), "worker")
    function = function_of(target)
    assert isinstance(function, EventFunction)  # noqa: S101
    text = {"de": "-", "en": "-"}
    texts = ("purpose", "data", "evaluation", "risks", "legal_basis", "human_oversight")
    card = {"owner": "-", "models": [], **dict.fromkeys(texts, text)}
    entry = {
        "handler": f"bench.module.{function.name}",
        "description": "-",
        "events": [{"nats": {"type": function.accepts.type}}],
        "concurrency": CREDIT,
        "start": "all",
    }
    catalogue = Catalogue.model_validate(
        {"version": 1, "systems": {"bench": {"title": text, "card": card}}, "functions": {function.name: entry}}
    )
    return Worker({function.name: function}, catalogue, Settings(_env_file=None, nats=settings))


async def stadtfunk(settings: NatsSettings, meter: Meter) -> float:
    """The worker as it runs: timeout, heartbeats, trace context, metrics."""
    from shared.backends import Backends
    from shared.function import on

    @on(Measured)
    async def nothing(_event: Measured, _use: Backends) -> None:
        meter.tick()

    worker = _worker(settings, nothing)
    async with worker:
        await meter.done.wait()
        await worker.flush()
        return meter.microseconds()


async def delivery(settings: NatsSettings, count: int) -> list[float]:
    """Seconds from publish to function of ``count`` events."""
    from shared.backends import Backends
    from shared.function import on

    waits: list[float] = []
    done = asyncio.Event()

    @on(Sent)
    async def arrive(event: Sent, _use: Backends) -> None:
        waits.append(time.monotonic() - event.sent)
        if len(waits) == count:
            done.set()

    async with _worker(settings, arrive):
        await done.wait()
    return waits


async def faststream(settings: NatsSettings, meter: Meter) -> float:
    """FastStream's pull subscriber with a pydantic model."""
    import logging

    from faststream import AckPolicy
    from faststream.nats import JStream, NatsBroker, PullSub
    from pydantic import BaseModel

    class Model(BaseModel):
        page_id: str
        source: str
        revision: int
        content_hash: str
        text: str

    broker = NatsBroker(settings.url, logger=None, log_level=logging.CRITICAL)

    @broker.subscriber(
        SUBJECT,
        durable="faststream",
        stream=JStream(STREAM, declare=False),
        pull_sub=PullSub(batch_size=CREDIT),
        ack_policy=AckPolicy.REJECT_ON_ERROR,
    )
    async def nothing(event: Model) -> None:  # noqa: ARG001 - FastStream goes by the name
        meter.tick()

    async with broker:
        await broker.start()
        await meter.done.wait()
        return meter.microseconds()


KINDS: Final[dict[str, Callable[[NatsSettings, Meter], Awaitable[float]]]] = {
    "raw": raw,
    "stadtfunk": stadtfunk,
    "faststream": faststream,
}


async def _main(kind: str, settings: NatsSettings, count: int) -> dict[str, object]:
    if kind == "delivery":
        return {"waits": await delivery(settings, count)}
    return {"us": await KINDS[kind](settings, Meter(count))}


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        figures = runner.run(_main(sys.argv[1], NatsSettings.model_validate_json(sys.argv[2]), int(sys.argv[3])))
    sys.stdout.write(json.dumps(figures))
