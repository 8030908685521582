"""The rerank client, and a search that is reordered by it, or goes on without."""

from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web

from functions.xnext.answer import AnswerQuery, answer
from functions.xnext.index import index_of
from functions.xnext.search import SearchQuery, search
from shared.backends import Backends
from shared.errors import BackendError, Reject
from shared.knowledge.passages import Document, Section
from shared.metrics import BACKEND_FAILED
from shared.rerank import Rerank
from shared.settings import EmbeddingSettings, RerankSettings, VectorSettings, XnextSettings
from shared.state import MemoryState
from tests.integration.hosting import plain_settings
from tests.scripted_rerank import ScriptedRerank, scripted_rerank

TITLES = ("Hund anmelden", "Hund abmelden", "Hund mitnehmen", "Hund suchen")
QUESTION = "Hund"


@pytest.fixture
async def server() -> AsyncIterator[ScriptedRerank]:
    async with scripted_rerank() as server:
        yield server


@pytest.fixture
async def rerank(server: ScriptedRerank) -> AsyncIterator[Rerank]:
    rerank = Rerank(RerankSettings(url=server.url, batch=3))
    yield rerank
    await rerank.close()


async def test_scores_come_in_the_order_of_the_texts_whatever_the_batches(
    server: ScriptedRerank, rerank: Rerank
) -> None:
    server.judge = lambda _, text: float(text)
    assert await rerank.rank("Hund", ["3", "9", "-1", "4", "0.5"]) == [3, 9, -1, 4, 0.5]
    assert [body["documents"] for body in server.asked] == [["3", "9", "-1"], ["4", "0.5"]]
    assert {body["query"] for body in server.asked} == {"Hund"}


def results(*rows: dict[str, Any]) -> Callable[[], web.Response]:
    return lambda: web.json_response({"results": list(rows)})


@pytest.mark.parametrize(
    ("response", "error", "words"),
    [
        (lambda: web.Response(status=429, headers={"Retry-After": "7"}), BackendError, "status 429"),
        (lambda: web.Response(status=503), BackendError, "status 503"),
        (lambda: web.Response(status=404), BackendError, "STADTFUNK_RERANK__URL"),
        (lambda: web.Response(status=400, text="geheim Erika"), Reject, "status 400"),
        (lambda: web.Response(text="<html>"), BackendError, "no answer"),
        (lambda: web.json_response([]), BackendError, "shape"),
        (results({"index": 0}), BackendError, "shape"),
        (results({"index": 0, "relevance_score": 1}), BackendError, "1 usable scores for 2 texts"),
        (results({"index": 0, "relevance_score": 1}, {"index": 2, "relevance_score": 1}), BackendError, "usable"),
        (results({"index": 0, "relevance_score": "NaN"}, {"index": 1, "relevance_score": 1}), BackendError, "usable"),
    ],
)
async def test_what_a_server_answers_becomes_the_right_error(
    server: ScriptedRerank, rerank: Rerank, response: Callable[[], web.Response], error: type[Exception], words: str
) -> None:
    server.answer = response
    with pytest.raises(error, match=words) as raised:
        await rerank.rank("Hund", ["a", "b"])
    assert "geheim" not in str(raised.value)


@pytest.fixture
async def make(milvus_uri: str, embedding_url: str) -> AsyncIterator[Callable[..., Backends]]:
    """Backends of one index with four pages, with these settings of the rerank model."""
    made: list[Backends] = []
    name, state = f"rerank_{uuid4().hex[:8]}", MemoryState()

    def backends(**rerank: Any) -> Backends:
        settings = plain_settings(
            vectors=VectorSettings(uri=milvus_uri),
            embeddings=EmbeddingSettings(url=embedding_url),
            xnext=XnextSettings(collection=name),
            rerank=RerankSettings(**rerank),
        )
        made.append(Backends(settings, state=state))
        return made[-1]

    index = index_of(backends())
    for number, title in enumerate(TITLES):
        html = f"<p>Wer einen Hund hat, liest hier: {title}. Das geht im Rathaus.</p>"
        await index.write(Document(id=f"cms:{number}", revision=1, title=title, sections=(Section(html=html),)))
    yield backends
    await made[0].vectors.drop(index.collection)
    for use in made:
        await use.close()


async def titles(use: Backends) -> list[str]:
    return [hit.title for hit in (await search(SearchQuery(q=QUESTION), use)).hits]


async def test_a_search_shows_the_order_of_the_rerank_model(
    server: ScriptedRerank, make: Callable[..., Backends]
) -> None:
    fused = await titles(make())
    assert sorted(fused) == sorted(TITLES)
    server.judge = lambda _, text: -fused.index(text.split("\n")[0])
    assert await titles(make(url=server.url)) == fused
    server.judge = lambda _, text: fused.index(text.split("\n")[0])
    assert await titles(make(url=server.url)) == fused[::-1]
    assert all("Das geht im Rathaus." in text for text in server.asked[-1]["documents"])  # the passage is judged
    # Only the best are judged; the others keep their places behind them.
    assert await titles(make(url=server.url, texts=2)) == [fused[1], fused[0], *fused[2:]]
    found = (await search(SearchQuery(q=QUESTION), make(url=server.url))).hits
    assert [hit.rank for hit in found] == [1, 2, 3, 4]


async def test_an_answer_begins_with_what_the_rerank_model_prefers(
    server: ScriptedRerank, make: Callable[..., Backends]
) -> None:
    async def said(use: Backends) -> str:
        stream = await answer(AnswerQuery(q=QUESTION), use)
        return "\n".join([message.model_dump_json() for _, message in [pair async for pair in stream.messages]])

    last = (await titles(make()))[-1]
    server.judge = lambda _, text: float(last in text)
    before, after = await said(make()), await said(make(url=server.url))
    assert server.asked
    assert before != after


async def test_a_server_that_hangs_is_soon_left_alone(server: ScriptedRerank) -> None:
    server.silent_s = 1.0
    rerank = Rerank(RerankSettings(url=server.url, timeout_s=0.1))
    for number in range(6):
        with pytest.raises(BackendError, match="no answer" if number < 3 else "left alone"):
            await rerank.rank("Hund", ["a"])
    assert len(server.asked) <= 3  # the first has to connect, and may not come to ask
    await rerank.close()


async def test_texts_that_a_server_refuses_do_not_count_as_its_failures(server: ScriptedRerank, rerank: Rerank) -> None:
    server.answer = lambda: web.Response(status=400)
    for _ in range(6):
        with pytest.raises(Reject):
            await rerank.rank("Hund", ["a"])
    assert len(server.asked) == 6


async def test_a_search_goes_on_without_a_rerank_model(server: ScriptedRerank, make: Callable[..., Backends]) -> None:
    fused = await titles(make())
    server.judge = lambda _, text: fused.index(text.split("\n")[0])

    async def goes_on(error: str, url: str = server.url) -> None:
        failed = BACKEND_FAILED.labels("rerank", "rank", error)
        before = failed._value.get()
        assert await titles(make(url=url, timeout_s=0.2)) == fused
        assert failed._value.get() == before + 1

    await goes_on("BackendError", "http://127.0.0.1:9/v1")  # nobody is there
    server.answer = lambda: web.Response(status=400)
    await goes_on("Reject")
    server.answer = lambda: web.json_response({"results": []})
    await goes_on("BackendError")
    server.answer, server.silent_s = None, 1.0  # slower than the time it has
    await goes_on("BackendError")
