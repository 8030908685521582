"""Documents in Milvus: written with their revision, found only in the revision that is recorded.

A write puts the passages of the new revision beside the old ones, records the revision by
compare-and-set (a NATS key-value bucket), and removes the older rows. Readers ask the record, so
a superseded passage is never shown, wherever a writer was stopped; ``sweep`` removes what stayed.
The vectors of unchanged passages are taken from the rows of the revision before.

One collection an embedding model (its name carries the model's id), reached by readers through an
alias, so that another model can be indexed beside it and take over at once.
"""

import asyncio
import contextlib
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict

from shared.embeddings import Embeddings, Role, Vector
from shared.errors import BackendError
from shared.knowledge import german
from shared.knowledge.passages import Document, Passage, digest, passages
from shared.state import Conflict, Entry, State
from shared.vectors import Row, Vectors, any_of, below, both, equals

_SPACE = UUID("0b7c7a8e-53d4-5d1b-9d50-6f7d2c6c5b0e")  # a constant of this project; changing it doubles every row
BUCKET = "indexed"
# Longest texts in bytes, as Milvus counts them; the analysed fields grow to many times the passage.
_TEXT, _STEMS, _GRAMS, _SHORT, _TITLE = 32_768, 32_768, 65_535, 1_024, 2_048
_CATEGORIES = 32
_RECORDS_S = 0.5  # a search waits no longer for NATS
SHOWN = (
    "doc", "revision", "position", "title", "heading", "text", "url", "source", "language", "easy",
    "categories", "card",
)  # fmt: skip


_RANKED = ("id", "doc", "revision", "position", "title")  # few, as hundreds of rows are ranked for each search


class Record(BaseModel):
    """Which revision of a document counts."""

    model_config = ConfigDict(frozen=True)

    revision: int
    removed: bool = False
    passages: int = 0


class View:
    """What readers see of an index: the collection behind its alias, and only recorded revisions."""

    def __init__(self, index: "Index", collection: str) -> None:
        self._index = index
        self._collection = collection

    async def nearest(self, field: str, data: Vector | str, limit: int, condition: str = "") -> list[Row]:
        """Rows nearest to a vector or a text of terms, best first: id, doc, revision, position, title, distance."""
        return await self._index.vectors.search(
            self._collection, field, data, limit=limit, fields=_RANKED, condition=condition
        )

    async def current(self, documents: Sequence[list[Row]]) -> list[list[Row]]:
        """Of each document's rows those of the revision that counts; none of one that was removed."""
        records = await self._index.records(self._collection, [str(rows[0]["doc"]) for rows in documents])
        return [_counting(rows, record) for rows, record in zip(documents, records, strict=True)]

    async def with_passages(self, documents: Sequence[list[Row]], most: int = 3) -> list[list[Row]]:
        """Of each document its best passages with all that is shown of them, best first.

        The first passage where only a name was found; the name's own row where there is no passage.
        """
        wanted = [_shown(rows, most) for rows in documents]
        ids = [id for one in wanted for id in one]
        if not ids:
            return [[] for _ in documents]
        rows = await self._index.vectors.query(self._collection, any_of("id", ids), ("id", *SHOWN))
        found = {str(row["id"]): row for row in rows}
        shown = [[found[id] for id in one if id in found] for one in wanted]
        return [[row for row in one if row["position"] >= 0] or one for one in shown]


