"""What is older than the window goes: day files first, then the keys that no file needs any more."""

from typing import Final

from events.library import ExpiryAsked
from functions.library import dayfiles
from functions.library.loans import today
from functions.library.pseudonyms import Ring, oldest
from shared.backends import Backends
from shared.function import on

_SPARE_DAYS: Final = 40  # the storage's own rule is a net below this sweep, as it counts from the writing


@on(ExpiryAsked)
async def expire_loans(_asked: ExpiryAsked, use: Backends) -> None:
    """Remove day files beyond the window, then destroy the keys whose last loan has expired."""
    library = use.settings.library
    await use.objects.ensure_bucket(library.bucket)
    await use.objects.expire_after(library.bucket, dayfiles.PREFIX, library.window_months * 31 + _SPARE_DAYS)
    await dayfiles.expire(use, oldest(today(), library))
    await Ring(use).expire(today())
