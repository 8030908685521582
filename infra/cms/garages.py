"""The page that changes by itself: free places in the garages, made from the clock alone.

Equal time, equal page: nothing is stored, two stand-ins agree, and a test can name the moment.
"""

from datetime import UTC, datetime
from hashlib import sha256
from math import cos, pi

from infra.cms.city import ZONE, Page

GARAGES = (("Rathausgarage", 412), ("Am Gaswerk", 280), ("Flussufer", 195), ("Bahnhof Nord", 530), ("Klinikum", 340))


def slot_start(at: datetime, slot_s: int) -> datetime:
    """When the count that is shown at this moment was taken, UTC."""
    seconds = int(at.timestamp())
    return datetime.fromtimestamp(seconds - seconds % slot_s, UTC)


def current(page: Page, at: datetime, slot_s: int) -> Page:
    """The page with the count of this moment in front of its text."""
    start = max(slot_start(at, slot_s), page.modified)  # an editor may have been here after the count
    local = start.astimezone(ZONE)
    rows = "\n".join(f"| {name} | {_free(name, places, local)} | {places} |" for name, places in GARAGES)
    table = f"Stand: {local:%d.%m.%Y, %H.%M} Uhr\n\n| Parkhaus | frei | Plätze |\n|---|---|---|\n{rows}\n\n"
    return page.model_copy(update={"text": table + page.text, "modified": start})


def _free(name: str, places: int, local: datetime) -> int:
    """Full towards two in the afternoon, empty at night, with a little noise of its own a garage and minute."""
    day = (1 - cos((local.hour * 60 + local.minute - 120) / 1440 * 2 * pi)) / 2
    noise = sha256(f"{name}{local:%Y%m%d%H%M}".encode()).digest()[0] / 255
    return round(places * (1 - 0.9 * day) * (0.85 + 0.15 * noise))