class Index:
    """One set of documents under one name, e.g. ``city_pages``."""

    def __init__(self, name: str, vectors: Vectors, embeddings: Embeddings, state: State) -> None:
        self.name = name  # the alias that readers search
        self.collection = f"{name}__{re.sub('[^a-z0-9]+', '_', embeddings.model_id.lower()).strip('_')}"
        self.vectors = vectors
        self.embeddings = embeddings
        self._records = state.bucket(BUCKET)

    async def write(self, document: Document) -> int | None:
        """Make a revision findable; the number of its passages, or None when a newer one (or a removal) counts.

        A repeat embeds and writes nothing.
        """
        await self._ensure()
        known = await self.record(document.id)
        if known is None or known[0].revision < document.revision:
            found = await asyncio.to_thread(passages, document)
            await self._put(document, found)
            ours = Record(revision=document.revision, passages=len(found))
            known = (await self._advance(document.id, ours), 0)
            if known[0].revision != document.revision or known[0].removed:
                # A newer revision was recorded meanwhile: what was just written never counted.
                await self._drop(document.id, equals("revision", document.revision))
        if known[0].revision != document.revision or known[0].removed:
            return None
        await self._drop(document.id, below("revision", document.revision))
        return known[0].passages

    async def remove(self, id: str, revision: int) -> bool:
        """Take a document out; False when a newer revision counts. A removal wins over its own revision."""
        record = await self._advance(id, Record(revision=revision, removed=True))
        if record.revision != revision:
            return False
        await self._drop(id, below("revision", revision + 1))
        return True

    async def record(self, id: str) -> tuple[Record, int] | None:
        """What counts for a document, with the key's own revision; None: it was never indexed."""
        entry = await self._records.get(self._key(id))
        return None if entry is None else (Record.model_validate_json(entry.value), entry.revision)

    async def records(self, collection: str, ids: Sequence[str]) -> list[Record | None]:
        """The records of several documents; all None while NATS is away, as a search goes on without."""
        try:
            async with asyncio.timeout(_RECORDS_S):
                entries = await asyncio.gather(*(self._records.get(f"{collection}/{id}") for id in ids))
        except (BackendError, TimeoutError):
            return [None] * len(ids)
        return [None if entry is None else Record.model_validate_json(entry.value) for entry in entries]

    async def view(self) -> View | None:
        """What readers search; None before anything was indexed.

        Raises:
            BackendError: Milvus is away, or the alias stands for vectors of another model.
        """
        collection = await self.vectors.alias(self.name)
        if collection is None:
            return None
        if collection != self.collection:
            raise BackendError("vectors", f"'{self.name}' stands for {collection}, not for {self.collection}")
        return View(self, collection)

    async def sweep(self) -> int:
        """Remove rows that a stopped writer left behind; the number of documents that had any."""
        if not await self.vectors.has(self.collection):
            return 0
        rows = await self.vectors.query(self.collection, "position <= 0", ("doc", "revision"))
        swept = 0
        for id in sorted({str(row["doc"]) for row in rows}):
            known = await self.record(id)
            if known is not None:
                swept += await self._drop(id, below("revision", known[0].revision + known[0].removed))
        return swept

    def _key(self, id: str) -> str:
        return f"{self.collection}/{id}"

    async def _ensure(self) -> None:
        if await self.vectors.has(self.collection):
            return
        before = [(key, await self._records.get(key)) for key in await self._records.keys() if self._owns(key)]
        if await self.vectors.create(self.collection, *_schema(self.embeddings.dimension)):
            for key, entry in before:
                # The collection is new, so what was recorded of an earlier one is not in it; what was removed stays so.
                if entry is not None and not Record.model_validate_json(entry.value).removed:
                    with contextlib.suppress(Conflict):
                        await self._records.update(key, Record(revision=0).model_dump_json().encode(), entry.revision)
        if await self.vectors.alias(self.name) is None:
            await self.vectors.point(self.name, self.collection)

    def _owns(self, key: str) -> bool:
        return key.startswith(self._key(""))

    async def _advance(self, id: str, ours: Record) -> Record:
        """Record ``ours`` unless something newer is recorded; returns what counts now."""
        while True:
            entry: Entry | None = await self._records.get(self._key(id))
            value = ours.model_dump_json().encode()
            try:
                if entry is None:
                    await self._records.create(self._key(id), value)
                    return ours
                there = Record.model_validate_json(entry.value)
                if (there.revision, there.removed) >= (ours.revision, ours.removed):
                    return there
                await self._records.update(self._key(id), value, entry.revision)
            except Conflict:
                continue
            return ours

    async def _put(self, document: Document, found: Sequence[Passage]) -> None:
        entries = _entries(document, found)
        digests = [digest(self.embeddings.model_id, f"{entry.role}\x1f{entry.text}") for entry in entries]
        kept = await self._kept(document.id, digests)
        for role in ("query", "passage"):
            wanted = {
                mark: entry.text
                for mark, entry in zip(digests, entries, strict=True)
                if entry.role == role and mark not in kept
            }
            kept |= dict(zip(wanted, await self.embeddings.embed(list(wanted.values()), role), strict=True))
        rows = await asyncio.to_thread(_rows, document, entries, [kept[mark] for mark in digests], digests)
        await self.vectors.upsert(self.collection, rows)

    async def _kept(self, id: str, digests: Iterable[str]) -> dict[str, Vector]:
        """Vectors of earlier revisions, by digest."""
        condition = both(equals("doc", id), any_of("digest", sorted(set(digests))))
        rows = await self.vectors.query(self.collection, condition, ("digest", "dense"))
        return {str(row["digest"]): [float(number) for number in row["dense"]] for row in rows}

    async def _drop(self, id: str, condition: str) -> bool:
        if not await self.vectors.has(self.collection):
            return False
        condition = both(equals("doc", id), condition)
        if not await self.vectors.query(self.collection, condition, ("id",), limit=1):
            return False
        await self.vectors.delete(self.collection, condition)
        return True


def _shown(rows: list[Row], most: int) -> list[str]:
    """Ids of the rows to show of a document."""
    if not rows:
        return []
    best = [str(row["id"]) for row in rows if row["position"] >= 0][:most]
    return best or [_id(str(rows[0]["doc"]), int(rows[0]["revision"]), 0), str(rows[0]["id"])]


