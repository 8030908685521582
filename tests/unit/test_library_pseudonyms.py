"""Pseudonyms and their keys: what is one reader, what is one key's time, and what opens them."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from events.library import ReaderErased
from functions.library.forget import Forget, forget
from functions.library.loans import today
from functions.library.pseudonyms import KEYS, Period, Ring, end_of, normal, oldest, period_of, pseudonym
from shared.backends import Backends
from shared.errors import SettingsError
from shared.secrets import Secrets
from shared.settings import LibrarySettings, Settings
from shared.state import MemoryState

MASTER = "0123456789abcdef0123456789"
DAY = date(2026, 11, 23)


@pytest.fixture
def ring(tmp_path: Path) -> Callable[..., Ring]:
    state = MemoryState()

    def make(*lines: str, **library: object) -> Ring:
        (tmp_path / "library-master").write_text("\n".join(lines or (MASTER,)))
        settings = Settings(_env_file=None, library=LibrarySettings.model_validate(library))
        return Ring(Backends(settings, state=state, secrets=Secrets(tmp_path)))

    make.state = state  # type: ignore[attr-defined]
    return make


@pytest.mark.parametrize("spelling", ["A 4711", "a4711", " a 4711\n", "Ａ4711"])
def test_spellings_of_one_id_are_one_reader(spelling: str) -> None:
    assert pseudonym(spelling, "2026y", b"k") == pseudonym("A4711", "2026y", b"k")
    assert pseudonym("A4712", "2026y", b"k") != pseudonym("A4711", "2026y", b"k")


@pytest.mark.parametrize("raw", ["", "  ", "x" * 129])
def test_what_is_no_id_is_refused_without_being_repeated(raw: str) -> None:
    with pytest.raises(ValueError, match="1 to 128 characters") as caught:
        normal(raw)
    assert "xx" not in str(caught.value)


@pytest.mark.parametrize(
    ("period", "id", "end"),
    [("year", "2026y", "2026-12-31"), ("half", "2026h2", "2026-12-31"), ("quarter", "2026q4", "2026-12-31")],
)
def test_a_key_belongs_to_a_period_of_loan_days(period: Period, id: str, end: str) -> None:
    assert period_of(DAY, period) == id
    assert end_of(id).isoformat() == end
    assert period_of(end_of(id) + timedelta(days=1), period) != id


async def test_another_period_begins_where_the_kept_keys_end(ring: Callable[..., Ring]) -> None:
    old = await ring().key(DAY)
    assert await ring(key_period="quarter").key(DAY) == old
    assert await ring(key_period="quarter").key(date(2026, 1, 1)) == old
    assert (await ring(key_period="quarter").key(date(2027, 2, 1)))[0] == "2027q1"
    # And back: the quarter that has a key of its own keeps it.
    assert (await ring().key(date(2027, 3, 31)))[0] == "2027q1"
    assert (await ring().key(date(2027, 4, 1)))[0] == "2027y"
    assert (await ring(key_period="half").key(date(2027, 2, 1)))[0] == "2027q1"
    found = await ring().between(date(2026, 12, 1), date(2027, 6, 1))
    assert {quarter: id for quarter, (id, _) in found.items()} == {
        "2026q4": "2026y", "2027q1": "2027q1", "2027q2": "2027y"
    }  # fmt: skip


def test_a_readers_id_is_text_and_keeps_its_zeros() -> None:
    assert pseudonym("004711", "2026y", b"k") != pseudonym("4711", "2026y", b"k")
    with pytest.raises(ValidationError):
        Forget.model_validate_json('{"reader": 4711}')


@pytest.mark.parametrize(
    ("today", "months", "first"),
    [("2026-11-23", 24, "2024-11-23"), ("2026-03-31", 1, "2026-02-28"), ("2024-03-31", 1, "2024-02-29")],
)
def test_the_window_ends_on_the_same_day_of_the_month(today: str, months: int, first: str) -> None:
    found = oldest(date.fromisoformat(today), LibrarySettings(window_months=months))
    assert found.isoformat() == first


async def test_a_key_stays_the_same_and_lies_sealed(ring: Callable[..., Ring]) -> None:
    id, key = await ring().key(DAY)
    assert await ring().key(date(2026, 1, 1)) == (id, key)
    assert (await ring().key(date(2027, 1, 1)))[1] != key
    stored = await ring.state.bucket(KEYS).get(id)  # type: ignore[attr-defined]
    assert key not in stored.value
    assert await ring().every("a") == [pseudonym("a", id, key), pseudonym("a", *await ring().key(date(2027, 1, 1)))]


async def test_keys_are_destroyed_with_their_last_loan_and_no_sooner(ring: Callable[..., Ring]) -> None:
    for year in (2023, 2024, 2026):
        await ring().key(date(year, 6, 1))
    assert await ring().expire(DAY) == ["2023y"]
    assert len(await ring().every("a")) == 2


async def test_the_master_can_change_and_a_wrong_one_is_said(ring: Callable[..., Ring]) -> None:
    key = await ring().key(DAY)
    new = "another master secret, long"
    assert await ring(new, MASTER).key(DAY) == key
    await ring(new, MASTER).expire(DAY)  # seals anew
    assert await ring(new).key(DAY) == key
    with pytest.raises(SettingsError, match="library-master: does not open the readers' keys"):
        await ring(MASTER).key(DAY)
    with pytest.raises(SettingsError, match="24 random characters"):
        ring("short")


async def test_an_old_file_read_after_an_erasure_finds_its_tombstone(ring: Callable[..., Ring], tmp_path: Path) -> None:
    ring()  # writes the master secret; no key was made yet
    state = ring.state  # type: ignore[attr-defined]
    use = Backends(Settings(_env_file=None), state=state, secrets=Secrets(tmp_path))
    (erased,) = (await forget(Forget(reader=SecretStr("A4711")), use)).events
    assert isinstance(erased, ReaderErased)
    for day in (today(), oldest(today(), use.settings.library)):
        assert pseudonym("A4711", *await Ring(use).key(day)) in erased.readers
