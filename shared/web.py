"""HTTP GET for functions that read other people's servers: allowed hosts, hard limits, no surprises.

A host is allowed by its *name*: the operator who lists it trusts its DNS, and a CMS mostly lives in the
city's own network, so private addresses are no reason to refuse. What a server answers is never trusted:
each redirect is checked like the first address, and a body is counted while it arrives and unpacked here,
so that neither 100 MB nor a packed bomb is ever held in memory.

Errors name the host and the status, never the path, the query or the body.
"""

import asyncio
import random
import time
import zlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

import aiohttp
from yarl import URL

from shared.errors import BackendError, Reject
from shared.retry import retry_after
from shared.settings import WebSettings
from shared.telemetry import backend_call

MAX_REDIRECTS: Final = 5
ATTEMPTS: Final = 3  # of one request within a call; the event's own retry comes after
_CHUNK: Final = 64 * 1024
_SCHEMES: Final = frozenset({"http", "https"})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_ANSWERS: Final = frozenset({200, 304, 404, 410})  # what a caller can act on
_LONGEST_WAIT: Final = 5.0  # seconds slept in here; a longer Retry-After goes to the event's retry
_HOSTS_REMEMBERED: Final = 256


class WebError(Reject):
    """The address is not allowed, or its answer breaks a limit; trying again would change nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came back: 200 with a body, 304 (unchanged), 404 or 410 (no such thing)."""

    status: int
    body: bytes  # unpacked; empty unless the status is 200
    content_type: str  # without parameters, lower case
    etag: str | None
    last_modified: str | None


