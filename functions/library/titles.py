"""Titles: what the catalogue says of each, with a content vector, ready to be found and filtered in Milvus.

The truth is a record a title in the state bucket, advanced by compare-and-set on the revision; the row in Milvus
is written from it, and from it again until the two agree. So a late or doubled event changes nothing, wherever a
writer was stopped. A vector is computed once for a text: a title whose branches change keeps it.
"""

import re
from collections.abc import Sequence
from typing import Any, Final
from zlib import crc32

from pydantic import BaseModel, ConfigDict

from events.library import TitleChanged, TitleRemoved
from shared.backends import Backends
from shared.embeddings import Vector
from shared.errors import BackendError
from shared.filters import any_of, both, equals, holds
from shared.function import on
from shared.knowledge.passages import digest
from shared.state import Conflict
from shared.vectors import Row

RECORDS: Final = "library-titles"  # state bucket: id -> Record
_PAGE: Final = 16_384  # rows one query gives at most
_SHARDS: Final = 256  # a larger catalogue is read in so many pieces
_TEXT: Final = 1_500  # characters of a blurb that the vector sees; e5 reads 512 tokens
_BYTES: Final = {"id": 512, "title": 4_000, "author": 2_000, "series": 2_000, "blurb": 32_000} | dict.fromkeys(
    ("language", "medium", "age_group"), 256
)  # fmt: skip
_LISTS: Final = {"subjects": 32, "branches": 64}
_FIELDS: Final = (*_BYTES, *_LISTS, "year")


class Title(BaseModel):
    """What is known of a title."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    title: str
    author: str = ""
    subjects: tuple[str, ...] = ()
    series: str = ""
    blurb: str = ""
    language: str = ""
    medium: str = ""
    age_group: str = ""
    year: int | None = None
    branches: tuple[str, ...] = ()  # where a copy can be borrowed now

    @property
    def text(self) -> str:
        """What the content vector is made of."""
        parts = (self.title, self.author, self.series, ", ".join(self.subjects), self.blurb[:_TEXT])
        return "\n".join(part for part in parts if part)


class Record(BaseModel):
    """What counts for a title."""

    model_config = ConfigDict(frozen=True)

    revision: int
    title: Title | None  # None: removed


@on(TitleChanged)
async def index_title(changed: TitleChanged, use: Backends) -> None:
    """Take a title's record and make it findable; an older revision changes nothing."""
    await Titles(use).write(Title.model_validate(changed.model_dump()), changed.revision)


@on(TitleRemoved)
async def remove_title(removed: TitleRemoved, use: Backends) -> None:
    """Take a title out: it is recommended no more."""
    await Titles(use).remove(removed.id, removed.revision)


