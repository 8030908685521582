"""Does each backend answer a real small request? For /readyz, the status page and `stadtfunk status`."""

import asyncio
import importlib
import time
from collections.abc import Awaitable, Callable

import aiohttp
from pydantic import BaseModel, ConfigDict

from shared.backends import Backends
from shared.breaker import Breaker
from shared.catalogue import Catalogue
from shared.errors import BackendError
from shared.jetstream import JetStreamBus
from shared.rerank import Rerank
from shared.settings import Settings

LIMIT_S = 3.0
_IMPORTS = {"objects": "boto3.session", "vectors": "pymilvus", "vision": "shared.vision"}
_NAMES = ("nats", "objects", "vectors", "embeddings", "chat", "vision")
_OPTIONAL = ("embeddings_next", "rerank")  # where they are configured; searches go on without


class Answer(BaseModel):
    """What one backend said."""

    model_config = ConfigDict(frozen=True)

    backend: str
    ok: bool
    seconds: float  # until it answered or was given up
    error: str | None = None  # type of the error
    optional: bool = False  # a host without it is ready


class Probes:
    """Asks the backends that a catalogue's functions need; keeps answers for ``fresh_s`` seconds.

    ``bus`` is a connection of its own, so that a busy one is no reason to look dead; so is that to a rerank model,
    which searches leave alone for a while when it failed.
    """

    def __init__(self, catalogue: Catalogue, use: Backends, *, fresh_s: float = 2.0, limit_s: float = LIMIT_S) -> None:
        self._use = use
        self._fresh_s = fresh_s
        self._limit_s = limit_s
        self._names = [*needed(catalogue), *configured(catalogue, use.settings)]
        self._rerank = Rerank(use.settings.rerank, Breaker(rest_s=0.0))
        self.bus = JetStreamBus(use.settings.nats, name="stadtfunk-probe")
        self._answers: list[Answer] = []
        self._asked_at = float("-inf")
        self._warm = False
        self._lock = asyncio.Lock()

    async def warm(self) -> None:
        """Import what the backends' clients need, in a thread: it takes seconds, and would stop every answer."""
        if not self._warm:
            await asyncio.to_thread(
                lambda: [importlib.import_module(_IMPORTS[n]) for n in self._names if n in _IMPORTS]
            )
            self._warm = True

    async def ask(self) -> list[Answer]:
        """One answer a backend; never raises for one that is away."""
        async with self._lock:
            await self.warm()
            if time.monotonic() - self._asked_at > self._fresh_s:
                self._answers = list(await asyncio.gather(*(self._one(name) for name in self._names)))
                self._asked_at = time.monotonic()
            return self._answers

    async def close(self) -> None:
        """Close the connections that were made for asking."""
        await self._rerank.close()
        await self.bus.close()

    async def _one(self, name: str) -> Answer:
        start, error = time.perf_counter(), None
        asks: dict[str, Callable[[], Awaitable[object]]] = {
            "nats": self._nats,
            "objects": lambda: self._use.objects.exists("stadtfunk-probe", "probe"),
            "vectors": lambda: self._use.vectors.has("stadtfunk_probe"),
            "embeddings": lambda: self._use.embeddings.embed(["bereit"]),
            "chat": self._chat,
            "vision": self._vision,
            "embeddings_next": self._next,
            "rerank": lambda: self._rerank.rank("bereit", ["bereit"]),
        }
        try:
            async with asyncio.timeout(self._limit_s):
                await asks[name]()
        except Exception as failed:  # whatever a client library raises: the backend did not answer
            error = type(failed).__name__
        return Answer(
            backend=name,
            ok=error is None,
            seconds=round(time.perf_counter() - start, 4),
            error=error,
            optional=name in _OPTIONAL,
        )

    async def _next(self) -> None:
        if self._use.embeddings_next is not None:
            await self._use.embeddings_next.embed(["bereit"])

    async def _nats(self) -> None:
        await self.bus.connect()
        await self.bus.jetstream.account_info()

    async def _vision(self) -> None:
        await self._use.vision.ready()

    async def _chat(self) -> None:
        chat = self._use.settings.chat
        headers = {"Authorization": f"Bearer {chat.key.get_secret_value()}"} if chat.key else None
        async with aiohttp.ClientSession() as session, session.get(f"{chat.url}/models", headers=headers) as answer:
            if answer.status != 200:
                raise BackendError("chat", f"status {answer.status}")


def needed(catalogue: Catalogue) -> list[str]:
    """The backends that the catalogue's enabled systems need; NATS where anything travels."""
    enabled = catalogue.enabled()
    names: set[str] = {need for system in enabled.systems.values() for need in system.needs}
    for entry in enabled.functions.values():
        if entry.access == "system" or any(not trigger.http for trigger in entry.events):
            names.add("nats")
    return [name for name in _NAMES if name in names]


def configured(catalogue: Catalogue, settings: Settings) -> list[str]:
    """The backends beyond those, which a city may have for the same systems."""
    if "embeddings" not in needed(catalogue):
        return []
    there = {"embeddings_next": bool(settings.embeddings_next.model), "rerank": settings.rerank.url is not None}
    return [name for name in _OPTIONAL if there[name]]
