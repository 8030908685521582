"""A rerank model over HTTP (vLLM, llama.cpp, any other with Jina's ``/v1/rerank``): how well each text answers a query.

It reads query and text together, which an embedding cannot: slower, better, and asked about a few texts only.
A server that hangs would cost every search its timeout: after three failures in a row it is left alone for 30 s.
"""

import asyncio
import math
from collections.abc import Sequence
from typing import Any

import aiohttp

from shared.breaker import Breaker
from shared.errors import BackendError, Reject
from shared.refusals import refused
from shared.settings import RerankSettings
from shared.telemetry import backend_call


class Rerank:
    """One rerank model behind one URL."""

    def __init__(self, settings: RerankSettings, breaker: Breaker | None = None) -> None:
        self._settings = settings
        self._breaker = breaker or Breaker()
        self._session: aiohttp.ClientSession | None = None

    @property
    def model_id(self) -> str:
        """Name of the model; scores of different ids are never compared."""
        return self._settings.model

    @property
    def texts(self) -> int:
        """How many texts a search should have judged."""
        return self._settings.texts

    async def rank(self, query: str, texts: Sequence[str]) -> list[float]:
        """One score a text, in order; higher is better, the scale is the model's own.

        Raises:
            BackendError: the server is away, slower than ``timeout_s``, busy, or its answer is of another shape; or it
                was so often of late, and was not asked.
            Reject: the server says that it can never judge these texts.
        """
        if not self._breaker.allows():
            raise BackendError("rerank", "failed several times in a row, and is left alone for a while")
        try:
            scores = await self._rank(query, texts)
        except BackendError:
            self._breaker.failed()
            raise
        except Reject:  # it is there, and does not want these
            self._breaker.succeeded()
            raise
        self._breaker.succeeded()
        return scores

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _rank(self, query: str, texts: Sequence[str]) -> list[float]:
        size = self._settings.batch
        parts = [texts[start : start + size] for start in range(0, len(texts), size)]
        with backend_call("rerank", "rank"):
            try:
                async with asyncio.timeout(self._settings.timeout_s):  # of the whole, however many batches
                    scores = [await self._ask(query, part) for part in parts]
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                raise BackendError("rerank", f"no answer ({type(error).__name__})") from None
        return [score for part in scores for score in part]

    async def _ask(self, query: str, texts: Sequence[str]) -> list[float]:
        body = {
            "model": self._settings.model,
            "query": query,
            "documents": list(texts),
            "top_n": len(texts),
            "truncate_prompt_tokens": -1,  # vLLM: of a text longer than the model's context its beginning is judged
        }
        async with self._connected().post(f"{self._settings.url}/rerank", json=body) as answer:
            if answer.status != 200:
                words = "the rerank server refuses the texts; one may be longer than its context"
                raise refused("rerank", answer.status, words, after=answer.headers.get("Retry-After", ""))
            return _scores(await answer.json(content_type=None), len(texts))

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None:
            key = self._settings.key
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=None),
                headers={"Authorization": f"Bearer {key.get_secret_value()}"} if key else None,
            )
        return self._session


def _scores(answer: Any, count: int) -> list[float]:
    """In the order of the texts; the server sends them best first."""
    try:
        found = {int(row["index"]): float(row["relevance_score"]) for row in answer["results"]}
    except (KeyError, TypeError, ValueError):
        raise BackendError("rerank", "the answer is not of the shape of /v1/rerank") from None
    if sorted(found) != list(range(count)) or not all(map(math.isfinite, found.values())):
        raise BackendError("rerank", f"{len(found)} usable scores for {count} texts")
    return [found[index] for index in range(count)]
