"""How proposals are taken up, by week and category: counts alone, of no person and no letter.

A week of one category may be the work of one agent: what is less than five is shown as that and no more.
"""

from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from events.zammad import DraftProposed, DraftRated, ReplyCompared
from functions.zammad.records import Records
from shared.backends import Backends
from shared.catalogue import Text
from shared.figures import Figures
from shared.function import http, on
from shared.tallies import Tallies

FIGURES: Final = "zammad-figures"  # state bucket: counts by Monday; which ticket it was, they need not know
_FEWEST: Final = 5
_WEEKS: Final = 8  # shown
_ZONE: Final = ZoneInfo("Europe/Berlin")
_NONE: Final = "–"
_COLUMNS: Final = {
    "drafted": Text(de="Entwürfe", en="Drafts"),
    "noted": Text(de="Ohne Entwurf", en="Without a draft"),
    "used": Text(de="Übernommen", en="Used"),
    "edited": Text(de="Bearbeitet", en="Edited"),
    "discarded": Text(de="Verworfen", en="Discarded"),
    "up": Text(de="Daumen hoch", en="Thumbs up"),
    "down": Text(de="Daumen runter", en="Thumbs down"),
}


class NoQuery(BaseModel):
    """Nothing is asked."""

    model_config = ConfigDict(extra="forbid")


@on(DraftProposed)
async def count_drafts(proposed: DraftProposed, use: Backends) -> None:
    """Count a proposal in the week it was made, once however often it is told; a dry run's is none."""
    if proposed.outcome == "reported":
        return
    record = await Records(use).get(proposed.ticket_id)
    known = record is not None and record.article_id == proposed.article_id
    day = record.day if record is not None and known else datetime.now(_ZONE).date()
    id = f"proposed/{proposed.ticket_id}/{proposed.article_id}"
    await _count(id, day, proposed.outcome, proposed.category, use)


@on(ReplyCompared)
async def count_replies(compared: ReplyCompared, use: Backends) -> None:
    """Count what became of a draft, once however often it is told."""
    id = f"compared/{compared.ticket_id}/{compared.article_id}"
    percent = round(100 * compared.share)
    await _count(id, compared.day, compared.outcome, compared.category, use, percent=percent)


@on(DraftRated)
async def count_ratings(rated: DraftRated, use: Backends) -> None:
    """Count a thumb, once however often it is told."""
    await _count(f"rated/{rated.rating_id}", rated.day, rated.kind, rated.category, use)


@http
async def draft_figures(_: NoQuery, use: Backends) -> Figures:
    """Acceptance of drafts in the last eight weeks, by week and category, newest first."""
    since = datetime.now(_ZONE).date() - timedelta(weeks=_WEEKS)
    counts: defaultdict[tuple[date, str], Counter[str]] = defaultdict(Counter)
    for monday, found in (await Tallies(use.state.bucket(FIGURES)).after(since)).items():
        for name, count in found.items():
            what, category = name.split("/", 1)
            counts[monday, category][what] += count
    return Figures(
        title=Text(de="Antwortvorschläge im Helpdesk, 8 Wochen", en="Answer proposals in the help desk, 8 weeks"),
        columns=[
            Text(de="Woche ab", en="Week from"),
            Text(de="Kategorie", en="Category"),
            *_COLUMNS.values(),
            Text(de="Gesendeter Anteil", en="Share sent"),
        ],
        rows=[
            [monday.isoformat(), category or _NONE, *(_shown(found[what]) for what in _COLUMNS), _share(found)]
            for (monday, category), found in sorted(counts.items(), key=lambda one: (-one[0][0].toordinal(), one[0][1]))
        ],
    )


async def _count(id: str, day: date, what: str, category: str, use: Backends, *, percent: int = 0) -> None:
    counts = {f"{what}/{category}": 1, f"percent/{category}": percent}  # of the draft's words that were sent
    await Tallies(use.state.bucket(FIGURES)).add(id, day - timedelta(days=day.weekday()), counts)


def _shown(count: int) -> str | int:
    return count if count == 0 or count >= _FEWEST else f"< {_FEWEST}"


def _share(found: Counter[str]) -> str:
    """Mean share of the drafts' words that were sent, where it is of enough drafts."""
    compared = found["used"] + found["edited"] + found["discarded"]
    return f"{round(found['percent'] / compared)} %" if compared >= _FEWEST else _NONE