def _id(doc: str, revision: int, position: int) -> str:
    return str(uuid5(_SPACE, f"{doc}\x1f{revision}\x1f{position}"))


def _counting(rows: list[Row], record: Record | None) -> list[Row]:
    least = 0 if record is None else record.revision + record.removed
    # Rows above the record are a revision just written; it is whole once its first row is found.
    newest = max(int(row["revision"]) for row in rows)
    return [row for row in rows if row["revision"] == newest] if newest >= least else []


class _Entry(NamedTuple):
    """What becomes a row: a passage, or (below position 0) a name of the document."""

    position: int
    text: str  # as it is embedded
    role: Role
    words: str  # as it is searched by word
    passage: Passage | None


def _entries(document: Document, found: Sequence[Passage]) -> list[_Entry]:
    # A name is as short as a query, and they are compared as equals: both in the query's role.
    names = [document.title, ", ".join(document.synonyms)]
    entries = [
        _Entry(-1 - number, name, "query", name, None) for number, name in enumerate(names) if german.has_words(name)
    ]
    for passage in found:
        words = " ".join((document.title, *document.synonyms, *passage.headings, passage.text))
        entries.append(
            _Entry(passage.position, f"{passage.context(document)}\n{passage.text}", "passage", words, passage)
        )
    return entries


def _rows(
    document: Document, entries: Sequence[_Entry], vectors: Sequence[Vector], digests: Sequence[str]
) -> list[Row]:
    shared: Row = {
        "doc": document.id,
        "revision": document.revision,
        "title": _fitting(document.title, _TITLE),
        "url": _fitting(document.url, _TITLE),
        "source": _fitting(document.source, _SHORT),
        "language": _fitting(document.language, _SHORT),
        "easy": document.easy,
        "categories": [_fitting(name, _SHORT) for name in document.categories[:_CATEGORIES]],
        "card": dict(document.facts),
    }
    return [
        shared
        | {
            "id": _id(document.id, document.revision, entry.position),
            "position": entry.position,
            "heading": _fitting(" › ".join(entry.passage.headings), _TITLE) if entry.passage else "",
            "text": _fitting(entry.passage.text, _TEXT) if entry.passage else "",
            "digest": mark,
            "dense": vector,
            "stems": _fitting(german.stems(entry.words), _STEMS),
            "grams": _fitting(german.grams(entry.words), _GRAMS),
        }
        for entry, vector, mark in zip(entries, vectors, digests, strict=True)
    ]


def _fitting(text: str, size: int) -> str:
    """A text cut to ``size`` bytes of UTF-8."""
    raw = text.encode("utf-8", "replace")
    return raw.decode() if len(raw) <= size else raw[:size].decode("utf-8", "ignore")


def _schema(dimension: int) -> tuple[Any, Any]:
    from pymilvus import DataType, Function, FunctionType, MilvusClient

    schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("id", DataType.VARCHAR, max_length=64, is_primary=True)
    schema.add_field("doc", DataType.VARCHAR, max_length=_SHORT)
    schema.add_field("revision", DataType.INT64)
    schema.add_field("position", DataType.INT64)
    for name, size in (("title", _TITLE), ("heading", _TITLE), ("text", _TEXT), ("url", _TITLE)):
        schema.add_field(name, DataType.VARCHAR, max_length=size)
    for name in ("source", "language"):
        schema.add_field(name, DataType.VARCHAR, max_length=_SHORT)
    schema.add_field("easy", DataType.BOOL)
    schema.add_field(
        "categories", DataType.ARRAY, element_type=DataType.VARCHAR, max_capacity=_CATEGORIES, max_length=_SHORT
    )
    schema.add_field("card", DataType.JSON)
    schema.add_field("digest", DataType.VARCHAR, max_length=64)
    schema.add_field("dense", DataType.FLOAT_VECTOR, dim=dimension)
    index = MilvusClient.prepare_index_params()
    index.add_index("dense", index_type="HNSW", metric_type="COSINE", params={"M": 16, "efConstruction": 200})
    for name, size in (("stems", _STEMS), ("grams", _GRAMS)):
        schema.add_field(
            name, DataType.VARCHAR, max_length=size, enable_analyzer=True, analyzer_params={"type": "standard"}
        )
        schema.add_field(f"{name}_bm25", DataType.SPARSE_FLOAT_VECTOR)
        schema.add_function(
            Function(
                name=f"{name}_to_bm25",
                function_type=FunctionType.BM25,
                input_field_names=[name],
                output_field_names=[f"{name}_bm25"],
            )
        )
        index.add_index(f"{name}_bm25", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25")
    return schema, index
