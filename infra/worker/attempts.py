"""How often a message was really tried.

The server counts deliveries, and a delivery is no attempt: a drain, a restart of the server, or another
message that killed the process used it up. So a start that is not the first is written down before the
function runs, and the first delivery, the usual one, costs nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

from shared.state import Bucket

BUCKET: Final = "attempts"


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """What is known of the runs of one message."""

    used: int = 0  # runs begun that count
    waits: int = 0  # runs that ended because a backend was away; they do not count
    open: bool = False  # the last run never came to an end: process killed, or the ack was lost
    error: str = ""  # type of the last error
    reason: str = ""  # its text
    first_at: str = ""  # RFC 3339, the first failure


FRESH: Final = Record()


class Attempts:
    """The records, in a bucket that all workers share; they expire with the events."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    async def read(self, key: str) -> Record:
        """The record of a message that is delivered again."""
        entry = await self._bucket.get(key)
        if entry is None:
            # Nobody wrote an outcome: its only delivery so far was cut off. Whether by itself, by another event
            # in work at that moment, or by a power cut, cannot be told, so it costs no attempt.
            return Record(used=0, open=True)
        fields: Mapping[str, object] = json.loads(entry.value)
        return Record(**fields)  # type: ignore[arg-type]

    async def write(self, key: str, record: Record) -> None:
        """Keep what is known now."""
        await self._bucket.put(key, json.dumps(asdict(record)).encode())

    async def forget(self, key: str) -> None:
        """The message is done."""
        await self._bucket.delete(key)
