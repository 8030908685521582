"""Files that a library hands over: whatever kind of id and time, and a clear word on what is wrong."""

import math
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from functions.library.evaluation import METHODS, run
from functions.library.parquet import read_items, read_loans
from shared.errors import StadtfunkError


def stored(folder: Path, **columns: Any) -> Path:
    file = folder / "file.parquet"
    pq.write_table(pa.table(columns), file)
    return file


@pytest.mark.parametrize(
    "times",
    [
        [30, 10, 20],
        [3.5, 1.5, 2.5],
        [date(2026, 3, 1), date(2026, 1, 1), date(2026, 2, 1)],
        [datetime(2026, 3, 1, 9), datetime(2026, 1, 1, 9), datetime(2026, 2, 1, 9)],
        [datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)],
        ["2026-03-01", "2026-01-01", "2026-02-01"],
        ["2026-03-01T08:00:00Z", "2026-01-01T08:00:00+01:00", "2026-02-01 08:00"],
        ["1770000000", "1750000000", "1760000000"],
        ["01.03.2026", "01.01.2026 08:00", "01.02.2026"],
        ["2026/03/01", "2026/01/01", "2026/02/01"],
        np.array([1770000000123456789, 1750000000000000001, 1760000000000000000], "datetime64[ns]"),
        pa.array(["2026-03-01", "2026-01-01", "2026-02-01"]).dictionary_encode(),
    ],
)
def test_times_of_any_kind_order_the_loans(tmp_path: Path, times: list[Any]) -> None:
    found = read_loans(stored(tmp_path, user=["a", "b", "c"], item=[1, 2, 3], timestamp=times), also=[])
    assert found.days is not None
    assert np.argsort(found.days).tolist() == [1, 2, 0]


@pytest.mark.parametrize(
    "times",
    [
        [1.0, math.nan, 3.0, None],
        pa.array([1, None, 3, None], pa.timestamp("ns", "Europe/Berlin")),
        ["2026-01-01", "neulich", "2026-02-01", ""],
    ],
)
def test_a_loan_without_a_time_that_can_be_read_is_a_gap(tmp_path: Path, times: Any) -> None:
    file = stored(tmp_path, user=["a", "b", "c", "d"], item=[1, 2, 3, 4], timestamp=times)
    found = read_loans(file, also=["2"])
    assert found.titles.tolist() == ["1", "2", "3"]
    assert found.matrix.toarray().tolist() == [[1, 0, 0], [0, 0, 1]]


def test_ids_stay_what_they_are(tmp_path: Path) -> None:
    file = stored(tmp_path, user=pa.array(["007", "7", "7"]).dictionary_encode(), item=["7.0", "8.0", "7.0"])
    found = read_loans(file, also=["7"])
    assert found.titles.tolist() == ["7", "8"]  # of a column that had a gap, written as text
    assert found.matrix.toarray().tolist() == [[1, 0], [1, 1]]
    mixed = read_loans(stored(tmp_path, user=[1, 2], item=["7.0", "a7"]), also=[])
    assert mixed.titles.tolist() == ["7.0", "a7"]
    gap = read_loans(stored(tmp_path, user=[1.0, math.nan], item=[7, 7]), also=[])
    assert gap.matrix.shape == (1, 1)


def test_a_file_with_renewals_single_loans_and_titles_without_text_is_evaluated(tmp_path: Path) -> None:
    chance = np.random.default_rng(2)
    who = np.repeat(np.arange(120), 8)
    what = chance.integers(0, 15, len(who)) + who % 2 * 15
    when = np.array("2026-01-01", "datetime64[ns]") + chance.integers(0, 300, len(who)).astype("timedelta64[D]")
    # Renewed once by everybody; forty readers of one loan; one who borrowed all there is.
    who, what, when = (np.concatenate([one, one]) for one in (who, what, when))
    who = np.concatenate([who, np.arange(200, 240), np.repeat(999, 30)])
    what = np.concatenate([what, np.full(40, 3), np.arange(30)])
    when = np.concatenate([when, when[:40], when[:30]])
    loans, items = tmp_path / "loans.parquet", tmp_path / "items.parquet"
    pq.write_table(pa.table({"user": who, "item": what, "timestamp": when}), loans)
    pq.write_table(pa.table({"item": np.arange(0, 40, 2), "pages": np.arange(20)}), items)
    for method in (*METHODS, "cold", "data"):
        found = run(method, loans, items, "time", 1)
        assert method in ("cold", "data") or found["recall@20"] > 0 or method == "content"
    assert found["loans"] == len({*zip(who.tolist(), what.tolist(), strict=True)})


