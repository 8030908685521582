"""Vectors of queries: found again, few, and gone in time."""

from shared.recent import Recent
from tests.polling import eventually


async def test_a_query_is_found_again_and_the_oldest_goes_first() -> None:
    recent = Recent(most=2)
    assert recent.get("a") is None
    recent.put("a", [1.0])
    recent.put("b", [2.0])
    recent.put("a", [1.5])
    recent.put("c", [3.0])
    assert [recent.get(text) for text in "abc"] == [[1.5], None, [3.0]]
    recent.clear()
    assert len(recent) == 0


async def test_nothing_stays_though_nobody_asks_again() -> None:
    recent = Recent(kept_s=0.02)
    for text in ("a", "b", "\ud800"):
        recent.put(text, [1.0])

    async def gone() -> bool:
        return len(recent) == 0

    await eventually(gone, "the vectors are forgotten")
    recent.put("c", [1.0])
    await eventually(gone, "a later one is forgotten, too")


async def test_no_query_can_be_tried_out_on_what_is_kept() -> None:
    first, second = Recent(), Recent()
    for recent in (first, second):
        recent.put("Mein Name ist Erika", [1.0])
    assert not set(first._vectors) & set(second._vectors)
    assert "Erika" not in repr(vars(first))
