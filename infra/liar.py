"""A language model that lies: it mixes what passages say with what they do not, each with a true quote.

Real HTTP, so that drafts can be judged with it where there is no language model. It does what the worst model would:
invents, contradicts, changes numbers, and says it with a straight face, about what is asked. It remembers what it said.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiohttp import web

from infra.recorder import served
from shared.knowledge.citations import stems
from shared.knowledge.sentences import sentences

_EACH = 2  # sentences of a request that are told truly, and as many that are told falsely in several ways
_SHARED = 2  # words that they have in common with the question
_LEAST, _MOST = 6, 40  # words of a sentence that it tells
_INVENTED = (
    "Die Gebühr wird Ihnen auf Antrag in voller Höhe erstattet.",
    "Sie erhalten die Genehmigung noch am selben Tag per Fax.",
    "Für Rentnerinnen und Rentner übernimmt das Finanzamt alle Kosten.",
    "Bringen Sie bitte einen Zeugen und zwei Goldmünzen mit.",
)
_NUMBER = re.compile(r"(?<![\w.,])\d+(?:[.,]\d+)?(?![\w.,]*\d)")
_VERB = re.compile(r"\s(ist|sind|muss|müssen|kann|können|darf|dürfen|wird|werden|kostet|gilt|gelten|brauchen)\s")


class Said(NamedTuple):
    """A statement it made."""

    text: str
    quote: str
    true: bool


class Liar:
    """What runs: ``url`` is its OpenAI API; ``drain`` gives what it said since the last call."""

    def __init__(self) -> None:
        self.url = ""
        self._said: list[Said] = []

    def drain(self) -> list[Said]:
        """What it said since the last call."""
        found, self._said = self._said, []
        return found

    async def models(self, _: web.Request) -> web.Response:
        """GET /v1/models: whether it is there."""
        return web.json_response({"object": "list", "data": [{"id": "liar", "object": "model"}]})

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """POST /v1/chat/completions with ``stream``."""
        body = await request.json()
        told = list(_told(str(body["messages"][-1]["content"])))
        self._said += [said for said, _ in told]
        lines = "".join(
            json.dumps({"statement": said.text, "passage": passage, "quote": said.quote}, ensure_ascii=False) + "\n"
            for said, passage in told
        )
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for start in range(0, len(lines), 40):
            await response.write(_chunk({"delta": {"content": lines[start : start + 40]}}))
        await response.write(_chunk({"delta": {}, "finish_reason": "stop"}))
        await response.write(b"data: [DONE]\n\n")
        return response


@asynccontextmanager
async def liar() -> AsyncIterator[Liar]:
    """Serve one on a free port of 127.0.0.1 until the block ends."""
    found = Liar()
    app = web.Application()
    app.router.add_get("/v1/models", found.models)
    app.router.add_post("/v1/chat/completions", found.answer)
    async with served(app) as address:
        found.url = f"{address}/v1"
        yield found


def _told(given: str) -> Iterator[tuple[Said, int]]:
    for number, (passage, sentence) in enumerate(_sentences(given)[:_EACH]):
        # Lies first: a reader that stops early has read them.
        for lie in _lies(sentence, number):
            yield Said(lie, sentence, true=False), passage
        yield Said(sentence, sentence, true=True), passage


def _lies(sentence: str, number: int) -> Iterator[str]:
    yield _INVENTED[number % len(_INVENTED)]
    if _NUMBER.search(sentence):
        yield _NUMBER.sub(lambda found: str(int(re.split("[.,]", found.group())[0]) * 2 + 3), sentence, count=1)
    if _VERB.search(sentence) and not re.search(r"\b(?:nicht|kein\w*|ohne|nie)\b", sentence):
        yield _VERB.sub(r" \1 nicht ", sentence, count=1)
    yield f"{sentence.rstrip('.!?')}, und mehr erfahren Sie unter 0900 555123."


def _sentences(given: str) -> list[tuple[int, str]]:
    """Sentences of the passages with the passage's number, those that share most words with the question first."""
    found: list[tuple[int, str]] = []
    asked: frozenset[str] = frozenset()
    for line in given.split("\n"):
        try:
            read: Any = json.loads(line)
        except ValueError:
            continue
        if isinstance(read, dict) and "passage" in read:
            found += [(int(read["passage"]), one) for one in sentences(str(read["text"])) if _tellable(one)]
        elif isinstance(read, dict):
            asked = stems(str(read.get("question", "")))
    shared = sorted(((len(asked & stems(one[1])), one) for one in found), key=lambda pair: -pair[0])
    # What is not about the question is left out of an answer, true or not: it says nothing of a guard.
    return [one for place, (words, one) in enumerate(shared) if words >= _SHARED or not place]


def _tellable(sentence: str) -> bool:
    return _LEAST <= len(sentence.split()) <= _MOST and sentence.endswith(".") and not sentence.startswith("-")


def _chunk(choice: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"
