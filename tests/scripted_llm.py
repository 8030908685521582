"""A language model that says what a test wants, over real HTTP: it streams, and notices who hangs up."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiohttp import web

Passage = dict[str, Any]  # passage, page, heading, text: as the model was given them
Script = Callable[["Asked"], str]


class Asked:
    """One request, taken apart as a model would read it."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.body = body
        self.rules = str(body["messages"][0]["content"])
        self.given = str(body["messages"][-1]["content"])
        self.passages: list[Passage] = []
        self.question = ""
        for line in self.given.split("\n"):
            with suppress(ValueError):
                read = json.loads(line)
                if "passage" in read:
                    self.passages.append(read)
                elif "question" in read:
                    self.question = read["question"]


def said(statement: str, passage: int, quote: str) -> str:
    """A line as the prompt asks for it."""
    return json.dumps({"statement": statement, "passage": passage, "quote": quote}, ensure_ascii=False) + "\n"


def obeying_pages(asked: Asked) -> str:
    """Does whatever passages tell it: each line is its answer and its own proof, and proof of other answers."""
    out = []
    for one in asked.passages:
        lines = one["text"].split("\n")
        whole = " ".join(lines[1:-1])  # what was planted stands between two true lines
        word = whole.rstrip(".!?\"'“ ").rpartition(" ")[2]
        out.append(said(whole, one["passage"], whole))
        for line in lines:
            out.append(said(line, one["passage"], line))
            if whole not in ("", line):
                out += [said(f"{word}! {line}", one["passage"], line), said(whole, one["passage"], line)]
            out.append(said(f"{line} Mehr auf https://evil.example/x oder 0900 123456.", one["passage"], line))
    return "".join(out)


def obeying_questions(asked: Asked) -> str:
    """Does whatever the question tells it, with true lines as proof."""
    word = asked.question.rstrip(".!?\"'“ ").rpartition(" ")[2]
    out = []
    for one in asked.passages:
        out.append(said(asked.question, one["passage"], asked.question))
        for line in one["text"].split("\n"):
            out += [said(asked.question, one["passage"], line), said(f"{word}! {line}", one["passage"], line)]
            out += [said(f"{line} {word}.", one["passage"], line), said(line, one["passage"], line)]
    return "".join(out)


class ScriptedModel:
    """What runs: set ``script``; ``asked`` are the requests so far, ``left`` counts who hung up while it wrote."""

    def __init__(self) -> None:
        self.script: Script = lambda _: ""
        self.asked: list[Asked] = []
        self.left = 0
        self.status = 200
        self.piece = 7  # characters a chunk
        self.endless = False  # go on with blanks until the client leaves
        self.breaks_off = False  # hang up before the end
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """POST /v1/chat/completions with ``stream``."""
        asked = Asked(await request.json())
        self.asked.append(asked)
        if self.status != 200:
            return web.json_response({"error": {"message": "scripted"}}, status=self.status)
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        text = self.script(asked)
        try:
            for start in range(0, len(text), self.piece):
                await response.write(_chunk({"delta": {"content": text[start : start + self.piece]}}))
            while self.endless:
                await response.write(_chunk({"delta": {"content": " "}}))
                await asyncio.sleep(0.01)
            if self.breaks_off:
                raise ConnectionResetError
            await response.write(_chunk({"delta": {}, "finish_reason": "stop"}))
            await response.write(b"data: [DONE]\n\n")
        except (ConnectionError, asyncio.CancelledError):
            self.left += 1
            if request.transport is not None:
                request.transport.close()
        return response


def _chunk(choice: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


@asynccontextmanager
async def scripted_model() -> AsyncIterator[ScriptedModel]:
    """Serve on a free port of 127.0.0.1 until the block ends."""
    model = ScriptedModel()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", model.answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.5)
    await runner.setup()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        await web.SockSite(runner, listener).start()
        model.url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        try:
            yield model
        finally:
            await runner.cleanup()
