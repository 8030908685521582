"""What one client may take: requests a minute, bytes of a body, bytes an hour."""

import asyncio
import ipaddress
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from tempfile import TemporaryFile
from typing import IO, Final

from starlette.requests import HTTPConnection
from starlette.types import Receive

from shared.http import Problem, busy

CLIENTS_KEPT: Final = 20_000  # buckets remembered; the one unused for longest goes first
BODY_S: Final = 15.0  # a body must have arrived by then, and a large one at
SLOWEST: Final = 512 * 1024  # bytes a second, no less
BODIES_BYTES: Final = 256 * 2**20  # of all bodies in memory at once
SPOOLED_FROM: Final = 16 * 2**20  # a body that may be larger than this is kept on the disk
STORED_BYTES: Final = 4 * 2**30  # of all bodies on the disk at once

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Clients:
    """Tells who asks. X-Forwarded-For counts only as far as proxies we trust wrote it."""

    def __init__(self, trusted: Sequence[str]) -> None:
        self._trusted: list[Network] = [ipaddress.ip_network(one, strict=False) for one in trusted]

    def of(self, connection: HTTPConnection) -> str:
        """The address requests are counted by: an IPv4 address or an IPv6 /64. Never logged."""
        peer = connection.client.host if connection.client else ""
        address = _address(peer)
        if address is None:
            return peer
        if self._trusts(address):
            # The last entry was written by the proxy next to us, the one before it by the next.
            hops = ",".join(connection.headers.getlist("x-forwarded-for")).split(",")
            for hop in reversed(hops):
                forwarded = _address(hop.strip())
                if forwarded is None:
                    break
                address = forwarded
                if not self._trusts(address):
                    break
        if isinstance(address, ipaddress.IPv6Address):
            return str(ipaddress.ip_network((address, 64), strict=False).network_address)
        return str(address)

    def _trusts(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
        return any(address in network for network in self._trusted)


class _Buckets:
    """Token buckets by client and function, of bounded number."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def take(self, key: tuple[str, str], amount: float, size: float, seconds: float, now: float | None) -> int:
        """Take an amount out of a bucket that is full again after so many seconds; seconds to wait, 0: it was taken."""
        now = time.monotonic() if now is None else now
        left, then = self._buckets.pop(key, (size, now))
        left = min(size, left + (now - then) * size / seconds)
        wait = 0 if left >= amount else int((amount - left) * seconds / size) + 1
        self._buckets[key] = (left if wait else left - amount, now)
        if len(self._buckets) > self._kept:
            self._buckets.popitem(last=False)
        return wait

    def give(self, key: tuple[str, str], amount: float, size: float) -> None:
        bucket = self._buckets.get(key)
        if bucket is not None:
            self._buckets[key] = (min(size, bucket[0] + amount), bucket[1])

    def __len__(self) -> int:
        return len(self._buckets)


class Rate:
    """Requests a minute, by client and function."""

    def __init__(self, per_minute: int, kept: int = CLIENTS_KEPT) -> None:
        self._size = float(per_minute)
        self._buckets = _Buckets(kept)

    def take(self, client: str, function: str, now: float | None = None) -> None:
        """Take one request. Raises Problem 429 with the seconds until there is another."""
        if wait := self._buckets.take((client, function), 1.0, self._size, 60.0, now):
            raise Problem(429, "Too many requests; wait a moment.", headers={"retry-after": str(wait)})

    def give(self, client: str, function: str) -> None:
        """Give one back: who has proven a right to call is not counted."""
        self._buckets.give((client, function), 1.0, self._size)

    def __len__(self) -> int:
        return len(self._buckets)


class Volume:
    """Bytes an hour, by client and function."""

    def __init__(self, kept: int = CLIENTS_KEPT) -> None:
        self._buckets = _Buckets(kept)

    def take(self, client: str, function: str, count: int, most: int, now: float | None = None) -> None:
        """Take so many bytes of those that a client has an hour. Raises Problem 429 with the seconds until it may."""
        if wait := self._buckets.take((client, function), float(count), float(most), 3600.0, now):
            raise Problem(
                429,
                f"You have sent as much as one sender may here ({most // 10**6} MB an hour); wait a while.",
                headers={"retry-after": str(wait)},
            )


class Bodies:
    """Reads bodies, counted as they come in, with a cap for one and for all together: into memory, or onto the disk."""

    limit_s = BODY_S
    together = BODIES_BYTES
    stored_together = STORED_BYTES

    def __init__(self) -> None:
        self._held = self._stored = 0

    @asynccontextmanager
    async def read(self, receive: Receive, announced: str | None, limit: int) -> AsyncIterator[bytes]:
        """The whole body, accounted for until the block ends.

        Raises:
            Problem: 413 larger than ``limit`` bytes, 408 too slow, 503 no memory for it now.
            Gone: the client left before it was complete.
        """
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self.limit_s + limit / SLOWEST) as clock:
                async for chunk in _chunks(receive, announced, limit):
                    size += len(chunk)
                    self._held += len(chunk)
                    if self._held > self.together:
                        raise busy("Too much is being sent here at once; try again in a moment.", 5)
                    chunks.append(chunk)
                clock.reschedule(None)
                yield b"".join(chunks)
        except TimeoutError:
            if not clock.expired():
                raise
            raise _too_slow() from None
        finally:
            self._held -= size

    @asynccontextmanager
    async def spool(self, receive: Receive, announced: str | None, limit: int) -> AsyncIterator[IO[bytes]]:
        """The whole body as a nameless file, which is gone when the block ends. Raises as ``read``."""
        size = 0
        with TemporaryFile() as file:
            try:
                async with asyncio.timeout(self.limit_s + limit / SLOWEST) as clock:
                    async for chunk in _chunks(receive, announced, limit):
                        size += len(chunk)
                        self._stored += len(chunk)
                        if self._stored > self.stored_together:
                            raise busy("Too much is being sent here at once; try again in a moment.", 5)
                        await asyncio.to_thread(file.write, chunk)
                    clock.reschedule(None)
                    file.seek(0)
                    yield file
            except TimeoutError:
                if not clock.expired():
                    raise
                raise _too_slow() from None
            finally:
                self._stored -= size


async def _chunks(receive: Receive, announced: str | None, limit: int) -> AsyncIterator[bytes]:
    if announced is not None and announced.isdigit() and (len(announced) > 15 or int(announced) > limit):
        raise _too_large(limit)
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        more = message.get("more_body", False)
        yield chunk


class Gone(Exception):
    """The client went away in the middle of its own request."""


def _too_large(limit: int) -> Problem:
    return Problem(413, f"The body is larger than {limit} bytes.", headers={"connection": "close"})


def _too_slow() -> Problem:
    return Problem(408, "The request's body took too long.", headers={"connection": "close"})


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    # The same client on a socket for both protocols.
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
