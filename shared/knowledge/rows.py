"""What of a document stands in a row of Milvus: its names and passages, analysed for search by word."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from shared.embeddings import Role, Vector
from shared.knowledge import german
from shared.knowledge.passages import Document, Passage
from shared.vectors import Row

_SPACE = UUID("0b7c7a8e-53d4-5d1b-9d50-6f7d2c6c5b0e")  # a constant of this project; changing it doubles every row
# Longest texts in bytes, as Milvus counts them; the analysed fields grow to many times the passage.
_TEXT, _STEMS, _GRAMS, _SHORT, _TITLE = 32_768, 32_768, 65_535, 1_024, 2_048
_CATEGORIES = 32
SHOWN = (
    "doc", "revision", "position", "title", "heading", "text", "url", "source", "language", "easy",
    "categories", "card",
)  # fmt: skip
# Beside a document's facts, as an index made before there were pages has no other field for it.
PAGE = "_page"
TITLE, SYNONYMS, LINKS = -1, -2, -3  # positions of the rows that are no passages
# Passages are of one length anyway, and names are short by nature: little is owed to length (0.1 to 0.3 find alike).
_BM25 = {"bm25_k1": 1.2, "bm25_b": 0.2}
RANKED = ("id", "doc", "revision", "position", "title")  # few, as hundreds of rows are ranked for each search


def row_id(doc: str, revision: int, position: int) -> str:
    """The primary key of a row: equal in every repeat."""
    return str(uuid5(_SPACE, f"{doc}\x1f{revision}\x1f{position}"))


class Entry(NamedTuple):
    """What becomes a row: a passage, or (below position 0) a name of the document or its links."""

    position: int
    text: str  # as it is embedded
    role: Role
    words: str  # as it is searched by word
    passage: Passage | None


def entries_of(document: Document, found: Sequence[Passage]) -> list[Entry]:
    """A document's names, its links and its passages."""
    # A name is as short as a query, and they are compared as equals: both in the query's role.
    names = [(TITLE, document.title), (SYNONYMS, ", ".join(document.synonyms))]
    entries = [Entry(position, name, "query", name, None) for position, name in names if german.has_words(name)]
    if document.links:
        words = " ".join((document.title, *document.synonyms, *document.links))
        entries.append(Entry(LINKS, "\n".join((document.title, *document.links)), "passage", words, None))
    for passage in found:
        words = " ".join((document.title, *document.synonyms, *passage.headings, passage.text))
        entries.append(
            Entry(passage.position, f"{passage.context(document)}\n{passage.text}", "passage", words, passage)
        )
    return entries


def rows_of(
    document: Document, entries: Sequence[Entry], vectors: Sequence[Vector], digests: Sequence[str]
) -> list[Row]:
    """The entries as Milvus takes them; all three sequences are parallel."""
    shared: Row = {
        "doc": document.id,
        "revision": document.revision,
        "title": _fitting(document.title, _TITLE),
        "url": _fitting(document.url, _TITLE),
        "source": _fitting(document.source, _SHORT),
        "language": _fitting(document.language, _SHORT),
        "easy": document.easy,
        "categories": [_fitting(name, _SHORT) for name in document.categories[:_CATEGORIES]],
    }
    return [
        shared
        | {
            "id": row_id(document.id, document.revision, entry.position),
            "position": entry.position,
            "heading": _fitting(" › ".join(entry.passage.headings), _TITLE) if entry.passage else "",
            "text": _fitting(entry.passage.text, _TEXT) if entry.passage else "",
            "card": dict(document.facts) | ({PAGE: entry.passage.page} if entry.passage and entry.passage.page else {}),
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


def schema(dimension: int) -> tuple[Any, Any]:
    """Fields and indexes of a collection whose vectors have ``dimension`` numbers."""
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
        # Nested, as Milvus Lite reads no other; Milvus reads both.
        index.add_index(
            f"{name}_bm25", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25", params={"params": _BM25}
        )
    return schema, index
