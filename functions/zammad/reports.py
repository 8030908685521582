"""What a dry run would have written, as an object a proposal: for staff, who compare it with what was sent.

It holds what a draft and a note hold, so the storage forgets it by itself.
"""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from functions.zammad.compose import DraftState
from functions.zammad.markers import Marker
from shared.backends import Backends

PREFIX: Final = "reports/"
_KEPT_DAYS: Final = 30
_ONCE_S: Final = 24 * 3600.0


class Report(BaseModel):
    """One proposal of a dry run."""

    model_config = ConfigDict(frozen=True)

    reference: str  # that the note would bear
    ticket_id: int
    article_id: int
    outcome: Literal["drafted", "noted"]  # what it would have been
    state: DraftState
    draft: str  # HTML; empty: none
    note: str  # HTML


async def put(use: Backends, marker: Marker, *, draft: str, note: str, state: DraftState) -> None:
    """Store a report; the same proposal again takes its place."""
    bucket = use.settings.zammad.bucket

    async def ready() -> bool:
        await use.objects.ensure_bucket(bucket)
        await use.objects.expire_after(bucket, PREFIX, _KEPT_DAYS)
        return True

    await use.snapshots.get("zammad-reports", _ONCE_S, ready)
    report = Report(
        reference=str(marker),
        ticket_id=marker.ticket_id,
        article_id=marker.article_id,
        outcome="drafted" if state == "written" else "noted",
        state=state,
        draft=draft,
        note=note,
    )
    key = _key(marker.ticket_id, marker.article_id)
    await use.objects.put(bucket, key, report.model_dump_json().encode(), "application/json")


async def exists(use: Backends, ticket_id: int, article_id: int) -> bool:
    """Whether there is a report on this article."""
    return await use.objects.exists(use.settings.zammad.bucket, _key(ticket_id, article_id))


async def get(use: Backends, ticket_id: int, article_id: int) -> Report:
    """The report on this article.

    Raises:
        ObjectMissing: there is none, or none any more.
    """
    bucket = use.settings.zammad.bucket
    return Report.model_validate_json(await use.objects.get(bucket, _key(ticket_id, article_id)))


def _key(ticket_id: int, article_id: int) -> str:
    return f"{PREFIX}{ticket_id}-{article_id}.json"
