"""Reading a function's input and what a problem says, without a socket."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import BaseModel, Field, field_validator
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Message

from shared import http as answering
from shared.backends import Backends
from shared.bus import MemoryBus
from shared.errors import BackendError, Reject, Retry
from shared.function import HttpFunction, Stream, function_of, http
from shared.http import EventStream, Problem, busy, problem_of, read, respond
from shared.settings import Settings


class Query(BaseModel):
    q: str = ""
    tags: list[str] = []
    years: set[int] | None = None
    page: int = 1
    only: str | None = None

    @field_validator("q")
    @classmethod
    def _short(cls, value: str) -> str:
        if len(value) > 5:
            raise ValueError("is too long")
        return value


def request_of(
    query: str = "", *, method: str = "GET", body: bytes = b"", kind: str = "application/json", **path: str
) -> Request:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {
        "type": "http",
        "method": method,
        "path": "/",
        "query_string": query.encode(),
        "headers": [(b"content-type", kind.encode())],
        "path_params": path,
    }
    return Request(scope, receive)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {}),
        ("q=a%20b", {"q": "a b"}),
        ("tags=a", {"tags": ["a"]}),
        ("tags=a&tags=&tags=b", {"tags": ["a", "b"]}),
        ("years=2025&years=2026", {"years": {2025, 2026}}),
        ("page=&only=", {}),
        ("page=3", {"page": 3}),
        ("unknown=1", {}),
    ],
)
async def test_query_strings(query: str, expected: dict[str, Any]) -> None:
    assert await read(Query, request_of(query)) == Query(**expected)


@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        ("page=x", "page", "valid integer"),
        ("page=1&page=2", "page", "more than once"),
        ("q=abcdef", "q", "is too long"),
        ("years=a", "years.0", "valid integer"),
    ],
)
async def test_wrong_query_strings(query: str, field: str, message: str) -> None:
    with pytest.raises(Problem) as caught:
        await read(Query, request_of(query))
    assert caught.value.status == 422
    assert caught.value.errors is not None
    assert caught.value.errors[0]["field"] == field
    assert message in caught.value.errors[0]["message"]
    assert caught.value.detail.startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b'{"page": "x"}', "application/json", 422),
        (b"[1]", "application/json", 422),
        (b"", "application/json", 400),
        (b'{"q": "a"', "application/json; charset=utf-8", 400),
        (b'{"q": "\xff"}', "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"{}", "text/plain", 415),
        (b"{}", "", 415),
    ],
)
async def test_wrong_bodies(body: bytes, kind: str, status: int) -> None:
    for path in ({}, {"q": "x"}):
        with pytest.raises(Problem) as caught:
            await read(Query, request_of(method="POST", body=body, kind=kind, **path))
        assert caught.value.status == status


async def test_path_parameters_stand_over_everything_else() -> None:
    assert await read(Query, request_of("q=b&page=2", q="a")) == Query(q="a", page=2)
    body = b'{"q": "b", "page": 2}'
    assert await read(Query, request_of(method="POST", body=body, q="a")) == Query(q="a", page=2)
    assert await read(Query, request_of(method="PUT", body=body, kind="application/merge-patch+json")) == Query(
        q="b", page=2
    )


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (Reject("geheim"), 422, None),
        (Problem(422, "q: no such page"), 422, "q: no such page"),
        (BackendError("vectors", "geheim"), 503, None),
        (Retry("geheim"), 503, None),
        (TimeoutError("geheim"), 504, None),
        (KeyError("geheim"), 500, None),
        (busy("Too many.", 2.2), 503, "Too many."),
    ],
)
def test_what_an_exception_becomes(error: Exception, status: int, detail: str | None) -> None:
    problem = problem_of(error, "f")
    document = problem.document()
    assert document["status"] == problem.status == status
    assert detail is None or document["detail"] == detail
    assert "geheim" not in json.dumps(document)
    assert ("retry-after" in problem.headers) is (status == 503)


def test_retry_after_is_whole_seconds_and_never_zero() -> None:
    assert problem_of(Retry("x", after=0.1), "f").headers["retry-after"] == "1"
    assert problem_of(Retry("x", after=6.1), "f").headers["retry-after"] == "7"
    assert problem_of(Retry("x"), "f").headers["retry-after"] == "1"
    assert problem_of(Retry("x", after=float("inf")), "f").headers["retry-after"] == "3600"


class Number(BaseModel):
    n: int = Field(alias="number")


def record_of(handler: Any) -> HttpFunction:
    record = function_of(handler)
    assert isinstance(record, HttpFunction)
    return record


async def run(handler: Any) -> Any:
    use = Backends(Settings(_env_file=None))
    return await respond(record_of(handler), request_of(), use, MemoryBus, cause="c", limit_s=5)


async def test_results_are_rendered_by_alias_or_as_they_are() -> None:
    @http
    async def model(request: Request, use: Backends) -> Number:
        return Number(number=1)

    @http
    async def plain(request: Request, use: Backends) -> PlainTextResponse:
        return PlainTextResponse("x", 418)

    @http
    async def nothing(request: Request, use: Backends) -> None:
        return None

    assert (await run(model)).body == b'{"number":1}'
    assert (await run(plain)).status_code == 418
    assert (await run(nothing)).status_code == 500


async def sent_by(stream: EventStream, *, stay: bool = True) -> bytes:
    sent: list[bytes] = []

    async def receive() -> Message:
        if stay:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message.get("body", b""))

    await stream({"type": "http"}, receive, send)
    return b"".join(sent)


async def test_a_stream_runs_in_one_task_and_is_kept_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "KEEP_ALIVE_S", 0.01)
    tasks: set[Any] = set()

    @http
    async def talk(request: Request, use: Backends) -> Stream:
        async def messages() -> AsyncIterator[tuple[str, BaseModel]]:
            async with asyncio.timeout(5):  # would fail if another task came back to it
                for n in range(3):
                    tasks.add(asyncio.current_task())
                    yield "n", Number(number=n)
                    await asyncio.sleep(0.03)

        return Stream(messages())

    text = (await sent_by(await run(talk))).decode()
    assert len(tasks) == 1
    assert ": keep-alive\n\n" in text
    assert [line for line in text.splitlines() if line.startswith("data")] == [
        f'data: {{"number":{n}}}' for n in range(3)
    ]


async def test_a_stream_that_takes_too_long_says_so() -> None:
    async def messages() -> AsyncIterator[tuple[str, BaseModel]]:
        yield "n", Number(number=1)
        await asyncio.sleep(60)

    text = (await sent_by(EventStream("f", messages(), 0.05))).decode()
    assert text.startswith('event: n\ndata: {"number":1}')
    assert "event: error\n" in text
    assert json.loads(text.split("data: ")[2])["status"] == 504


async def test_a_client_that_left_closes_the_iterator() -> None:
    closed = asyncio.Event()

    async def messages() -> AsyncIterator[tuple[str, BaseModel]]:
        try:
            await asyncio.sleep(60)
            yield "n", Number(number=1)
        finally:
            closed.set()

    await sent_by(EventStream("f", messages(), 60), stay=False)
    # It never began, or it was closed where it stood: either way nothing is left running.
    assert closed.is_set() or len(asyncio.all_tasks()) == 1


async def test_a_name_of_several_lines_cannot_forge_messages() -> None:
    async def messages() -> AsyncIterator[tuple[str, BaseModel]]:
        yield "n\n\nevent: forged\ndata: x", Number(number=1)

    text = (await sent_by(EventStream("f", messages(), 5))).decode()
    assert "forged" not in text
    assert text.startswith("event: error")
