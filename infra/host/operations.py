"""What operators and machines ask a host: alive, ready, metrics, OpenAPI, status."""

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version
from math import nan
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from infra.host.openapi import openapi
from infra.probes import Probes
from infra.status import Status, collect
from shared.backends import Backends
from shared.catalogue import Catalogue
from shared.errors import StadtfunkError
from shared.figures import Figures
from shared.function import HttpFunction
from shared.layout import Layout, language_of
from shared.metrics import ALARM_AT, BACKEND_UP, DEAD_LETTERS, LAG, STREAM_AGE, STREAM_FILL, TAIL_BEHIND
from shared.settings import Settings

_NOW: Final = {"cache-control": "no-store"}
_FRESH_S: Final = 5.0
_FIGURES_S: Final = 2.0  # a system's own figures hold the page up no longer
_ZONE: Final = ZoneInfo("Europe/Berlin")  # times for people are those of the city's clocks
_GERMAN: Final = "%d.%m.%Y, %H:%M:%S Uhr"


class Watch:
    """The status of everything, kept for a few seconds however many ask."""

    def __init__(self, catalogue: Catalogue, settings: Settings, probes: Probes) -> None:
        self._catalogue = catalogue
        self._settings = settings
        self._probes = probes
        self._status: Status | None = None
        self._at = 0.0
        self._lock = asyncio.Lock()

    async def status(self) -> Status:
        """As of now, or a few seconds ago; the gauges are set to it."""
        async with self._lock:
            if self._status is None or time.monotonic() - self._at > _FRESH_S:
                self._status = await collect(self._catalogue, self._settings, probes=self._probes)
                self._at = time.monotonic()
                _measure(self._status)
            return self._status


def operations(
    catalogue: Catalogue, functions: Mapping[str, HttpFunction], use: Backends, probes: Probes
) -> list[Route]:
    """The host's own routes."""
    watch = Watch(catalogue, use.settings, probes)
    layout = Layout(Path(__file__).parent / "templates")
    document = openapi(catalogue, functions, version("stadtfunk"))
    tables = [(one, one.query) for one in functions.values() if one.result is Figures and one.query is not None]

    async def healthz(_: Request) -> Response:
        """The process is alive."""
        return PlainTextResponse("ok\n", headers=_NOW)

    async def readyz(_: Request) -> Response:
        """Every backend that an enabled system needs answers; those it can do without are shown."""
        answers = await probes.ask()
        ready = all(answer.ok or answer.optional for answer in answers)
        content = {"ready": ready, "backends": [answer.model_dump() for answer in answers]}
        return JSONResponse(content, 200 if ready else 503, _NOW)

    async def metrics(_: Request) -> Response:
        """Prometheus."""
        await watch.status()
        return Response(generate_latest(), headers=_NOW, media_type=CONTENT_TYPE_LATEST)

    async def described(_: Request) -> Response:
        """OpenAPI."""
        return JSONResponse(document, headers={"cache-control": "public, max-age=60"})

    async def status_page(request: Request) -> Response:
        """The status for people."""
        status = await watch.status()
        titles = {name: system.title for name, system in catalogue.systems.items()}

        def moment(at: datetime) -> str:
            return at.astimezone(_ZONE).strftime("%Y-%m-%d %H:%M:%S" if language_of(request) == "en" else _GERMAN)

        figures = [found for one, query in tables if (found := await _figures(one, query(), use)) and found.rows]
        return layout.page(request, use, "status.html", status=status, titles=titles, moment=moment, figures=figures)

    async def status_json(_: Request) -> Response:
        """The status for machines."""
        status = await watch.status()
        return JSONResponse({**status.model_dump(mode="json"), "problems": status.problems}, headers=_NOW)

    return [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
        Route("/openapi.json", described),
        Route("/status", status_page),
        Route("/status.json", status_json),
    ]


async def _figures(function: HttpFunction, query: BaseModel, use: Backends) -> Figures | None:
    """What a system counts; None where that is out of reach, which the page's backends show."""
    try:
        async with asyncio.timeout(_FIGURES_S):
            found: Figures = await function.target(query, use)
    except (StadtfunkError, TimeoutError):
        return None
    return found


def _measure(status: Status) -> None:
    """Set the gauges; what is not known any more has no value, rather than an old one."""
    for gauge in (BACKEND_UP, LAG, DEAD_LETTERS, STREAM_FILL, STREAM_AGE, ALARM_AT):
        gauge.clear()
    for answer in status.backends:
        BACKEND_UP.labels(answer.backend).set(answer.ok)
    for function in status.functions:
        if function.lag is not None:
            LAG.labels(function.name).set(function.lag)
        if function.lag is not None or function.dead:
            DEAD_LETTERS.labels(function.name).set(function.dead)
    for stream in status.streams:
        if stream.fill is not None:
            STREAM_FILL.labels(stream.name).set(stream.fill)
        STREAM_AGE.labels(stream.name).set(stream.age or 0.0)
    TAIL_BEHIND.set(nan if status.tail is None else status.tail.behind_s)
    for alarm in status.alarms:
        ALARM_AT.labels(alarm.type).set(alarm.at.timestamp())