class Titles:
    """The library's titles."""

    def __init__(self, use: Backends) -> None:
        self._vectors = use.vectors
        self._embeddings = use.embeddings
        self._records = use.state.bucket(RECORDS)
        model = re.sub("[^a-z0-9]+", "_", use.embeddings.model_id.lower()).strip("_")
        self.collection = f"{use.settings.library.collection}__{model}"  # vectors of two models never meet

    async def write(self, title: Title, revision: int) -> None:
        """Let this be the title's record, unless a newer revision is known."""
        await self._advance(title.id, Record(revision=revision, title=title))
        await self._project(title.id)

    async def remove(self, id: str, revision: int) -> None:
        """Let there be no such title, unless a newer revision is known."""
        await self._advance(id, Record(revision=revision, title=None))
        await self._project(id)

    async def reindex(self) -> int:
        """Write every row again that is not as its record says: after a loss, or for another embedding model."""
        ids = await self._records.keys()
        for id in ids:
            await self._project(id)
        return len(ids)

    async def ids(self) -> set[str]:
        """The ids of every title there ever was; removed ones too."""
        return set(await self._records.keys())

    async def get(self, ids: Sequence[str]) -> dict[str, Title]:
        """The titles of these ids that there are."""
        if not ids or not await self._vectors.has(self.collection):
            return {}
        rows = await self._vectors.query(self.collection, any_of("id", ids), _FIELDS)
        return {title.id: title for title in map(_title, rows)}

    async def vectors(self, ids: Sequence[str]) -> dict[str, Vector]:
        """The content vectors of these titles."""
        if not ids or not await self._vectors.has(self.collection):
            return {}
        rows = await self._vectors.query(self.collection, any_of("id", ids), ("id", "dense"))
        return {str(row["id"]): [float(number) for number in row["dense"]] for row in rows}

    async def all(self) -> list[tuple[Title, Vector]]:
        """Every title with its content vector, by id: for training."""
        if not await self._vectors.has(self.collection):
            return []
        fields = (*_FIELDS, "dense")
        rows = await self._vectors.query(self.collection, "shard >= 0", fields, limit=_PAGE)
        if len(rows) == _PAGE:
            rows = [
                row
                for shard in range(_SHARDS)
                for row in await self._vectors.query(self.collection, equals("shard", shard), fields, limit=_PAGE)
            ]
        found = [(_title(row), [float(number) for number in row["dense"]]) for row in rows]
        return sorted(found, key=lambda one: one[0].id)

    async def nearest(self, vector: Vector, limit: int, condition: str = "") -> list[tuple[Title, float]]:
        """The titles whose content is nearest, with their cosine, best first; ``condition`` is a Milvus filter."""
        if not await self._vectors.has(self.collection):
            return []
        rows = await self._vectors.search(
            self.collection, "dense", vector, limit=limit, fields=_FIELDS, condition=condition
        )
        return [(_title(row), float(row["distance"])) for row in rows]

    async def _advance(self, id: str, ours: Record) -> None:
        while True:
            entry = await self._records.get(id)
            value = ours.model_dump_json().encode()
            try:
                if entry is None:
                    await self._records.create(id, value)
                elif Record.model_validate_json(entry.value).revision < ours.revision:
                    await self._records.update(id, value, entry.revision)
            except Conflict:
                continue
            return

    async def _project(self, id: str) -> None:
        """Write the row as the record says; once more, should the record have moved on meanwhile."""
        await self._ensure()
        while True:
            entry = await self._records.get(id)
            if entry is None:
                raise BackendError("nats", "a title's record vanished")
            record = Record.model_validate_json(entry.value)
            if record.title is None:
                await self._vectors.delete(self.collection, equals("id", id))
            else:
                await self._put(record.title, record.revision)
            now = await self._records.get(id)
            if now is not None and now.revision == entry.revision:
                return

    async def _put(self, title: Title, revision: int) -> None:
        mark = digest(self._embeddings.model_id, title.text)
        rows = await self._vectors.query(self.collection, equals("id", title.id), ("revision", "digest", "dense"))
        if rows and rows[0]["revision"] == revision:
            return
        if rows and rows[0]["digest"] == mark:
            vector = [float(number) for number in rows[0]["dense"]]
        else:
            (vector,) = await self._embeddings.embed([title.text])
        row: Row = {name: _cut(getattr(title, name), size) for name, size in _BYTES.items()}
        row |= {name: [_cut(word, 1_000) for word in getattr(title, name)[:most]] for name, most in _LISTS.items()}
        row |= {"year": title.year or 0, "shard": crc32(title.id.encode()) % _SHARDS}
        await self._vectors.upsert(self.collection, [row | {"revision": revision, "digest": mark, "dense": vector}])

    async def _ensure(self) -> None:
        if not await self._vectors.has(self.collection):
            await self._vectors.create(self.collection, *_schema(self._embeddings.dimension))


def filter_of(**values: str | None) -> str:
    """A Milvus filter for these fields, those that are None left out; ``branch`` is a place with a copy."""
    return both(
        *(
            holds("branches", value) if name == "branch" else equals(name, value)
            for name, value in values.items()
            if value is not None
        )
    )


def _title(row: Row) -> Title:
    values: dict[str, Any] = {name: row[name] for name in _FIELDS}
    return Title.model_validate(values | {"year": row["year"] or None})


def _cut(text: str, size: int) -> str:
    raw = text.encode("utf-8", "replace")
    return raw.decode() if len(raw) <= size else raw[:size].decode("utf-8", "ignore")


def _schema(dimension: int) -> tuple[Any, Any]:
    from pymilvus import DataType, MilvusClient

    schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    for name, size in _BYTES.items():
        schema.add_field(name, DataType.VARCHAR, max_length=size, is_primary=name == "id")
    for name, most in _LISTS.items():
        schema.add_field(name, DataType.ARRAY, element_type=DataType.VARCHAR, max_capacity=most, max_length=1_000)
    for name in ("year", "shard", "revision"):
        schema.add_field(name, DataType.INT64)
    schema.add_field("digest", DataType.VARCHAR, max_length=64)
    schema.add_field("dense", DataType.FLOAT_VECTOR, dim=dimension)
    index = MilvusClient.prepare_index_params()
    index.add_index("dense", index_type="HNSW", metric_type="COSINE", params={"M": 16, "efConstruction": 200})
    return schema, index
