"""Whether what was found is about a query, held against what unrelated questions find in the same collection."""

import pytest

from shared.embeddings import Embeddings, Vector
from shared.errors import BackendError
from shared.knowledge import relevance
from shared.knowledge.index import View
from shared.settings import EmbeddingSettings
from shared.vectors import Row


class Collection(View):
    """A collection in which unrelated questions find rows of these cosines, in turn."""

    def __init__(self, *cosines: float, away: bool = False) -> None:
        self.name = "pages"
        self.asked = 0
        self.away = away
        self._cosines = cosines
        self._embeddings = Embeddings(EmbeddingSettings(near=0.9))

    async def embed(self, *wordings: str) -> Vector | None:
        return None if self.away else [1.0]

    async def nearest(self, field: str, data: Vector | str, limit: int, condition: str = "") -> list[Row]:
        self.asked += 1
        return [{"position": -1, "distance": self._cosines[self.asked % len(self._cosines)]}]


async def judged(
    view: View, near: float, query: str = "wo?", tongue: str = "en", found: str = "", *, agreed: bool = False
) -> bool:
    return await relevance.fits(view, query, tongue, near, found, agreed=agreed)


async def test_what_is_no_nearer_than_unrelated_questions_come_does_not_fit() -> None:
    low, high = Collection(0.40, 0.44), Collection(0.80, 0.84)
    assert await judged(low, 0.60)
    assert not await judged(low, 0.43)
    assert not await judged(high, 0.60)
    assert await judged(high, 0.90)


async def test_the_words_of_a_german_query_count_as_well() -> None:
    view = Collection(0.80, 0.84)
    near = 0.82 + 1.4 * 0.0207
    assert not await judged(view, near, "Hund anmelden", "de", "Reisepass")
    assert not await judged(view, near, "Hund anmelden", "de", "Einen Hund anmelden")
    assert await judged(view, near, "Hund anmelden", "de", "Einen Hund anmelden", agreed=True)


def test_words_and_meaning_agree_where_they_find_the_same_document_first() -> None:
    a, b = [{"doc": "a"}, {"doc": "b"}], [{"doc": "b"}, {"doc": "a"}]
    assert relevance.agree({"names": a, "passages": b}, {"grams": b})
    assert not relevance.agree({"names": a, "passages": a}, {"grams": b})
    assert not relevance.agree({}, {"grams": b})


async def test_the_scale_is_measured_once_by_language() -> None:
    view = Collection(0.80, 0.84)
    for _ in range(3):
        await judged(view, 0.9)
    assert view.asked == 16
    await judged(view, 0.9, tongue="de")
    assert view.asked == 32


async def test_without_a_scale_the_setting_decides() -> None:
    view = Collection(0.5, away=True)
    with pytest.raises(BackendError):
        await relevance._nearest(view, "wo?")
    assert await judged(view, 0.95)
    assert not await judged(view, 0.85)


async def test_without_vectors_the_words_decide() -> None:
    view = Collection(0.5)
    assert await judged(view, 0.0, "Hund anmelden", "de", "Hund, Katze")
    assert not await judged(view, 0.0, "Hund anmelden", "de", "Reisepass")
    assert view.asked == 0
