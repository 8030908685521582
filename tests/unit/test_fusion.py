"""Rankings of rows become one of documents."""

from math import exp
from typing import Any

import pytest

from shared.knowledge.fusion import Rankings, fused


def row(doc: str, distance: float, position: int = 0) -> dict[str, Any]:
    return {"doc": doc, "position": position, "revision": 1, "distance": distance}


def order(weights: dict[str, float] | None = None, **rankings: list[dict[str, Any]]) -> list[str]:
    return [rows[0]["doc"] for _, rows in fused(rankings, weights or dict.fromkeys(rankings, 1.0))]


def test_what_several_rankings_name_comes_first() -> None:
    assert order(
        passages=[row("a", 0.9), row("b", 0.88), row("z", 0.7)], grams=[row("c", 9), row("b", 8.8), row("y", 7)]
    ) == ["b", "a", "c", "y", "z"]


def test_a_lead_counts_and_not_the_place_alone() -> None:
    close = [row("a", 0.90), row("b", 0.899), row("z", 0.5)]
    far = [row("b", 20.0), row("a", 5.0), row("y", 4.0)]
    assert order(passages=close, grams=far)[:2] == ["b", "a"]
    far = [row("b", 20.0), row("a", 19.9), row("y", 4.0)]
    close = [row("a", 0.90), row("b", 0.6), row("z", 0.5)]
    assert order(passages=close, grams=far)[:2] == ["a", "b"]


def test_a_row_is_worth_less_by_its_gap_in_deviations() -> None:
    (first, _), (second, _) = fused({"grams": [row("a", 3.0), row("b", 1.0)]}, {"grams": 2.0})
    assert (first, second) == pytest.approx((2.0, 2 * exp(-2.0 / (2 * 1.0))))


@pytest.mark.parametrize("change", [lambda x: -x, lambda x: 7 * x, lambda x: x - 100])
def test_neither_sign_nor_scale_of_a_ranking_takes_part(change: Any) -> None:
    def rankings(of: Any) -> Rankings:
        return {
            "grams": [row("a", of(9.0)), row("b", of(7.5)), row("c", of(2.0))],
            "names": [row("b", 0.8), row("d", 0.7)],
        }

    weights = {"grams": 1.5, "names": 1.0}
    plain = {rows[0]["doc"]: score for score, rows in fused(rankings(lambda x: x), weights)}
    changed = {rows[0]["doc"]: score for score, rows in fused(rankings(change), weights)}
    assert changed == pytest.approx(plain)


def test_a_document_gains_nothing_by_more_rows() -> None:
    many = [row("a", 0.8, position) for position in range(9)]
    assert order(passages=[row("b", 0.9), *many, row("c", 0.1)]) == ["b", "a", "c"]
    assert order(passages=[*many, row("b", 0.7)]) == ["a", "b"]


def test_rows_of_a_document_come_best_first() -> None:
    ((_, rows),) = fused(
        {"passages": [row("a", 0.9, 2), row("a", 0.8, 1)], "grams": [row("a", 9, 1), row("a", 2, 3)]},
        {"passages": 1.0, "grams": 1.5},
    )
    assert [one["position"] for one in rows] == [1, 2, 3]


def test_equals_stand_in_one_order_and_nothing_is_no_error() -> None:
    assert order(passages=[row("b", 1.0)], grams=[row("a", 1.0)]) == ["a", "b"]
    assert order(passages=[row("b", 1.0), row("a", 1.0)], grams=[]) == ["a", "b"]
    assert order(passages=[]) == []
