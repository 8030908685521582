"""Thumbs of citizens: taken as events, counted by day, shown as figures. Nothing says who; nothing is free text."""

from datetime import datetime, timedelta
from typing import Annotated, Final, Literal
from uuid import uuid4
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, StringConstraints

from events.xnext import FeedbackGiven
from shared.backends import Backends
from shared.catalogue import Text
from shared.figures import Figures
from shared.function import Reply, http, on
from shared.tallies import Tallies

FEEDBACK: Final = "xnext-feedback"  # state bucket: counts by day
_DAYS: Final = 30  # shown
_ZONE: Final = ZoneInfo("Europe/Berlin")


class Feedback(BaseModel):
    """What a citizen may say."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    about: Literal["search", "answer"]
    kind: Literal["up", "down"]
    reason: (
        Literal["helpful", "wrong_page", "wrong", "outdated", "incomplete", "unclear", "not_found", "other"] | None
    ) = None
    # An id as the search gives it, and nothing a person could write into.
    page_id: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,31}:[A-Za-z0-9._~-]{1,94}$")] | None = None


class Thanks(BaseModel):
    """It is stored."""

    accepted: Literal[True] = True


class NoQuery(BaseModel):
    """Nothing is asked."""

    model_config = ConfigDict(extra="forbid")


@http
async def feedback(given: Feedback, _: Backends) -> Reply:
    """Take a thumb and a reason from a fixed list."""
    event = FeedbackGiven(feedback_id=uuid4().hex, day=datetime.now(_ZONE).date(), **given.model_dump())
    return Reply(response=Thanks(), events=[event], status=202)


@on(FeedbackGiven)
async def count_feedback(given: FeedbackGiven, use: Backends) -> None:
    """Count feedback by day, each once however often it is delivered."""
    what = f"{given.about}/{given.kind}/{given.reason or ''}"
    await Tallies(use.state.bucket(FEEDBACK)).add(given.feedback_id, given.day, {what: 1})


@http
async def feedback_figures(_: NoQuery, use: Backends) -> Figures:
    """Feedback of the last thirty days, by day, newest first."""
    since = datetime.now(_ZONE).date() - timedelta(days=_DAYS)
    found = await Tallies(use.state.bucket(FEEDBACK)).after(since)
    return Figures(
        title=Text(de="Rückmeldungen zur Suche, 30 Tage", en="Feedback on the search, 30 days"),
        columns=[
            Text(de="Tag", en="Day"),
            Text(de="Zu", en="About"),
            Text(de="Daumen", en="Thumb"),
            Text(de="Grund", en="Reason"),
            Text(de="Anzahl", en="Count"),
        ],
        rows=[
            [day.isoformat(), *what.split("/"), count]
            for day, counts in sorted(found.items(), reverse=True)
            for what, count in sorted(counts.items())
        ],
    )
