"""Fusion, and the search's input."""

from typing import Any

import pytest
from pydantic import ValidationError

from functions.xnext.search import SearchQuery
from shared.knowledge.search import fused


def row(doc: str, position: int = 0, revision: int = 1) -> dict[str, Any]:
    return {"doc": doc, "position": position, "revision": revision}


def order(**rankings: list[dict[str, Any]]) -> list[str]:
    return [rows[0]["doc"] for _, rows in fused(rankings)]


def test_what_several_rankings_name_comes_first() -> None:
    assert order(passages=[row("a"), row("b")], grams=[row("c"), row("b")]) == ["b", "a", "c"]


def test_a_document_stands_at_the_rank_of_its_best_row_and_gains_nothing_by_more_rows() -> None:
    many = [row("a", position) for position in range(9)]
    assert order(passages=[row("b"), *many], names=[row("b"), row("a")]) == ["b", "a"]
    assert order(passages=[*many, row("b")]) == ["a", "b"]


def test_rows_of_a_document_come_best_first() -> None:
    ((_, rows),) = fused({"passages": [row("a", 2), row("a", 1)], "grams": [row("a", 1)], "stems": [row("a", 1)]})
    assert [one["position"] for one in rows] == [1, 2]


def test_ties_are_broken_the_same_way_each_time() -> None:
    assert order(passages=[row("b")], grams=[row("a")]) == ["a", "b"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"q": ""},
        {"q": "   "},
        {"q": "x" * 501},
        {"q": "x", "limit": 0},
        {"q": "x", "limit": 51},
        {"q": "x", "language": 'de" or true'},
        {"q": "x", "category": ""},
        {"q": "x", "unknown": 1},
    ],
)
def test_wrong_input_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SearchQuery.model_validate(wrong)
