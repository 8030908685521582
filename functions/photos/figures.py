"""Photos in figures, for the status page: how many went which way, and what people found that the models had missed.

Counted by week, each photo once, and nothing of it: which photo it was is kept as a digest.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from math import sqrt
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from events.photos import PhotoAnonymised, PhotoHeld, PhotoRefused, PhotoReviewed
from functions.photos.candidates import Queue
from shared.backends import Backends
from shared.catalogue import Text
from shared.figures import Figures
from shared.function import http, on
from shared.tallies import Tallies

BUCKET: Final = "photos-figures"  # counts by week
_KEPT_S: Final = 370 * 24 * 3600.0
_WEEKS: Final = 52
_ZONE: Final = ZoneInfo("Europe/Berlin")
_FRESH_S: Final = 15.0  # the figures are computed no more often, however often they are asked for
_Z: Final = 1.96  # of a normal distribution: 95 % lie within
_ROWS: Final = {
    "released": Text(de="Fotos anonymisiert", en="Photos anonymised"),
    "held": Text(de="Zur Prüfung angehalten", en="Held for review"),
    "refused": Text(de="Kein lesbares Foto", en="No readable photo"),
    "sampled": Text(de="Stichproben geprüft", en="Samples reviewed"),
}


class Estimate(NamedTuple):
    """A share with the interval that holds the true one in 95 of 100 cases."""

    share: float
    low: float
    high: float


class NoQuery(BaseModel):
    """Nothing is asked."""

    model_config = ConfigDict(extra="forbid")


def estimate(successes: float, of: float) -> Estimate:
    """Wilson's score interval, which is right for few trials and for shares near one, too. ``of`` is positive."""
    share, square = successes / of, _Z * _Z
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = _Z / (1 + square / of) * sqrt(share * (1 - share) / of + square / (4 * of * of))
    return Estimate(share, max(0.0, middle - half), min(1.0, middle + half))


def recall(counts: Mapping[str, int]) -> Estimate:
    """The found share of all things in the samples; ``things`` is positive.

    Things of one photo are found or missed together: the interval is that of as many things on their own as tell no
    more than these do if those of one photo always agree (Kish's effective number).
    """
    things = counts["things"]
    own = things * things / counts["squares"]
    return estimate(own * (things - counts["misses"]) / things, own)


@on(PhotoAnonymised)
async def count_anonymised(photo: PhotoAnonymised, use: Backends) -> None:
    """Count a finished photo, once however often it is told."""
    await _count(f"released/{photo.photo_id}", Counter(released=1), use)


@on(PhotoHeld)
async def count_held(photo: PhotoHeld, use: Backends) -> None:
    """Count a held photo, once however often it is told."""
    await _count(f"held/{photo.photo_id}", Counter(held=1), use)


@on(PhotoRefused)
async def count_refused(photo: PhotoRefused, use: Backends) -> None:
    """Count a refused file, once however often it is told."""
    await _count(f"refused/{photo.photo_id}", Counter(refused=1), use)


@on(PhotoReviewed)
async def count_reviews(review: PhotoReviewed, use: Backends) -> None:
    """Count what a person found in a sample, once however often it is told; held photos are no fair sample."""
    if review.kind != "sample" or review.decision == "expired":
        return
    # Nobody takes a photo back in which nothing can be recognised.
    missed = max(review.missed, int(review.decision == "rejected"))
    things = review.found + missed
    counts = Counter(sampled=1, clean=int(not missed), things=things, misses=missed, squares=things * things)
    await _count(f"reviewed/{review.photo_id}", counts, use)


@http
async def photo_figures(_: NoQuery, use: Backends) -> Figures:
    """How many photos went which way in the last year, and how much is missed by the samples that people looked at."""
    return await use.snapshots.get("photos-figures", _FRESH_S, lambda: _figures(use))


async def _figures(use: Backends) -> Figures:
    counts = await _counted(use)
    rows: list[list[str | int | float]] = [[f"{text.de} / {text.en}", counts[name], ""] for name, text in _ROWS.items()]
    waiting = Counter(one.kind for one in (await Queue(use).all()).values())
    if waiting:
        rows.append(["Warten auf einen Blick / Wait for a look", waiting["held"] + waiting["sample"], ""])
    if sampled := counts["sampled"]:
        clean = estimate(counts["clean"], sampled)
        rows.append(
            _row("Stichproben ohne Übersehenes / Samples without a miss", clean, f"{counts['clean']}/{sampled}")
        )
    if things := counts["things"]:
        samples = ("1 Stichprobe", "1 sample") if sampled == 1 else (f"{sampled} Stichproben", f"{sampled} samples")
        name = f"Geschätzte Trefferquote aus {samples[0]} / Estimated recall from {samples[1]}"
        rows.append(_row(name, recall(counts), f"{things - counts['misses']}/{things}"))
    return Figures(
        title=Text(de="Fotos, 52 Wochen", en="Photos, 52 weeks"),
        columns=[
            Text(de="Was", en="What"),
            Text(de="Wert", en="Value"),
            Text(de="95-%-Intervall", en="95 % interval"),
        ],
        rows=rows if waiting or any(counts.values()) else [],
    )


def _row(name: str, found: Estimate, counted: str) -> list[str | int | float]:
    return [name, f"{found.share:.1%} ({counted})", f"{found.low:.1%} – {found.high:.1%}"]


async def _counted(use: Backends) -> Counter[str]:
    weeks = await _tallies(use).after(datetime.now(_ZONE).date() - timedelta(weeks=_WEEKS))
    return sum(weeks.values(), Counter[str]())


async def _count(id: str, counts: Mapping[str, int], use: Backends) -> None:
    today = datetime.now(_ZONE).date()
    await _tallies(use).add(id, today - timedelta(days=today.weekday()), counts)


def _tallies(use: Backends) -> Tallies:
    return Tallies(use.state.bucket(BUCKET, ttl_s=_KEPT_S))
