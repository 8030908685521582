"""A loan's way from the library's system to the day file: real NATS, S3, host and worker."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from events.library import ExpiryAsked, LoanRecorded, ModelPublished, SettlingAsked
from events.subjects import subject_of
from functions.library import dayfiles, fresh, tombstones
from functions.library.expiry import expire_loans
from functions.library.forget import erase_reader, erasure_report, forget
from functions.library.loans import Loans, loans, record_loan, today
from functions.library.pseudonyms import Ring, pseudonym
from shared.backends import Backends
from shared.deadletters import DeadLetter, bury
from shared.http import Problem
from shared.jetstream import JetStreamBus
from shared.settings import Settings
from tests.integration.librarian import library, secrets_in
from tests.polling import eventually


@pytest.fixture
async def use(settings: Settings, tmp_path: Path) -> AsyncIterator[Backends]:
    backends = Backends(settings, secrets=secrets_in(tmp_path / "secrets"))
    await backends.objects.ensure_bucket(settings.library.bucket)
    yield backends
    await backends.close()


async def rows(use: Backends) -> list[dict[str, Any]]:
    return list((await dayfiles.read(use)).to_pylist())


async def test_a_loan_told_over_http_lies_in_its_day_file_under_a_pseudonym(use: Backends) -> None:
    first, second = date(today().year - 1, 6, 15), date(today().year - 1, 6, 16)  # days of one key
    async with library(use, loans, record_loan) as system:
        assert await system.tell(("R 4711", "t1", first), ("r4711", "t2", second)) == (202, {"loans": 2})

        async def there() -> list[dict[str, Any]]:
            found = await rows(use)
            return found if len(found) == 2 else []

        found = await eventually(there, "two loans in the day files")
    (reader,) = {row["reader"] for row in found}
    assert reader in await Ring(use).every("R4711")
    assert {(row["title"], row["day"]) for row in found} == {("t1", first), ("t2", second)}
    assert "4711" not in json.dumps(found, default=str).replace(reader, "")


async def test_loans_told_twice_shuffled_and_merged_are_counted_once(use: Backends) -> None:
    ring, now = Ring(use), today()
    told = [
        LoanRecorded(reader=pseudonym(f"r{reader}", *await ring.key(day)), title=f"t{title}", day=day)
        for reader in range(3)
        for title in range(4)
        for day in (now, now - timedelta(days=400))
    ]
    shuffled = told * 2
    random.Random(3).shuffle(shuffled)
    await asyncio.gather(*(record_loan(loan, use) for loan in shuffled[:30]))
    assert await dayfiles.settle(use) == 2
    await asyncio.gather(*(record_loan(loan, use) for loan in shuffled[30:]))
    await asyncio.gather(dayfiles.settle(use), dayfiles.settle(use))
    await dayfiles.settle(use)
    assert len([part async for part in dayfiles.parts(use)]) == 2
    found = {(row["reader"], row["title"], row["day"]) for row in await rows(use)}
    assert found == {(loan.reader, loan.title, loan.day) for loan in told}
    assert (await dayfiles.read(use)).num_rows == len(told)


async def test_fresh_pairs_are_released_from_five_readers_on_and_in_steps_of_five(use: Backends) -> None:
    async def borrow(readers: range, *titles: str, day: date) -> None:
        for reader in readers:
            name = pseudonym(f"r{reader}", *await Ring(use).key(day))
            await dayfiles.add(use, dayfiles.table_of([name] * len(titles), titles, [day] * len(titles)))
        await fresh.settle_loans(SettlingAsked(), use)

    day = min(today(), date(today().year, 12, 30))  # a person has one pseudonym on this day and the next
    await borrow(range(4), "a", "b", day=day)
    assert await fresh.boosts(use) == {}
    await borrow(range(6), "a", "b", day=day)
    assert await fresh.boosts(use) == {"a": [("b", 5)], "b": [("a", 5)]}
    # What the model has seen is not fresh; a fresh loan beside an old one is.
    await fresh.start_afresh(ModelPublished(version="1", last_day=day + timedelta(days=1), loans=1, titles=1), use)
    assert await fresh.boosts(use) == {}
    await borrow(range(5), "c", day=day + timedelta(days=1))
    assert await fresh.boosts(use) == {"a": [("c", 5)], "b": [("c", 5)], "c": [("a", 5), ("b", 5)]}


async def test_a_person_under_two_keys_is_not_two_readers(use: Backends) -> None:
    before, after = date(2026, 12, 30), date(2027, 1, 2)
    readers, titles, days = [], [], []
    for reader in range(3):
        for day in (before, after):
            name = pseudonym(f"r{reader}", *await Ring(use).key(day))
            readers += [name] * 2
            titles += ["a", "b"]
            days += [day] * 2
    loans = dayfiles.table_of(readers, titles, days)
    assert len(set(readers)) == 6
    assert fresh.counted(loans, before) == {}


async def test_what_is_beyond_the_window_goes_with_its_key(use: Backends) -> None:
    old, young = today() - timedelta(days=365 * 4), today() - timedelta(days=300)
    for day in (old, young):
        name = pseudonym("r1", *await Ring(use).key(day))
        await dayfiles.add(use, dayfiles.table_of([name], ["t"], [day]))
    assert len(await Ring(use).every("r1")) == 2
    await expire_loans(ExpiryAsked(), use)
    assert [row["day"] for row in await rows(use)] == [young]
    assert len(await Ring(use).every("r1")) == 1
    (rule,) = use.objects._connected().get_bucket_lifecycle_configuration(Bucket=use.settings.library.bucket)["Rules"]
    assert rule["Filter"]["Prefix"] == "loans/"
    assert rule["Expiration"]["Days"] > 24 * 30


async def test_rows_that_a_killed_writer_left_behind_an_erasure_go_at_night(use: Backends) -> None:
    day = today()
    name = pseudonym("r1", *await Ring(use).key(day))
    await dayfiles.add(use, dayfiles.table_of([name, "2026y-" + "0" * 32], ["t", "u"], [day] * 2))
    await tombstones.set_up(use, [name], day)
    assert (await dayfiles.count(use, [name], day)).rows == 1
    assert [row["title"] for row in await rows(use)] == ["u"]  # nobody sees it even before
    await expire_loans(ExpiryAsked(), use)
    assert (await dayfiles.count(use, [name], day)).rows == 0
    assert [row["title"] for row in await rows(use)] == ["u"]


@pytest.mark.parametrize(
    ("loan", "field", "said"),
    [
        ({"day": "2999-01-01"}, "day", "lies in the future"),
        ({"day": "2001-01-01"}, "day", "older than loans are kept (24 months)"),
        ({"reader": " "}, "reader", "1 to 128 characters"),
        ({"reader": "SECRET" * 30}, "reader", "1 to 128 characters"),
    ],
)
async def test_a_batch_with_a_wrong_loan_is_refused_whole(
    use: Backends, loan: dict[str, str], field: str, said: str
) -> None:
    good = {"reader": "SECRET", "title": "t", "day": str(today())}
    with pytest.raises(Problem) as caught:
        await loans(Loans.model_validate({"loans": [good, {**good, **loan}]}), use)
    assert (caught.value.status, caught.value.document()["errors"][0]["field"]) == (422, f"loans.1.{field}")
    assert said in caught.value.detail
    assert "SECRET" not in json.dumps(caught.value.document())


async def test_a_reader_is_forgotten_in_every_store_and_stays_so(use: Backends) -> None:
    used = (loans, record_loan, forget, erase_reader, erasure_report)
    # A name that no id, digest or date can hold by chance.
    me, days = "Yvonne-Quitzow", [today(), today() - timedelta(days=400)]
    async with library(use, *used) as system:
        await system.tell(*((who, f"t{n}", day) for who in (me, "Bert") for n in range(5) for day in days))

        async def told() -> bool:
            return len(await rows(use)) == 20

        await eventually(told, "twenty loans")
        await dayfiles.settle(use)
        mine = await Ring(use).every(f"{me.upper()} ")
        letter = DeadLetter(
            id="x", function="record_loan", attempts=1, error="E", reason="r", first_at="", last_at="", data=b"{}",
            subject=subject_of(LoanRecorded.type, mine[0]), headers={"ce-subject": mine[0]},
        )  # fmt: skip
        bus = JetStreamBus(use.settings.nats)
        await bury(letter, bus)
        late = LoanRecorded(reader=mine[0], title="late", day=days[0])

        status, body = await system.send("/library/forget", {"reader": me.lower()})
        assert status == 202

        async def reported() -> dict[str, Any] | None:
            status, report = await system.ask(f"/library/forget/report?request_id={body['request_id']}")
            return report if status == 200 else None

        report = await eventually(reported, "the report")
        assert report is not None
        await record_loan(late, use)  # a delivery that was on its way
        assert (await system.tell((me, "t1", days[1])))[0] == 202  # and the library tells it all again
        assert (await system.tell(("Cleo", "t1", days[1])))[0] == 202

        async def cleo() -> bool:
            return len(await rows(use)) == 11

        await eventually(cleo, "Cleo's loan, and none of the reader's")
        assert (await use.erasure.left(mine)).events == 0
        # A loan that failed for the last time while all that was at work, and one of a day that counts again.
        for loan in (late, late.model_copy(update={"day": today() + timedelta(days=9)})):
            given_up = replace(letter, id=f"late {loan.day}", data=loan.model_dump_json().encode())
            await bury(given_up, bus)
        assert (await use.erasure.left(mine)).dead == 2
        await expire_loans(ExpiryAsked(), use)
        assert (await use.erasure.left(mine)).dead == 1
        await bus.close()
    assert {one["store"]: (one["removed"], one["left"]) for one in report["searched"]} == {
        "day files": (10, 0),
        "event stream": (10, 0),
        "dead letters": (1, 0),
    }
    assert not any(name.lower() in json.dumps(report).lower() for name in (*mine, me))
    assert {one["store"] for one in report["remaining"]} >= {"event stream", "tombstones", "model"}
    assert not set(mine) & {row["reader"] for row in await rows(use)}
