"""What we remember of a ticket's last proposal: ids, hashes and figures, no word of it.

records = Records(use)
record = await records.get(ticket_id)
record = await records.save(record.model_copy(update={...}))   # Retry: somebody else was faster
"""

from datetime import date
from hashlib import sha256
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.backends import Backends
from shared.errors import Retry
from shared.state import Conflict

BUCKET: Final = "zammad-proposals"
KEPT_S: Final = 90 * 86400.0  # then an answer that an agent sends is compared with nothing any more
_HASHES: Final = 8  # bodies of drafts that a ticket's draft may still hold


class Record(BaseModel):
    """The last proposal of a ticket."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    ticket_id: int
    article_id: int  # the customer's, that was answered
    revision: int  # of the ticket's draft, from 1
    # Noted before the draft is written: a crash in between must not make it look like somebody else's.
    hashes: tuple[str, ...] = ()  # of bodies we may have written, newest last
    outcome: Literal["drafted", "noted", "reported"]  # of what is being written, or was
    done: bool = False  # whether all of it is written
    category: str = ""
    statements: int = 0
    fingerprint: tuple[int, ...] = ()  # of the draft's text; empty where there is no draft
    day: date  # Europe/Berlin
    stored: int = Field(default=0, exclude=True)  # revision of the stored value; 0: it is new

    def wrote(self, body: str) -> bool:
        """Whether a draft's body is one of ours, unchanged."""
        return body_hash(body) in self.hashes

    def writing(self, body: str) -> tuple[str, ...]:
        """``hashes`` with this body's added."""
        new = body_hash(body)
        return (*(one for one in self.hashes if one != new), new)[-_HASHES:]


class Records:
    """The records by ticket."""

    def __init__(self, use: Backends) -> None:
        self._bucket = use.state.bucket(BUCKET, ttl_s=KEPT_S)

    async def get(self, ticket_id: int) -> Record | None:
        """The ticket's record; None where there is none, or it is older than 90 days."""
        entry = await self._bucket.get(str(ticket_id))
        if entry is None:
            return None
        return Record.model_validate_json(entry.value).model_copy(update={"stored": entry.revision})

    async def save(self, record: Record) -> Record:
        """Write over the very value this record was read from.

        Raises:
            Retry: another worker wrote it meanwhile; read again and decide anew.
        """
        key, value = str(record.ticket_id), record.model_dump_json().encode()
        try:
            if record.stored:
                stored = await self._bucket.update(key, value, record.stored)
            else:
                stored = await self._bucket.create(key, value)
        except Conflict:
            raise Retry("another worker is at this ticket; look again") from None
        return record.model_copy(update={"stored": stored})


def body_hash(body: str) -> str:
    """A draft's body as Zammad keeps it, as 32 hex digits."""
    return sha256(body.encode("utf-8", "surrogatepass")).hexdigest()[:32]
