"""Spans at a real collector and lines on standard error: linked by trace, free of what people typed."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, ClassVar

import aiohttp
import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from pydantic import BaseModel

from events import Event
from shared import telemetry
from shared.backends import Backends
from shared.bus import MemoryBus
from shared.errors import BackendError
from shared.function import Reply, http
from shared.settings import TelemetrySettings
from shared.telemetry import backend_call
from tests.integration.hosting import catalogue_of, hosted, plain_settings

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


class Sought(Event):
    type: ClassVar[str] = "test.telemetry.sought"


class Query(BaseModel):
    q: str


@http
async def seek(query: Query, use: Backends) -> Reply:
    with backend_call("vectors", "search"):
        if query.q == "Erika away":
            raise BackendError("vectors", f"{query.q} not found")
    if query.q == "Erika bug":
        raise RuntimeError(query.q)
    return Reply(response=query, events=[Sought()])


CATALOGUE = catalogue_of(seek={"events": [{"http": {"path": "/seek"}}], "access": "public"})


class Collector:
    """What arrived."""

    def __init__(self) -> None:
        self.url = ""
        self.raw: list[bytes] = []

    def spans(self) -> list[Any]:
        found: list[Any] = []
        for body in self.raw:
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    found += scope.spans
        return found


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    collector = Collector()

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        if request.headers.get("content-encoding") == "gzip":
            import gzip

            body = gzip.decompress(body)
        collector.raw.append(body)
        return web.Response(content_type="application/x-protobuf")

    app = web.Application()
    app.router.add_post("/v1/traces", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    collector.url = "http://{}:{}".format(*runner.addresses[0][:2])
    yield collector
    await runner.cleanup()


async def test_spans_hang_together_at_the_collector(collector: Collector) -> None:
    settings = plain_settings(telemetry=TelemetrySettings(otlp_endpoint=collector.url))
    bus = MemoryBus()
    headers = {"traceparent": f"00-{TRACE_ID}-b7ad6b7169203331-01"}
    try:
        async with hosted(CATALOGUE, seek, settings=settings, bus=bus) as url, aiohttp.ClientSession() as session:
            for query in ("Erika", "Erika away"):
                async with session.get(f"{url}/seek", params={"q": query}, headers=headers) as answer:
                    await answer.read()
    finally:
        await asyncio.to_thread(telemetry.shutdown)
    spans = {(one.name, one.status.code): one for one in collector.spans()}
    assert set(spans) == {("seek", 0), ("vectors search", 0), ("vectors search", 2)}
    server, call = spans["seek", 0], spans["vectors search", 0]
    assert server.trace_id.hex() == call.trace_id.hex() == TRACE_ID
    assert bus.events[0].traceparent is not None
    assert bus.events[0].traceparent.split("-")[1] == TRACE_ID
    parents = {one.span_id.hex() for one in collector.spans() if one.name == "seek"}
    assert call.parent_span_id.hex() in parents
    assert bus.events[0].traceparent.split("-")[2] in parents
    assert b"Erika" not in b"".join(collector.raw)


async def test_lines_say_what_happened_and_not_what_was_typed(capfd: pytest.CaptureFixture[str]) -> None:
    async with hosted(CATALOGUE, seek) as url, aiohttp.ClientSession() as session:
        headers = {"traceparent": f"00-{TRACE_ID}-b7ad6b7169203331-01", "x-forwarded-for": "203.0.113.9"}
        for path in ("/seek?q=Erika", "/seek?q=Erika%20bug", "/seek?q=Erika%20away", "/seek?Erika=1", "/Erika?q=1"):
            async with session.get(url + path, headers=headers) as answer:
                await answer.read()
        async with session.request("ERIKA", f"{url}/seek?q=Erika", headers=headers) as answer:
            await answer.read()
    spoken = capfd.readouterr()
    assert "erika" not in (spoken.err + spoken.out).lower()
    assert "203.0.113.9" not in spoken.err
    assert "127.0.0.1" not in spoken.err
    lines = [json.loads(line) for line in spoken.err.splitlines()]
    answered = [line for line in lines if line["event"] == "answered"]
    assert [line["status"] for line in answered] == [200, 500, 503, 422, 404, 405]
    assert {line["trace_id"] for line in answered} == {TRACE_ID}
    failed = [line for line in lines if line["event"] == "function failed"]
    assert failed[0]["error"] == "RuntimeError"
    assert failed[0]["place"].startswith("tests/integration/test_host_telemetry.py:")


async def test_a_collector_that_is_away_disturbs_nobody() -> None:
    settings = plain_settings(telemetry=TelemetrySettings(otlp_endpoint="http://127.0.0.1:1"))
    try:
        async with (
            hosted(CATALOGUE, seek, settings=settings) as url,
            aiohttp.ClientSession() as session,
            session.get(f"{url}/seek?q=a") as answer,
        ):
            assert answer.status == 200
    finally:
        await asyncio.to_thread(telemetry.shutdown)
