"""The documents of an index under one embedding model, in one Milvus collection.

A write puts the passages of the new revision beside the old ones, records the revision by
compare-and-set (a NATS key-value bucket), and removes the older rows. Readers ask the record, so
a superseded passage is never shown, wherever a writer was stopped; ``sweep`` removes what stayed.
The vectors of unchanged passages are taken from the rows of the revision before.
"""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence

from pydantic import BaseModel, ConfigDict

from shared.embeddings import Embeddings, Vector
from shared.knowledge.passages import Document, Passage, digest, passages
from shared.knowledge.rows import entries_of, rows_of, schema
from shared.state import Bucket, Conflict, Entry
from shared.vectors import Vectors, any_of, below, both, equals

BUCKET = "indexed"
_AT_ONCE = 64  # records read at once
_ROWS = 8_000  # rows asked for at once; Milvus gives 16,384 at most


class Record(BaseModel):
    """Which revision of a document counts."""

    model_config = ConfigDict(frozen=True)

    revision: int
    removed: bool = False
    passages: int = 0

    @property
    def age(self) -> tuple[int, bool]:
        """What is greater counts; a removal wins over its own revision."""
        return self.revision, self.removed


class Collection:
    """The documents of the index ``index`` as one model sees them."""

    def __init__(self, index: str, vectors: Vectors, embeddings: Embeddings, records: Bucket) -> None:
        self.name = f"{index}__{re.sub('[^a-z0-9]+', '_', embeddings.model_id.lower()).strip('_')}"
        self.vectors = vectors
        self.embeddings = embeddings
        self._records = records

    async def exists(self) -> bool:
        """Whether it was made."""
        return await self.vectors.has(self.name)

    async def ensure(self) -> bool:
        """Make it where it is not there; whether it was made here."""
        if await self.exists():
            return False
        before = [(key, await self._records.get(key)) for key in await self._keys()]
        if not await self.vectors.create(self.name, *schema(self.embeddings.dimension)):
            return False
        for key, entry in before:
            # The collection is new, so what was recorded of an earlier one is not in it; what was removed stays so.
            if entry is not None and not Record.model_validate_json(entry.value).removed:
                await self._forget(key, entry)
        return True

    async def write(self, document: Document) -> int | None:
        """Write a revision; the number of its passages, or None when a newer one (or a removal) counts.

        A repeat embeds and writes nothing.

        Raises:
            CollectionMissing: it is not there (any more).
        """
        known = await self.record(document.id)
        if known is None or known.revision < document.revision:
            found = await asyncio.to_thread(passages, document)
            await self._put(document, found)
            known = await self._advance(document.id, Record(revision=document.revision, passages=len(found)))
            if known.revision != document.revision or known.removed:
                # A newer revision was recorded meanwhile: what was just written never counted.
                await self._drop(document.id, equals("revision", document.revision))
        if known.revision != document.revision or known.removed:
            return None
        await self._drop(document.id, below("revision", document.revision))
        return known.passages

    async def remove(self, id: str, revision: int) -> bool:
        """Take a document out; False when a newer revision counts."""
        record = await self._advance(id, Record(revision=revision, removed=True))
        if record.revision != revision:
            return False
        await self._drop(id, below("revision", revision + 1))
        return True

    async def record(self, id: str) -> Record | None:
        """What counts for a document; None: it was never indexed here."""
        entry = await self._records.get(self._key(id))
        return None if entry is None else Record.model_validate_json(entry.value)

    async def recorded(self) -> dict[str, Record]:
        """What counts for every document that was ever indexed here."""
        return {id: record async for id, record, _ in self._entries()}

    async def mend(self) -> int:
        """Forget the records of documents whose rows are not all there; how many: they are to be written again."""
        if not await self.exists():
            return 0
        mended = 0
        batch: list[tuple[str, Record, Entry]] = []
        size = 0
        async for one in self._entries():
            if not one[1].removed and one[1].passages:
                batch.append(one)
                size += 2 * one[1].passages
            if size > _ROWS:
                mended += await self._mend(batch)
                batch, size = [], 0
        return mended + (await self._mend(batch) if batch else 0)

    async def sweep(self) -> int:
        """Remove rows that a stopped writer left behind; the number of documents that had any."""
        if not await self.exists():
            return 0
        swept = 0
        async for id, record, _ in self._entries():
            swept += await self._drop(id, below("revision", record.revision + record.removed))
        return swept

    async def drop(self) -> None:
        """Remove it with its rows and records."""
        if await self.exists():
            await self.vectors.drop(self.name)
        for key in await self._keys():
            await self._records.delete(key)

    def _key(self, id: str) -> str:
        return f"{self.name}/{id}"

    async def _keys(self) -> list[str]:
        return [key for key in await self._records.keys() if key.startswith(self._key(""))]

    async def _entries(self) -> AsyncIterator[tuple[str, Record, Entry]]:
        keys = sorted(await self._keys())
        for start in range(0, len(keys), _AT_ONCE):
            part = keys[start : start + _AT_ONCE]
            for key, entry in zip(part, await asyncio.gather(*map(self._records.get, part)), strict=True):
                if entry is not None:
                    yield key.removeprefix(self._key("")), Record.model_validate_json(entry.value), entry

    async def _mend(self, batch: Sequence[tuple[str, Record, Entry]]) -> int:
        condition = both(any_of("doc", [id for id, _, _ in batch]), "position >= 0")
        rows = await self.vectors.query(self.name, condition, ("doc", "revision"))
        there = Counter((str(row["doc"]), int(row["revision"])) for row in rows)
        lost = [(id, entry) for id, record, entry in batch if there[id, record.revision] < record.passages]
        for id, entry in lost:
            await self._forget(self._key(id), entry)
        return len(lost)

    async def _forget(self, key: str, entry: Entry) -> None:
        with contextlib.suppress(Conflict):  # written anew meanwhile
            await self._records.update(key, Record(revision=0).model_dump_json().encode(), entry.revision)

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
                if there.age >= ours.age:
                    return there
                await self._records.update(self._key(id), value, entry.revision)
            except Conflict:
                continue
            return ours

    async def _put(self, document: Document, found: Sequence[Passage]) -> None:
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
