"""A reader who wants to be forgotten: every row and message goes, and a report proves it.

The raw id comes in by HTTP alone and ends there: what travels are the reader's pseudonyms under every key that
is kept. The report names stores, counts and deadlines; no pseudonym stands in it.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from events.library import ReaderErased
from functions.library import dayfiles, fresh, tombstones
from functions.library.loans import today
from functions.library.pseudonyms import Ring, oldest
from shared.backends import Backends
from shared.catalogue import Text
from shared.errors import Retry
from shared.function import Reply, http, on
from shared.http import Problem
from shared.objects import ObjectMissing

REPORTS: Final = "reports/"
RequestId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


class Forget(BaseModel):
    """Who wants to be forgotten, as the library's system knows the reader."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    reader: SecretStr


class Asked(BaseModel):
    """What the library's system is told: under which id the report will lie."""

    request_id: str


class Searched(BaseModel):
    """One store: what was looked through, what went, what a second look found."""

    model_config = ConfigDict(frozen=True)

    store: str
    searched: int | None = None  # files; None: looked up by key
    removed: int  # rows or messages
    left: int  # of a second look


class Remaining(BaseModel):
    """What cannot go at once, and when it goes."""

    model_config = ConfigDict(frozen=True)

    store: str
    what: Text
    until: datetime | None  # None: said in ``what``


class Report(BaseModel):
    """The proof of one erasure."""

    model_config = ConfigDict(frozen=True)

    request_id: str
    day: str  # loans up to this day were removed and stay out
    keys: int  # how many keys the reader's pseudonyms were derived from
    finished_at: datetime
    seconds: float = Field(ge=0)
    searched: list[Searched]
    remaining: list[Remaining]


class Which(BaseModel):
    """Which report."""

    model_config = ConfigDict(extra="forbid")

    request_id: RequestId


@http
async def forget(given: Forget, use: Backends) -> Reply:
    """Take the wish to be forgotten; the raw id is replaced by the reader's pseudonyms here.

    Raises:
        Problem: 422 where the id is empty or too long.
    """
    ring, now = Ring(use), today()
    # Old loans may be read after the wish: the keys for them are made now, or they would find no tombstone.
    await ring.between(oldest(now, use.settings.library), now + timedelta(days=1))
    try:
        readers = await ring.every(given.reader.get_secret_value())
    except ValueError as error:
        raise Problem(422, str(error), errors=[{"field": "reader", "message": str(error)}]) from None
    # Loans of tomorrow are taken too, as clocks differ: they go with the others.
    erased = ReaderErased(request_id=uuid4().hex, readers=readers, day=now + timedelta(days=1))
    return Reply(response=Asked(request_id=erased.request_id), events=[erased], status=202)


@http
async def erasure_report(asked: Which, use: Backends) -> Report:
    """The report of an erasure.

    Raises:
        Problem: 404 while there is none.
    """
    try:
        return await report(use, asked.request_id)
    except ObjectMissing:
        raise Problem(404, "There is no such report, or the erasure is still at work.") from None


@on(ReaderErased)
async def erase_reader(erased: ReaderErased, use: Backends) -> None:
    """Remove a reader's rows and messages, look again, and write the report; a repeat keeps the first one."""
    start = time.monotonic()
    library, readers = use.settings.library, list(erased.readers)
    await use.objects.ensure_bucket(library.bucket)
    if await use.objects.exists(library.bucket, _key(erased.request_id)):
        return
    # First: whatever is still on its way finds them.
    await tombstones.set_up(use, readers, erased.day)
    removed = await dayfiles.erase(use, await tombstones.Tombstones.load(use))
    wiped = await use.erasure.wipe(readers)
    await fresh.release(use)
    rows, messages = await dayfiles.count(use, readers, erased.day), await use.erasure.left(readers)
    if rows.rows or messages.events or messages.dead:
        raise Retry("a store took in rows of the reader while it was searched; search again")
    found = Report(
        request_id=erased.request_id,
        day=erased.day.isoformat(),
        keys=len(readers),
        finished_at=datetime.now(UTC),
        seconds=round(time.monotonic() - start, 3),
        searched=[
            Searched(store="day files", searched=rows.files, removed=removed.rows, left=rows.rows),
            Searched(store="event stream", removed=wiped.events, left=messages.events),
            Searched(store="dead letters", removed=wiped.dead, left=messages.dead),
        ],
        remaining=_remaining(use),
    )
    await use.objects.put(library.bucket, _key(erased.request_id), found.model_dump_json().encode(), "application/json")


async def report(use: Backends, request_id: str) -> Report:
    """The report of this id.

    Raises:
        ObjectMissing: there is none, or none yet.
    """
    return Report.model_validate_json(await use.objects.get(use.settings.library.bucket, _key(request_id)))


def _remaining(use: Backends) -> list[Remaining]:
    now, settings = datetime.now(UTC), use.settings
    return [
        Remaining(
            store="event stream",
            what=Text(
                de="Das Ereignis der Löschung selbst: Pseudonyme, zu denen es keine Zeilen mehr gibt",
                en="The event of the erasure itself: pseudonyms that no row bears any more",
            ),
            until=now + timedelta(seconds=settings.nats.max_age_s),
        ),
        Remaining(
            store="dead letters",
            what=Text(
                de="Eine Entleihung, deren letzter Versuch in den Sekunden der Löschung scheiterte; die nächste Nacht "
                "räumt sie fort",
                en="A loan whose last try failed within the seconds of the erasure; the next night takes it away",
            ),
            until=now + timedelta(days=2),
        ),
        Remaining(
            store="tombstones",
            what=Text(
                de="Prüfsummen der Pseudonyme, damit eine spätere Meldung oder alte Datei niemanden zurückbringt",
                en="Digests of the pseudonyms, so that no later message or old file brings anybody back",
            ),
            until=now + timedelta(days=(settings.library.window_months + 1) * 31),
        ),
        Remaining(
            store="model",
            what=Text(
                de="Gewichte des laufenden Modells bis zum nächsten planmäßigen Training, die der bis zu vier früheren "
                "Modelle, bis sie abgelöst sind",
                en="Weights of the running model until the next scheduled training, those of up to four earlier "
                "models until they are replaced",
            ),
            until=None,
        ),
        Remaining(
            store="object storage",
            what=Text(
                de="Freigegebene Speicherblöcke, bis der Speicherdienst sie verdichtet; frühere Sicherungen, "
                "bis sie ablaufen",
                en="Freed blocks until the storage compacts them; earlier backups until they expire",
            ),
            until=None,
        ),
    ]


def _key(request_id: str) -> str:
    return f"{REPORTS}{request_id}.json"
