"""What is older than the window goes: day files first, then the keys that no file needs any more."""

from pydantic import ValidationError

from events.library import ExpiryAsked, LoanRecorded
from functions.library import dayfiles
from functions.library.loans import today
from functions.library.pseudonyms import Ring, oldest
from functions.library.tombstones import Tombstones
from shared.backends import Backends
from shared.deadletters import DeadLetter
from shared.function import on


@on(ExpiryAsked)
async def expire_loans(_asked: ExpiryAsked, use: Backends) -> None:
    """Remove day files beyond the window, then destroy the keys whose last loan has expired.

    And what a writer that was killed between writing and looking at the tombstones again may have left, in the day
    files or as a dead letter.
    """
    await dayfiles.prepare(use)
    await dayfiles.expire(use, oldest(today(), use.settings.library))
    await Ring(use).expire(today())
    if tombstones := await Tombstones.load(use):
        await dayfiles.erase(use, tombstones)
        await use.erasure.sweep(lambda letter: _gone(letter, tombstones))


def _gone(letter: DeadLetter, tombstones: Tombstones) -> bool:
    """A loan that was given up in the moment its reader was forgotten."""
    try:
        loan = LoanRecorded.model_validate_json(letter.data)
    except ValidationError:
        return False
    return tombstones.covers(loan.reader, loan.day)