def test_ids_of_loans_and_titles_meet_whatever_their_kind(tmp_path: Path) -> None:
    items = stored(tmp_path, item=["7", "8"], title=["A", None], subjects=[["x", "y"], []], year=[1999, 2000])
    known, texts = read_items(items)
    assert known == ["7", "8"]
    assert texts == {"title": ["A", ""], "subjects": ["x;y", ""]}
    loans = read_loans(stored(tmp_path, user=[1, 1, None], item=[7.0, 9.0, 7.0]), also=known)
    assert loans.titles.tolist() == ["7", "8", "9"]
    assert loans.matrix.toarray().tolist() == [[1, 0, 1]]
    assert loans.days is None


def test_what_is_wrong_is_said_with_the_file_and_the_column(tmp_path: Path) -> None:
    with pytest.raises(StadtfunkError, match=r"file\.parquet: has no column item; its columns are user, title"):
        read_loans(stored(tmp_path, user=[1], title=[2]), also=[])
    with pytest.raises(StadtfunkError, match="column timestamp is neither"):
        read_loans(stored(tmp_path, user=[1], item=[2], timestamp=["gestern"]), also=[])
    with pytest.raises(StadtfunkError, match="holds no loan"):
        read_loans(stored(tmp_path, user=pa.array([], pa.int64()), item=pa.array([], pa.int64())), also=[])
    (tmp_path / "file.parquet").write_text("user,item\n1,2\n")
    with pytest.raises(StadtfunkError, match="cannot be read as Parquet"):
        read_loans(tmp_path / "file.parquet", also=[])


def test_an_evaluation_by_time_has_figures_of_every_method(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    who = np.repeat(np.arange(150), 12)
    loans = tmp_path / "loans.parquet"
    items = tmp_path / "items.parquet"
    what = chance.integers(0, 30, len(who)) + who % 3 * 30
    when = chance.integers(0, 300, len(who))
    # Ten titles came late: nobody can have borrowed them before.
    what = np.where((when > 250) & (chance.random(len(who)) < 0.4), 90 + who % 3 * 5 + what % 5, what)
    pq.write_table(pa.table({"user": who, "item": what, "timestamp": when}), loans)
    authors = [f"Autorin {title // 10}" if title < 90 else f"Autorin {(title - 90) // 5 * 3}" for title in range(105)]
    pq.write_table(pa.table({"item": np.arange(105), "title": ["Buch"] * 105, "author": authors}), items)
    found = {method: run(method, loans, items, "time", 1) for method in ("ours", "popularity", "itemknn", "cold")}
    assert found["ours"]["recall@10"] > found["popularity"]["recall@10"]
    assert set(found["ours"]) == set(found["itemknn"]) >= {"recall@20", "map@10", "novelty", "cpu_s", "peak_mb"}
    assert not found["cold"]["hidden"]
    assert found["cold"]["content"]["hit@10"] > found["cold"]["random"]["hit@10"]


def test_a_split_by_time_without_times_is_refused(tmp_path: Path) -> None:
    loans = stored(tmp_path, user=[1], item=[2])
    items = tmp_path / "items.parquet"
    pq.write_table(pa.table({"item": [2], "title": ["A"]}), items)
    with pytest.raises(StadtfunkError, match="no column timestamp"):
        run("popularity", loans, items, "time", 1)
