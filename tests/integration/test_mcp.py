"""The MCP server by the SDK's own client: over real HTTP, and over stdio through `stadtfunk xnext mcp`."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import jsonschema
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, TextContent

from functions.xnext.index import index_of
from functions.xnext.protocol import mcp
from shared.backends import Backends
from shared.settings import ChatSettings, Settings
from tests.integration.hosting import catalogue_of, hosted
from tests.integration.test_answer import DOG, QUESTION, page, put
from tests.polling import eventually
from tests.scripted_llm import scripted_model

LIMITS = {"timeout": "20s", "concurrency": 2, "max_body": 16384}
CATALOGUE = catalogue_of(
    ["objects", "vectors", "embeddings"],
    mcp={"events": [{"http": {"method": "POST", "path": "/mcp"}}], "access": "public", **LIMITS},
)
MODES = ("auto", "legacy")  # the stateless protocol, and the one with a handshake before it
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
HEADERS = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-06-18"}


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[str]:
    """A host with two pages; yields its MCP address."""
    use = Backends(settings)
    await use.objects.ensure_bucket(settings.xnext.bucket)
    await put(use, page("cms:1", "Hund anmelden", f"<p>{DOG}</p>"))
    await put(use, page("cms:2", "Reisepass", "<p>Den Reisepass beantragen Sie persönlich im Bürgerbüro.</p>"))
    backends = {name: getattr(use, name) for name in ("objects", "vectors", "embeddings", "state", "chat")}
    try:
        async with hosted(CATALOGUE, mcp, settings=settings, **backends) as url:
            yield f"{url}/mcp"
    finally:
        await use.vectors.drop(index_of(use).collection)
        await use.close()


@pytest.fixture
async def address(settings: Settings) -> AsyncIterator[str]:
    async with serving(settings) as found:
        yield found


def text_of(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


async def post(address: str, body: Any, **headers: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(address, json=body, headers={**HEADERS, **headers}) as got,
    ):
        return got.status, await got.text()


@pytest.mark.parametrize("mode", MODES)
async def test_tools_say_in_two_languages_what_they_take_and_give(address: str, mode: str) -> None:
    async with Client(address, mode=mode) as client:
        listed = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert client.server_info is not None
        assert client.server_info.name == "stadtfunk"
    assert set(listed) == {"search", "answer"}
    for tool in listed.values():
        assert tool.description is not None
        german, english = tool.description.split("\n")
        assert "Frage" in german
        assert "question" in english
        fields = tool.input_schema["properties"]
        assert all(" / " in field["description"] for field in fields.values())
        assert tool.input_schema["required"] == ["q"]
        assert fields["q"]["maxLength"] == 500
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint


@pytest.mark.parametrize("mode", MODES)
async def test_search_and_answer_over_http(address: str, mode: str) -> None:
    async with Client(address, mode=mode) as client:
        schemas = {tool.name: tool.output_schema for tool in (await client.list_tools()).tools}
        found = await client.call_tool("search", {"q": QUESTION, "limit": 1})
        answered = await client.call_tool("answer", {"q": QUESTION})
    for name, result in (("search", found), ("answer", answered)):
        assert not result.is_error
        assert json.loads(text_of(result)) == result.structured_content
        jsonschema.validate(result.structured_content, schemas[name] or {})
    assert found.structured_content is not None
    (hit,) = found.structured_content["hits"]
    assert (hit["title"], hit["url"]) == ("Hund anmelden", "https://auenfurt.example/1")
    given = answered.structured_content
    assert given is not None
    assert given["produced_by_ai"] is True
    assert given["abstained"] is None
    (citation,) = given["statements"][0]["citations"]
    assert citation["quote"] in DOG
    # The address of the source can be opened from anywhere.
    assert citation["href"].startswith(address.removesuffix("mcp") + "source?page=cms%3A1")


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("search", {}, "q: Field required"),
        ("search", {"q": "hund", "limit": 500}, "limit: Input should be less than or equal to 50"),
        ("search", {"q": "hund", "colour": "red"}, "colour: Extra inputs are not permitted"),
        ("search", {"q": "hund", "language": "x' or 1==1"}, "language: String should match pattern"),
        ("answer", {"q": "x" * 501}, "q: String should have at most 500 characters"),
        ("answer", {"q": ["hund"]}, "q: Input should be a valid string"),
    ],
)
async def test_wrong_arguments_are_told_to_the_model(
    address: str, name: str, arguments: dict[str, Any], said: str
) -> None:
    async with Client(address) as client:
        result = await client.call_tool(name, arguments)
    assert result.is_error
    assert said in text_of(result)


async def test_a_tool_that_is_none_is_an_error_of_the_protocol(address: str) -> None:
    async with Client(address) as client:
        with pytest.raises(MCPError, match="there are search and answer"):
            await client.call_tool("delete_everything", {})


async def test_a_backend_that_is_away_is_told_without_detail(settings: Settings) -> None:
    away = settings.model_copy(update={"vectors": settings.vectors.model_copy(update={"uri": "http://127.0.0.1:1"})})
    async with hosted(CATALOGUE, mcp, settings=away) as url, Client(f"{url}/mcp") as client:
        result = await client.call_tool("search", {"q": "hund"})
    assert result.is_error
    assert "try again later" in text_of(result)
    assert "127.0.0.1" not in text_of(result)


async def test_the_limits_of_the_host_hold(address: str) -> None:
    assert (await post(address, PING))[0] == 200
    huge = PING | {"params": {"_meta": {"x": "y" * 20_000}}}
    assert (await post(address, huge))[0] == 413
    status, said = await post(address, PING, origin="https://evil.example")
    assert status == 403
    assert "STADTFUNK_HOST__ALLOWED_ORIGINS" in said
    assert (await post(address, [PING] * 3))[0] == 400
    status, said = await post(address, {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": 5}})
    assert "error" in json.loads(said)
    async with aiohttp.ClientSession() as session:
        async with session.post(
            address, data=b"{no json", headers={**HEADERS, "content-type": "application/json"}
        ) as got:
            assert got.status == 400
        for method in ("GET", "DELETE"):
            async with session.request(method, address, headers=HEADERS) as got:
                assert got.status == 405


async def test_an_assistant_in_a_browser_is_served_where_its_origin_is_allowed(settings: Settings) -> None:
    origin = "https://www.auenfurt.example"
    host = settings.host.model_copy(update={"allowed_origins": (origin,)})
    async with hosted(CATALOGUE, mcp, settings=settings.model_copy(update={"host": host})) as url:
        assert (await post(f"{url}/mcp", PING, origin=origin))[0] == 200
        asked = {
            "origin": origin,
            "access-control-request-method": "POST",
            "access-control-request-headers": "content-type,mcp-protocol-version,mcp-method,mcp-name",
        }
        async with aiohttp.ClientSession() as session, session.options(f"{url}/mcp", headers=asked) as got:
            assert got.status == 200
            assert got.headers["access-control-allow-origin"] == origin


async def test_a_client_that_leaves_stops_the_model(settings: Settings) -> None:
    async with scripted_model() as model:
        model.endless = True
        chat = ChatSettings(url=model.url, model="scripted", languages=("de",))
        async with serving(settings.model_copy(update={"chat": chat})) as address:
            body = PING | {"method": "tools/call", "params": {"name": "answer", "arguments": {"q": QUESTION}}}
            asking = asyncio.create_task(post(address, body))

            async def asked() -> bool:
                return len(model.asked) == 1

            async def stopped() -> bool:
                return model.left == 1

            await eventually(asked, "the model is asked")
            asking.cancel()
            await eventually(stopped, "the model stopped writing")


async def test_many_at_once_are_kept_apart(address: str) -> None:
    async def ask(word: str) -> str:
        async with Client(address) as client:
            result = await client.call_tool("search", {"q": word, "limit": 1})
            assert result.structured_content is not None
            return str(result.structured_content["hits"][0]["title"])

    words = ["Hund anmelden", "Reisepass beantragen"] * 3
    titles = await asyncio.gather(*(ask(word) for word in words))
    assert titles == ["Hund anmelden", "Reisepass"] * 3


def bridge_to(address: str) -> StdioServerParameters:
    program = str(Path(sys.executable).parent / "stadtfunk")
    return StdioServerParameters(
        command=program, args=["xnext", "mcp", address], cwd=Path(__file__).parents[2], env={"PYTHONWARNINGS": "error"}
    )


@pytest.mark.parametrize("mode", MODES)
async def test_stdio_reaches_a_running_host(address: str, mode: str) -> None:
    async with Client(bridge_to(address), mode=mode) as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == {"search", "answer"}
        found = await client.call_tool("search", {"q": QUESTION, "limit": 1})
        assert found.structured_content is not None
        assert found.structured_content["hits"][0]["title"] == "Hund anmelden"
        wrong = await client.call_tool("search", {"q": ""})
        assert wrong.is_error
        with pytest.raises(MCPError, match="there are search and answer"):
            await client.call_tool("delete_everything", {})


async def test_stdio_says_that_no_host_answers() -> None:
    address = "http://127.0.0.1:1/mcp"
    async with Client(bridge_to(address)) as client:
        with pytest.raises(MCPError, match=f"no Stadtfunk host answers at {address}"):
            await client.call_tool("search", {"q": "hund"})
