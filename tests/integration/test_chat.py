"""The chat client against a real llama.cpp server, and a stream cancelled from the browser to the model."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from pydantic import BaseModel
from starlette.requests import Request

from shared.backends import Backends
from shared.chat import Chat, Message, Usage
from shared.errors import BackendError, Reject
from shared.function import Stream, http
from shared.metrics import BACKEND_FAILED
from shared.settings import ChatSettings
from tests.integration.hosting import catalogue_of, hosted, plain_settings
from tests.polling import eventually

QUESTION: list[Message] = [
    {"role": "system", "content": "Answer in one short sentence."},
    {"role": "user", "content": "What is the capital of France?"},
]
LONG: list[Message] = [{"role": "user", "content": "Write a long story about a city and its people."}]


class Piece(BaseModel):
    text: str


@pytest.fixture
async def chat(chat_url: str) -> AsyncIterator[Chat]:
    chat = Chat(ChatSettings(url=chat_url))
    yield chat
    await chat.close()


async def test_a_whole_answer_with_its_usage(chat: Chat) -> None:
    answer = await chat.complete(QUESTION, max_tokens=20)
    assert "Paris" in answer.text
    assert answer.finish_reason in ("stop", "length")
    assert answer.usage.prompt_tokens > 10
    assert 0 < answer.usage.completion_tokens <= 20


async def test_an_answer_in_a_given_shape(chat: Chat) -> None:
    class City(BaseModel):
        name: str
        river: bool

    answer = await chat.complete(QUESTION, max_tokens=60, json_schema=City.model_json_schema())
    assert answer.finish_reason == "stop"
    City.model_validate_json(answer.text)


async def test_a_stream_is_the_same_answer_in_pieces(chat: Chat) -> None:
    usage = Usage()
    pieces = [piece async for piece in chat.stream(QUESTION, max_tokens=20, usage=usage)]
    assert len(pieces) > 2
    assert "".join(pieces) == (await chat.complete(QUESTION, max_tokens=20)).text
    assert usage.completion_tokens >= len(pieces) - 1


async def test_a_request_longer_than_the_context_is_rejected(chat: Chat) -> None:
    with pytest.raises(Reject, match="context"):
        await chat.complete([{"role": "user", "content": "word " * 20_000}])
    with pytest.raises(Reject):
        [piece async for piece in chat.stream([{"role": "user", "content": "word " * 20_000}])]


async def _busy(chat_url: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(chat_url.removesuffix("/v1") + "/slots") as answer:
        assert answer.status == 200
        return sum(bool(slot["is_processing"]) for slot in await answer.json())


async def test_a_client_that_leaves_stops_the_model(chat_url: str) -> None:
    """From the closed socket of a browser down to the slot of the model."""

    @http
    async def talk(request: Request, use: Backends) -> Stream:
        async def pieces() -> AsyncIterator[tuple[str, BaseModel]]:
            async for piece in use.chat.stream(LONG, max_tokens=3500):
                yield "piece", Piece(text=piece)

        return Stream(pieces())

    catalogue = catalogue_of(talk={"events": [{"http": {"path": "/talk"}}], "access": "public"})
    settings = plain_settings(chat={"url": chat_url})
    async with hosted(catalogue, talk, settings=settings) as url, aiohttp.ClientSession() as session:
        answer = await session.get(f"{url}/talk")
        assert (await answer.content.readline()) == b"event: piece\n"
        assert await _busy(chat_url) == 1
        answer.close()

        async def idle() -> bool:
            return await _busy(chat_url) == 0

        # 3500 tokens take this model longer than that.
        await eventually(idle, "the model stopped writing")


class Fake:
    """A server that answers as the test says; it counts who hung up."""

    def __init__(self) -> None:
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body = b""
        self.url = ""


@pytest.fixture
async def fake() -> AsyncIterator[Fake]:
    fake = Fake()

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=fake.status, headers=fake.headers, body=fake.body)

    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake.url = "http://{}:{}/v1".format(*runner.addresses[0][:2])
    yield fake
    await runner.cleanup()


@pytest.mark.parametrize(
    ("status", "headers", "kind", "after"),
    [
        (429, {"Retry-After": "7"}, BackendError, 7.0),
        (503, {}, BackendError, None),
        (500, {"Retry-After": "soon"}, BackendError, None),
        (404, {}, BackendError, None),
        (401, {}, BackendError, None),
        (400, {}, Reject, None),
    ],
)
async def test_refusals_are_retries_or_rejects(
    fake: Fake, status: int, headers: dict[str, str], kind: type[Exception], after: float | None
) -> None:
    fake.status, fake.headers, fake.body = status, headers, b'{"error": {"message": "geheim Erika"}}'
    chat = Chat(ChatSettings(url=fake.url))
    with pytest.raises(kind) as whole:
        await chat.complete(QUESTION)
    with pytest.raises(kind):
        [piece async for piece in chat.stream(QUESTION)]
    await chat.close()
    assert "geheim" not in str(whole.value)
    assert getattr(whole.value, "after", None) == after
    if status in (401, 404):
        assert "STADTFUNK_CHAT__URL" in str(whole.value)


def _chunk(**choice: Any) -> bytes:
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "OpenAI shape"),
        (b"<html>", "OpenAI shape"),
        (b'{"choices": [{"message": {"content": "not a stream"}, "finish_reason": "stop"}]}', "OpenAI shape"),
        (_chunk(delta={"content": "half an ans"}), "broke off"),
        (_chunk(delta={"content": "x"}) + b'data: {"error": {"message": "out of memory"}}\n\n', "reports an error"),
        (b"data: {nonsense\n\n", "OpenAI shape"),
        (b'data: {"choices": [{}]}\n\n', "OpenAI shape"),
        (_chunk(delta={"content": "x" * 600_000}, finish_reason="stop"), "no answer"),  # one line: too long to read
    ],
)
async def test_what_is_no_whole_answer_is_the_servers_fault(fake: Fake, body: bytes, words: str) -> None:
    fake.body = body
    chat = Chat(ChatSettings(url=fake.url))
    before = BACKEND_FAILED.labels("chat", "complete", "BackendError")._value.get()
    with pytest.raises(BackendError, match=words):
        await chat.complete(QUESTION)
    assert BACKEND_FAILED.labels("chat", "complete", "BackendError")._value.get() == before + 1
    with pytest.raises(BackendError, match=words):
        [piece async for piece in chat.stream(QUESTION)]
    await chat.close()


async def test_a_refusal_within_the_answer_is_one(fake: Fake) -> None:
    fake.body = b'data: {"error": {"message": "geheim Erika", "code": 400}}\n\ndata: [DONE]\n\n'
    chat = Chat(ChatSettings(url=fake.url))
    with pytest.raises(Reject, match="status 400") as raised:
        await chat.complete(QUESTION)
    await chat.close()
    assert "geheim" not in str(raised.value)


async def test_an_answer_without_end_is_given_up(fake: Fake) -> None:
    fake.body = _chunk(delta={"content": "x" * 40_000}) * 40
    chat = Chat(ChatSettings(url=fake.url))
    with pytest.raises(BackendError, match="longer than"):
        await chat.complete(QUESTION)
    await chat.close()


async def test_nobody_there_and_too_slow_are_retries() -> None:
    chat = Chat(ChatSettings(url="http://127.0.0.1:1/v1"))
    with pytest.raises(BackendError):
        await chat.complete(QUESTION)
    await chat.close()

    gone = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        gone.set()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    chat = Chat(ChatSettings(url=f"http://127.0.0.1:{port}/v1", timeout_s=0.2))
    with pytest.raises(BackendError, match="Timeout"):
        [piece async for piece in chat.stream(QUESTION)]
    await chat.close()
    await asyncio.wait_for(gone.wait(), 30)  # our side hung up
    server.close()
    await server.wait_closed()


async def test_a_connection_that_died_while_idle_is_no_failure() -> None:
    answer = _chunk(delta={"content": "ok"}, finish_reason="stop")
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n" % len(answer)
    served = 0

    async def once_a_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        served += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head + answer)
        await writer.drain()
        await reader.readuntil(b"\r\n\r\n")  # the next request finds the connection dead
        writer.transport.abort()

    server = await asyncio.start_server(once_a_connection, "127.0.0.1", 0)
    chat = Chat(ChatSettings(url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"))
    assert (await chat.complete(QUESTION)).text == "ok"
    assert (await chat.complete(QUESTION)).text == "ok"
    assert served == 2
    await chat.close()
    server.close()
