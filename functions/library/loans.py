"""Loans as the library's system tells them: a pseudonym takes the reader's place before anything is stored."""

import asyncio
from datetime import date, datetime, timedelta
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from events import Event
from events.library import LoanRecorded
from functions.library import dayfiles
from functions.library.pseudonyms import Ring, oldest, pseudonym
from functions.library.tombstones import covers
from shared.backends import Backends
from shared.function import Reply, http, on
from shared.http import Problem

ZONE: Final = ZoneInfo("Europe/Berlin")
_MOST: Final = 500  # loans in one request


class Loan(BaseModel):
    """One loan as the library's system knows it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    reader: SecretStr  # the library's own id; its repr hides it, should anything ever print this model
    title: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=128, pattern=r"^[^\x00-\x1f]+$")
    ]
    day: date


class Loans(BaseModel):
    """What a request brings: all of it is taken, or none."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    loans: Annotated[list[Loan], Field(min_length=1, max_length=_MOST)]


class Taken(BaseModel):
    """What the library's system is told."""

    loans: int  # distinct ones


@http
async def loans(given: Loans, use: Backends) -> Reply:
    """Take loans; readers' ids are replaced by pseudonyms here, and published nowhere.

    Raises:
        Problem: 422 with the field that is wrong; its text never repeats a value.
    """
    ring, now = Ring(use), today()
    first = oldest(now, use.settings.library)
    events: dict[tuple[str, str, date], LoanRecorded] = {}
    for number, loan in enumerate(given.loans):
        if loan.day > now + timedelta(days=1):
            raise _refused(number, "day", "lies in the future")
        if loan.day < first:
            raise _refused(number, "day", f"is older than loans are kept ({use.settings.library.window_months} months)")
        try:
            reader = pseudonym(loan.reader.get_secret_value(), *await ring.key(loan.day))
        except ValueError as error:
            raise _refused(number, "reader", str(error)) from None
        events[reader, loan.title, loan.day] = LoanRecorded(reader=reader, title=loan.title, day=loan.day)
    told = list(events.values())
    # What an erased reader borrowed is not even published: the stream would keep it for days.
    erased = await asyncio.gather(*(covers(use, loan.reader, loan.day) for loan in told))
    kept: list[Event] = [loan for loan, gone in zip(told, erased, strict=True) if not gone]
    return Reply(response=Taken(loans=len(told)), events=kept, status=202)


@on(LoanRecorded)
async def record_loan(loan: LoanRecorded, use: Backends) -> None:
    """Write a loan into its day's files; a repeat writes the same file."""
    await use.objects.ensure_bucket(use.settings.library.bucket)
    await dayfiles.add_one(use, loan.reader, loan.title, loan.day)


def today() -> date:
    """The day in the city."""
    return datetime.now(ZONE).date()


def _refused(number: int, field: str, message: str) -> Problem:
    errors = [{"field": f"loans.{number}.{field}", "message": message}]
    return Problem(422, f"The loans are not understood: loans.{number}.{field} {message}", errors=errors)
