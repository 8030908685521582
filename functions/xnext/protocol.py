"""POST /mcp: the tools ``search`` and ``answer`` for AI assistants, over streamable HTTP without sessions.

Each request is whole in itself: a fresh server of the SDK answers it with JSON and is gone.
"""

import asyncio
from importlib import import_module

import anyio
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from shared.backends import Backends
from shared.function import http
from shared.http import Problem


@http
async def mcp(request: Request, use: Backends) -> Response:
    """Answer one message of the Model Context Protocol."""
    host = use.settings.host
    base = str(host.public_url or request.base_url)
    origin = request.headers.get("origin")
    # A browser says where its page comes from; the protocol asks to look (DNS rebinding).
    if origin is not None and origin not in (*host.allowed_origins, base.rstrip("/")):
        raise Problem(403, "Pages of this origin may not call this; see STADTFUNK_HOST__ALLOWED_ORIGINS.")
    # The SDK takes half a second to import: only who is asked pays for it, and others are served meanwhile.
    sdk = await asyncio.to_thread(import_module, "mcp.server.streamable_http_manager")
    tools = await asyncio.to_thread(import_module, "functions.xnext.tools")
    manager = sdk.StreamableHTTPSessionManager(tools.server(use, base), json_response=True, stateless=True)
    given: list[Message] = [{"type": "http.request", "body": await request.body(), "more_body": False}]
    answer = Response(status_code=204)  # for a client that left

    async def receive() -> Message:
        if not given:
            await anyio.sleep_forever()
        return given.pop()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status_code = message["status"]
            answer.raw_headers = list(message["headers"])
        else:
            answer.body += message.get("body", b"")

    async with anyio.create_task_group() as group:

        async def leave() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass
            group.cancel_scope.cancel()

        group.start_soon(leave)
        async with manager.run():
            await manager.handle_request(request.scope, receive, send)
        group.cancel_scope.cancel()
    return answer
