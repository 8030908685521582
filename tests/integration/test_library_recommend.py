"""Recommendations through real servers: reasons, cold titles, filters, lists, and what is refused."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from typer.testing import CliRunner

from functions.library.commands import app
from functions.library.model.store import go_live, pointed, save
from functions.library.recommend import RecommendationQuery, Recommendations, recommend
from functions.library.titles import Titles
from shared.backends import Backends
from shared.objects import Objects
from shared.settings import Settings
from tests.conftest import in_thread
from tests.integration.hosting import hosted
from tests.integration.librarian import WHOLE
from tests.shelf import TITLES, card, model, stock


@pytest.fixture
async def use(settings: Settings) -> AsyncIterator[Backends]:
    backends = Backends(settings)
    await stock(backends)
    yield backends
    await backends.close()


async def shelf(use: Backends, **query: object) -> Recommendations:
    found: Recommendations = await recommend(RecommendationQuery.model_validate(query), use)
    return found


def kinds(found: Recommendations) -> dict[str, str]:
    return {one.id: one.reason.kind for one in found.recommendations}


async def test_a_title_gets_co_loans_and_content_each_with_its_reason(use: Backends) -> None:
    found = await shelf(use, titles=["g1"], count=3)

    # Ria Sand has two places at most; the third is what was borrowed together.
    assert kinds(found) == {"g2": "loans", "c1": "loans", "g3": "author"}
    assert [one.id for one in found.recommendations] == ["g2", "c1", "g3"]
    reason = found.recommendations[0].reason
    assert [(one.id, one.title) for one in reason.titles] == [("g1", "Tomaten auf dem Balkon")]
    assert found.unknown == []
    assert found.model


async def test_a_cold_title_gets_what_is_nearest_by_content(use: Backends) -> None:
    found = await shelf(use, titles=["n1"], count=3)

    assert {one.id for one in found.recommendations} <= {"g1", "g2", "g3", "g4", "e1"}
    assert set(kinds(found).values()) <= {"subjects", "content"}
    # Beside a title that has loans it still counts.
    mixed = kinds(await shelf(use, titles=["n1", "c1"], count=6))
    assert mixed["c2"] == "loans"
    assert {"g1", "g3", "g2"} & set(mixed)


async def test_no_title_gets_the_librarys_own_choice_then_what_is_often_borrowed(use: Backends) -> None:
    found = await shelf(use, count=5)

    assert [one.id for one in found.recommendations] == ["k1", "g4", "c1", "g1", "g2"]
    assert found.recommendations[0].reason.subjects == ["Lesesommer"]
    assert kinds(found)["c1"] == "popular"
    # "Often borrowed" is said of five readers or more.
    everything = kinds(await shelf(use, count=50, per_author=50))
    assert "e1" not in everything
    assert "g3" not in everything


FILTERS: list[tuple[dict[str, str], set[str]]] = [
    ({"available_at": "Au"}, {"g2", "c1", "n1"}),
    ({"medium": "Hörbuch"}, {"g4", "c3"}),
    ({"age_group": "Kinder"}, {"k1", "k2"}),
    ({"language": "en"}, {"e1"}),
    ({"available_at": 'Au" || id != "'}, set()),
]


async def test_filters_are_kept_and_the_shelf_filled_by_content(use: Backends) -> None:
    for wish, allowed in FILTERS:
        found = await shelf(use, titles=["g1"], count=5, **wish)
        assert {one.id for one in found.recommendations} == allowed, wish


async def test_known_titles_and_unknown_ids(use: Backends) -> None:
    found = await shelf(use, titles=["g1", "weg"], exclude=["g2"], count=10)

    assert not {"g1", "g2"} & {one.id for one in found.recommendations}
    assert found.unknown == ["weg"]


async def test_a_title_that_left_the_library_is_not_shown(use: Backends) -> None:
    await Titles(use).remove("g2", 2)

    assert "g2" not in kinds(await shelf(use, titles=["g1"], count=10))


async def test_before_the_first_training_content_and_lists_speak(settings: Settings) -> None:
    use = Backends(settings)
    for title in TITLES[:5]:
        await Titles(use).write(title, 1)
    found = await shelf(use, titles=["g1"], count=3)
    assert found.model is None
    assert {one.reason.kind for one in found.recommendations} <= {"author", "subjects", "content"}
    assert found.recommendations
    await use.close()


async def test_another_model_goes_live_without_a_restart(use: Backends) -> None:
    before = await shelf(use, titles=["g1"])
    other = model()
    other.loans[:] = 50
    version = await save(use, other, card(other))
    await go_live(use, version, await pointed(use))
    use.snapshots.clear()
    after = await shelf(use, titles=["g1"])

    assert after.model == version != before.model


async def test_the_address_takes_a_basket_and_refuses_nonsense(use: Backends) -> None:
    settings = use.settings
    async with (
        hosted(WHOLE, recommend, settings=settings, state=use.state, objects=Objects(settings.objects)) as url,
        aiohttp.ClientSession() as session,
    ):
        address = f"{url}/api/library/recommendations"
        async with session.get(address, params=[("titles", "g1"), ("titles", "c1"), ("count", "2")]) as answer:
            assert answer.status == 200
            by_get = await answer.json()
        async with session.post(address, json={"titles": ["g1", "c1"], "count": 2}) as answer:
            assert (await answer.json())["recommendations"] == by_get["recommendations"]
        for wrong in ({"count": 0}, {"titles": ["x"] * 201}, {"reader": "4711"}, {"discover": 2}):
            async with session.post(address, json=wrong) as answer:
                assert answer.status == 422


def test_librarians_keep_lists_at_a_terminal(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def titles() -> None:
        use = Backends(settings)
        for title in TITLES[:2]:
            await Titles(use).write(title, 1)
        await use.close()

    in_thread(titles)
    for name, value in {
        "DATA": str(tmp_path),
        "NATS__URL": settings.nats.url,
        "VECTORS__URI": settings.vectors.uri,
        "EMBEDDINGS__URL": settings.embeddings.url,
        "LIBRARY__COLLECTION": settings.library.collection,
    }.items():
        monkeypatch.setenv(f"STADTFUNK_{name}", value)

    def said(*arguments: str) -> str:
        result = CliRunner().invoke(app, ["list", *arguments])
        return result.output.strip() if result.exit_code == 0 else str(result.exception)

    assert said("Lesesommer", "g2", "g1") == said() == "Lesesommer: g2 g1"
    assert said("Herbst", "g1", "weg") == "not in the catalogue: weg"
    assert "name" in said("Lesesommer")
    assert said("Lesesommer", "--remove") == said() == ""
