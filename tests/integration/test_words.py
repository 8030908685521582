"""Ranking by word over many segments: a page that is indexed again and again keeps its place."""

from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import uuid4

import pytest

from shared.embeddings import Embeddings, Role
from shared.knowledge import german
from shared.knowledge.index import Index
from shared.knowledge.passages import Document, Section
from shared.knowledge.search import search
from shared.settings import EmbeddingSettings, VectorSettings
from shared.state import MemoryState
from shared.vectors import Vectors

SERVICES = [
    f"{what} {action}"
    for what in (
        "Ausweis",
        "Führerschein",
        "Gewerbe",
        "Hund",
        "Wohnung",
        "Parkhaus",
        "Fahrrad",
        "Baum",
        "Grab",
        "Stand",
    )
    for action in ("anmelden", "abmelden", "beantragen", "verlängern", "ändern", "ersetzen")
]
QUERY = german.stems("Parkhaus ändern", query=True)


class Even(Embeddings):
    """The same vector for every text: only words tell the pages apart here."""

    def __init__(self, settings: EmbeddingSettings) -> None:
        super().__init__(settings)
        self.asked: list[list[str]] = []

    async def embed(self, texts: Sequence[str], role: Role = "passage") -> list[list[float]]:
        self.asked.append(list(texts))
        return [[1.0] + [0.0] * (self.dimension - 1) for _ in texts]


@pytest.fixture
async def index(milvus_uri: str) -> AsyncIterator[Index]:
    vectors = Vectors(VectorSettings(uri=milvus_uri))
    state: Any = MemoryState()
    index = Index(f"words_{uuid4().hex[:8]}", vectors, Even(EmbeddingSettings(dimension=8)), state)
    yield index
    await vectors.drop(index.collection)
    await vectors.close()


def page(number: int, revision: int) -> Document:
    title = SERVICES[number]
    text = f"{title}: so geht es. Stand {revision}. Sie brauchen Ihren Ausweis und Zeit, wir ändern alles für Sie."
    return Document(id=f"cms:{number}", revision=revision, title=title, sections=(Section(html=f"<p>{text}</p>"),))


async def ranked(index: Index) -> list[str]:
    view = await index.view()
    assert view is not None
    rows = await view.nearest("stems_bm25", QUERY, 20)
    return list(dict.fromkeys(str(row["doc"]) for row in rows))


async def test_a_page_that_is_indexed_again_and_again_keeps_its_place(index: Index) -> None:
    for number in range(len(SERVICES)):
        await index.write(page(number, 1))
    await index.vectors.flush(index.collection)
    changing = f"cms:{SERVICES.index('Parkhaus ändern')}"
    assert (await ranked(index))[0] == changing
    for revision in range(2, 9):
        await index.write(page(SERVICES.index("Parkhaus ändern"), revision))
        assert (await ranked(index))[0] == changing, f"revision {revision}, not flushed"
        await index.vectors.flush(index.collection)
        assert (await ranked(index))[0] == changing, f"revision {revision}, in a segment of its own"


async def test_a_long_text_owes_little_for_its_length(index: Index) -> None:
    filling = " ".join(f"Wort{number} steht hier." for number in range(40))
    for id, text in (("short", "Zebrastreifen."), ("long", f"Zebrastreifen. {filling}")):
        section = Section(html=f"<p>{text}</p>")
        await index.write(Document(id=id, revision=1, title="Straße", sections=(section,)))
    await index.vectors.flush(index.collection)
    view = await index.view()
    assert view is not None
    rows = await view.nearest("grams_bm25", german.grams("Zebrastreifen", query=True), 5)
    assert [row["doc"] for row in rows] == ["short", "long"]
    # By Milvus Lite's own figures the long one keeps less than half.
    assert abs(rows[1]["distance"]) > 0.65 * abs(rows[0]["distance"])


async def test_a_lone_word_is_searched_by_all_its_wordings_asked_at_once(index: Index) -> None:
    await index.write(page(0, 1))
    await index.vectors.flush(index.collection)
    assert isinstance(index.embeddings, Even)
    for query, wordings in (
        ("ausweis", ["ausweis", "Ausweis", "Was ist Ausweis?"]),
        ("Ausweis anmelden", ["Ausweis anmelden"]),
    ):
        index.embeddings.asked.clear()
        assert (await search(index, query)).hits
        assert wordings in index.embeddings.asked
