"""What a dry run would have written, as an object a proposal: for staff, who compare it with what was sent.

It holds what a draft and a note hold, so the storage forgets it by itself.
"""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from functions.zammad.compose import DraftState
from functions.zammad.markers import Marker
from shared.backends import Backends
from shared.function import http
from shared.http import Problem
from shared.objects import ObjectMissing

PREFIX: Final = "reports/"
_KEPT_DAYS: Final = 30
_ONCE_S: Final = 24 * 3600.0
_LISTED: Final = 1000


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


class Which(BaseModel):
    """Which report."""

    model_config = ConfigDict(extra="forbid")

    ticket_id: int = Field(ge=1)
    article_id: int = Field(ge=1)


class All(BaseModel):
    """Which reports: there is nothing to choose."""

    model_config = ConfigDict(extra="forbid")


class Listed(BaseModel):
    """The reports there are."""

    reports: list[Which]  # the first thousand, by ticket and article


@http
async def draft_report(which: Which, use: Backends) -> Report:
    """The report on an article.

    Raises:
        Problem: 404 where there is none, or none any more.
    """
    try:
        return await get(use, which.ticket_id, which.article_id)
    except ObjectMissing:
        raise Problem(404, f"There is no such report; reports are kept for {_KEPT_DAYS} days.") from None


@http
async def draft_reports(_all: All, use: Backends) -> Listed:
    """Which articles there are reports on."""
    found: list[Which] = []
    async for stored in use.objects.list(use.settings.zammad.bucket, PREFIX):
        ticket_id, _, article_id = stored.key.removeprefix(PREFIX).removesuffix(".json").partition("-")
        if ticket_id.isdecimal() and article_id.isdecimal():
            found.append(Which(ticket_id=int(ticket_id), article_id=int(article_id)))
    found.sort(key=lambda one: (one.ticket_id, one.article_id))
    return Listed(reports=found[:_LISTED])


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
