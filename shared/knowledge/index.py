"""An index: documents under one name, found only in the revision that is recorded.

One collection an embedding model (its name carries the model's id), reached by readers through an alias,
so that another model can be indexed beside it and take over at once. The alias alone says which model counts:
a process that knows two models follows it without a restart, and embeds each query for what it searches.
"""

import asyncio
import contextlib
from collections.abc import Sequence

import structlog

from shared.embeddings import Embeddings, Vector, mean
from shared.errors import BackendError, Reject
from shared.filters import any_of
from shared.knowledge.collection import Collection
from shared.knowledge.passages import Document
from shared.knowledge.records import BUCKET, Record, Records
from shared.knowledge.rows import RANKED, SHOWN, row_id
from shared.state import State
from shared.vectors import Row, Vectors

_EF = 256  # rows an HNSW search looks at: of the nearest 120 among 1,000, 64 (the default) miss 6 %
_RECORDS_S = 0.5  # a search waits no longer for NATS


class View:
    """What readers see of an index: the collection behind its alias, and only recorded revisions."""

    def __init__(self, name: str, vectors: Vectors, embeddings: Embeddings | None, records: Records) -> None:
        self.name = name  # of the collection, by which every row of an answer is asked for
        self._vectors = vectors
        self._embeddings = embeddings
        self._records = records

    @property
    def embeddings(self) -> Embeddings | None:
        """The collection's model; None where it is not in the settings."""
        return self._embeddings

    @property
    def near(self) -> float:
        """Cosine from which a text is about a query."""
        return self._embeddings.near if self._embeddings is not None else 1.0

    async def embed(self, *wordings: str) -> Vector | None:
        """A query as the collection's model sees it, between its wordings.

        None where the model is away, or not in the settings.
        """
        if self._embeddings is None:
            return None
        try:
            return mean(await self._embeddings.embed(wordings, "query"))
        except (BackendError, Reject):
            return None

    async def nearest(self, field: str, data: Vector | str, limit: int, condition: str = "") -> list[Row]:
        """Rows nearest to a vector or a text of terms, best first: id, doc, revision, position, title, distance."""
        params = {} if isinstance(data, str) else {"ef": max(_EF, 2 * limit)}
        return await self._vectors.search(
            self.name, field, data, limit=limit, fields=RANKED, condition=condition, params=params
        )

    async def current(self, documents: Sequence[list[Row]]) -> list[list[Row]]:
        """Of each document's rows those of the revision that counts; none of one that was removed.

        All of them while NATS is away, as a search goes on without.
        """
        records: list[Record | None] = [None] * len(documents)
        with contextlib.suppress(BackendError, TimeoutError):
            async with asyncio.timeout(_RECORDS_S):
                records = await self._records.several([str(rows[0]["doc"]) for rows in documents])
        return [_counting(rows, record) for rows, record in zip(documents, records, strict=True)]

    async def with_passages(self, documents: Sequence[list[Row]], most: int = 3) -> list[list[Row]]:
        """Of each document its best passages with all that is shown of them, best first.

        The first passage where only a name was found; the name's own row where there is no passage.
        """
        wanted = [_shown(rows, most) for rows in documents]
        ids = [id for one in wanted for id in one]
        if not ids:
            return [[] for _ in documents]
        rows = await self._vectors.query(self.name, any_of("id", ids), ("id", *SHOWN))
        found = {str(row["id"]): row for row in rows}
        shown = [[found[id] for id in one if id in found] for one in wanted]
        return [[row for row in one if row["position"] >= 0] or one for one in shown]


