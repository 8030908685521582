"""The documents of an index under one embedding model, in one Milvus collection.

A write puts the passages of the new revision beside the old ones, records the revision by
compare-and-set (a NATS key-value bucket), and removes the older rows. Readers ask the record, so
a superseded passage is never shown, wherever a writer was stopped; ``sweep`` removes what stayed.
The vectors of unchanged passages are taken from the rows of the revision before.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from shared.embeddings import Embeddings, Vector
from shared.filters import any_of, below, both, equals, none_of
from shared.knowledge.passages import Document, Passage, digest, passages
from shared.knowledge.records import Record, Recorded, Records
from shared.knowledge.rows import entries_of, rows_of, schema
from shared.state import Bucket
from shared.vectors import Vectors

_FLUSHED_S = 1.0
_ROWS = 5_000  # rows asked for at once, a batch's last document aside; Milvus gives 16,384 at most


class Collection:
    """The documents of the index ``index`` as one model sees them."""

    def __init__(self, index: str, vectors: Vectors, embeddings: Embeddings, records: Bucket) -> None:
        self.name = f"{index}__{re.sub('[^a-z0-9]+', '_', embeddings.model_id.lower()).strip('_')}"
        self.vectors = vectors
        self.embeddings = embeddings
        self.records = Records(self.name, records)

    async def exists(self) -> bool:
        """Whether it was made."""
        return await self.vectors.has(self.name)

    async def ensure(self) -> bool:
        """Make it where it is not there; whether it was made here."""
        if await self.exists():
            return False
        before = [one async for one in self.records.each()]
        if not await self.vectors.create(self.name, *schema(self.embeddings.dimension)):
            return False
        for one in before:
            # The collection is new, so what was recorded of an earlier one is not in it; what was removed stays so.
            if not one.record.removed:
                await self.records.forget(one)
        return True

    async def write(self, document: Document) -> int | None:
        """Write a revision; the number of its passages, or None when a newer one (or a removal) counts.

        A repeat embeds and writes nothing.

        Raises:
            CollectionMissing: it is not there (any more).
        """
        known = await self.records.get(document.id)
        if known is None or known.revision < document.revision:
            found = await asyncio.to_thread(passages, document)
            written = await self._put(document, found)
            if known is not None and not known.revision:
                # Rows of this very revision, as a version of this program wrote them that splits otherwise.
                await self._drop(document.id, both(equals("revision", document.revision), none_of("id", written)))
            known = await self.records.advance(document.id, Record(revision=document.revision, passages=len(found)))
            if known.revision != document.revision or known.removed:
                # A newer revision was recorded meanwhile: what was just written never counted.
                await self._drop(document.id, equals("revision", document.revision))
        if known.revision != document.revision or known.removed:
            return None
        await self._drop(document.id, below("revision", document.revision))
        return known.passages

    async def remove(self, id: str, revision: int) -> bool:
        """Take a document out; False when a newer revision counts."""
        record = await self.records.advance(id, Record(revision=revision, removed=True))
        if record.revision != revision:
            return False
        await self._drop(id, below("revision", revision + 1))
        return True

    async def mend(self) -> int:
        """Forget the records of documents whose rows are not all there; how many: they are to be written again."""
        if not await self.exists():
            return 0
        mended = 0
        batch: list[Recorded] = []
        async for one in self.records.each():
            if one.record.found and one.record.passages:
                batch.append(one)
            if sum(known.record.passages for known in batch) > _ROWS:
                mended += await self._mend(batch)
                batch = []
        return mended + await self._mend(batch)

    async def renew(self) -> None:
        """Let every document be written again; what is found stays so meanwhile, and its vectors are taken over."""
        async for one in self.records.each():
            if one.record.found:
                await self.records.forget(one)

    async def sweep(self) -> int:
        """Remove rows that a stopped writer left behind; the number of documents that had any."""
        if not await self.exists():
            return 0
        swept = 0
        async for id, record, _ in self.records.each():
            swept += await self._drop(id, below("revision", record.revision + record.removed))
        return swept

    async def _mend(self, batch: Sequence[Recorded]) -> int:
        lost = await self._lost(batch)
        if lost:
            # What Milvus Lite is just flushing it does not show: look again.
            await asyncio.sleep(_FLUSHED_S)
            lost = await self._lost(lost)
        for one in lost:
            await self.records.forget(one)
        return len(lost)

    async def _lost(self, batch: Sequence[Recorded]) -> list[Recorded]:
        if not batch:
            return []
        condition = both(any_of("doc", [one.id for one in batch]), "position >= 0")
        rows = await self.vectors.query(self.name, condition, ("doc", "revision"))
        there = Counter((str(row["doc"]), int(row["revision"])) for row in rows)
        return [one for one in batch if there[one.id, one.record.revision] < one.record.passages]

    async def _put(self, document: Document, found: Sequence[Passage]) -> list[str]:
        entries = entries_of(document, found)
        digests = [digest(self.embeddings.model_id, f"{entry.role}\x1f{entry.text}") for entry in entries]
        kept = await self._kept(document.id, digests)
        for role in ("query", "passage"):
            wanted = {
                mark: entry.text
                for mark, entry in zip(digests, entries, strict=True)
                if entry.role == role and mark not in kept
            }
            kept |= dict(zip(wanted, await self.embeddings.embed(list(wanted.values()), role), strict=True))
        rows = await asyncio.to_thread(rows_of, document, entries, [kept[mark] for mark in digests], digests)
        await self.vectors.upsert(self.name, rows)
        return [str(row["id"]) for row in rows]

    async def _kept(self, id: str, digests: Iterable[str]) -> dict[str, Vector]:
        """Vectors of earlier revisions, by digest."""
        condition = both(equals("doc", id), any_of("digest", sorted(set(digests))))
        rows = await self.vectors.query(self.name, condition, ("digest", "dense"))
        return {str(row["digest"]): [float(number) for number in row["dense"]] for row in rows}

    async def _drop(self, id: str, condition: str) -> bool:
        if not await self.exists():
            return False
        condition = both(equals("doc", id), condition)
        if not await self.vectors.query(self.name, condition, ("id",), limit=1):
            return False
        await self.vectors.delete(self.name, condition)
        return True
