"""The Milvus client against a server that is restarted, and its flush."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from infra.stack import servers
from infra.stack.ports import free_port
from shared.errors import BackendError, Reject
from shared.filters import any_of, equals
from shared.settings import VectorSettings
from shared.vectors import Vectors
from tests.polling import eventually
from tests.unit.test_vectors import HOSTILE


def shape() -> tuple[Any, Any]:
    from pymilvus import DataType, MilvusClient

    schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("id", DataType.VARCHAR, max_length=64, is_primary=True)
    schema.add_field("name", DataType.VARCHAR, max_length=256)
    schema.add_field("dense", DataType.FLOAT_VECTOR, dim=8)
    index = MilvusClient.prepare_index_params()
    index.add_index("dense", index_type="HNSW", metric_type="COSINE", params={"M": 8, "efConstruction": 64})
    return schema, index


def row(id: str, name: str = "") -> dict[str, Any]:
    return {"id": id, "name": name, "dense": [1.0] + [0.0] * 7}


@pytest.fixture
async def vectors(milvus_uri: str) -> AsyncIterator[Vectors]:
    vectors = Vectors(VectorSettings(uri=milvus_uri))
    yield vectors
    await vectors.close()


@pytest.fixture
async def collection(vectors: Vectors) -> AsyncIterator[str]:
    name = f"cases_{uuid4().hex[:8]}"
    await vectors.create(name, *shape())
    yield name
    await vectors.drop(name)


@pytest.mark.parametrize(
    "wrong",
    [row("x" * 65), {**row("1"), "dense": [1.0]}, {**row("1"), "name": 5}, {"id": "1", "dense": [1.0] * 8}],
)
async def test_data_that_milvus_refuses_is_rejected_not_retried(
    vectors: Vectors, collection: str, wrong: dict[str, Any]
) -> None:
    with pytest.raises(Reject) as caught:
        await vectors.upsert(collection, [wrong])

    assert "x" * 65 not in str(caught.value)


async def test_hostile_values_are_found_as_themselves_and_find_nothing_else(vectors: Vectors, collection: str) -> None:
    names = [name.replace("\x00", "\ufffd").encode("utf-8", "replace").decode() for name in HOSTILE]
    await vectors.upsert(collection, [row(str(number), name) for number, name in enumerate(names)])
    for number, name in enumerate(HOSTILE):
        assert [one["id"] for one in await vectors.query(collection, equals("name", name), ("id",))] == [str(number)]
    found = await vectors.query(collection, any_of("name", HOSTILE), ("id",))
    assert len(found) == len(HOSTILE)
    await vectors.delete(collection, equals("name", '" or "" == "'))
    assert len(await vectors.query(collection, 'id != ""', ("id",))) == len(HOSTILE) - 1


async def test_a_collection_is_made_once_and_an_alias_can_move(vectors: Vectors, collection: str) -> None:
    await vectors.create(collection, *shape())
    alias = f"{collection}_alias"
    assert await vectors.alias(alias) is None
    await vectors.point(alias, collection)
    assert await vectors.alias(alias) == collection
    other = f"{collection}_other"
    await vectors.create(other, *shape())
    await vectors.point(alias, other)
    assert await vectors.alias(alias) == other
    await vectors.point(alias, collection)
    await vectors.drop(other)


async def test_writes_are_flushed_once_it_is_quiet(
    vectors: Vectors, collection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[str] = []
    real = vectors.flush

    async def flush(name: str) -> None:
        await real(name)
        flushed.append(name)

    monkeypatch.setattr(vectors, "flush", flush)
    for number in range(5):
        await vectors.upsert(collection, [row(str(number))])

    async def look() -> list[str]:
        return flushed

    await eventually(look, "a flush after the writes")
    assert flushed == [collection]


async def test_a_write_is_flushed_when_the_client_is_closed(milvus_uri: str, collection: str) -> None:
    vectors = Vectors(VectorSettings(uri=milvus_uri))
    await vectors.upsert(collection, [row("a")])
    await vectors.close()
    assert not vectors._dirty


async def test_a_server_that_is_away_is_a_backend_error() -> None:
    vectors = Vectors(VectorSettings(uri=f"http://127.0.0.1:{free_port()}", timeout_s=2))
    with pytest.raises(BackendError, match="vectors"):
        await vectors.has("any")
    await vectors.close()


async def test_after_a_kill_and_a_restart_the_same_client_goes_on(launch: Callable[..., Any], tmp_path: Path) -> None:
    ports: dict[str, int] = {}
    milvus = launch(servers.milvus(tmp_path / "milvus", lambda name: ports.setdefault(name, free_port())))
    vectors = Vectors(VectorSettings(uri=milvus.provides["STADTFUNK_VECTORS__URI"], timeout_s=5))
    await vectors.create("cases", *shape())
    await vectors.upsert("cases", [row("a")])
    milvus.kill()
    with pytest.raises(BackendError):
        await vectors.query("cases", 'id != ""', ("id",))
    await milvus.start()

    async def back() -> list[dict[str, Any]]:
        try:
            return await vectors.query("cases", 'id != ""', ("id",))
        except BackendError:  # its connection may take a moment longer than the server
            return []

    assert [one["id"] for one in await eventually(back, "the client goes on")] == ["a"]
    assert [
        one["id"] for one in await vectors.search("cases", "dense", row("a")["dense"], limit=3, fields=("id",))
    ] == ["a"]
    await vectors.close()


async def test_a_collection_is_dropped_while_it_is_flushed_and_made_anew(vectors: Vectors, milvus_uri: str) -> None:
    other = Vectors(VectorSettings(uri=milvus_uri))
    name = f"cases_{uuid4().hex[:8]}"
    try:
        for _ in range(5):
            await vectors.create(name, *shape())
            await vectors.upsert(name, [row(str(number)) for number in range(200)])
            dropped, *flushed = await asyncio.gather(
                vectors.drop(name), *(other.flush(name) for _ in range(4)), return_exceptions=True
            )
            assert dropped is None
            assert all(outcome is None or isinstance(outcome, BackendError) for outcome in flushed)
        await vectors.create(name, *shape())
    finally:
        await vectors.drop(name)
        await other.close()
