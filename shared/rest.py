"""A REST interface below one base URL, reached with a token: JSON or bytes, hard limits, no surprises.

No redirect is followed and no proxy or cookie used: the token goes to this server only. A body is counted while it
arrives. Statuses that say "later" or "mend the set-up" (401, 429, 5xx, a redirect) are errors here; what any other
means (403, 404, 422) only its caller knows. Errors name the backend and the status, never a path's query or a body.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Literal

import aiohttp
from yarl import URL

from shared.errors import BackendError, Reject
from shared.retry import retry_after
from shared.telemetry import backend_call

Method = Literal["GET", "POST", "PUT", "DELETE"]
_CHUNK: Final = 64 * 1024
_CONNECT_S: Final = 5.0
_BUSY: Final = frozenset({408, 425, 429})


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What came back with a status from 200 to 299, or of the 400s that the caller judges."""

    backend: str
    status: int
    body: bytes
    at: datetime | None = None  # the server's clock, to the second; None where it does not say

    @property
    def ok(self) -> bool:
        """Whether it was done."""
        return self.status < 300

    def json(self) -> Any:
        """The body as a JSON value.

        Raises:
            BackendError: it is none: something else than the interface answered.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise BackendError(self.backend, f"status {self.status} without JSON; check its address") from None


class Rest:
    """One server; keeps connections, and no credentials: a rotated token counts at once."""

    def __init__(self, name: str, url: str, *, timeout_s: float, max_bytes: int) -> None:
        self._name = name  # of the backend, in errors and metrics
        self._url = url.rstrip("/")
        self._timeout_s = timeout_s  # of a whole request
        self._max_bytes = max_bytes  # of one body
        self._session: aiohttp.ClientSession | None = None

    async def call(
        self,
        method: Method,
        path: str,
        *,
        call: str,
        authorization: str,
        query: Mapping[str, str] | None = None,
        body: object = None,
    ) -> Reply:
        """One request. It is sent once: only the caller knows whether a second one does harm.

        Args:
            path: below the base URL, begins with "/"; the caller's constants and numbers, no foreign text.
            call: its fixed name in metrics and traces.
            authorization: value of that header.
            query: parameters; they are quoted here.
            body: JSON value to send.

        Raises:
            BackendError: away, too slow, cut off, busy, 5xx, a redirect, or the token is refused (401).
            Reject: the answer is larger than the cap.
        """
        with backend_call(self._name, call):
            try:
                async with self._connected().request(
                    method,
                    URL(self._url + path, encoded=True).with_query(dict(query) if query else None),
                    json=body,
                    headers={"Authorization": authorization, "Accept": "application/json, */*;q=0.5"},
                    allow_redirects=False,
                ) as response:
                    self._check(response)
                    at = _moment(response.headers.get("Date", ""))
                    return Reply(backend=self._name, status=response.status, body=await self._body(response), at=at)
            except TimeoutError:
                raise BackendError(self._name, f"no answer within {self._timeout_s:g} s") from None
            except (aiohttp.ClientError, OSError) as error:
                raise BackendError(self._name, f"no answer ({type(error).__name__})") from None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _check(self, response: aiohttp.ClientResponse) -> None:
        status = response.status
        if status == 401:
            # Nothing is wrong with the event: it waits until someone has put a valid token there.
            raise BackendError(self._name, "status 401: the token is wrong or was revoked")
        if 300 <= status < 400:
            raise BackendError(self._name, f"status {status}: it redirects; set the address that it redirects to")
        if status in _BUSY or status >= 500:
            after = retry_after(response.headers.get("Retry-After", ""))
            raise BackendError(self._name, f"status {status}", after=after)

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        too_large = f"{self._name}: the answer is larger than {self._max_bytes} bytes"
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise BackendError(self._name, "the answer is packed although that was not asked for")
        if (response.content_length or 0) > self._max_bytes:
            raise Reject(too_large)
        body = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK):
            body += chunk
            if len(body) > self._max_bytes:
                raise Reject(too_large)
        return bytes(body)

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self._timeout_s, sock_connect=min(_CONNECT_S, self._timeout_s)),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"Accept-Encoding": "identity"},
                auto_decompress=False,
                trust_env=False,
                read_bufsize=_CHUNK,
            )
        return self._session


def _moment(date: str) -> datetime | None:
    try:
        return parsedate_to_datetime(date).astimezone(UTC)
    except ValueError:
        return None
