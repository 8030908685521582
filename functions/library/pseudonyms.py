"""Readers' pseudonyms: a keyed digest in place of the library's own id, and the ring of keys it is made with.

A key belongs to a period of *loan days*, not to the moment of arrival: a loan told again after the key has
rotated still gets the same pseudonym, so it is still one loan. Keys lie sealed in the state bucket under a
master secret that only files or the environment hold, and are deleted once their last loan has expired;
when the line of the master that sealed them is dropped too, nobody, the city included, can say whose a pseudonym was.
"""

import base64
import hmac
import secrets
import unicodedata
from collections.abc import Mapping
from datetime import date, timedelta
from hashlib import sha256
from typing import Final, Literal

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.backends import Backends
from shared.errors import SettingsError
from shared.settings import LibrarySettings
from shared.state import Conflict

KEYS: Final = "library-keys"  # state bucket: id of the period -> sealed key
MASTER: Final = "library-master"  # the secret that seals; several lines: the first seals, all open
LONGEST: Final = 128  # characters of a reader's id
_SHORTEST_MASTER: Final = 24
Period = Literal["year", "half", "quarter"]
_MONTHS: Final[Mapping[Period, int]] = {"quarter": 3, "half": 6, "year": 12}


class Ring:
    """The keys, opened once for one request, one event or one import; never kept longer."""

    def __init__(self, use: Backends) -> None:
        self._settings = use.settings.library
        self._bucket = use.state.bucket(KEYS)
        master = use.secrets.get(MASTER)
        self._vault, self._first = vault(master), vault(master.strip().splitlines()[0])
        self._ids: dict[str, str] = {}  # quarter -> id of its key
        self._open: dict[str, bytes] = {}

    async def key(self, day: date) -> tuple[str, bytes]:
        """Id and key for loans of a day, made on first use.

        A key that was made under another setting goes on until its period ends: a tombstone knows the pseudonyms
        under it, and a loan told again is the same loan.
        """
        quarter = quarter_of(day)
        if quarter not in self._ids:
            self._ids[quarter] = await self._kept(day) or period_of(day, self._settings.key_period)
        id = self._ids[quarter]
        if id not in self._open:
            entry = await self._bucket.get(id)
            if entry is None:
                sealed = self._vault.encrypt(secrets.token_bytes(32))
                try:
                    await self._bucket.create(id, sealed)
                except Conflict:  # another process was first: its key counts
                    entry = await self._bucket.get(id)
                    sealed = entry.value if entry is not None else sealed
            else:
                sealed = entry.value
            self._open[id] = self._unsealed(sealed)
        return id, self._open[id]

    async def between(self, first: date, last: date) -> dict[str, tuple[str, bytes]]:
        """Id and key for all loans of these days, by quarter: no key ends within one."""
        found: dict[str, tuple[str, bytes]] = {}
        while first <= last:
            quarter = quarter_of(first)
            found[quarter] = await self.key(first)
            first = end_of(quarter) + timedelta(days=1)
        return found

    async def every(self, raw: str) -> list[str]:
        """The pseudonyms of one reader under every key there is."""
        found = []
        for id in sorted(await self._bucket.keys()):
            entry = await self._bucket.get(id)
            if entry is not None:
                found.append(pseudonym(raw, id, self._unsealed(entry.value)))
        return found

    async def expire(self, today: date) -> list[str]:
        """Destroy the keys whose last loan is beyond the window; their ids. Seals the others with the first line."""
        gone = []
        for id in sorted(await self._bucket.keys()):
            if end_of(id) < oldest(today, self._settings):
                await self._bucket.delete(id)
                gone.append(id)
                continue
            entry = await self._bucket.get(id)
            if entry is not None:
                self._unsealed(entry.value)  # a master that does not open it must not seal it
                # Each sealing leaves the one before on the server's disk: only where the master changed.
                if not self._sealed_by_first(entry.value):
                    await self._bucket.update(id, self._vault.rotate(entry.value), entry.revision)
        return gone

    async def _kept(self, day: date) -> str | None:
        """The key there is for this day, the one of the shortest period."""
        for period in _MONTHS:
            id = period_of(day, period)
            if await self._bucket.get(id) is not None:
                return id
        return None

    def _sealed_by_first(self, sealed: bytes) -> bool:
        try:
            self._first.decrypt(sealed)
        except InvalidToken:
            return False
        return True

    def _unsealed(self, sealed: bytes) -> bytes:
        try:
            return self._vault.decrypt(sealed)
        except InvalidToken:
            raise SettingsError(MASTER, "does not open the readers' keys; add the line they were sealed with") from None


def pseudonym(raw: str, id: str, key: bytes) -> str:
    """The pseudonym of a reader's id under one key.

    Raises:
        ValueError: the id is empty or too long; the text does not repeat it.
    """
    return f"{id}-{hmac.digest(key, normal(raw).encode(), sha256).hex()[:32]}"


def normal(raw: str) -> str:
    """A reader's id as it is compared: without spaces and case, so that two spellings are one reader."""
    text = "".join(unicodedata.normalize("NFKC", raw).split()).casefold()
    if not text or len(text) > LONGEST:
        raise ValueError(f"a reader's id has 1 to {LONGEST} characters")
    # A lone surrogate cannot be digested.
    return text.encode("utf-8", "replace").decode()


def period_of(day: date, period: Period) -> str:
    """The id of the key for loans of a day: ``2026y``, ``2026h2``, ``2026q4``."""
    number = (day.month - 1) // _MONTHS[period] + 1
    return f"{day.year:04d}{period[0]}{number if period != 'year' else ''}"


def quarter_of(day: date) -> str:
    """The quarter of a day, as the id of its key would be."""
    return period_of(day, "quarter")


def end_of(id: str) -> date:
    """The last day a key is used for."""
    months = {"y": 12, "h": 6, "q": 3}[id[4]]
    number = int(id[5:] or 1)
    return _first_after(int(id[:4]), months * number) - timedelta(days=1)


def oldest(today: date, settings: LibrarySettings) -> date:
    """The oldest day whose loans are kept."""
    months = today.year * 12 + today.month - 1 - settings.window_months
    first = date(months // 12, months % 12 + 1, 1)
    return first + timedelta(days=min(today.day, _days(first)) - 1)


def vault(master: str) -> MultiFernet:
    """What seals and opens, from the lines of the master secret.

    Raises:
        SettingsError: a line is so short that it could be guessed.
    """
    lines = [line.strip() for line in master.splitlines() if line.strip()]
    if not lines or min(map(len, lines)) < _SHORTEST_MASTER:
        raise SettingsError(MASTER, f"each line needs at least {_SHORTEST_MASTER} random characters")
    return MultiFernet([Fernet(base64.urlsafe_b64encode(_stretched(line))) for line in lines])


def _stretched(line: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"stadtfunk library keys").derive(line.encode())


def _first_after(year: int, months: int) -> date:
    return date(year + months // 12, months % 12 + 1, 1)


def _days(first: date) -> int:
    return (_first_after(first.year, first.month) - first).days
