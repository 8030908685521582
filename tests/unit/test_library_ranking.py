"""The shelf: filters, dials, authors and reasons, by plain rules over made-up titles."""

from typing import Any

import pytest

from functions.library.ranking import Candidate, Reason, Wishes, choose, explain, facets, likeness
from functions.library.titles import Title


def title(id: str, **fields: Any) -> Title:
    return Title(id=id, title=f"Titel {id}", **fields)


def ids(
    candidates: list[Candidate], titles: list[Title], *, count: int = 10, per_author: int = 2, **wishes: Any
) -> str:
    records = {one.id: one for one in titles}
    shelf = choose(candidates, records, Wishes(**wishes), count=count, per_author=per_author)
    return " ".join(choice.title.id for choice in shelf)


def scored(*pairs: tuple[str, float], **fields: Any) -> list[Candidate]:
    return [Candidate(id, score, "loans", **fields) for id, score in pairs]


PLAIN = [title(id) for id in "abcd"]
RANKED = scored(("a", 4.0), ("b", 3.0), ("c", 2.0), ("d", 1.0))


def test_models_order_stands_where_nothing_is_wished() -> None:
    assert ids(RANKED, PLAIN) == "a b c d"
    assert ids(RANKED, PLAIN, count=2) == "a b"
    assert ids(RANKED, PLAIN[1:]) == "b c d"  # what has no record left the library
    assert ids([], PLAIN) == ""


@pytest.mark.parametrize(
    ("wish", "shown"),
    [
        ({"available_at": "Mitte"}, "a"),
        ({"medium": "Hörbuch"}, "b"),
        ({"language": "DE"}, "a b"),
        ({"age_group": "Kinder"}, "c"),
        ({"language": "de", "medium": "Buch"}, "a"),
        ({"medium": "Film"}, ""),
    ],
)
def test_filters(wish: dict[str, Any], shown: str) -> None:
    titles = [
        title("a", language="de", medium="Buch", branches=("Mitte", "Au")),
        title("b", language="de", medium="Hörbuch"),
        title("c", language="en", age_group="Kinder"),
    ]
    assert ids(RANKED, titles, **wish) == shown
    assert facets(titles)["available_at"] == ["Au", "Mitte"]


def test_popularity_dial_turns_the_order() -> None:
    candidates = [Candidate("a", 1.0, "loans", loans=3), Candidate("b", 1.0, "loans", loans=300)]
    assert ids(candidates, PLAIN, discover=0.0) == "b a"
    assert ids(candidates, PLAIN, discover=1.0) == "a b"
    near = [Candidate("a", 1.1, "loans", loans=3), Candidate("b", 1.0, "loans", loans=300)]
    assert ids(near, PLAIN) == "a b"  # neutral: the model alone


def test_an_author_has_few_places() -> None:
    titles = [title("a", author="Ria Sand"), title("b", author="ria sand"), title("c", author="Ria Sand"), title("d")]
    assert ids(RANKED, titles) == "a b d"
    assert ids(RANKED, titles, per_author=1) == "a d"
    assert ids(RANKED, PLAIN, per_author=1) == "a b c d"  # no author is not the same author


def test_diversity_spreads_subjects() -> None:
    titles = [
        title("a", subjects=("Garten",)),
        title("b", subjects=("Garten",)),
        title("c", subjects=("Meer",)),
        title("d"),
    ]
    near = scored(("a", 1.0), ("b", 0.99), ("c", 0.9), ("d", 0.5))
    assert ids(near, titles, diversity=0.0) == "a b c d"
    assert ids(near, titles, diversity=0.5).startswith("a c")
    assert likeness(titles[0], titles[1]) == 1.0
    assert likeness(titles[0], titles[2]) == 0.0
    assert likeness(title("x", series="Inselkrimi"), title("y", series="Inselkrimi")) == 1.0


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        (Candidate("n", 1, "loans", ("g", "h", "i")), Reason("loans", titles=("g", "h"))),
        (Candidate("n", 1, "loans", ("gone",)), Reason("popular")),
        (Candidate("n", 1, "content", ("h",)), Reason("author", subjects=("Ria Sand",))),
        (Candidate("n", 1, "content", ("g",)), Reason("subjects", ("g",), ("garten",))),
        (Candidate("n", 1, "content", ("i",)), Reason("content", titles=("i",))),
        (Candidate("n", 1, "popular"), Reason("popular")),
        (Candidate("n", 1, "curated", list="Lesesommer"), Reason("curated", subjects=("Lesesommer",))),
    ],
)
def test_a_reason_is_a_fact_about_titles(candidate: Candidate, reason: Reason) -> None:
    given = [title("g", subjects=("Garten", "Topf")), title("h", author="Ria Sand"), title("i")]
    new = title("n", author="Ria Sand", subjects=("Garten",))
    records = {one.id: one for one in [*given, new]}
    found = explain(candidate, new, records)
    assert found._replace(subjects=tuple(s.lower() if s == "Garten" else s for s in found.subjects)) == reason
