"""Every revision of a page, as it was: which object holds it, and how a citation is opened."""

from datetime import datetime
from typing import NamedTuple
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict

from events.cms import PageChanged
from functions.xnext.page import Page
from shared.backends import Backends


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


async def revision(page_id: str, number: int, use: Backends) -> Revision:
    """A page in one revision, superseded or not.

    Raises:
        ObjectMissing: there never was such a revision, or it is not kept any more.
    """
    bucket = use.settings.xnext.bucket
    kept = Kept.model_validate_json(await use.objects.get(bucket, _key(page_id, number)))
    return Revision(Page.model_validate_json(await use.objects.get(bucket, kept.object_key)), kept.changed_at)


def _key(page_id: str, number: int) -> str:
    return f"revisions/{quote(page_id, safe='')}/{number}.json"
