"""The language model over the OpenAI API (vLLM, llama.cpp, any other): whole answers and streams.

    async for piece in use.chat.stream([{"role": "user", "content": question}]): ...

Whoever stops reading a stream (or is cancelled) closes its request, and the server stops writing.
What a model writes is untrusted, and what it is asked may be personal: neither reaches a log.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

import aiohttp
from aiohttp.http import HttpProcessingError

from shared.errors import BackendError
from shared.refusals import refused
from shared.settings import ChatSettings
from shared.telemetry import backend_call

_CONNECT_S = 5.0
_ANSWER_LENGTH = 2**20  # characters of a whole answer
_NO_STREAM = "not of the OpenAI shape"
_REFUSED = "the language model refuses the request; it may be longer than its context"


class Message(TypedDict):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass
class Usage:
    """Tokens of one request, as the server counts them; zero until the answer is complete."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True)
class Completion:
    """A whole answer."""

    text: str
    finish_reason: str  # "stop"; "length": it was cut at max_tokens
    usage: Usage = field(default_factory=Usage)


class Chat:
    """One chat model behind one URL. Calls raise BackendError (try later) or Reject (never right)."""

    def __init__(self, settings: ChatSettings) -> None:
        self._settings = settings
        self._session: aiohttp.ClientSession | None = None

    @property
    def model_id(self) -> str:
        """Name of the model, for records of what answered."""
        return self._settings.model

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int = 512,
        temperature: float = 0.0,
        json_schema: Mapping[str, Any] | None = None,
    ) -> Completion:
        """The whole answer; with ``json_schema`` it is written in that shape (still to be validated: a
        finish reason of ``length`` cuts JSON too)."""
        body = self._body(messages, max_tokens, temperature)
        if json_schema is not None:
            wanted = {"name": "answer", "schema": dict(json_schema), "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": wanted}
        text, reason, usage, size = [], "", Usage(), 0
        with backend_call("chat", "complete"):
            async with aclosing(self._pieces(body, usage)) as pieces:
                async for piece, ended in pieces:
                    text.append(piece)
                    reason = ended or reason
                    size += len(piece)
                    if size > _ANSWER_LENGTH:
                        raise BackendError("chat", f"the answer is longer than {_ANSWER_LENGTH} characters")
        return Completion(text="".join(text), finish_reason=reason, usage=usage)

    async def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int = 512,
        temperature: float = 0.0,
        usage: Usage | None = None,
    ) -> AsyncGenerator[str, None]:
        """Pieces of the answer as they are written; ``usage`` is filled in when it has ended."""
        body = self._body(messages, max_tokens, temperature)
        with backend_call("chat", "stream"):
            async with aclosing(self._pieces(body, usage or Usage())) as pieces:
                async for piece, _ in pieces:
                    if piece:
                        yield piece

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _body(self, messages: Sequence[Message], max_tokens: int, temperature: float) -> dict[str, Any]:
        return {
            "model": self._settings.model,
            "messages": list(messages),
            "max_tokens": max_tokens,
            "temperature": temperature,
            # Also for a whole answer: llama.cpp sees only in a stream that its reader has left.
            "stream": True,
            "stream_options": {"include_usage": True},
        }

    async def _pieces(self, body: dict[str, Any], usage: Usage) -> AsyncGenerator[tuple[str, str], None]:
        """(text, finish reason or nothing) as they come; ``usage`` is filled in.

        Raises:
            BackendError: it broke off before the model said that it has ended.
        """
        async with self._ask(body) as answer:
            begun = ended = False
            async for line in answer.content:
                data = line.removeprefix(b"data:").strip() if line.startswith(b"data:") else b""
                if data == b"[DONE]":
                    return
                if data:
                    piece, reason = _piece(data, usage)
                    begun, ended = True, ended or bool(reason)
                    yield piece, reason
            if not ended:
                raise BackendError("chat", "the answer broke off" if begun else f"the answer is {_NO_STREAM}")

    @asynccontextmanager
    async def _ask(self, body: dict[str, Any]) -> AsyncIterator[aiohttp.ClientResponse]:
        if self._session is None:
            key = self._settings.key
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self._settings.timeout_s, connect=_CONNECT_S),
                headers={"Authorization": f"Bearer {key.get_secret_value()}"} if key else None,
            )
        try:
            answer = await self._post(self._session, body)
            async with answer:
                if answer.status != 200:
                    raise refused("chat", answer.status, _REFUSED, after=answer.headers.get("Retry-After", ""))
                yield answer
        # The last one: a line too long to be read.
        except (aiohttp.ClientError, TimeoutError, ValueError, HttpProcessingError) as error:
            raise BackendError("chat", f"no answer ({type(error).__name__})") from None

    async def _post(self, session: aiohttp.ClientSession, body: dict[str, Any]) -> aiohttp.ClientResponse:
        url = f"{self._settings.url}/chat/completions"
        try:
            return await session.post(url, json=body)
        except aiohttp.ClientConnectorError:
            raise
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            # The server closed a connection that lay idle just as we used it again; asking twice harms nothing.
            return await session.post(url, json=body)


def _piece(data: bytes, usage: Usage) -> tuple[str, str]:
    """The text of one chunk, and why the model ended with it."""
    try:
        chunk = json.loads(data)
        if error := chunk.get("error"):
            # vLLM looks at some of a request only when it has begun to answer, with status 200.
            if isinstance(error, dict) and isinstance(code := error.get("code"), int) and 400 <= code < 500:
                raise refused("chat", code, _REFUSED)
            raise BackendError("chat", "the server reports an error within the answer")
        if isinstance(counted := chunk.get("usage"), dict):
            usage.prompt_tokens = int(counted.get("prompt_tokens") or 0)
            usage.completion_tokens = int(counted.get("completion_tokens") or 0)
        choices = chunk.get("choices") or []
        if not choices:
            return "", ""
        return choices[0]["delta"].get("content") or "", str(choices[0].get("finish_reason") or "")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        raise BackendError("chat", f"a piece of the answer is {_NO_STREAM}") from None
