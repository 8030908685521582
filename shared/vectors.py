"""Milvus: a thin asynchronous client. Its filters are written in ``shared.filters``.

A restarted server has forgotten which collections were loaded, and a cut connection is made anew:
both are mended here, once a call; what fails then is a BackendError.

Rows that are not flushed are searched by brute force (25 times slower in Milvus Lite), and a flush a document
would leave a heap of small segments: a flush follows a second after the last write, or ten after the first.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from shared.errors import BackendError, Reject
from shared.settings import VectorSettings
from shared.telemetry import backend_call

if TYPE_CHECKING:
    from pymilvus import AsyncMilvusClient

T = TypeVar("T")
Row = dict[str, Any]
_QUIET_S, _LATEST_S = 1.0, 10.0
_ROWS = 256  # written at once: some 5 MB, which a server takes within the time of a call
ALIAS_S = 5.0  # how long a process may go on with the collection that an alias stood for
# pymilvus pings an idle server every 10 s; gRPC servers allow one in 5 min, then hang up ("too_many_pings").
# And a server that is back is to be found at once: gRPC waits for minutes, and lets a new channel wait along.
GRPC = {
    "grpc.keepalive_time_ms": 310_000,
    "grpc.keepalive_permit_without_calls": False,
    "grpc.min_reconnect_backoff_ms": 100,
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 1000,
    "grpc.use_local_subchannel_pool": 1,
}
_NO_CONNECTION, _NO_COLLECTION, _NOT_LOADED = 2, 100, 101  # codes of Milvus, the same in Lite
_NO_ALIAS = frozenset({100, 1600})  # of Lite, of Milvus
_REFUSED = frozenset({6, 1100})  # illegal argument: of Lite and older servers, of newer ones


class CollectionMissing(BackendError):
    """There is no collection of this name (any more); what its alias stands for is asked anew."""


async def _upserted(collection: str, rows: list[Row], client: "AsyncMilvusClient") -> None:
    await client.upsert(collection, rows)


class Vectors:
    """One Milvus, embedded or a cluster. Every call raises BackendError when it is away, Reject for what it refuses."""

    def __init__(self, settings: VectorSettings) -> None:
        self._settings = settings
        self._client: AsyncMilvusClient | None = None
        self._connecting = asyncio.Lock()
        self._creating = asyncio.Lock()
        self._known: set[str] = set()  # collections seen
        self._aliases: dict[str, tuple[str, float]] = {}  # alias -> collection, until when it is believed
        self._dirty: dict[str, float] = {}  # collection -> time of its first write since the last flush
        self._written = 0.0
        self._flusher: asyncio.Task[None] | None = None

    async def has(self, collection: str) -> bool:
        """Whether there is a collection (or alias) of this name; a yes is remembered."""
        if collection not in self._known and await self._call("has", lambda client: client.has_collection(collection)):
            self._known.add(collection)
        return collection in self._known

    async def create(self, collection: str, schema: Any, index: Any) -> bool:
        """Make a collection with its indexes and load it; False where another was faster, which is fine."""
        async with self._creating:  # two at once leave a collection without its indexes
            if await self.has(collection):
                return False
            try:
                await self._call("create", lambda _: asyncio.to_thread(self._create, collection, schema, index))
                made = True
            except BackendError:
                made = False
                if not await self.has(collection):
                    raise
            await self._call("load", lambda client: client.load_collection(collection))
            return made

    async def drop(self, collection: str) -> None:
        """Remove a collection with its rows."""
        self._dirty.pop(collection, None)
        self._known.discard(collection)
        await self._call("drop", lambda client: client.drop_collection(collection))

    async def alias(self, alias: str) -> str | None:
        """The collection an alias stands for, or None where there is no such alias; known for some seconds."""
        collection, until = self._aliases.get(alias, ("", 0.0))
        if time.monotonic() < until:
            return collection
        from pymilvus.exceptions import MilvusException

        async def described(client: "AsyncMilvusClient") -> str | None:
            try:
                answer = await client.describe_alias(alias)
            except MilvusException as error:
                if error.code not in _NO_ALIAS:
                    raise
                return None
            return str(answer["collection_name"])

        found = await self._call("alias", described)
        if found is not None:
            self._aliases[alias] = (found, time.monotonic() + ALIAS_S)
        return found

    async def begin(self, alias: str, collection: str) -> None:
        """Let an alias stand for a collection where it stands for none."""
        self._aliases.pop(alias, None)
        if await self.alias(alias) is None:
            try:
                await self._call("alias", lambda client: client.create_alias(collection, alias))
            except BackendError:
                if await self.alias(alias) is None:  # else another process was first
                    raise

    async def point(self, alias: str, collection: str) -> None:
        """Let an alias stand for a collection from now on, whatever it stood for."""
        await self.begin(alias, collection)
        if await self.alias(alias) != collection:
            await self._call("alias", lambda client: client.alter_alias(collection, alias))
        self._aliases.pop(alias, None)

    async def upsert(self, collection: str, rows: Sequence[Row]) -> None:
        """Write rows by primary key; acknowledged rows survive a kill of the server."""
        for start in range(0, len(rows), _ROWS):
            part = partial(_upserted, collection, list(rows[start : start + _ROWS]))
            await self._call("upsert", part, collection)
            self._mark(collection)

    async def delete(self, collection: str, condition: str) -> None:
        """Remove the rows that fulfil a condition."""
        await self._call("delete", lambda client: client.delete(collection, filter=condition), collection)
        self._mark(collection)

    async def query(self, collection: str, condition: str, fields: Sequence[str], limit: int = 16384) -> list[Row]:
        """Rows that fulfil a condition, as of now (own writes included)."""
        rows = await self._call(
            "query",
            lambda client: client.query(
                collection,
                filter=condition,
                output_fields=list(fields),
                limit=limit,
                consistency_level="Strong",
            ),
            collection,
        )
        return [dict(row) for row in rows]

    async def search(
        self,
        collection: str,
        field: str,
        data: Sequence[float] | str,
        *,
        limit: int,
        fields: Sequence[str],
        condition: str = "",
        params: dict[str, Any] | None = None,
    ) -> list[Row]:
        """The nearest rows, best first: a vector on a dense field, a text on a BM25 field.

        Each row has ``fields`` and ``distance`` (of Milvus; compare ranks, BM25 is negative in Lite).
        """
        found = await self._call(
            "search",
            lambda client: client.search(
                collection,
                data=[data],
                anns_field=field,
                limit=limit,
                filter=condition,
                output_fields=list(fields),
                search_params={"params": params or {}},
            ),
            collection,
        )
        return [{**hit["entity"], "distance": hit["distance"]} for hit in found[0]]

    async def flush(self, collection: str) -> None:
        """Seal what was written, so that searches use the indexes."""
        self._dirty.pop(collection, None)
        await self._call("flush", lambda client: client.flush(collection))

    async def close(self) -> None:
        """Flush what is waiting for it, and close the connection."""
        if self._flusher is not None:
            self._flusher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._flusher
        for collection in list(self._dirty):
            with contextlib.suppress(BackendError):  # the rows are safe; only searches stay slow
                await self.flush(collection)
        if self._client is not None:
            await self._client.close()
            self._client = None

    def _mark(self, collection: str) -> None:
        self._written = time.monotonic()
        self._dirty.setdefault(collection, self._written)
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.create_task(self._flush_when_quiet())

    async def _flush_when_quiet(self) -> None:
        while self._dirty:
            now = time.monotonic()
            due = min(self._written + _QUIET_S, min(self._dirty.values()) + _LATEST_S)
            if now < due:
                await asyncio.sleep(due - now)
                continue
            for collection in list(self._dirty):
                with contextlib.suppress(BackendError):
                    await self.flush(collection)

    def _create(self, collection: str, schema: Any, index: Any) -> None:
        # The asynchronous client waits for an index by a request that Milvus Lite does not know.
        from pymilvus import MilvusClient

        client = MilvusClient(
            uri=self._settings.uri, token=self._token(), timeout=self._settings.timeout_s, grpc_options=GRPC
        )
        with contextlib.closing(client):
            client.create_collection(collection, schema=schema, index_params=index)

    def _token(self) -> str:
        return self._settings.token.get_secret_value() if self._settings.token else ""

    async def _connected(self) -> "AsyncMilvusClient":
        async with self._connecting:
            if self._client is None:
                from pymilvus import AsyncMilvusClient  # takes 1 s: only a process that searches pays

                # It logs every failed call with its text, which can hold what a citizen asked for.
                logging.getLogger("pymilvus").setLevel(logging.CRITICAL + 1)
                self._client = AsyncMilvusClient(
                    uri=self._settings.uri,
                    token=self._token(),
                    timeout=self._settings.timeout_s,
                    dedicated=True,  # else clients of a process share one connection that a close does not close
                    grpc_options=GRPC,
                )
            return self._client

    async def _mended(self, error: Any, collection: str) -> bool:
        """Whether trying once more can help: a lost connection is dropped, a forgotten collection loaded."""
        if error.code == _NO_CONNECTION:
            await self._forget()
            return True
        if error.code == _NOT_LOADED and collection:
            await (await self._connected()).load_collection(collection)
            return True
        return False

    async def _forget(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(Exception):  # it is broken already
                await client.close()

    async def _call(self, name: str, work: Callable[["AsyncMilvusClient"], Awaitable[T]], collection: str = "") -> T:
        from grpc import RpcError
        from grpc.aio import UsageError
        from pymilvus.exceptions import DataNotMatchException, MilvusException, ParamError

        with backend_call("vectors", name):
            try:
                async with asyncio.timeout(self._settings.timeout_s):
                    try:
                        return await work(await self._connected())
                    except MilvusException as error:
                        if not await self._mended(error, collection):
                            raise
                    return await work(await self._connected())
            except MilvusException as error:
                if error.code == _NO_COLLECTION:  # dropped elsewhere, or lost: look again
                    self._known.clear()
                    self._aliases.clear()
                    raise CollectionMissing("vectors", f"{name}: there is no such collection") from error
                if isinstance(error, (DataNotMatchException, ParamError)) or error.code in _REFUSED:
                    # What it refuses today it refuses tomorrow. Its words may quote the data, so they stay here.
                    raise Reject(f"Milvus refuses what {name} sends (code {error.code})") from None
                raise BackendError("vectors", f"{name} failed (code {error.code})") from error
            except (OSError, TimeoutError, RpcError, UsageError) as error:
                raise BackendError("vectors", f"{name}: no answer ({type(error).__name__})") from error
            except asyncio.CancelledError:
                # A neighbour dropped the shared connection: the call was cut, the task was not cancelled.
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                raise BackendError("vectors", f"{name}: the connection was lost") from None
