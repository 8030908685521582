"""Which documents come first for who asks for easy language."""

from collections.abc import Sequence
from typing import cast

import pytest

from shared.knowledge.index import View
from shared.knowledge.preference import easy_first
from shared.vectors import Row


class Shown:
    """What the index holds of each document: its name says whether it is easy, or gone."""

    async def current(self, documents: Sequence[list[Row]]) -> list[list[Row]]:
        return [[] if "gone" in rows[0]["doc"] else rows for rows in documents]

    async def with_passages(self, documents: Sequence[list[Row]], most: int) -> list[list[Row]]:
        return [[row | {"easy": "easy" in row["doc"]} for row in rows[:most]] for rows in documents]


@pytest.mark.parametrize(
    ("found", "first"),
    [
        ([], []),
        ([(2.0, "a"), (1.9, "b easy"), (1.0, "c easy"), (0.8, "d easy")], ["b easy", "c easy", "a", "d easy"]),
        ([(2.0, "a easy"), (1.9, "b")], ["a easy", "b"]),
        ([(2.0, "a"), (1.9, "b easy, gone")], ["a", "b easy, gone"]),
    ],
)
async def test_easy_pages_that_fit_come_first_in_their_order(found: list[tuple[float, str]], first: list[str]) -> None:
    ranked: list[tuple[float, list[Row]]] = [(score, [{"doc": doc}]) for score, doc in found]
    ordered = await easy_first(ranked, cast(View, Shown()))
    assert [rows[0]["doc"] for _, rows in ordered] == first
