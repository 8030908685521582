"""Versions of the model in S3, and which one is live.

``models/<version>/`` holds ``neighbours.parquet``, ``titles.parquet``, ``card.json`` and ``card.md``. The version is
the digest of the lists, so the same loans give the same version. A small pointer in the state bucket says which one
is live; it moves by compare-and-set, so of two trainings at once the one that read an older pointer gives way.
"""

import asyncio
import hashlib
import io
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict
from scipy.sparse import csr_matrix

from functions.library.model.card import Card
from functions.library.model.neighbours import Model
from shared.backends import Backends
from shared.state import Entry

PREFIX: Final = "models/"
STATE: Final = "library-model"  # state bucket: "live" -> Live
_KEPT: Final = 5  # versions that lie ready to be taken back
_OLD_S: Final = 5.0  # a change of the live model shows after so long
_FOREVER: Final = float("inf")


class Live(BaseModel):
    """The pointer."""

    model_config = ConfigDict(frozen=True)

    version: str
    before: tuple[str, ...] = ()  # earlier ones, the last first


def packed(model: Model) -> tuple[str, dict[str, bytes]]:
    """The version, and the files of a model without its card."""
    titles = pa.table(
        {
            "title": pa.array(model.titles.tolist(), pa.string()),
            "loans": pa.array(model.loans, pa.int64()),
            "prior": pa.array(model.prior, pa.float32()),
        }
    )
    cells = (_marked(model.by_loans) + _marked(model.by_content)).tocoo()
    order = np.lexsort((cells.col, cells.row))
    source, target = cells.row[order], cells.col[order]
    neighbours = pa.table(
        {
            "source": pa.array(source, pa.int32()),
            "target": pa.array(target, pa.int32()),
            "loans": pa.array(_at(model.by_loans, source, target), pa.float32()),
            "content": pa.array(_at(model.by_content, source, target), pa.float32()),
            "readers": pa.array(_at(model.readers, source, target).astype(np.int32), pa.int32()),
        }
    )
    neighbours = neighbours.replace_schema_metadata({"popular": repr(model.popular), "fading": repr(model.fading)})
    files = {"titles.parquet": _written(titles), "neighbours.parquet": _written(neighbours)}
    digest = hashlib.sha256(b"".join(files.values()))
    return digest.hexdigest()[:16], files


def unpacked(version: str, files: dict[str, bytes], card: Card) -> Model:
    """The model of these files."""
    titles = pq.read_table(io.BytesIO(files["titles.parquet"]))
    neighbours = pq.read_table(io.BytesIO(files["neighbours.parquet"]))
    size = titles.num_rows
    rows, columns = neighbours["source"].to_numpy(), neighbours["target"].to_numpy()

    def matrix(name: str) -> Any:
        values = neighbours[name].to_numpy().astype(np.float32)
        kept = values != 0
        found = csr_matrix((values[kept], (rows[kept], columns[kept])), shape=(size, size), dtype=np.float32)
        found.sort_indices()
        return found

    return Model(
        version=version,
        titles=np.asarray(titles["title"].to_pylist(), dtype=str),
        loans=titles["loans"].to_numpy(),
        prior=titles["prior"].to_numpy(),
        by_loans=matrix("loans"),
        by_content=matrix("content"),
        readers=matrix("readers"),
        popular=float(neighbours.schema.metadata[b"popular"]),
        fading=float(neighbours.schema.metadata.get(b"fading", 0.0)),
        card=card.model_dump(mode="json"),
    )


async def save(use: Backends, model: Model, card: Card) -> str:
    """Store a model under its version, which is returned; it is not live yet."""
    version, files = await asyncio.to_thread(packed, model)
    files |= {"card.json": card.model_dump_json(indent=2).encode(), "card.md": card.text(version).encode()}
    bucket = use.settings.library.bucket
    await use.objects.ensure_bucket(bucket)
    for name, data in files.items():
        await use.objects.put(bucket, f"{PREFIX}{version}/{name}", data, _types(name))
    return version


async def load(use: Backends, version: str) -> Model:
    """A stored model.

    Raises:
        ObjectMissing: there is no such version.
    """
    bucket = use.settings.library.bucket
    names = ("titles.parquet", "neighbours.parquet", "card.json")
    files = {name: await use.objects.get(bucket, f"{PREFIX}{version}/{name}") for name in names}
    card = Card.model_validate_json(files["card.json"])
    return await asyncio.to_thread(unpacked, version, files, card)


async def live(use: Backends) -> Model | None:
    """The live model, kept in memory; a new one is taken within seconds. None before the first training."""
    pointer = await use.snapshots.get("library.model.live", _OLD_S, lambda: pointed(use))
    if pointer is None:
        return None
    version = pointer[0].version
    held = await use.snapshots.get("library.model.held", _FOREVER, _nothing_held)
    async with held.loading:
        if held.model is None or held.model.version != version:
            held.model = await load(use, version)
        return held.model


class _Held:
    """The model in memory; one call loads it while the others wait, as each would fill the memory with its own."""

    def __init__(self) -> None:
        self.loading = asyncio.Lock()
        self.model: Model | None = None


async def _nothing_held() -> _Held:
    return _Held()


async def pointed(use: Backends) -> tuple[Live, int] | None:
    """The pointer and its revision."""
    entry: Entry | None = await use.state.bucket(STATE).get("live")
    return None if entry is None else (Live.model_validate_json(entry.value), entry.revision)


async def go_live(use: Backends, version: str, seen: tuple[Live, int] | None) -> None:
    """Let a stored version be the live one, and remove all but the last five.

    Raises:
        Conflict: the pointer moved since it was ``seen``.
    """
    bucket = use.state.bucket(STATE)
    before = () if seen is None else tuple(one for one in (seen[0].version, *seen[0].before) if one != version)
    pointer = Live(version=version, before=before[: _KEPT - 1])
    if seen is None:
        await bucket.create("live", pointer.model_dump_json().encode())
    else:
        await bucket.update("live", pointer.model_dump_json().encode(), seen[1])
    kept = {pointer.version, *pointer.before}
    async for stored in use.objects.list(use.settings.library.bucket, PREFIX):
        if stored.key.split("/")[1] not in kept:
            await use.objects.delete(use.settings.library.bucket, stored.key)


async def withdraw(use: Backends) -> str | None:
    """Take the live model back: the one before is live again. Its version; None where there is none before."""
    seen = await pointed(use)
    if seen is None or not seen[0].before:
        return None
    version, *rest = seen[0].before
    pointer = Live(version=version, before=tuple(rest))
    await use.state.bucket(STATE).update("live", pointer.model_dump_json().encode(), seen[1])
    return version


def _written(table: Any) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def _marked(matrix: Any) -> Any:
    found = matrix.copy()
    found.data = np.ones(len(found.data), np.int8)
    return found


def _at(matrix: Any, rows: Any, columns: Any) -> np.ndarray[Any, Any]:
    if not len(rows):
        return np.zeros(0, np.float32)
    return np.asarray(matrix[rows, columns], np.float32).ravel()


def _types(name: str) -> str:
    return {
        "json": "application/json",
        "md": "text/markdown",
    }.get(name.rpartition(".")[2], "application/vnd.apache.parquet")
