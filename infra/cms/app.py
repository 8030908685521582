"""The stand-in as a starlette application."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from hashlib import sha256
from math import ceil
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from infra.cms.city import City, Page
from infra.cms.control import Control
from infra.cms.faults import Guard, Trouble
from infra.cms.garages import slot_start
from infra.cms.interfaces import articles, description, listing
from infra.cms.site import STYLE, index, page_html
from infra.cms.store import Clock, Store, now
from infra.cms.webhook import Notifier

_POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"


def create_app(
    city: City,
    base: str,
    *,
    notifier: Notifier | None = None,
    search: str | None = None,
    live_s: int = 180,
    clock: Clock = now,
) -> Starlette:
    """The application.

    Args:
        base: the address by which readers reach it, without a slash at its end; stands in every publicUrl
        notifier: where changes are told, None: nowhere
        search: address of the city's search page, linked from every page
        live_s: seconds between two changes of the page that changes by itself
    """
    store = Store(city.pages, clock, live_s)
    trouble = Trouble()

    async def befi_list(request: Request) -> Response:
        pages = _told(store.pages("service"), trouble.faults.list_share)
        return _conditional(request, listing(pages), store.listed_at)

    async def befi_description(request: Request) -> Response:
        page = store.get(request.path_params["id"])
        if page is None or page.kind != "service":
            return JSONResponse({"error": "unknown service"}, status_code=404)
        return _conditional(request, description(page, city, base), page.modified)

    async def magnolia(request: Request) -> Response:
        offset = request.query_params.get("offset", "0")
        if not offset.isdecimal():
            return JSONResponse({"error": "offset is a whole number from 0 on"}, status_code=400)
        pages = _told(store.pages("info"), trouble.faults.list_share)
        newest = max([store.listed_at, *(page.modified for page in pages)])
        return _conditional(request, articles(pages, city, int(offset)), newest)

    async def read(request: Request) -> Response:
        page = store.get(request.path_params["id"])
        if page is None or not page.public:
            return PlainTextResponse("Diese Seite gibt es nicht (mehr).", status_code=404)
        return _html(page_html(page, city, base, search))

    async def first(_: Request) -> Response:
        return _html(index(city, store, search))

    async def style(_: Request) -> Response:
        return Response(STYLE, media_type="text/css")

    async def health(_: Request) -> Response:
        return JSONResponse({"city": city.name, "pages": len(store.pages("service")) + len(store.pages("info"))})

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        teller = asyncio.create_task(_tell_live(store, notifier, clock)) if notifier else None
        yield
        if teller:
            teller.cancel()
            await asyncio.gather(teller, return_exceptions=True)

    return Starlette(
        routes=[
            Route("/befi/services/list", befi_list),
            Route("/befi/services/{id}/description/", befi_description),
            Route("/magnolia/.rest/delivery/InfoArticleEndpoint", magnolia),
            Route("/", first),
            Route("/style.css", style),
            Route("/healthz", health),
            Route("/services/{id}", read),
            Route("/infos/{id}", read),
            *Control(city, store, trouble, notifier=notifier, search=search).routes(),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "[::1]"]),
            Middleware(Guard, faults=trouble),
        ],
        lifespan=lifespan,
    )


async def _tell_live(store: Store, notifier: Notifier, clock: Clock) -> None:
    """Send the webhook each time the page that changes by itself did so."""
    while live := store.live():
        after = slot_start(clock(), store.live_s).timestamp() + store.live_s
        await asyncio.sleep(max(1.0, after - clock().timestamp()))
        for page in live:
            await notifier.changed(page)


def _told(pages: list[Page], share: float) -> list[Page]:
    return pages[: ceil(len(pages) * share)]


def _html(text: str) -> Response:
    return HTMLResponse(text, headers={"content-security-policy": _POLICY, "x-content-type-options": "nosniff"})


def _conditional(request: Request, value: dict[str, Any], modified: datetime) -> Response:
    """The value as JSON with its validators, or 304 (RFC 9110: If-None-Match wins over If-Modified-Since)."""
    body = json.dumps(value, ensure_ascii=False).encode()
    etag = f'"{sha256(body).hexdigest()[:32]}"'
    headers = {"etag": etag, "last-modified": _http_date(modified), "cache-control": "no-cache"}
    asked = request.headers.get("if-none-match")
    since = request.headers.get("if-modified-since")
    if asked is not None:
        tags = [tag.strip().removeprefix("W/") for tag in asked.split(",")]
        unchanged = etag in tags or "*" in tags
    else:
        unchanged = since is not None and _not_after(modified, since)
    if unchanged:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def _http_date(at: datetime) -> str:

    return format_datetime(at.astimezone(UTC), usegmt=True)


def _not_after(modified: datetime, since: str) -> bool:
    """False also for a date that cannot be read: then the whole answer is given."""
    try:
        return int(modified.timestamp()) <= parsedate_to_datetime(since).timestamp()
    except ValueError:
        return False
