"""A rerank server that judges as a test wants, over real HTTP in the shape of Jina's and vLLM's /v1/rerank."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

Judge = Callable[[str, str], float]  # query, text: score


class ScriptedRerank:
    """What runs: set ``judge`` or ``answer``; ``asked`` are the requests so far."""

    def __init__(self) -> None:
        self.judge: Judge = lambda query, text: 1.0 if query in text else 0.0
        self.answer: Callable[[], web.Response] | None = None  # in place of scores
        self.asked: list[dict[str, Any]] = []
        self.silent_s = 0.0  # before each answer
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        """POST /v1/rerank: the best first, as real servers send them."""
        body = await request.json()
        self.asked.append(body)
        await asyncio.sleep(self.silent_s)
        if self.answer is not None:
            return self.answer()
        scores = [self.judge(body["query"], text) for text in body["documents"]]
        order = sorted(range(len(scores)), key=lambda at: -scores[at])[: body["top_n"]]
        return web.json_response({"results": [{"index": at, "relevance_score": scores[at]} for at in order]})


@asynccontextmanager
async def scripted_rerank() -> AsyncIterator[ScriptedRerank]:
    """Serve on a free port of 127.0.0.1 until the block ends."""
    scripted = ScriptedRerank()
    app = web.Application()
    app.router.add_post("/v1/rerank", scripted.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    scripted.url = "http://{}:{}/v1".format(*runner.addresses[0][:2])
    try:
        yield scripted
    finally:
        await runner.cleanup()
