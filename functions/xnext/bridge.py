"""The tools over stdio, for assistants on a desk: each message goes on to a running host by its address."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from mcp.client import Client
from mcp.server.context import ServerRequestContext
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, CallToolRequestParams, CallToolResult, ListToolsResult, PaginatedRequestParams

from functions.xnext.tools import served

_Answer = TypeVar("_Answer")


async def bridge(url: str) -> None:
    """Speak the protocol on standard input and output until the input ends; ``url`` is a host's ``/mcp``.

    A host that is away is told in each answer, so that it may be started later.
    """

    async def ask(what: Callable[[Client], Awaitable[_Answer]]) -> _Answer:
        try:
            async with Client(url) as host:
                return await what(host)
        except MCPError:
            raise
        except Exception as error:  # the client's task group wraps what happens in it
            known: Exception | None = error.split(MCPError)[0] if isinstance(error, ExceptionGroup) else None
            while isinstance(known, ExceptionGroup):
                known = known.exceptions[0]
            raise known or MCPError(INTERNAL_ERROR, f"no Stadtfunk host answers at {url}") from None

    async def listed(_: ServerRequestContext[Any], __: PaginatedRequestParams | None) -> ListToolsResult:
        return await ask(lambda host: host.list_tools())

    async def called(_: ServerRequestContext[Any], params: CallToolRequestParams) -> CallToolResult:
        return await ask(lambda host: host.call_tool(params.name, params.arguments))

    server = served(listed, called)
    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())
