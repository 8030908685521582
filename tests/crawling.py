"""A stand-in CMS and a crawl over it, for tests: real HTTP, state and objects in memory or as handed in."""

import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import aiohttp

from events import Event
from events.cms import CrawlRequested, PageNotified
from functions.xnext.crawl import crawl, crawl_page
from functions.xnext.ledger import PAGES
from functions.xnext.page import Page as Document
from functions.xnext.run import SOURCES, SourceRecord
from infra.cms.app import create_app
from infra.cms.city import City, Page
from shared.backends import Backends
from shared.errors import Retry
from shared.function import EventFunction, function_of
from shared.objects import MemoryObjects
from shared.settings import CmsSource, Settings, WebSettings, XnextSettings
from shared.state import MemoryState
from shared.telemetry import EVENT_ID
from tests.serving import serving


def stream(function: Any, event: Event, use: Backends) -> AsyncGenerator[Event, None]:
    """The follow-ups of a function one by one, as the worker takes them."""
    record = function_of(function)
    assert isinstance(record, EventFunction)
    follow_ups: AsyncGenerator[Event, None] = record.target(event, use)
    return follow_ups


def city_of(*pages: Page | int) -> City:
    """A city of these service pages; a number stands for a plain page of that id."""
    return City(name="Probe", categories={}, offices=(), pages=tuple(map(service, pages)))


def service(page: Page | int) -> Page:
    """A plain page of this id."""
    if isinstance(page, Page):
        return page
    moment = datetime(2026, 11, 1, 9, tzinfo=UTC)
    return Page(id=str(page), name=f"Leistung {page}", text=f"Der Text von {page}.", modified=moment)


class Crawling:
    """The stand-in at ``base``, and the functions on it."""

    def __init__(self, base: str, use: Backends, http: aiohttp.ClientSession) -> None:
        self.base, self.use, self._http = base, use, http
        self.retry: Retry | None = None  # what the last run ended with
        self._counted: Counter[str] = Counter()

    async def crawl(self, run_id: str | None = None, source: str | None = None) -> list[Event]:
        """One run to its end; a run id is an event's id, so the same one twice is a repeat."""
        self.retry, events = None, []
        token = EVENT_ID.set(run_id or str(uuid4()))
        try:
            async with aclosing(stream(crawl, CrawlRequested(source=source), self.use)) as follow_ups:
                async for event in follow_ups:
                    events.append(event)
        except Retry as error:
            self.retry = error
        finally:
            EVENT_ID.reset(token)
        return events

    async def notify(self, id: str, source: str = "befi") -> list[Event]:
        """What the webhook leads to."""
        events: list[Event] = await crawl_page(PageNotified(source=source, page_id=f"{source}:{id}"), self.use)
        return events

    async def edit(self, id: str, **changes: Any) -> None:
        await self._ask("PUT", f"pages/{id}", {"notify": False, **changes})

    async def remove(self, id: str) -> None:
        await self._ask("DELETE", f"pages/{id}")

    async def faults(self, **faults: Any) -> None:
        await self._ask("PUT", "faults", faults)

    async def asked(self) -> Counter[str]:
        """Requests since the last look, by status, and "conditional" and "all"."""
        now = Counter((await self._ask("GET", "state"))["requests"])
        since, self._counted = now - self._counted, now
        return since

    async def page(self, event: Any) -> Document:
        """The document a change refers to."""
        return Document.model_validate_json(
            await self.use.objects.get(self.use.settings.xnext.bucket, event.object_key)
        )

    async def record(self, source: str = "befi") -> SourceRecord:
        entry = await self.use.state.bucket(SOURCES).get(source)
        assert entry is not None
        return SourceRecord.model_validate_json(entry.value)

    async def records(self) -> dict[str, bytes]:
        """All pages' records as they lie there."""
        bucket = self.use.state.bucket(PAGES)
        found = {key: await bucket.get(key) for key in await bucket.keys()}
        return {key: entry.value for key, entry in found.items() if entry is not None}

    async def _ask(self, method: str, path: str, body: Any = None) -> Any:
        async with self._http.request(method, f"{self.base}/_stand-in/{path}", json=body) as answer:
            assert answer.status == 200, (path, answer.status, await answer.text())
            return await answer.json()


@contextlib.asynccontextmanager
async def crawling(city: City, given: dict[str, Any] | None = None, **xnext: Any) -> AsyncIterator[Crawling]:
    """Serve the city and hand out the functions on it; ``xnext`` changes settings."""
    async with serving(create_app(city, "https://auenfurt.example")) as base, aiohttp.ClientSession() as http:
        sources = (
            CmsSource(name="befi", kind="befi", url=f"{base}/befi"),
            CmsSource(
                name="magnolia",
                kind="magnolia",
                url=f"{base}/magnolia/.rest/delivery/InfoArticleEndpoint",
                page_url="https://auenfurt.example/infos/{id}",
            ),
        )
        settings = Settings(
            _env_file=None,
            web=WebSettings(allowed_hosts=(urlsplit(base).netloc,), timeout_s=5.0),
            xnext=XnextSettings.model_validate({"sources": sources, "requests_per_second": 2000, **xnext}),
        )
        use = Backends(settings, **(given or {"state": MemoryState(), "objects": MemoryObjects()}))
        try:
            yield Crawling(base, use, http)
        finally:
            await use.close()
