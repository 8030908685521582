"""Finds objects that nobody told of: a notification was lost, or the storage sends none.

Every event has the id it would have had (``once``), so that what was told before is stored once. How far the search
has come is one moment a bucket: what was written before it was listed.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from events.storage import ObjectStored, ReconciliationAsked
from shared.aside import BUCKET, Aside
from shared.backends import Backends
from shared.catalogue import S3Trigger
from shared.errors import BackendError
from shared.function import on
from shared.notifications import Notice, look_all, wanted

log = structlog.get_logger()
_OVERLAP: Final = timedelta(hours=1)  # clocks differ, and an upload in parts may bear the time of its beginning
_FIRST: Final = timedelta(minutes=10)  # how far a first run looks back for functions that start with what is new
_AT_ONCE: Final = 64  # objects looked at before their events are stored


@on(ReconciliationAsked)
async def reconcile_objects(_asked: ReconciliationAsked, use: Backends) -> AsyncIterator[ObjectStored]:
    """Tell of every object that a trigger names and that was written since the last run began, or was refused before.

    A bucket that is named and not there is made, so that somebody can put something into it.
    """
    watches = use.catalogue.watches()
    async for event in Aside(use.state.bucket(BUCKET), use.objects).again():
        yield event
    for bucket in sorted({watch.bucket for watch in watches}):
        try:
            await use.objects.ensure_bucket(bucket)
        except BackendError as error:  # not allowed to, perhaps; the listing says whether the storage is there
            log.warning("a bucket with a trigger is not there and cannot be made", exc_info=error)
        began = datetime.now(UTC)
        async for event in _missed(bucket, watches, await _since(bucket, began, use), use):
            yield event
        await use.state.bucket(BUCKET).put(f"listed/{bucket}", began.isoformat().encode())


async def _missed(bucket: str, watches: list[S3Trigger], since: datetime, use: Backends) -> AsyncIterator[ObjectStored]:
    notices: list[Notice] = []
    refused = Aside(use.state.bucket(BUCKET), use.objects).put
    for prefix in _prefixes(bucket, watches):
        async for row in use.objects.list(bucket, prefix):
            if row.modified >= since:
                notices += wanted([Notice(bucket, row.key)], watches)
            if len(notices) == _AT_ONCE:
                for event in await look_all(notices, use.objects, refused):
                    yield event
                notices.clear()
    for event in await look_all(notices, use.objects, refused):
        yield event


def _prefixes(bucket: str, watches: list[S3Trigger]) -> list[str]:
    """What to list, nothing of it twice."""
    found: list[str] = []
    for prefix in sorted({watch.prefix for watch in watches if watch.bucket == bucket}):
        if not found or not prefix.startswith(found[-1]):
            found.append(prefix)
    return found


async def _since(bucket: str, now: datetime, use: Backends) -> datetime:
    """What was written before it was told, or is not wanted."""
    entry = await use.state.bucket(BUCKET).get(f"listed/{bucket}")
    if entry is not None:
        return datetime.fromisoformat(entry.value.decode()) - _OVERLAP
    functions = use.catalogue.enabled().functions.values()
    if any(one.start == "all" and any(watch.bucket == bucket for watch in one.watches) for one in functions):
        return datetime.min.replace(tzinfo=UTC)
    return now - _FIRST
