"""Small revisioned values: NATS key-value buckets, and the same in memory for tests.

    bucket = use.state.bucket("pages")
    entry = await bucket.get("befi:1064292")
    await bucket.update("befi:1064292", value, entry.revision)   # Conflict: someone was faster

A write with a revision is how "an older one never wins" is kept, whatever the order of delivery.
"""

import asyncio
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, Protocol

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import KeyValueConfig, StorageType
from nats.js.errors import Error as JetStreamError
from nats.js.errors import KeyWrongLastSequenceError, NoKeysError, NotFoundError
from nats.js.kv import KV_MARKER_REASON, KV_OP, KeyValue

from shared.connection import connect
from shared.errors import BackendError, StadtfunkError
from shared.settings import NatsSettings
from shared.telemetry import backend_call

MAX_KEY_BYTES = 1000  # of UTF-8; encoded it grows to three times that, and NATS takes 4096 a line
_BUCKET = re.compile(r"[A-Za-z0-9_-]{1,200}")
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-/")
_MARKER_S = 3600.0  # how long the mark of a deletion stays
_PATIENCE_S = 3.0  # for a connection that is coming back
_NO_STREAM = 10059


class Conflict(StadtfunkError):
    """Someone else wrote the key first: read it again and decide anew."""


class Entry(NamedTuple):
    """A stored value and its revision, which grows with every write to the bucket."""

    value: bytes
    revision: int


class Bucket(Protocol):
    """Keys are any text of up to 1000 bytes of UTF-8, values are bytes up to NATS' message size (1 MB).

    Every call raises BackendError when NATS is away; a write that failed so may have happened.
    """

    async def get(self, key: str) -> Entry | None:
        """The present value, or None where there is none, or it was deleted or has expired."""
        ...

    async def put(self, key: str, value: bytes) -> int:
        """Write, whatever is there; returns the new revision."""
        ...

    async def create(self, key: str, value: bytes) -> int:
        """Write only where there is nothing. Raises Conflict where there is."""
        ...

    async def update(self, key: str, value: bytes, revision: int) -> int:
        """Write only over this very revision. Raises Conflict when it is another, or none."""
        ...

    async def delete(self, key: str) -> None:
        """Remove; a key that is not there is no error."""
        ...

    async def keys(self) -> list[str]:
        """All present keys, in no order."""
        ...


class State:
    """Buckets in NATS: file storage, one revision a key, made on first use; connects on first use."""

    def __init__(self, settings: NatsSettings) -> None:
        self._settings = settings
        self._client: Client | None = None
        self._connected = asyncio.Event()
        self._lock = asyncio.Lock()
        self._buckets: dict[str, tuple[float | None, _NatsBucket]] = {}

    def bucket(self, name: str, *, ttl_s: float | None = None) -> Bucket:
        """The bucket of this name; with ``ttl_s`` a value expires that long after it was written."""
        known = self._buckets.get(name)
        if known is None:
            known = self._buckets[name] = (_checked(name, ttl_s), _NatsBucket(self, name, ttl_s))
        elif known[0] != ttl_s:
            raise ValueError(f"bucket '{name}' is in use with ttl_s={known[0]}, not {ttl_s}")
        return known[1]

    async def close(self) -> None:
        """Close the connection, if there is one; a later call opens a new one."""
        async with self._lock:
            client, self._client = self._client, None
            self._buckets.clear()
        if client is not None:
            await client.close()

    async def _open(self, name: str, ttl_s: float | None) -> KeyValue:
        async with self._lock:
            if self._client is None or self._client.is_closed:
                self._client = await connect(
                    self._settings, name="stadtfunk-state", reconnected_cb=self._is_back, disconnected_cb=self._is_away
                )
                self._connected.set()
            js = self._client.jetstream()
        try:
            config = (await js.stream_info(f"KV_{name}")).config
        except NotFoundError:
            replicas = self._settings.replicas
            return await js.create_key_value(
                KeyValueConfig(
                    bucket=name,
                    history=1,
                    ttl=ttl_s,
                    storage=StorageType.FILE,
                    replicas=replicas,
                    # A direct read may be answered by a replica that lags: only where there is none.
                    direct=replicas == 1,
                )
            )
        wanted = {"max_age": ttl_s or 0.0, "num_replicas": self._settings.replicas}
        if any(getattr(config, field) != value for field, value in wanted.items()):
            window = min(120.0, ttl_s) if ttl_s else 120.0
            await js.update_stream(config, **wanted, duplicate_window=window)
        return KeyValue(name=name, stream=f"KV_{name}", pre=f"$KV.{name}.", js=js, direct=bool(config.allow_direct))

    async def _is_back(self) -> None:
        self._connected.set()

    async def _is_away(self) -> None:
        self._connected.clear()


