"""What the index has of each answer of the knowledge base, and how the last runs went; written by compare-and-set."""

import asyncio
from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from functions.zammad.outline import Visibility
from shared.backends import Backends
from shared.state import Entry

ANSWERS: Final = "zammad-answers"  # state bucket: document id -> Known; "run" -> Last
_LAST: Final = "run"
_AT_ONCE: Final = 64


class Known(BaseModel):
    """What the index has of an answer. No visibility: it was withdrawn."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    revision: int = 0
    content_hash: str = ""
    mark: str = ""  # of the outline it was made from
    visibility: Visibility | Literal["hidden"] | None = None
    settled: bool = False  # this revision is written


class Last(BaseModel):
    """How the last runs went."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    whole_at: datetime | None = None  # the last whole run, or the first try
    hidden_since: datetime | None = None  # when many answers vanished together
    alarmed_at: datetime | None = None


class Ledger:
    """The records of all answers, as one run reads and writes them."""

    def __init__(self, use: Backends) -> None:
        self._bucket = use.state.bucket(ANSWERS)
        self._at: dict[str, int] = {}

    async def all(self) -> dict[str, Known]:
        """Every answer there ever was, by id of its document."""
        keys = [key for key in await self._bucket.keys() if key != _LAST]
        found: dict[str, Known] = {}
        for start in range(0, len(keys), _AT_ONCE):
            part = keys[start : start + _AT_ONCE]
            entries: list[Entry | None] = await asyncio.gather(*map(self._bucket.get, part))
            for key, entry in zip(part, entries, strict=True):
                if entry is not None:
                    found[key], self._at[key] = Known.model_validate_json(entry.value), entry.revision
        return found

    async def one(self, id: str) -> Known | None:
        """What the index has of one answer; None: it never was in it."""
        entry = await self._bucket.get(id)
        return None if entry is None else Known.model_validate_json(entry.value)

    async def write(self, id: str, known: Known) -> None:
        """Write over what this run read or wrote.

        Raises:
            Conflict: another run was faster.
        """
        value, at = known.model_dump_json().encode(), self._at.get(id)
        self._at[id] = await (self._bucket.create(id, value) if at is None else self._bucket.update(id, value, at))

    async def last(self) -> Last:
        """How the last runs went."""
        entry = await self._bucket.get(_LAST)
        return Last() if entry is None else Last.model_validate_json(entry.value)

    async def note(self, last: Last) -> None:
        """Remember how this one went."""
        await self._bucket.put(_LAST, last.model_dump_json().encode())
