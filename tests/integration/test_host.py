"""The host over real sockets: what functions answer, and what attackers get."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Iterator
from enum import Enum
from typing import ClassVar

import aiohttp
import pytest
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from events import Event
from infra.host import limits
from infra.host.serve import Protocol
from shared.backends import Backends
from shared.bus import MemoryBus
from shared.errors import BackendError, CatalogueError, Reject
from shared.function import Reply, Stream, http
from tests.integration.hosting import catalogue_of, hosted, plain_settings
from tests.polling import eventually


class Question(BaseModel):
    q: str = Field(min_length=1, max_length=50)
    tags: list[str] = []
    limit: int = Field(default=10, ge=1, le=50)


class Found(BaseModel):
    q: str
    tags: list[str]
    limit: int


class Happened(Event):
    type: ClassVar[str] = "test.host.happened"
    key: ClassVar[str | None] = "name"
    name: str


@http
async def find(question: Question, use: Backends) -> Found:
    return Found(q=question.q, tags=question.tags, limit=question.limit)


@http
async def take(question: Question, use: Backends) -> Reply:
    return Reply(response=Found(**question.model_dump()), events=[Happened(name=question.q)], status=202)


@http
async def size(request: Request, use: Backends) -> Response:
    return Response(str(len(await request.body())))


@http
async def broken(question: Question, use: Backends) -> Found:
    if question.q == "away":
        raise BackendError("vectors", "geheim: Erika Mustermann", after=7.2)
    if question.q == "wrong":
        raise Reject("geheim: Milvus says so")
    if question.q == "slow":
        await asyncio.sleep(60)
    raise RuntimeError("geheim: Erika Mustermann")


@http
async def page(request: Request, use: Backends) -> Response:
    return HTMLResponse("<h1>ok</h1>")


def entry(path: str, method: str = "GET", **values: object) -> dict[str, object]:
    return {"events": [{"http": {"path": path, "method": method}}], "access": "public", **values}


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_get_reads_the_query_string_with_lists(client: aiohttp.ClientSession) -> None:
    query = "q=Müll&tags=a&tags=b&limit="
    async with hosted(catalogue_of(find=entry("/find")), find) as url, client.get(f"{url}/find?{query}") as answer:
        assert answer.status == 200
        assert await answer.json() == {"q": "Müll", "tags": ["a", "b"], "limit": 10}
        assert answer.headers["content-security-policy"].startswith("default-src 'self'")
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "server" not in answer.headers


@pytest.mark.parametrize(
    ("query", "field"),
    [("", "q"), ("q=", "q"), ("q=a&limit=0", "limit"), ("q=a&limit=x", "limit"), ("q=a&q=b", "q")],
)
async def test_wrong_input_names_the_field(client: aiohttp.ClientSession, query: str, field: str) -> None:
    async with hosted(catalogue_of(find=entry("/find")), find) as url, client.get(f"{url}/find?{query}") as answer:
        assert answer.status == 422
        assert answer.content_type == "application/problem+json"
        problem = await answer.json()
        assert problem["errors"][0]["field"] == field
        assert problem["status"] == 422
        assert problem["title"]


async def test_post_reads_json_and_publishes_before_it_answers(client: aiohttp.ClientSession) -> None:
    bus = MemoryBus()
    async with hosted(catalogue_of(take=entry("/take", "POST")), take, bus=bus) as url:
        trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        async with client.post(f"{url}/take", json={"q": "a"}, headers={"traceparent": trace}) as answer:
            assert answer.status == 202
        (event,) = bus.events
        assert (event.type, event.subject, bus.keys) == ("test.host.happened", "a", ["a"])
        assert event.traceparent == trace
        for body, kind, status in [
            (b"{", "application/json", 400),
            (b"[]", "application/json", 422),
            (b"q=a", "application/x-www-form-urlencoded", 415),
            (b"[" * 10_000, "application/json", 400),
        ]:
            async with client.post(f"{url}/take", data=body, headers={"content-type": kind}) as answer:
                assert answer.status == status
        assert len(bus.events) == 1


async def test_bus_away_is_503_and_nothing_is_promised(client: aiohttp.ClientSession) -> None:
    class Away(MemoryBus):
        async def publish(self, event: object, *, key: str | None = None) -> None:
            raise BackendError("nats", "away")

    async with (
        hosted(catalogue_of(take=entry("/take", "POST")), take, bus=Away()) as url,
        client.post(f"{url}/take", json={"q": "a"}) as answer,
    ):
        assert answer.status == 503
        assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize(("q", "status"), [("away", 503), ("wrong", 422), ("bug", 500), ("slow", 504)])
async def test_errors_are_problems_without_the_text_of_an_exception(
    client: aiohttp.ClientSession, q: str, status: int, capfd: pytest.CaptureFixture[str]
) -> None:
    catalogue = catalogue_of(broken=entry("/broken", timeout="200ms"))
    async with hosted(catalogue, broken) as url, client.get(f"{url}/broken?q={q}") as answer:
        body = await answer.text()
        assert answer.status == status
        assert answer.content_type == "application/problem+json"
        assert "geheim" not in body
        assert json.loads(body)["trace_id"]
        if q == "away":
            assert answer.headers["retry-after"] == "8"
    spoken = capfd.readouterr()
    assert "geheim" not in spoken.err + spoken.out


async def test_unknown_paths_and_methods_are_problems(client: aiohttp.ClientSession) -> None:
    async with hosted(catalogue_of(find=entry("/find"), take=entry("/find", "POST")), find, take) as url:
        async with client.get(f"{url}/<script>alert(1)</script>") as answer:
            assert answer.status == 404
            assert answer.content_type == "application/problem+json"
            assert "script" not in await answer.text()
        async with client.put(f"{url}/find", data=b"x") as answer:
            assert answer.status == 405
            assert set(answer.headers["allow"].split(", ")) >= {"GET", "POST"}
            assert answer.content_type == "application/problem+json"
        async with client.post(f"{url}/find", json={"q": "x"}) as answer:
            assert answer.status == 202


async def test_two_functions_on_one_path_are_refused() -> None:
    with pytest.raises(CatalogueError, match="another one answers GET /find"):
        async with hosted(catalogue_of(find=entry("/find"), size=entry("/find")), find, size):
            pass
    with pytest.raises(CatalogueError, match="belongs to the host"):
        async with hosted(catalogue_of(find=entry("/healthz")), find):
            pass


async def chunks(count: int, size: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * size


async def flood(writer: asyncio.StreamWriter) -> int:
    """Send chunks until the server hangs up; returns the bytes that went out."""
    sent = 0
    with contextlib.suppress(ConnectionError):
        while sent < 50_000_000:
            writer.write(b"2710\r\n" + b"x" * 10_000 + b"\r\n")
            await writer.drain()
            sent += 10_000
    return sent


async def test_a_body_is_counted_while_it_comes_in(client: aiohttp.ClientSession) -> None:
    catalogue = catalogue_of(size=entry("/size", "POST", max_body=100_000))
    async with hosted(catalogue, size) as url:
        async with client.post(f"{url}/size", data=chunks(10, 10_000)) as answer:
            assert await answer.text() == "100000"
        async with client.post(f"{url}/size", data=b"x" * 100_001) as answer:
            assert answer.status == 413
            assert answer.content_type == "application/problem+json"
        # Chunked: no Content-Length says how much is coming.
        host, port = url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /size HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
        sent = await flood(writer)
        assert sent < 20_000_000  # what the sockets' buffers hold, and no more
        writer.close()


async def test_slow_heads_and_bodies_are_cut_off(
    client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Protocol, "headers_s", 0.2)
    monkeypatch.setattr(limits.Bodies, "limit_s", 0.3)
    async with hosted(catalogue_of(size=entry("/size", "POST"), page=entry("/page")), size, page) as url:
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /page HTTP/1.1\r\nhost: x\r\nx-slow: ")
        assert await asyncio.wait_for(reader.read(), 30) == b""
        writer.close()
        # A second request on a kept connection has a deadline of its own.
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /page HTTP/1.1\r\nhost: x\r\n\r\n")
        assert b"200 OK" in await reader.readuntil(b"<h1>ok</h1>")
        writer.write(b"GET /pa")
        assert await asyncio.wait_for(reader.read(), 30) == b""
        writer.close()
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /size HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nx")
        assert (await asyncio.wait_for(reader.read(), 30)).startswith(b"HTTP/1.1 408")
        writer.close()


async def test_a_client_gets_so_many_a_minute(client: aiohttp.ClientSession) -> None:
    settings = plain_settings(host={"rate_per_minute": 5, "trusted_proxies": ["127.0.0.1"]})
    async with hosted(catalogue_of(page=entry("/page")), page, settings=settings) as url:

        async def ask(forwarded: str) -> int:
            async with client.get(f"{url}/page", headers={"x-forwarded-for": forwarded}) as answer:
                if answer.status == 429:
                    assert int(answer.headers["retry-after"]) >= 1
                return answer.status

        assert [await ask("203.0.113.9") for _ in range(6)] == [200] * 5 + [429]
        # What the client writes in front of what the proxy appends does not count.
        assert await ask("198.51.100.1, 203.0.113.9") == 429
        assert await ask("198.51.100.1") == 200
        # One IPv6 household is one client.
        assert [await ask(f"2001:db8::{n}") for n in range(6)] == [200] * 5 + [429]


async def test_forwarded_addresses_of_strangers_do_not_count(client: aiohttp.ClientSession) -> None:
    settings = plain_settings(host={"rate_per_minute": 3})
    async with hosted(catalogue_of(page=entry("/page")), page, settings=settings) as url:
        statuses = []
        for n in range(4):
            async with client.get(f"{url}/page", headers={"x-forwarded-for": f"203.0.113.{n}"}) as answer:
                statuses.append(answer.status)
        assert statuses == [200, 200, 200, 429]


async def test_a_full_queue_says_so(client: aiohttp.ClientSession) -> None:
    running, peak, let_go = 0, 0, asyncio.Event()

    @http
    async def hold(request: Request, use: Backends) -> Response:
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        await let_go.wait()
        running -= 1
        return Response("done")

    async with hosted(catalogue_of(hold=entry("/hold", concurrency=2)), hold) as url:

        async def ask() -> tuple[int, str]:
            async with client.get(f"{url}/hold") as answer:
                return answer.status, answer.headers.get("retry-after", "")

        asked = [asyncio.create_task(ask()) for _ in range(15)]
        refused = await eventually(lambda: _done(asked, 5), "five are refused")
        let_go.set()
        answers = await asyncio.gather(*asked)
    assert refused == [(429, "2")] * 5
    assert sorted(answers)[:10] == [(200, "")] * 10
    assert peak == 2


async def _done(tasks: list[asyncio.Task[tuple[int, str]]], count: int) -> list[tuple[int, str]]:
    done = [task.result() for task in tasks if task.done()]
    return done if len(done) == count else []


async def test_files_come_from_their_folder_only(client: aiohttp.ClientSession) -> None:
    catalogue = catalogue_of(
        search_page={
            "events": [{"http": {"path": "/search"}}, {"http": {"path": "/static/portal", "files": "static"}}],
            "access": "public",
        }
    )
    from functions.portal.pages import search_page

    async with hosted(catalogue, search_page) as url:
        async with client.get(f"{url}/static/portal/stadtfunk.css") as answer:
            assert answer.status == 200
            assert answer.content_type == "text/css"
            assert "max-age" in answer.headers["cache-control"]
            etag = answer.headers["etag"]
        async with client.get(f"{url}/static/portal/stadtfunk.css", headers={"if-none-match": etag}) as answer:
            assert answer.status == 304
        async with client.get(f"{url}/search?lang=en") as answer:
            assert answer.status == 200
        host, port = url.removeprefix("http://").split(":")
        for path in (
            "../pages.py", "%2e%2e/pages.py", "..%2fpages.py", "%2e%2e%2fpages.py", "..%5cpages.py", "%00", "",
            "//etc/passwd", "....//pages.py", "a/../../pages.py", ".hidden", "%2Fetc%2Fpasswd",
        ):  # fmt: skip
            # By hand: a client library would tidy the path up.
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(f"GET /static/portal/{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
            answer_bytes = await asyncio.wait_for(reader.read(), 30)
            assert answer_bytes.split(b" ")[1] == b"404", path
            assert b"@http" not in answer_bytes
            writer.close()


async def test_answers_do_not_wait_for_acknowledgements(
    client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nagle's algorithm on a connection costs 40 ms an answer: uvicorn writes head and body apart."""
    undelayed: list[int] = []
    made = Protocol.connection_made

    def connection_made(self: Protocol, transport: asyncio.Transport) -> None:
        undelayed.append(transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        made(self, transport)

    monkeypatch.setattr(Protocol, "connection_made", connection_made)
    async with hosted(catalogue_of(page=entry("/page")), page) as url, client.get(f"{url}/page") as answer:
        assert answer.status == 200
    assert undelayed
    assert all(undelayed)


async def test_cors_is_for_those_on_the_list(client: aiohttp.ClientSession) -> None:
    settings = plain_settings(host={"allowed_origins": ["https://www.stadt.example"]})
    async with hosted(catalogue_of(find=entry("/find")), find, settings=settings) as url:
        for origin, allowed in (("https://www.stadt.example", True), ("https://evil.example", False)):
            async with client.get(f"{url}/find?q=a", headers={"origin": origin}) as answer:
                assert ("access-control-allow-origin" in answer.headers) is allowed
            preflight = {"origin": origin, "access-control-request-method": "POST"}
            async with client.options(f"{url}/find", headers=preflight) as answer:
                assert ("access-control-allow-origin" in answer.headers) is allowed
        async with client.get(f"{url}/find", headers={"origin": "https://www.stadt.example"}) as answer:
            assert answer.status == 422  # an error is readable there, too
            assert "access-control-allow-origin" in answer.headers


class Colour(Enum):
    RED = "red"


class Painted(BaseModel):
    colour: Colour = Colour.RED
    shades: list[Colour] = []
    question: Question | None = None


@http
async def paint(painted: Painted, use: Backends) -> Painted:
    return painted


def _references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


async def test_every_reference_of_the_openapi_document_leads_somewhere(client: aiohttp.ClientSession) -> None:
    catalogue = catalogue_of(
        paint={"events": [{"http": {"path": "/p"}}, {"http": {"path": "/p", "method": "POST"}}], "access": "public"}
    )
    async with hosted(catalogue, paint) as url, client.get(f"{url}/openapi.json") as answer:
        document = await answer.json()
    found = set(_references(document))
    assert len(found) >= 3
    for reference in found:
        assert reference.removeprefix("#/components/schemas/") in document["components"]["schemas"], reference


async def test_the_openapi_document_follows_the_models(client: aiohttp.ClientSession) -> None:
    catalogue = catalogue_of(find=entry("/find"), take=entry("/take/{tags}", "POST"), page=entry("/page"))
    async with hosted(catalogue, find, take, page) as url, client.get(f"{url}/openapi.json") as answer:
        document = await answer.json()
    parameters = {p["name"]: p for p in document["paths"]["/find"]["get"]["parameters"]}
    assert parameters["q"]["required"]
    assert parameters["limit"]["schema"]["maximum"] == 50
    content = document["paths"]["/find"]["get"]["responses"]["200"]["content"]["application/json"]
    assert content["schema"]["$ref"].split("/")[-1] in document["components"]["schemas"]
    assert "requestBody" in document["paths"]["/take/{tags}"]["post"]


async def test_streams_are_events_and_end_with_the_client(client: aiohttp.ClientSession) -> None:
    closed = asyncio.Event()

    class Piece(BaseModel):
        text: str

    @http
    async def talk(question: Question, use: Backends) -> Stream:
        async def pieces() -> AsyncIterator[tuple[str, BaseModel]]:
            try:
                yield "piece", Piece(text="eins\nzwei")
                if question.q == "bug":
                    raise RuntimeError("geheim")
                if question.q == "long":
                    await asyncio.sleep(60)
                yield "end", Piece(text="")
            finally:
                closed.set()

        return Stream(pieces())

    async with hosted(catalogue_of(talk=entry("/talk")), talk) as url:
        async with client.get(f"{url}/talk?q=a") as answer:
            assert answer.content_type == "text/event-stream"
            assert (await answer.text()).split("\n\n") == [
                'event: piece\ndata: {"text":"eins\\nzwei"}', 'event: end\ndata: {"text":""}', "",
            ]  # fmt: skip
        async with client.get(f"{url}/talk?q=bug") as answer:
            text = await answer.text()
            assert "event: error" in text
            assert "geheim" not in text
        closed.clear()
        answer = await client.get(f"{url}/talk?q=long")
        assert (await answer.content.readline()) == b"event: piece\n"
        answer.close()
        await asyncio.wait_for(closed.wait(), 30)


async def test_health_and_metrics(client: aiohttp.ClientSession) -> None:
    async with hosted(catalogue_of(find=entry("/find")), find) as url:
        async with client.get(f"{url}/healthz") as answer:
            assert answer.status == 200
        async with client.get(f"{url}/readyz") as answer:
            assert answer.status == 200
            assert await answer.json() == {"ready": True, "backends": []}
        async with client.get(f"{url}/find?q=a") as answer:
            assert answer.status == 200
        async with client.get(f"{url}/metrics") as answer:
            text = await answer.text()
    assert 'stadtfunk_function_handled_total{function="find"}' in text
