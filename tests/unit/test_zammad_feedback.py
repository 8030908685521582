"""What was used of a draft, without its words: fingerprints, thumbs' links, counts."""

import json
import re
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest

from events.zammad import DraftProposed, DraftRated, ReplyCompared
from functions.zammad.figures import FIGURES, NoQuery, count_drafts, count_ratings, count_replies, draft_figures
from functions.zammad.fingerprint import fingerprint, share
from functions.zammad.rating import Link, links
from functions.zammad.records import Record, Records
from shared.backends import Backends
from shared.errors import SettingsError
from shared.secrets import Secrets
from shared.settings import Settings
from shared.state import MemoryState

KEY = b"k" * 32
DRAFT = (
    "Für den Umtausch brauchen Sie ein biometrisches Foto und den alten Führerschein.\n"
    "Die Gebühr beträgt 25,30 Euro. Bitte vereinbaren Sie einen Termin."
)


@pytest.fixture
def use(tmp_path: Path) -> Backends:
    (tmp_path / "zammad-rating").write_text("a secret of this test alone")
    return Backends(Settings(_env_file=None), state=MemoryState(), secrets=Secrets(tmp_path))


def kept(sent: str) -> float:
    return share(fingerprint(DRAFT, KEY), fingerprint(sent, KEY))


@pytest.mark.parametrize(
    "sent",
    [
        DRAFT,
        f"Guten Tag Frau Muster,\n\n{DRAFT}\n\nMit freundlichen Grüßen\nIhre Führerscheinstelle",
        DRAFT.upper().replace(".", " [1]."),
        DRAFT.replace("biometrisches", "bio\N{SOFT HYPHEN}metrisches").replace(" ", "\n"),
    ],
)
def test_what_stands_around_a_draft_and_how_it_is_set_changes_nothing(sent: str) -> None:
    assert kept(sent) == 1.0


def test_a_word_changed_costs_that_word() -> None:
    words = len(DRAFT.split()) + 1  # "25,30" is two
    assert kept(DRAFT.replace("biometrisches", "aktuelles")) == pytest.approx(1 - 1 / words)


def test_half_a_draft_is_half_and_another_letter_is_none() -> None:
    assert kept(DRAFT.partition("\n")[0]) == pytest.approx(12 / 23)
    assert kept("Sehr geehrte Frau Muster, leider sind wir dafür nicht zuständig. Mit freundlichen Grüßen") == 0.0
    assert kept("") == 0.0
    assert share((), fingerprint(DRAFT, KEY)) == 0.0


def test_a_fingerprint_holds_no_word_and_says_nothing_without_its_key() -> None:
    mine = fingerprint(DRAFT, KEY)
    assert all(0 <= number < 2**63 for number in mine)
    assert not set(mine) & set(fingerprint(DRAFT, b"another"))
    assert fingerprint("Ja, gern", KEY) == fingerprint("ja gern!", KEY)
    assert len(fingerprint("Ja", KEY)) == 1
    assert fingerprint(" ...\n", KEY) == ()


def link(address: str) -> Link:
    return Link.model_validate({name: values[0] for name, values in parse_qs(urlsplit(address).query).items()})


def test_both_thumbs_are_one_rating_and_say_neither_ticket_nor_article(use: Backends) -> None:
    up, down = (link(address) for address in links(4711, 815, "fuehrerschein-umtausch", use))
    assert (up.kind, down.kind) == ("up", "down")
    assert up.id == down.id != link(links(4711, 816, "fuehrerschein-umtausch", use)[0]).id
    assert up.ours(use)
    assert down.ours(use)
    address = links(4711, 815, "x", use)[0]
    assert "4711" not in address.split("signature")[0].split("until")[0].replace(up.id, "")
    assert up.until > time.time() + 89 * 86_400


@pytest.mark.parametrize("forged", [{"kind": "down"}, {"category": "y"}, {"until": 2**39}, {"id": "0" * 32}])
def test_nothing_of_a_link_can_be_changed(use: Backends, tmp_path: Path, forged: dict[str, Any]) -> None:
    up = link(links(1, 2, "x", use)[0])
    assert not up.model_copy(update=forged).ours(use)
    (tmp_path / "zammad-rating").write_text("another secret")
    assert not up.ours(use)


def test_without_a_secret_there_are_no_links(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="zammad-rating"):
        links(1, 2, "x", Backends(Settings(_env_file=None), secrets=Secrets(tmp_path / "none")))
    (tmp_path / "zammad-rating").write_text("")
    with pytest.raises(SettingsError, match="zammad-rating"):
        links(1, 2, "x", Backends(Settings(_env_file=None), secrets=Secrets(tmp_path)))


MONDAY = (today := datetime.now(ZoneInfo("Europe/Berlin")).date()) - timedelta(days=today.weekday())


def compared(number: int, outcome: str = "used", kept: float = 1.0, day: date = MONDAY) -> ReplyCompared:
    return ReplyCompared.model_validate(
        {"ticket_id": number, "article_id": 2, "outcome": outcome, "share": kept, "category": "umtausch", "day": day}
    )


async def rows(use: Backends) -> Iterator[Any]:
    figures = await draft_figures(NoQuery(), use)
    assert all(len(row) == len(figures.columns) for row in figures.rows)
    return iter(figures.rows)


async def test_each_is_counted_once_by_week_and_category(use: Backends) -> None:
    for _ in range(3):
        for number in range(1, 7):
            await count_replies(compared(number), use)
        for number in range(7, 12):
            await count_replies(compared(number, "edited", 0.5, MONDAY + timedelta(days=6)), use)
        await count_replies(compared(20, day=MONDAY - timedelta(days=1)), use)
    this, last = await rows(use)
    assert this == [MONDAY.isoformat(), "umtausch", 0, 0, 6, 5, 0, 0, 0, "77 %"]
    assert last == [(MONDAY - timedelta(weeks=1)).isoformat(), "umtausch", 0, 0, "< 5", 0, 0, 0, 0, "–"]


async def test_fewer_than_five_are_not_told_apart(use: Backends) -> None:
    for number in range(1, 5):
        await count_replies(compared(number, "discarded", 0.0), use)
        (row,) = await rows(use)
        assert row[2:] == [0, 0, 0, 0, "< 5", 0, 0, "–"]


async def test_a_proposal_counts_in_its_own_week_and_a_dry_run_not_at_all(use: Backends) -> None:
    before = MONDAY - timedelta(days=3)
    await Records(use).save(Record(ticket_id=1, article_id=2, revision=1, outcome="drafted", day=before))
    for outcome in ("drafted", "reported"):
        event = DraftProposed.model_validate({"ticket_id": 1, "article_id": 2, "outcome": outcome, "statements": 2})
        await count_drafts(event, use)
    (row,) = await rows(use)
    assert row[:3] == [(before - timedelta(days=before.weekday())).isoformat(), "–", "< 5"]


async def test_thumbs_are_counted_once_and_the_store_names_no_ticket(use: Backends) -> None:
    for _ in range(2):
        for number in range(5):
            rated = DraftRated(rating_id=f"{number:032x}", kind="up", category="umtausch", day=MONDAY)
            await count_ratings(rated, use)
    await count_replies(compared(4711), use)
    (row,) = await rows(use)
    assert row[7:9] == [5, 0]
    bucket = use.state.bucket(FIGURES)
    for key in await bucket.keys():
        entry = await bucket.get(key)
        assert entry is not None
        assert all(re.fullmatch("[0-9a-f]{16}", id) for id in json.loads(entry.value)["ids"])
