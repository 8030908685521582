"""Milvus Lite as a server that behaves as a Milvus server does in two things: BM25, and a drop during a flush.

``python -m infra.stack.milvus …`` takes the arguments of ``milvus-lite server``. Milvus Lite takes the number of
rows, their mean length and how many have a word from each segment alone. What was written last lies in a small
segment of its own, where every word of a page is common: a page that was just changed ranked low for its own words.
Here the figures are summed over all segments at each search; a segment's postings stay as they are, and nothing is
compacted or written again. Made for the pinned version; a test holds a re-indexed page's place.

A flush that still runs while its collection is dropped writes into the folder that is being removed: the drop failed
half done, and the name could not be used again. Here one waits for the other.
"""

import sys
import threading
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from typing import Any

import numpy as np
from milvus_lite.analyzer.sparse import bytes_to_sparse
from milvus_lite.cmdline import main as command
from milvus_lite.db import DEFAULT_DATABASE_NAME, MilvusLite
from milvus_lite.engine.collection import Collection
from milvus_lite.index import sparse_factory
from milvus_lite.index.sparse_common import empty_results, validate_mask
from milvus_lite.index.sparse_inverted import SparseInvertedIndex

_SEGMENTS: ContextVar[tuple["Segment", ...]] = ContextVar("segments", default=())  # of the field being searched
_search_segments = Collection._search_sparse
_create = sparse_factory.create_sparse_index
_flush_collection = Collection._trigger_flush
_drop_collection = MilvusLite.drop_collection


class Segment(SparseInvertedIndex):  # type: ignore[misc]  # untyped package
    """One segment's postings, scored by the figures of all segments."""

    def __init__(self, k1: float, b: float) -> None:
        super().__init__(k1, b)
        self._arrays: dict[int, tuple[Any, Any]] = {}  # term -> rows that have it, how often each

    def search(self, queries: list[dict[int, float]], top_k: int, valid_mask: Any = None) -> tuple[Any, Any]:
        """The best rows a query: (numbers, distances), each (queries, top_k); padded with -1 and infinity."""
        mask = validate_mask(valid_mask, len(self._doc_lengths))
        numbers, distances = empty_results(len(queries), top_k)
        # Rows that are not flushed come as a segment that is in no list.
        segments = _SEGMENTS.get()
        segments = segments if self in segments else (*segments, self)
        rows = sum(segment.doc_count for segment in segments)
        length = sum(segment.doc_count * segment.avgdl for segment in segments)
        if not self.doc_count or not length:
            return numbers, distances
        damping = self.k1 * (1 - self.b + self.b * self._doc_lengths * (rows / length))
        for query, terms in enumerate(queries):
            scores = np.zeros(len(self._doc_lengths))
            for term, weight in terms.items():
                if term in self._posting_lists:
                    having = sum(segment._df.get(term, 0) for segment in segments)
                    places, counts = self._array(term)
                    rarity = np.log1p((rows - having + 0.5) / (having + 0.5))
                    scores[places] += weight * rarity * counts * (self.k1 + 1) / (counts + damping[places])
            if mask is not None:
                scores[~mask] = 0
            found = np.flatnonzero(scores)
            best = found[np.argsort(-scores[found], kind="stable")[:top_k]]
            numbers[query, : len(best)] = best
            distances[query, : len(best)] = -scores[best]
        return numbers, distances

    def _array(self, term: int) -> tuple[Any, Any]:
        if term not in self._arrays:
            places, counts = zip(*self._posting_lists[term], strict=True)
            self._arrays[term] = np.array(places), np.array(counts, dtype=np.float64)
        return self._arrays[term]


def _created(metric: str, params: dict[str, Any]) -> Any:
    index = _create(metric, params)
    return Segment(index.k1, index.b) if isinstance(index, SparseInvertedIndex) else index


def _search(
    self: Any, query_vectors: Any, vector_field: str, top_k: int, metric_type: str, *more: Any, **named: Any
) -> Any:
    """As Milvus Lite searches, with every segment's figures at hand before the first is scored."""
    token = _SEGMENTS.set(_segments(self, vector_field) if metric_type == "BM25" else ())
    try:
        return _search_segments(self, query_vectors, vector_field, top_k, metric_type, *more, **named)
    finally:
        _SEGMENTS.reset(token)


def _segments(collection: Any, field: str) -> tuple[Segment, ...]:
    spec = collection._index_specs.get(field)
    params = spec.build_params if spec else {}
    found = []
    for segment in collection._segments_snapshot():
        if segment.table is None or not len(segment.table):
            continue
        index = segment.sparse_indexes.get(field)
        if not sparse_factory.sparse_index_matches(index, "BM25", params):
            index = _created("BM25", params)
            stored = segment.table.column(field).to_pylist()
            index.build([bytes_to_sparse(one) if isinstance(one, bytes) else one or {} for one in stored])
            segment.sparse_indexes[field] = index
        found.append(index)
    return tuple(found)


def _flush(self: Any) -> None:
    with _sealing(self):
        if not self._bg_closed:  # dropped while this waited
            _flush_collection(self)


def _drop(self: Any, name: str, database_name: str = DEFAULT_DATABASE_NAME) -> None:
    key = database_name, self.resolve_collection_name(name, database_name=database_name)
    with _sealing(self._collections.get(key)):
        _drop_collection(self, name, database_name)


def _sealing(collection: Any) -> AbstractContextManager[Any]:
    """Held by who writes a collection's folder or removes it; a collection that nobody opened has no writers."""
    if collection is None:
        return nullcontext()
    lock: AbstractContextManager[Any] = vars(collection).setdefault("sealing", threading.RLock())
    return lock


def main() -> int:
    """Serve until told to stop."""
    Collection._trigger_flush, MilvusLite.drop_collection = _flush, _drop
    sparse_factory.create_sparse_index = _created
    Collection._search_sparse = _search
    return int(command(["server", *sys.argv[1:]]) or 0)


if __name__ == "__main__":
    raise SystemExit(main())
