"""Photos in figures, for the status page: how many went which way, and what people found that the models had missed.

Counted by week, each photo once, and nothing of it: which photo it was is kept as a digest.
"""

from collections import Counter
from datetime import date, datetime, timedelta
from hashlib import sha256
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
from shared.state import Conflict

BUCKET: Final = "photos-figures"  # "<Monday>/<first digits of the ids>" -> Tally
_KEPT_S: Final = 370 * 24 * 3600.0
_WEEKS: Final = 52
_ZONE: Final = ZoneInfo("Europe/Berlin")
_Z: Final = 1.96  # of a normal distribution: 95 % lie within
_ROWS: Final = {
    "released": Text(de="Fotos anonymisiert", en="Photos anonymised"),
    "held": Text(de="Zur Prüfung angehalten", en="Held for review"),
    "refused": Text(de="Kein lesbares Foto", en="No readable photo"),
    "sampled": Text(de="Stichproben geprüft", en="Samples reviewed"),
}


class Tally(BaseModel):
    """Some of a week's counts."""

    ids: list[str] = []  # digests: each is counted once
    counts: dict[str, int] = {}


class Estimate(NamedTuple):
    """A share with the interval that holds the true one in 95 of 100 cases."""

    share: float
    low: float
    high: float


class NoQuery(BaseModel):
    """Nothing is asked."""

    model_config = ConfigDict(extra="forbid")


def estimate(successes: int, of: int) -> Estimate:
    """Wilson's score interval, which is right for few trials and for shares near one, too. ``of`` is positive."""
    share, square = successes / of, _Z * _Z
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = _Z / (1 + square / of) * sqrt(share * (1 - share) / of + square / (4 * of * of))
    return Estimate(share, max(0.0, middle - half), min(1.0, middle + half))


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
    counts = Counter(sampled=1, clean=int(not review.missed), found=review.found, missed=review.missed)
    await _count(f"reviewed/{review.photo_id}", counts, use)


@http
async def photo_figures(_: NoQuery, use: Backends) -> Figures:
    """How many photos went which way in the last year, and how much is missed by the samples that people looked at."""
    counts = await _counted(use)
    rows: list[list[str | int | float]] = [[f"{text.de} / {text.en}", counts[name], ""] for name, text in _ROWS.items()]
    waiting = Counter(one.kind for one in (await Queue(use).all()).values())
    if waiting:
        rows.append(["Warten auf einen Blick / Wait for a look", waiting["held"] + waiting["sample"], ""])
    if counts["sampled"]:
        rows.append(_row("Stichproben ohne Übersehenes / Samples without a miss", counts["clean"], counts["sampled"]))
    if things := counts["found"] + counts["missed"]:
        # Of one photo's faces and plates each tells a little about the next: the true interval is somewhat wider.
        rows.append(_row("Geschätzte Trefferquote / Estimated recall", counts["found"], things))
    return Figures(
        title=Text(de="Fotos, 52 Wochen", en="Photos, 52 weeks"),
        columns=[
            Text(de="Was", en="What"),
            Text(de="Wert", en="Value"),
            Text(de="95-%-Intervall", en="95 % interval"),
        ],
        rows=rows if waiting or any(counts.values()) else [],
    )


def _row(name: str, successes: int, of: int) -> list[str | int | float]:
    found = estimate(successes, of)
    return [name, f"{found.share:.1%} ({successes}/{of})", f"{found.low:.1%} – {found.high:.1%}"]


async def _counted(use: Backends) -> Counter[str]:
    bucket = use.state.bucket(BUCKET, ttl_s=_KEPT_S)
    since = datetime.now(_ZONE).date() - timedelta(weeks=_WEEKS)
    counts: Counter[str] = Counter()
    for key in await bucket.keys():
        if date.fromisoformat(key.partition("/")[0]) > since and (entry := await bucket.get(key)) is not None:
            counts.update(Tally.model_validate_json(entry.value).counts)
    return counts


async def _count(id: str, counts: Counter[str], use: Backends) -> None:
    bucket = use.state.bucket(BUCKET, ttl_s=_KEPT_S)
    digest = sha256(id.encode()).hexdigest()[:16]
    today = datetime.now(_ZONE).date()
    # In sixteen parts a week, so that each stays small and workers seldom meet.
    key = f"{today - timedelta(days=today.weekday())}/{digest[0]}"
    while True:
        entry = await bucket.get(key)
        tally = Tally() if entry is None else Tally.model_validate_json(entry.value)
        if digest in tally.ids:
            return
        value = Tally(ids=[*tally.ids, digest], counts=Counter(tally.counts) + counts).model_dump_json().encode()
        try:
            if entry is None:
                await bucket.create(key, value)
            else:
                await bucket.update(key, value, entry.revision)
        except Conflict:
            continue
        return
