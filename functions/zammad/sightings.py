"""When Zammad's webhook was last here, for who sets it up and for who wonders why nothing happens."""

import contextlib
from datetime import UTC, datetime
from typing import Final

from shared.backends import Backends
from shared.errors import BackendError

BUCKET: Final = "zammad-webhook"
_KEY: Final = "seen"
_FRESH_S: Final = 60.0  # a webhook is noted once a minute


async def note(use: Backends) -> None:
    """Note a webhook that bore a right signature; where that fails, nobody minds."""

    async def write() -> bool:
        await use.state.bucket(BUCKET).put(_KEY, datetime.now(UTC).isoformat().encode())
        return True

    with contextlib.suppress(BackendError):
        await use.snapshots.get("zammad-webhook-seen", _FRESH_S, write)


async def last(use: Backends) -> datetime | None:
    """When the last one came, to the minute; None: never yet."""
    entry = await use.state.bucket(BUCKET).get(_KEY)
    return None if entry is None else datetime.fromisoformat(entry.value.decode())