class Index:
    """One set of documents under one name, e.g. ``city_pages``.

    ``embeddings`` is the model of a new index, ``next`` another one that may come after it, or was before it.
    """

    def __init__(
        self, name: str, vectors: Vectors, embeddings: Embeddings, state: State, *, next: Embeddings | None = None
    ) -> None:
        self.name = name  # the alias that readers search
        self.vectors = vectors
        self.embeddings = embeddings
        self._bucket = state.bucket(BUCKET)
        models = [embeddings] if next is None else [embeddings, next]
        found = [Collection(name, vectors, model, self._bucket) for model in models]
        self.collections = {collection.name: collection for collection in reversed(found)}  # the first one wins
        self.first = found[0]
        self.next = self.collections[found[-1].name]

    @property
    def collection(self) -> str:
        """The collection of a new index."""
        return self.first.name

    async def live(self) -> Collection | None:
        """The collection that readers search; None before anything was indexed.

        Raises:
            BackendError: Milvus is away, or the alias stands for a model that is not in the settings.
        """
        name = await self.vectors.alias(self.name)
        if name is not None and name not in self.collections:
            known = ", ".join(collection.embeddings.model_id for collection in self.collections.values())
            raise BackendError(
                "vectors",
                f"'{self.name}' stands for {name}, a model that is not in these settings ({known}): "
                "set STADTFUNK_EMBEDDINGS_NEXT__MODEL, __URL and __DIMENSION, or reindex",
            )
        return None if name is None else self.collections[name]

    async def write(self, document: Document) -> int | None:
        """Make a revision findable; the number of its passages, or None when a newer one (or a removal) counts.

        It is written into the other model's collection, too, where there is one.
        """
        live = await self._ensured()
        written = await live.write(document)
        # Looked for only now: a collection made after this is filled by what counts in the live one.
        for other in await self._others(live):
            try:
                await other.write(document)
            except (BackendError, Reject) as error:
                _behind(other, error)
        return written

    async def remove(self, id: str, revision: int) -> bool:
        """Take a document out; False when a newer revision counts. A removal wins over its own revision."""
        live = await self.live() or self.first
        removed = await live.remove(id, revision)
        for other in await self._others(live):
            try:
                await other.remove(id, revision)
            except (BackendError, Reject) as error:
                _behind(other, error)
        return removed

    async def record(self, id: str) -> Record | None:
        """What counts for a document; None: it was never indexed."""
        return await (await self.live() or self.first).records.get(id)

    async def view(self) -> View | None:
        """What readers search; None before anything was indexed.

        Raises:
            BackendError: Milvus is away.
        """
        name = await self.vectors.alias(self.name)
        if name is None:
            return None
        known = self.collections.get(name)
        return View(name, self.vectors, None if known is None else known.embeddings, self.records(name))

    def records(self, collection: str) -> Records:
        """What counts in a collection, whether or not its model is in the settings."""
        return Records(collection, self._bucket)

    async def discard(self, collection: str) -> None:
        """Remove a collection with its rows and records."""
        if await self.vectors.has(collection):
            await self.vectors.drop(collection)
        await self.records(collection).drop()

    async def sweep(self) -> int:
        """Remove rows that a stopped writer left behind; the number of documents that had any."""
        return sum([await collection.sweep() for collection in self.collections.values()])

    async def _ensured(self) -> Collection:
        live = await self.live()
        collection = live or self.first
        if await collection.ensure() or live is None:
            await self.vectors.begin(self.name, collection.name)
        return collection

    async def _others(self, live: Collection) -> list[Collection]:
        return [one for one in self.collections.values() if one is not live and await one.exists()]


def _behind(collection: Collection, error: Exception) -> None:
    """A collection that nobody searches (yet, or any more) fails no event: a reindex catches up before it switches."""
    structlog.get_logger().warning("not written beside the live index", collection=collection.name, exc_info=error)


def _shown(rows: list[Row], most: int) -> list[str]:
    """Ids of the rows to show of a document."""
    if not rows:
        return []
    best = [str(row["id"]) for row in rows if row["position"] >= 0][:most]
    return best or [row_id(str(rows[0]["doc"]), int(rows[0]["revision"]), 0), str(rows[0]["id"])]


def _counting(rows: list[Row], record: Record | None) -> list[Row]:
    least = 0 if record is None else record.revision + record.removed
    # Rows above the record are a revision just written; it is whole once its first row is found.
    newest = max(int(row["revision"]) for row in rows)
    return [row for row in rows if row["revision"] == newest] if newest >= least else []
