"""Milvus collections: schema, indexes, aliases and rows, by the interface that Lite and clusters share."""

import base64
import gzip
import json
import logging
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.protobuf import json_format

from infra.stack.backup.archive import BackupError
from shared.settings import VectorSettings
from shared.vectors import GRPC

if TYPE_CHECKING:
    from pymilvus import MilvusClient

BATCH = 200
_LONGEST = "65535"  # bytes of a string; Milvus Lite does not tell the limit of an array's elements


@contextmanager
def connected(settings: VectorSettings) -> Iterator["MilvusClient"]:
    """pymilvus' client; blocking, for a thread."""
    from pymilvus import MilvusClient

    logging.getLogger("pymilvus").setLevel(logging.CRITICAL + 1)  # Lite's gaps are no news here
    token = settings.token.get_secret_value() if settings.token else ""
    client = MilvusClient(uri=settings.uri, token=token, timeout=60.0, grpc_options=GRPC)
    try:
        yield client
    finally:
        client.close()


def names(client: "MilvusClient") -> list[str]:
    """All collections of the database."""
    return sorted(client.list_collections())


def save(client: "MilvusClient", collection: str, folder: Path) -> int:
    """Write one collection; gives its rows."""
    from pymilvus.client.types import DataType

    described = client.describe_collection(collection)
    fields = {f["name"]: DataType(f["type"]) for f in described["fields"] if not f.get("is_function_output")}
    for name, kind in fields.items():
        if "VECTOR" in kind.name and kind != DataType.FLOAT_VECTOR:
            raise BackupError(f"collection {collection}: field {name} is a {kind.name}, which no backup can hold yet")
    kept = {
        "schema": _schema(client, collection),
        "consistency_level": described["consistency_level"],
        "num_shards": described["num_shards"],
        "indexes": [client.describe_index(collection, index) for index in client.list_indexes(collection)],
        "aliases": list(client.list_aliases(collection)["aliases"]),
    }
    (folder / f"{collection}.json").write_text(json.dumps(kept, indent=1, default=str), encoding="utf-8")
    client.load_collection(collection)
    vectors = {name for name, kind in fields.items() if kind == DataType.FLOAT_VECTOR}
    rows = 0
    iterator = client.query_iterator(collection, batch_size=BATCH, output_fields=list(fields))
    try:
        with gzip.open(folder / f"{collection}.jsonl.gz", "wt", encoding="utf-8", compresslevel=1) as file:
            while batch := iterator.next():
                for row in batch:
                    plain = {name: _pack(row[name]) if name in vectors else row[name] for name in fields}
                    file.write(json.dumps(plain, ensure_ascii=False) + "\n")
                    rows += 1
    finally:
        iterator.close()
    return rows


def bring_back(client: "MilvusClient", collection: str, folder: Path) -> int:
    """Make one collection again; gives its rows."""
    from pymilvus import MilvusClient

    kept = json.loads((folder / f"{collection}.json").read_text(encoding="utf-8"))
    _create(client, collection, kept)
    vectors = {f["name"] for f in kept["schema"]["fields"] if f.get("dataType") == "FloatVector"}
    rows = 0
    with gzip.open(folder / f"{collection}.jsonl.gz", "rt", encoding="utf-8") as file:
        batch: list[dict[str, Any]] = []
        for line in file:
            row = json.loads(line)
            batch.append({name: _unpack(value) if name in vectors else value for name, value in row.items()})
            if len(batch) == BATCH:
                rows += client.insert(collection, batch)["insert_count"]
                batch = []
        if batch:
            rows += client.insert(collection, batch)["insert_count"]
    client.flush(collection)
    indexes = MilvusClient.prepare_index_params()
    for index in kept["indexes"]:
        told = {"field_name", "index_name", "index_type", "metric_type"}
        extra = {k: v for k, v in index.items() if k not in told | _STATE}
        indexes.add_index(
            index["field_name"],
            index_name=index["index_name"],
            index_type=index["index_type"],
            metric_type=index["metric_type"],
            params=extra,
        )
    if kept["indexes"]:
        client.create_index(collection, indexes)
    client.load_collection(collection)
    for alias in kept["aliases"]:
        client.create_alias(collection, alias)
    return rows


_STATE = {"total_rows", "indexed_rows", "pending_index_rows", "state"}  # of an index at the time of the backup


def _schema(client: "MilvusClient", collection: str) -> dict[str, Any]:
    """The schema as the server's own message: nothing of it is lost by a library's reading."""
    from pymilvus.grpc_gen import milvus_pb2

    request = milvus_pb2.DescribeCollectionRequest(collection_name=collection)
    schema = client._get_connection()._stub.DescribeCollection(request).schema
    for part in (*schema.fields, *schema.functions):
        for name in ("fieldID", "id", "input_field_ids", "output_field_ids"):  # the server gives new ones
            if name in part.DESCRIPTOR.fields_by_name:
                part.ClearField(name)
    described: dict[str, Any] = json_format.MessageToDict(schema)
    return described


def _create(client: "MilvusClient", collection: str, kept: dict[str, Any]) -> None:
    from pymilvus.grpc_gen import common_pb2, milvus_pb2, schema_pb2

    schema = json_format.ParseDict(kept["schema"], schema_pb2.CollectionSchema())
    for field in schema.fields:
        strings = field.data_type == schema_pb2.Array and field.element_type == schema_pb2.VarChar
        if strings and not any(pair.key == "max_length" for pair in field.type_params):
            field.type_params.append(common_pb2.KeyValuePair(key="max_length", value=_LONGEST))
    request = milvus_pb2.CreateCollectionRequest(
        collection_name=collection,
        schema=schema.SerializeToString(),
        shards_num=int(kept["num_shards"]),
        consistency_level=int(kept["consistency_level"]),
    )
    status = client._get_connection()._stub.CreateCollection(request)
    if status.code:
        raise BackupError(f"collection {collection}: Milvus refuses it: {status.reason}")


def _pack(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _unpack(text: str) -> list[float]:
    data = base64.b64decode(text)
    return list(struct.unpack(f"<{len(data) // 4}f", data))
