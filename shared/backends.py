"""Everything a function may use, made from the settings on first use and closed together.

A function gets one ``Backends`` and never builds a client itself; a test hands in its own with
``Backends(settings, objects=MemoryObjects(), ...)``. A client's module is imported when it is first
used: a function that only needs state pays neither for Milvus nor for boto3.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from shared.settings import Settings

if TYPE_CHECKING:
    from shared.catalogue import Catalogue
    from shared.chat import Chat
    from shared.embeddings import Embeddings
    from shared.erasure import Erasure
    from shared.objects import Objects
    from shared.rerank import Rerank
    from shared.rest import Rest
    from shared.secrets import Secrets
    from shared.snapshots import Snapshots
    from shared.state import State
    from shared.vectors import Vectors
    from shared.vision import Vision
    from shared.web import Web

T = TypeVar("T")


class Backends:
    """The clients a function is handed: made lazily, shared by every call of the process."""

    def __init__(self, settings: Settings | None = None, **given: Any) -> None:
        self.settings = settings or Settings()
        self._made: dict[str, Any] = dict(given)
        self._closers: list[Callable[[], Awaitable[None]]] = []

    @property
    def objects(self) -> "Objects":
        """S3-compatible storage."""
        from shared.objects import Objects

        return self._one("objects", lambda: Objects(self.settings.objects))

    @property
    def vectors(self) -> "Vectors":
        """Milvus."""
        from shared.vectors import Vectors

        return self._one("vectors", lambda: Vectors(self.settings.vectors))

    @property
    def embeddings(self) -> "Embeddings":
        """The embedding model, over the OpenAI API."""
        from shared.embeddings import Embeddings

        return self._one("embeddings", lambda: Embeddings(self.settings.embeddings))

    @property
    def embeddings_next(self) -> "Embeddings | None":
        """The embedding model that an index is to change to, or has changed from."""
        from shared.embeddings import Embeddings

        if not self.settings.embeddings_next.model:
            return None
        return self._one("embeddings_next", lambda: Embeddings(self.settings.embeddings_next))

    @property
    def chat(self) -> "Chat":
        """The language model, over the OpenAI API."""
        from shared.chat import Chat

        return self._one("chat", lambda: Chat(self.settings.chat))

    @property
    def rerank(self) -> "Rerank | None":
        """The rerank model; None where the city runs none."""
        from shared.rerank import Rerank

        settings = self.settings.rerank
        return None if settings.url is None else self._one("rerank", lambda: Rerank(settings))

    @property
    def vision(self) -> "Vision":
        """The models that look at photos, served by Triton."""
        from shared.vision import Vision

        return self._one("vision", lambda: Vision(self.settings.vision))

    @property
    def state(self) -> "State":
        """Small revisioned values (NATS key-value buckets)."""
        from shared.state import State

        return self._one("state", lambda: State(self.settings.nats))

    @property
    def erasure(self) -> "Erasure":
        """Wiping a key's messages from the streams."""
        from shared.erasure import Erasure

        return self._one("erasure", lambda: Erasure(self.settings.nats))

    @property
    def web(self) -> "Web":
        """HTTP to the hosts the settings allow."""
        from shared.web import Web

        return self._one("web", lambda: Web(self.settings.web))

    def rest(self, name: str, url: str, *, timeout_s: float, max_bytes: int) -> "Rest":
        """A REST interface of this name; handed in as ``rest_<name>``. One a name and process."""
        from shared.rest import Rest

        return self._one(f"rest_{name}", lambda: Rest(name, url, timeout_s=timeout_s, max_bytes=max_bytes))

    @property
    def snapshots(self) -> "Snapshots":
        """What was read a moment ago and may be a little old."""
        from shared.snapshots import Snapshots

        return self._one("snapshots", Snapshots)

    @property
    def secrets(self) -> "Secrets":
        """Secrets by name, from files or the environment."""
        from shared.secrets import Secrets

        return self._one("secrets", lambda: Secrets(self.settings.secrets_dir))

    @property
    def catalogue(self) -> "Catalogue":
        """serverless.yaml, for functions that show what runs here."""
        from shared.catalogue import Catalogue

        return self._one("catalogue", lambda: Catalogue.load(self.settings.catalogue))

    async def close(self) -> None:
        """Close what was made here, last made first; what was handed in belongs to the giver."""
        while self._closers:
            await self._closers.pop()()

    def _one(self, name: str, make: Callable[[], T]) -> T:
        if name not in self._made:
            made = self._made[name] = make()
            if hasattr(made, "close"):
                self._closers.append(made.close)
        backend: T = self._made[name]
        return backend
