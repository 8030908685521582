"""The embedding client: against the real server, and against one that misbehaves as servers do."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from shared.embeddings import Embeddings
from shared.errors import BackendError, Reject
from shared.settings import EmbeddingSettings

Answer = Callable[[dict[str, Any]], web.Response]
PAST = "Wed, 21 Oct 2015 07:28:00 GMT"


class Server:
    """An OpenAI-shaped server whose next answers a test sets."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.at_once = self.most_at_once = 0
        self.answer: Answer = lambda body: vectors([[float(len(text))] * 8 for text in body["input"]])

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.asked.append(body)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0.01)
        self.at_once -= 1
        return self.answer(body)


def vectors(rows: list[list[float]]) -> web.Response:
    data = [{"index": index, "embedding": row, "object": "embedding"} for index, row in enumerate(rows)]
    return web.json_response({"data": data[::-1]})


@pytest.fixture
async def server() -> AsyncIterator[tuple[Server, EmbeddingSettings]]:
    server = Server()
    app = web.Application()
    app.router.add_post("/v1/embeddings", server.handle)
    async with TestServer(app, host="127.0.0.1") as running:
        url = f"http://127.0.0.1:{running.port}/v1"
        yield server, EmbeddingSettings(url=url, model="m", dimension=8, batch=2, timeout_s=5)


@pytest.fixture
async def embeddings(server: tuple[Server, EmbeddingSettings]) -> AsyncIterator[Embeddings]:
    embeddings = Embeddings(server[1])
    yield embeddings
    await embeddings.close()


async def test_the_real_model_puts_like_to_like(embedding_url: str) -> None:
    embeddings = Embeddings(EmbeddingSettings(url=embedding_url))
    passages = await embeddings.embed(["Hunde müssen angemeldet werden.", "Der Reisepass gilt zehn Jahre."])
    (query,) = await embeddings.embed(["travel document"], "query")
    nearness = [sum(a * b for a, b in zip(query, vector, strict=True)) for vector in passages]
    assert nearness[1] > nearness[0]
    assert math.isclose(sum(number**2 for number in query), 1, abs_tol=1e-3)
    await embeddings.close()


async def test_batches_keep_their_order_and_are_few_at_once(
    server: tuple[Server, EmbeddingSettings], embeddings: Embeddings
) -> None:
    found = await embeddings.embed(["x" * length for length in range(30)])
    assert [vector[0] for vector in found] == list(range(30))
    assert len(server[0].asked) == 15
    assert server[0].most_at_once <= 4


@pytest.mark.parametrize(
    ("prefixes", "expected"),
    [
        ("server", {"input": ["a"], "input_type": "query"}),
        ("e5", {"input": ["query: a"]}),
        ("none", {"input": ["a"]}),
    ],
)
async def test_the_role_is_told_as_the_settings_say(
    server: tuple[Server, EmbeddingSettings], prefixes: str, expected: dict[str, Any]
) -> None:
    embeddings = Embeddings(server[1].model_copy(update={"prefixes": prefixes}))
    await embeddings.embed(["a"], "query")
    assert server[0].asked == [{"model": "m", "encoding_format": "float"} | expected]
    await embeddings.close()


async def test_a_query_is_embedded_once(server: tuple[Server, EmbeddingSettings], embeddings: Embeddings) -> None:
    assert await embeddings.embed(["Hund"], "query") == await embeddings.embed(["Hund"], "query")
    assert len(server[0].asked) == 1


async def test_queries_that_are_not_kept_share_a_request(
    server: tuple[Server, EmbeddingSettings], embeddings: Embeddings
) -> None:
    await embeddings.embed(["Hund"], "query")
    found = await embeddings.embed(["hund!", "Hund", "hund!", "Was ist Hund?"], "query")
    assert [vector[0] for vector in found] == [5, 4, 5, 13]
    assert [body["input"] for body in server[0].asked] == [["Hund"], ["hund!", "Was ist Hund?"]]


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (web.Response(status=429, headers={"Retry-After": "7"}), BackendError, "status 429"),
        (web.Response(status=503), BackendError, "status 503"),
        (web.Response(status=502, headers={"Retry-After": PAST}), BackendError, "status 502"),
        (web.Response(status=404), BackendError, "STADTFUNK_EMBEDDINGS__URL"),
        (web.Response(status=400, text="too long"), Reject, "too long"),
        (web.Response(text="<html>"), BackendError, "no answer"),
        (web.json_response({"data": "?"}), BackendError, "OpenAI shape"),
        (web.json_response({"data": []}), BackendError, "0 vectors for 1 texts"),
        (vectors([[1.0] * 3]), BackendError, "DIMENSION=8"),
    ],
)
async def test_what_a_server_answers_becomes_the_right_error(
    server: tuple[Server, EmbeddingSettings],
    embeddings: Embeddings,
    answer: web.Response,
    error: type[Exception],
    words: str,
) -> None:
    server[0].answer = lambda _: answer
    with pytest.raises(error, match=words) as raised:
        await embeddings.embed(["a"])
    if isinstance(raised.value, BackendError):
        assert raised.value.after == {429: 7.0, 502: 0.0}.get(answer.status)


async def test_a_server_that_is_away_is_a_backend_error() -> None:
    embeddings = Embeddings(EmbeddingSettings(url="http://127.0.0.1:9/v1"))
    with pytest.raises(BackendError, match="no answer"):
        await embeddings.embed(["a"])
    await embeddings.close()
