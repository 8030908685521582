"""What the chat client promises, kept by llama.cpp (`make test`) and by real vLLM (`make vllm`) alike."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Literal

import aiohttp
import pytest
from pydantic import BaseModel, Field, ValidationError

from shared.chat import Chat, Message, Usage
from shared.embeddings import Embeddings
from shared.errors import BackendError, Reject
from shared.rerank import Rerank
from shared.settings import ChatSettings, EmbeddingSettings, RerankSettings
from tests.contract.chat_model import CONTEXT, write_chat_model
from tests.contract.servers import ChatServer, LlamaCpp, Vllm, embedded_and_vllm, only_vllm, vllm
from tests.polling import eventually

LONG: list[Message] = [{"role": "user", "content": "Write a long story about a city and its people."}]
TOO_LONG: list[Message] = [{"role": "user", "content": "word " * 20_000}]


class Step(BaseModel):
    kind: Literal["visit", "form"]
    minutes: int = Field(ge=1, le=90)


class Plan(BaseModel):
    """Nested as pydantic nests: by reference."""

    city: Literal["Rom", "Paris"]
    open: bool
    steps: list[Step] = Field(min_length=1, max_length=2)


@pytest.fixture(scope="module", params=embedded_and_vllm)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChatServer]:
    if request.param == "embedded":
        url: str = request.getfixturevalue("chat_url")
        yield LlamaCpp(url=url, model=ChatSettings().model)
        return
    folder = tmp_path_factory.mktemp("vllm")
    structured = '{"backend": "xgrammar", "disable_any_whitespace": true}'
    options = ("--load-format", "dummy", "--max-model-len", str(CONTEXT), "--structured-outputs-config", structured)
    with vllm(folder / "chat", write_chat_model(folder / "model"), "tiny", *options) as running:
        yield running


def settings_of(server: ChatServer) -> ChatSettings:
    return ChatSettings(url=server.url, model=server.model, key=server.key)


@pytest.fixture
async def chat(server: ChatServer) -> AsyncIterator[Chat]:
    chat = Chat(settings_of(server))
    yield chat
    await chat.close()


async def test_a_whole_answer_with_its_usage(chat: Chat) -> None:
    answer = await chat.complete(LONG, max_tokens=12)
    assert answer.text
    assert answer.finish_reason == "length"
    assert answer.usage.completion_tokens == 12
    assert answer.usage.prompt_tokens > 10


async def test_a_stream_is_the_same_answer_in_pieces_with_the_same_usage(chat: Chat) -> None:
    usage = Usage()
    pieces = [piece async for piece in chat.stream(LONG, max_tokens=12, usage=usage)]
    whole = await chat.complete(LONG, max_tokens=12)
    assert len(pieces) > 2
    assert "".join(pieces) == whole.text
    assert usage == whole.usage


async def test_many_at_once_are_each_answered(chat: Chat) -> None:
    answers = await asyncio.gather(*(chat.complete(LONG, max_tokens=8) for _ in range(6)))
    assert len({answer.text for answer in answers}) == 1
    assert {answer.usage.completion_tokens for answer in answers} == {8}


async def test_an_answer_in_the_shape_of_a_pydantic_model(chat: Chat) -> None:
    answer = await chat.complete(LONG, max_tokens=300, json_schema=Plan.model_json_schema())
    assert answer.finish_reason == "stop"
    Plan.model_validate_json(answer.text)


async def test_an_answer_in_a_shape_may_be_cut_and_says_so(chat: Chat) -> None:
    answer = await chat.complete(LONG, max_tokens=3, json_schema=Plan.model_json_schema())
    assert answer.finish_reason == "length"
    with pytest.raises(ValidationError):
        Plan.model_validate_json(answer.text)


async def test_a_schema_that_is_none_is_rejected(chat: Chat) -> None:
    with pytest.raises(Reject):
        await chat.complete(LONG, json_schema={"type": "nonsense"})


async def test_a_reader_who_leaves_a_stream_stops_the_model(server: ChatServer, chat: Chat) -> None:
    stream = chat.stream(LONG, max_tokens=server.endless)
    await anext(stream)
    assert await server.running() == 1
    await stream.aclose()
    await _idle(server)


async def test_a_cancelled_request_stops_the_model(server: ChatServer, chat: Chat) -> None:
    asked = asyncio.create_task(chat.complete(LONG, max_tokens=server.endless))

    async def working() -> bool:
        return await server.running() == 1

    await eventually(working, "the model writes", deadline_s=10)
    asked.cancel()
    await _idle(server)
    assert asked.cancelled()


async def test_a_request_longer_than_the_context_is_rejected(chat: Chat) -> None:
    with pytest.raises(Reject, match="context"):
        await chat.complete(TOO_LONG)
    with pytest.raises(Reject, match="context"):
        await anext(chat.stream(TOO_LONG))


async def test_another_tasks_request_says_which_setting_to_check(server: ChatServer) -> None:
    embeddings = Embeddings(EmbeddingSettings(url=server.url, model=server.model, key=server.key))
    rerank = Rerank(RerankSettings(url=server.url, model=server.model, key=server.key, timeout_s=10))
    with pytest.raises(BackendError, match="STADTFUNK_EMBEDDINGS__URL"):
        await embeddings.embed(["Hund"])
    with pytest.raises(BackendError, match="STADTFUNK_RERANK__URL"):
        await rerank.rank("Hund", ["Katze"])
    await embeddings.close()
    await rerank.close()


@only_vllm
@pytest.mark.parametrize("wrong", [{"model": "another"}, {"key": "another"}, {"key": None}])
async def test_a_wrong_model_or_key_waits_for_someone_to_mend_it(server: Vllm, wrong: dict[str, str | None]) -> None:
    given = {"url": server.url, "model": server.model, "key": server.key}
    chat = Chat(ChatSettings.model_validate(given | wrong))
    with pytest.raises(BackendError, match="__MODEL and __KEY"):
        await chat.complete(LONG)
    with pytest.raises(BackendError, match="__MODEL and __KEY"):
        await anext(chat.stream(LONG))
    await chat.close()


@only_vllm
async def test_an_error_has_the_body_of_the_openai_api(server: Vllm) -> None:
    assert server.key is not None
    headers = {"Authorization": f"Bearer {server.key.get_secret_value()}", "Content-Type": "application/json"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{server.url}/chat/completions", data=b'{"model": ') as answer,
    ):
        assert answer.status == 400
        error = (await answer.json())["error"]
    assert {"message", "type", "code"} <= error.keys()


@only_vllm
async def test_the_metrics_count_what_the_usage_says(server: Vllm, chat: Chat) -> None:
    names = ("vllm:prompt_tokens_total", "vllm:generation_tokens_total")
    before = [await server.metric(name) for name in names]
    usage = (await chat.complete(LONG, max_tokens=10)).usage
    after = [await server.metric(name) for name in names]
    assert [b - a for a, b in zip(before, after, strict=True)] == [usage.prompt_tokens, usage.completion_tokens]
    assert await server.metric("vllm:num_requests_waiting", model_name="tiny") == 0
    assert await server.metric("vllm:request_success_total", finished_reason="length") >= 1
    # Two readers left, who had asked for that many tokens each.
    assert await server.metric("vllm:generation_tokens_total") < server.endless
    assert 0 <= await server.metric("vllm:kv_cache_usage_perc") <= 1
    assert await server.metric("vllm:time_to_first_token_seconds_count") >= 1


@only_vllm
async def test_a_server_that_dies_leaves_no_half_answer(server: Vllm, chat: Chat) -> None:
    """The last test of this server: it is gone."""
    stream = chat.stream(LONG, max_tokens=server.endless)
    await anext(stream)
    server.process.kill()
    with pytest.raises(BackendError):
        [piece async for piece in stream]
    with pytest.raises(BackendError, match="no answer"):
        await chat.complete(LONG)


async def _idle(server: ChatServer) -> None:
    async def idle() -> bool:
        return await server.running() == 0

    # What was asked for takes these models longer than that.
    await eventually(idle, "the model stopped writing", deadline_s=5)
