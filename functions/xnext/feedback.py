"""Thumbs of citizens: taken as events, counted by day, shown as figures. Nothing says who; nothing is free text."""

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Annotated, Final, Literal
from uuid import uuid4
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, StringConstraints

from events.xnext import FeedbackGiven
from shared.backends import Backends
from shared.catalogue import Text
from shared.figures import Figures
from shared.function import Reply, http, on
from shared.state import Conflict

FEEDBACK: Final = "xnext-feedback"  # state bucket: "<day>/<first digit of the ids>" -> Tally
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


class Tally(BaseModel):
    """Some of a day's feedback: the ids keep each from being counted twice."""

    ids: list[str] = []
    counts: dict[str, int] = {}  # "<about>/<kind>/<reason>"


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
    bucket = use.state.bucket(FEEDBACK)
    key = f"{given.day.isoformat()}/{given.feedback_id[0]}"
    what = f"{given.about}/{given.kind}/{given.reason or ''}"
    while True:
        entry = await bucket.get(key)
        tally = Tally() if entry is None else Tally.model_validate_json(entry.value)
        if given.feedback_id in tally.ids:
            return
        counts = tally.counts | {what: tally.counts.get(what, 0) + 1}
        value = Tally(ids=[*tally.ids, given.feedback_id], counts=counts).model_dump_json().encode()
        try:
            if entry is None:
                await bucket.create(key, value)
            else:
                await bucket.update(key, value, entry.revision)
        except Conflict:
            continue
        return


@http
async def feedback_figures(_: NoQuery, use: Backends) -> Figures:
    """Feedback of the last thirty days, by day, newest first."""
    bucket = use.state.bucket(FEEDBACK)
    since = datetime.now(_ZONE).date() - timedelta(days=_DAYS)
    found: Counter[tuple[date, str]] = Counter()
    for key in await bucket.keys():
        day = date.fromisoformat(key.partition("/")[0])
        entry = await bucket.get(key) if day > since else None
        if entry is not None:
            for what, count in Tally.model_validate_json(entry.value).counts.items():
                found[day, what] += count
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
            for (day, what), count in sorted(found.items(), key=lambda one: (-one[0][0].toordinal(), one[0][1]))
        ],
    )