class _NatsBucket:
    def __init__(self, state: State, name: str, ttl_s: float | None) -> None:
        self._state = state
        self._name = name
        self._ttl_s = ttl_s
        self._kv: KeyValue | None = None
        self._opening = asyncio.Lock()

    async def get(self, key: str) -> Entry | None:
        with self._call("get"):
            kv = await self._open()
            js: JetStreamContext = kv._js
            try:
                stored = await js.get_msg(kv._stream, subject=f"$KV.{self._name}.{encoded(key)}", direct=kv._direct)
            except NotFoundError as error:
                if error.err_code == _NO_STREAM:
                    raise
                return None
            # A server marks what expired with its own header and without a value.
            if stored.headers and (KV_OP in stored.headers or KV_MARKER_REASON in stored.headers):
                return None
            return Entry(stored.data or b"", stored.seq or 0)

    async def put(self, key: str, value: bytes) -> int:
        with self._call("put"):
            return int(await (await self._open()).put(encoded(key), value))

    async def create(self, key: str, value: bytes) -> int:
        with self._call("create"):
            return int(await (await self._open()).create(encoded(key), value))

    async def update(self, key: str, value: bytes, revision: int) -> int:
        if revision < 1:
            raise Conflict(f"bucket {self._name}: no value has revision {revision}")
        with self._call("update"):
            return int(await (await self._open()).update(encoded(key), value, revision))

    async def delete(self, key: str) -> None:
        with self._call("delete"):
            await (await self._open()).purge(encoded(key), msg_ttl=_MARKER_S)

    async def keys(self) -> list[str]:
        with self._call("keys"):
            try:
                return [decoded(key) for key in await (await self._open()).keys()]
            except NoKeysError:
                return []

    async def _open(self) -> KeyValue:
        # A connection that was closed for good (wrong server) is opened anew by the next call.
        if self._kv is None or self._kv._js._nc.is_closed:
            async with self._opening:
                if self._kv is None or self._kv._js._nc.is_closed:
                    self._kv = await self._state._open(self._name, self._ttl_s)
        if not self._state._connected.is_set():
            # A restart of the server takes a second; no reason to fail the event for that.
            await asyncio.wait_for(self._state._connected.wait(), _PATIENCE_S)
        return self._kv

    @contextmanager
    def _call(self, call: str) -> Iterator[None]:
        beaten = False
        with backend_call("state", call):
            try:
                yield
            except KeyWrongLastSequenceError:
                beaten = True  # an answer, no failure of the backend
            except (NatsError, OSError, TimeoutError) as error:
                if isinstance(error, JetStreamError):
                    self._kv = None  # the bucket may be gone: look again before the next call
                raise BackendError("nats", f"{call} in bucket {self._name} failed: {type(error).__name__}") from error
        if beaten:
            raise Conflict(f"bucket {self._name}: the key was written meanwhile")


class MemoryState:
    """The same buckets in this process alone, for tests."""

    def __init__(self) -> None:
        self._buckets: dict[str, tuple[float | None, _MemoryBucket]] = {}

    def bucket(self, name: str, *, ttl_s: float | None = None) -> Bucket:
        """The bucket of this name; with ``ttl_s`` a value expires that long after it was written."""
        known = self._buckets.setdefault(name, (_checked(name, ttl_s), _MemoryBucket(name, ttl_s)))
        if known[0] != ttl_s:
            raise ValueError(f"bucket '{name}' is in use with ttl_s={known[0]}, not {ttl_s}")
        return known[1]

    async def close(self) -> None:
        """Nothing to close; values stay, as they do in NATS."""


class _MemoryBucket:
    def __init__(self, name: str, ttl_s: float | None) -> None:
        self._name = name
        self._ttl_s = ttl_s
        self._last = 0
        self._entries: dict[str, tuple[float, Entry]] = {}

    async def get(self, key: str) -> Entry | None:
        return self._present(encoded(key))

    async def put(self, key: str, value: bytes) -> int:
        return self._write(encoded(key), value)

    async def create(self, key: str, value: bytes) -> int:
        if self._present(encoded(key)) is not None:
            raise Conflict(f"bucket {self._name}: the key was written meanwhile")
        return self._write(encoded(key), value)

    async def update(self, key: str, value: bytes, revision: int) -> int:
        present = self._present(encoded(key))
        if present is None or present.revision != revision:
            raise Conflict(f"bucket {self._name}: the key was written meanwhile")
        return self._write(encoded(key), value)

    async def delete(self, key: str) -> None:
        self._entries.pop(encoded(key), None)

    async def keys(self) -> list[str]:
        return [decoded(key) for key in list(self._entries) if self._present(key) is not None]

    def _present(self, key: str) -> Entry | None:
        written, entry = self._entries.get(key, (0.0, None))
        if entry is not None and self._ttl_s is not None and time.monotonic() - written >= self._ttl_s:
            del self._entries[key]
            return None
        return entry

    def _write(self, key: str, value: bytes) -> int:
        self._last += 1
        self._entries[key] = (time.monotonic(), Entry(bytes(value), self._last))
        return self._last


def encoded(key: str) -> str:
    """A key as NATS takes it: letters, digits, ``_-/`` as they are, every other byte as ``=XX``.

    Raises:
        ValueError: the key is longer than 1000 bytes or has a lone surrogate.
    """
    raw = key.encode()
    if len(raw) > MAX_KEY_BYTES:
        raise ValueError(f"a key of {len(raw)} bytes is longer than {MAX_KEY_BYTES}; use its hash")
    # The empty key needs a text of its own; no other key is encoded to a lone "=".
    return "".join(chr(byte) if byte in _PLAIN else f"={byte:02X}" for byte in raw) or "="


def decoded(text: str) -> str:
    """The key that ``encoded`` made this text of."""
    if text == "=":
        return ""
    parts = text.split("=")
    raw = parts[0].encode() + b"".join(bytes.fromhex(part[:2]) + part[2:].encode() for part in parts[1:])
    return raw.decode()


def _checked(name: str, ttl_s: float | None) -> float | None:
    if not _BUCKET.fullmatch(name):
        raise ValueError(f"bucket name '{name}' has other characters than letters, digits, _ and -")
    if ttl_s is not None and ttl_s < 0.1:
        raise ValueError(f"bucket '{name}': ttl_s={ttl_s:g} is shorter than NATS keeps anything (0.1 s)")
    return ttl_s
