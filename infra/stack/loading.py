"""Fills a new stack: asks for the first crawl and follows the pages until all are findable.

Counts are read from the stream itself (subjects carry a digest of the page), so nothing of a page is seen.
"""

import asyncio
import time
from dataclasses import dataclass
from uuid import uuid4

from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from events.cms import CrawlRequested, PageChanged, PageIndexed
from events.event import Event
from events.subjects import filter_of
from infra.stack.progress import Progress
from shared.bus import enveloped
from shared.errors import BackendError
from shared.jetstream import JetStreamBus
from shared.settings import NatsSettings

STREAM = "EVENTS"
POLL_S = 0.25


@dataclass(frozen=True)
class Count:
    """How far the stream's pages are; ``idle``: neither crawl nor index has work."""

    crawls: int
    changed: int
    indexed: int
    idle: bool


async def load(settings: NatsSettings, progress: Progress, *, anew: bool, patience_s: float = 60.0) -> None:
    """Crawl a city that was never crawled (or, with ``anew``, in any case) and return when its pages are findable.

    A backend that goes away meanwhile is waited for; the supervisor brings it back.

    Raises:
        BackendError: the worker made no consumer for the crawl within ``patience_s``.
    """
    bus = JetStreamBus(settings, name="stadtfunk-up")
    try:
        before = await _provisioned(bus, patience_s)
        crawls = before.crawls
        if crawls and not anew:
            if before.idle:
                progress.note("the city was crawled before; its pages are there, changes come by themselves")
                return
            progress.note("the city was crawled before; what was left to do is being done")
        else:
            event = CrawlRequested()
            await bus.publish(enveloped(event, id=str(uuid4()), source="stadtfunk/up"), key=event.key_value)
            crawls += 1
        await _follow(bus, progress, crawls)
    finally:
        await bus.close()


async def ask(settings: NatsSettings, event: Event, function: str, patience_s: float = 60.0) -> None:
    """Publish an event as soon as the worker has made this function's consumer: earlier it would start nothing.

    Raises:
        BackendError: the worker made no such consumer within ``patience_s``.
    """
    bus = JetStreamBus(settings, name="stadtfunk-up")
    deadline = time.monotonic() + patience_s
    try:
        while True:
            try:
                await bus.connect()
                await bus.jetstream.consumer_info(STREAM, function)
                break
            except (NotFoundError, NatsError, OSError, BackendError) as error:
                if time.monotonic() > deadline:
                    missing = f"made no consumer for {function} within {patience_s:.0f} s"
                    raise BackendError("worker", missing) from error
                await asyncio.sleep(POLL_S)
        await bus.publish(enveloped(event, id=str(uuid4()), source="stadtfunk/up"), key=event.key_value)
    finally:
        await bus.close()


async def _follow(bus: JetStreamBus, progress: Progress, crawls: int) -> None:
    said = (0, 0)
    while True:
        try:
            now = await _count(bus.jetstream)
        except (NatsError, OSError):  # it is being restarted
            await asyncio.sleep(POLL_S)
            continue
        if said != (now.indexed, now.changed):
            said = (now.indexed, now.changed)
            progress.indexed(*said)
        # Idle twice over: between the crawl's ack and the index's first pull both look idle for a moment.
        if now.idle and now.crawls >= crawls:
            if now.indexed >= now.changed:
                return
            await asyncio.sleep(1.0)
            again = await _count(bus.jetstream)
            if again.idle and again == now:
                missing = now.changed - now.indexed
                progress.note(f"{missing} of {now.changed} pages are not findable: see `stadtfunk dead list`")
                return
        await asyncio.sleep(POLL_S)


async def _provisioned(bus: JetStreamBus, patience_s: float) -> Count:
    """Wait until the worker has made stream and consumers: an event sent earlier would not start a crawl."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            await bus.connect()
            return await _count(bus.jetstream)
        except (NotFoundError, NatsError, OSError, BackendError) as error:
            if time.monotonic() > deadline:
                raise BackendError("worker", f"made no consumers within {patience_s:.0f} s") from error
            await asyncio.sleep(POLL_S)


async def _count(js: JetStreamContext) -> Count:
    async def subjects(event_type: str) -> int:
        info = await js.stream_info(STREAM, subjects_filter=filter_of(event_type))
        return len(info.state.subjects or {})

    async def busy(consumer: str) -> bool:
        info = await js.consumer_info(STREAM, consumer)
        return bool(info.num_pending or info.num_ack_pending)

    crawls = await js.stream_info(STREAM, subjects_filter=filter_of(CrawlRequested.type))
    return Count(
        crawls=sum((crawls.state.subjects or {}).values()),
        # First the crawl, then its follow-ups: the other way round a page could fall between.
        idle=not await busy("crawl") and not await busy("index_page"),
        changed=await subjects(PageChanged.type),
        indexed=await subjects(PageIndexed.type),
    )
