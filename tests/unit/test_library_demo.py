"""The demo library's files: the same each time, readable by the importers, with tastes in them."""

import csv
from collections import Counter
from datetime import date
from pathlib import Path

from events.library import TitleChanged
from functions.library.records import changes
from infra.library.demo import READERS, write

TODAY = date(2026, 11, 23)


def test_the_catalogue_is_read_whole_and_the_loans_name_its_titles(tmp_path: Path) -> None:
    files = write(tmp_path, TODAY)
    titles = {one.id: one for one in changes(files.titles, lambda text: None) if isinstance(one, TitleChanged)}
    assert len(titles) == 300
    assert len({title.title for title in titles.values()}) == 300
    assert all(title.blurb and title.author and title.subjects for title in titles.values())
    assert {title.age_group for title in titles.values()} == {"adults", "teens", "children"}
    with files.loans.open(newline="") as handle:
        loans = list(csv.DictReader(handle))
    assert {loan["title"] for loan in loans} <= set(titles)
    assert len({loan["reader"] for loan in loans}) == READERS
    assert max(loan["day"] for loan in loans) < TODAY.isoformat()
    # A reader's loans gather in a few worlds; the first four digits say which.
    worlds: dict[str, Counter[str]] = {}
    for loan in loans:
        worlds.setdefault(loan["reader"], Counter())[loan["title"][:7]] += 1
    share = sum(max(count.values()) for count in worlds.values()) / len(loans)
    assert share > 0.5


def test_two_runs_write_the_same(tmp_path: Path) -> None:
    first, second = write(tmp_path / "a", TODAY), write(tmp_path / "b", TODAY)
    assert first.titles.read_bytes() == second.titles.read_bytes()
    assert first.loans.read_bytes() == second.loans.read_bytes()