class Web:
    """One client for all hosts the settings allow; it keeps connections, no cookies and no credentials."""

    def __init__(self, settings: WebSettings) -> None:
        self._settings = settings
        self._allowed = frozenset(host.lower() for host in settings.allowed_hosts)
        self._session: aiohttp.ClientSession | None = None
        self._next: OrderedDict[str, float] = OrderedDict()  # host -> when its next request may leave

    async def get(
        self,
        url: str,
        *,
        etag: str | None = None,
        last_modified: str | None = None,
        accept: str = "application/json",
        pace: float | None = None,
    ) -> Answer:
        """Fetch one address, following up to 5 redirects between allowed hosts.

        Args:
            url: absolute http or https address without user or password.
            etag: validator of the copy at hand; an unchanged one is answered with status 304.
            last_modified: the same, for servers without ETag.
            accept: media type asked for.
            pace: at most this many requests a second to each host, counted over all callers.

        Raises:
            WebError: host not allowed, redirect loop, body over the cap, or refused (4xx).
            BackendError: unreachable, too slow, 5xx or 429 after 3 attempts; ``after`` as the server said.
        """
        headers = {"Accept": accept, "Accept-Encoding": "gzip"}
        if etag:
            headers["If-None-Match"] = etag
        if last_modified:
            headers["If-Modified-Since"] = last_modified
        with backend_call("web", "get"):
            seen = [self._checked(url)]
            while True:
                answer = await self._retried(seen[-1], headers, pace)
                if isinstance(answer, Answer):
                    return answer
                seen.append(self._redirected(seen, answer))

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _checked(self, url: str | URL) -> URL:
        # Looked at with the parser that connects: two parsers can disagree about where the host ends.
        try:
            parsed = URL(url)
        except ValueError:
            raise WebError("the address is no URL") from None
        host = (parsed.host or "").lower()
        if parsed.scheme not in _SCHEMES or not host:
            raise WebError(f"the address has scheme '{parsed.scheme}'; only http and https are fetched")
        if parsed.user is not None or parsed.password is not None:
            raise WebError(f"{host}: an address with user or password is not fetched")
        # A name without a port in the list means the scheme's own port, not every service on that machine.
        names = {f"{host}:{parsed.port}"} | ({host} if parsed.is_default_port() else set())
        if not names & self._allowed:
            raise WebError(f"{host}:{parsed.port} is not in STADTFUNK_WEB__ALLOWED_HOSTS")
        return parsed.with_fragment(None)

    def _redirected(self, seen: list[URL], location: str) -> URL:
        here = seen[-1]
        try:
            there = self._checked(here.join(URL(location)))
        except ValueError:
            raise WebError(f"{_name(here)}: redirect to something that is no URL") from None
        if here.scheme == "https" and there.scheme != "https":
            raise WebError(f"{_name(here)}: redirect from https to http is not followed")
        if there in seen:
            raise WebError(f"{_name(here)}: redirect loop after {len(seen)} steps")
        if len(seen) > MAX_REDIRECTS:
            raise WebError(f"{_name(here)}: more than {MAX_REDIRECTS} redirects")
        return there

    async def _retried(self, url: URL, headers: dict[str, str], pace: float | None) -> Answer | str:
        attempt = 1
        while True:
            await self._wait_turn(_name(url), pace)
            try:
                return await self._once(url, headers)
            except BackendError as error:
                wait = random.uniform(0.1, 0.3 * 2**attempt) if error.after is None else error.after
                if attempt == ATTEMPTS or wait > _LONGEST_WAIT:
                    raise
            await asyncio.sleep(wait)
            attempt += 1

    async def _once(self, url: URL, headers: dict[str, str]) -> Answer | str:
        """One request: the answer, or where it is redirected to."""
        host = _name(url)
        try:
            async with self._connected().get(url, headers=headers, allow_redirects=False) as response:
                status = response.status
                if status in _REDIRECTS:
                    location = response.headers.get("Location")
                    if not location:
                        raise WebError(f"{host}: status {status} without a Location")
                    return location
                if status == 429 or status >= 500:
                    after = retry_after(response.headers.get("Retry-After", ""))
                    raise BackendError("web", f"{host}: status {status}", after=after)
                if status not in _ANSWERS:
                    raise WebError(f"{host}: status {status}")
                body = await self._body(host, response) if status == 200 else b""
                return Answer(
                    status=status,
                    body=body,
                    content_type=response.headers.get("Content-Type", "").partition(";")[0].strip().lower(),
                    etag=response.headers.get("ETag"),
                    last_modified=response.headers.get("Last-Modified"),
                )
        except TimeoutError:
            raise BackendError("web", f"{host}: no answer within {self._settings.timeout_s:g} s") from None
        except aiohttp.ClientError as error:
            raise BackendError("web", f"{host}: {type(error).__name__}") from None

    async def _body(self, host: str, response: aiohttp.ClientResponse) -> bytes:
        cap = self._settings.max_bytes
        too_large = f"{host}: the answer is larger than {cap} bytes"
        encoding = response.headers.get("Content-Encoding", "identity").lower()
        if encoding not in ("identity", "gzip", "x-gzip"):
            raise WebError(f"{host}: unknown Content-Encoding")
        if (response.content_length or 0) > cap:
            raise WebError(too_large)
        unpack = zlib.decompressobj(wbits=31) if encoding != "identity" else None
        body = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK):
            try:
                body += unpack.decompress(chunk, cap + 1 - len(body)) if unpack else chunk
            except zlib.error:
                raise WebError(f"{host}: the answer is no gzip although it says so") from None
            if len(body) > cap:
                raise WebError(too_large)
        if unpack and not unpack.eof:
            raise BackendError("web", f"{host}: the packed answer ends too early")
        return bytes(body)

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(
                    total=self._settings.timeout_s, sock_connect=min(5.0, self._settings.timeout_s)
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": self._settings.user_agent},
                auto_decompress=False,
                trust_env=False,
                read_bufsize=_CHUNK,
            )
        return self._session

    async def _wait_turn(self, host: str, pace: float | None) -> None:
        if pace is None:
            return
        now = time.monotonic()
        turn = max(now, self._next.get(host, now))
        self._next[host] = turn + 1 / pace
        self._next.move_to_end(host)
        while len(self._next) > _HOSTS_REMEMBERED:
            self._next.popitem(last=False)
        if turn > now:
            await asyncio.sleep(turn - now)


def _name(url: URL) -> str:
    """What a message may say of an address."""
    return f"{url.host}:{url.port}"
