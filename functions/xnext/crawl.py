"""Reading the content management systems: all of them daily, one page at once when a webhook names it."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final
from uuid import uuid4

import structlog

from events import Event
from events.cms import CrawlRequested, PageNotified
from functions.xnext.befi import Befi
from functions.xnext.ledger import PAGES, Ledger
from functions.xnext.magnolia import Magnolia
from functions.xnext.run import Run
from functions.xnext.sources import Source, configured, is_id
from shared.backends import Backends
from shared.errors import Reject, Retry
from shared.function import on
from shared.settings import CmsSource
from shared.telemetry import EVENT_ID

_READERS: Final[dict[str, type[Befi] | type[Magnolia]]] = {"befi": Befi, "magnolia": Magnolia}


@on(CrawlRequested)
async def crawl(request: CrawlRequested, use: Backends) -> AsyncGenerator[Event, None]:
    """Say of every page of one source, or of all, whether it changed or left.

    Raises:
        Reject: the source is not configured.
        Retry: a source could not be reached, or some of its pages; what was read is told already.
    """
    sources = use.settings.xnext.sources
    wanted = sources if request.source is None else (configured(sources, request.source),)
    if not wanted:
        structlog.get_logger().warning("nothing to crawl: STADTFUNK_XNEXT__SOURCES names no source")
        return
    await use.objects.ensure_bucket(use.settings.xnext.bucket)
    # The event's id names the run, so a repeat of the event is the same run and counts once.
    run_id = EVENT_ID.get() or str(uuid4())
    unreachable = []
    for source in wanted:
        run = Run(source.name, _reader(source, use), run_id, use)
        async with aclosing(run.events()) as events:
            async for event in events:
                yield event
        if run.unreachable:
            unreachable.append(source.name)
    if unreachable:
        raise Retry(f"not read in full: {', '.join(unreachable)}")


@on(PageNotified)
async def crawl_page(notice: PageNotified, use: Backends) -> AsyncGenerator[Event, None]:
    """Look at the one page a webhook named, on the same path as the daily run.

    A page the source does not have (404) is left to the daily run, which can tell a slip from a removal.

    Raises:
        Reject: the source is not configured, or the id can be none.
        Retry: the source could not be reached.
    """
    source = configured(use.settings.xnext.sources, notice.source)
    id = notice.page_id.removeprefix(f"{source.name}:")
    if not is_id(id):
        raise Reject("page_id is no id of a page")
    await use.objects.ensure_bucket(use.settings.xnext.bucket)
    reader = _reader(source, use)
    ledger = Ledger(source.name, use.state.bucket(PAGES), use.objects, use.settings.xnext.bucket)
    async with aclosing(ledger.follow(await ledger.look(reader, id), reader)) as events:
        async for event in events:
            yield event


def _reader(source: CmsSource, use: Backends) -> Source:
    return _READERS[source.kind](source, use.web, use.settings.xnext.requests_per_second)
