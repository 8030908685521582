"""Every revision of a page, as it was: which object holds it, how a citation is opened, and which one counts.

What counts can be told from the names of the objects alone, so that an index can be built from them:
``revisions/<page>/7.json`` is a revision, ``revisions/<page>/8.removed`` says that the page was removed then.
"""

import re
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

from pydantic import BaseModel, ConfigDict

from events.cms import PageChanged, PageRemoved
from functions.xnext.page import Page
from shared.backends import Backends
from shared.knowledge.records import Record

_FOLDER: Final = "revisions/"
_KEY: Final = re.compile(rf"{_FOLDER}([^/]+)/(\d{{1,16}})\.(json|removed)")


class Kept(BaseModel):
    """Where the content of a revision lies."""

    model_config = ConfigDict(frozen=True)

    object_key: str
    changed_at: datetime


class Revision(NamedTuple):
    """A page as it was from ``changed_at`` on."""

    page: Page
    changed_at: datetime


async def keep(page: PageChanged, use: Backends) -> None:
    """Note which object a revision is; a repeat writes the same."""
    kept = Kept(object_key=page.object_key, changed_at=page.changed_at)
    await use.objects.put(
        use.settings.xnext.bucket,
        _key(page.page_id, page.revision),
        kept.model_dump_json().encode(),
        "application/json",
    )


async def keep_removal(page: PageRemoved, use: Backends) -> None:
    """Note that a page was removed; a repeat writes the same."""
    bucket = use.settings.xnext.bucket
    await use.objects.ensure_bucket(bucket)
    await use.objects.put(bucket, _key(page.page_id, page.revision, "removed"), b"")


async def counting(use: Backends) -> dict[str, Record]:
    """The revision that counts of every page there ever was, or its removal."""
    found: dict[str, Record] = {}
    async for stored in use.objects.list(use.settings.xnext.bucket, _FOLDER):
        key = _KEY.fullmatch(stored.key)
        if key is not None:
            record = Record(revision=int(key[2]), removed=key[3] == "removed")
            page_id = unquote(key[1])
            if page_id not in found or found[page_id].age < record.age:
                found[page_id] = record
    return found


async def notes(use: Backends, start: str) -> AsyncIterator[tuple[str, str]]:
    """Page id and note of every revision of the pages whose id starts so, removals left out."""
    async for stored in use.objects.list(use.settings.xnext.bucket, f"{_FOLDER}{quote(start, safe='')}"):
        key = _KEY.fullmatch(stored.key)
        if key is not None and key[3] == "json":
            yield unquote(key[1]), stored.key


async def revision(page_id: str, number: int, use: Backends) -> Revision:
    """A page in one revision, superseded or not.

    Raises:
        ObjectMissing: there never was such a revision, or it is not kept any more.
    """
    bucket = use.settings.xnext.bucket
    kept = Kept.model_validate_json(await use.objects.get(bucket, _key(page_id, number)))
    return Revision(Page.model_validate_json(await use.objects.get(bucket, kept.object_key)), kept.changed_at)


def _key(page_id: str, number: int, kind: str = "json") -> str:
    return f"{_FOLDER}{quote(page_id, safe='')}/{number}.{kind}"
