"""Vectors of the latest queries: paging and filters ask for the same one again, and so do many at once.

A query may say something of a person. So nothing here can be read back to one: no text is kept, the digest is made
with a key that only this process has, and a vector (of which a text could be guessed) is gone after ten minutes.
"""

import asyncio
import secrets
from array import array
from collections import OrderedDict
from hashlib import blake2b
from typing import Final

MOST: Final = 2048
KEPT_S: Final = 600.0


class Recent:
    """At most ``most`` vectors, each for ``kept_s`` seconds, whether or not anybody asks again; as 32-bit floats."""

    def __init__(self, most: int = MOST, kept_s: float = KEPT_S) -> None:
        self._most = most
        self._kept_s = kept_s
        self._key = secrets.token_bytes(32)
        self._vectors: OrderedDict[bytes, tuple[array[float], float]] = OrderedDict()  # oldest first
        self._timer: asyncio.TimerHandle | None = None

    def get(self, text: str) -> list[float] | None:
        """The vector of a text; None: it is not here, or no longer."""
        found = self._vectors.get(self._digest(text))
        return None if found is None else found[0].tolist()

    def put(self, text: str, vector: list[float]) -> None:
        """Keep a vector for a while."""
        loop = asyncio.get_running_loop()
        digest = self._digest(text)
        self._vectors.pop(digest, None)
        self._vectors[digest] = (array("f", vector), loop.time())
        if len(self._vectors) > self._most:
            self._vectors.popitem(last=False)
        if self._timer is None:
            self._timer = loop.call_later(self._kept_s, self._forget)

    def clear(self) -> None:
        """Forget everything."""
        self._vectors.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def __len__(self) -> int:
        return len(self._vectors)

    def _digest(self, text: str) -> bytes:
        return blake2b(text.encode("utf-8", "replace"), digest_size=16, key=self._key).digest()

    def _forget(self) -> None:
        self._timer = None
        loop = asyncio.get_running_loop()
        while self._vectors:
            _, (_, since) = next(iter(self._vectors.items()))
            left = since + self._kept_s - loop.time()
            if left > 0:
                self._timer = loop.call_later(left, self._forget)
                return
            self._vectors.popitem(last=False)
