"""Titles from event to content search: real Milvus, NATS and embedding server."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence

import pytest

from events.library import TitleChanged, TitleRemoved
from functions.library.titles import Titles, filter_of, index_title, remove_title
from shared.backends import Backends
from shared.embeddings import Embeddings, Role
from shared.settings import Settings


class Counting(Embeddings):
    """The real embeddings, with a count of texts."""

    texts = 0

    async def embed(self, texts: Sequence[str], role: Role = "passage") -> list[list[float]]:
        self.texts += len(texts)
        return await super().embed(texts, role)


@pytest.fixture
async def use(settings: Settings) -> AsyncIterator[Backends]:
    embeddings = Counting(settings.embeddings)
    backends = Backends(settings, embeddings=embeddings)
    yield backends
    if await backends.vectors.has(Titles(backends).collection):
        await backends.vectors.drop(Titles(backends).collection)
    await backends.close()
    await embeddings.close()


def sea(revision: int = 1, **more: object) -> TitleChanged:
    values = {
        "title": "Der Leuchtturmwärter",
        "author": "Ada Brandt",
        "subjects": ("Meer", "Einsamkeit"),
        "blurb": "Ein alter Mann hütet auf einer Insel das Licht und erwartet ein Schiff.",
        "language": "de",
        "branches": ("Mitte", "Hafen"),
    }
    return TitleChanged.model_validate({"id": "t1", "revision": revision, **values, **more})


KITCHEN = TitleChanged(
    id="t2", revision=1, title="Backen ohne Eile", subjects=("Brot",), blurb="Sauerteig für Anfänger.", language="de"
)


async def test_a_title_is_found_by_its_content_and_filtered_by_branch(use: Backends) -> None:
    for title in (sea(), KITCHEN):
        await index_title(title, use)
    titles = Titles(use)
    (vector,) = await use.embeddings.embed(["Roman über die Küste und das Alleinsein"], "query")
    found = await titles.nearest(vector, 2)
    assert [title.id for title, _ in found] == ["t1", "t2"]
    assert [title.id for title, _ in await titles.nearest(vector, 2, filter_of(branch="Hafen"))] == ["t1"]
    got = (await titles.get(["t1", "unknown"]))["t1"]
    assert (got.branches, got.subjects, got.year) == (("Mitte", "Hafen"), ("Meer", "Einsamkeit"), None)
    assert [title.id for title, _ in await titles.all()] == ["t1", "t2"]


async def test_a_change_of_branches_embeds_nothing_and_an_older_revision_never_wins(use: Backends) -> None:
    changes = [sea(1), sea(2, branches=("Hafen",)), sea(3, branches=("Süd",)), sea(2, branches=("Hafen",))]
    random.Random(1).shuffle(changes)
    await index_title(sea(1), use)
    await asyncio.gather(*(index_title(change, use) for change in changes * 2))
    assert (await Titles(use).get(["t1"]))["t1"].branches == ("Süd",)
    assert use.embeddings.texts == 1  # type: ignore[attr-defined]


async def test_a_removed_title_is_gone_and_comes_back_only_by_a_newer_revision(use: Backends) -> None:
    await index_title(sea(1), use)
    await remove_title(TitleRemoved(id="t1", revision=2), use)
    await index_title(sea(1), use)
    assert await Titles(use).get(["t1"]) == {}
    await index_title(sea(3), use)
    assert "t1" in await Titles(use).get(["t1"])


async def test_a_lost_collection_is_filled_from_the_records(use: Backends) -> None:
    await index_title(sea(1), use)
    await index_title(KITCHEN, use)
    await remove_title(TitleRemoved(id="t2", revision=2), use)
    await use.vectors.drop(Titles(use).collection)
    assert await Titles(use).get(["t1", "t2"]) == {}
    assert await Titles(use).reindex() == 2
    assert set(await Titles(use).get(["t1", "t2"])) == {"t1"}


async def test_a_large_catalogue_is_read_whole(use: Backends, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.library.titles._PAGE", 2)
    monkeypatch.setattr("functions.library.titles._SHARDS", 8)
    for number in range(5):
        await index_title(KITCHEN.model_copy(update={"id": f"t{number}"}), use)
    assert [title.id for title, _ in await Titles(use).all()] == [f"t{number}" for number in range(5)]
