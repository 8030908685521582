"""The outline of the knowledge base: who may see what, when; what a change is. Recorded from a real Zammad."""

import copy
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.zammad.editions import Edition, document_of
from functions.zammad.outline import read_outline
from shared.errors import BackendError, SettingsError
from shared.settings import Settings, ZammadSettings

SHARED = Path(os.environ.get("STADTFUNK_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
RECORDED = SHARED / "zammad/real_5.5/api_log.json"
NOW = datetime(2026, 11, 23, tzinfo=UTC)
BEFORE, LATER = "2026-11-22T00:00:00.000Z", "2026-11-24T00:00:00.000Z"


@pytest.fixture(scope="module")
def recorded() -> dict[str, Any]:
    calls = json.loads(RECORDED.read_text(encoding="utf-8"))
    (call,) = (one for one in calls if one.get("req") == "POST /api/v1/knowledge_bases/init" and one["body"] == {})
    found: dict[str, Any] = call["response"]
    return found


@pytest.fixture
def assets(recorded: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(recorded)


def answer(assets: dict[str, Any], **changes: Any) -> None:
    assets["KnowledgeBaseAnswer"]["4"] |= changes


def test_what_a_real_zammad_tells(assets: dict[str, Any]) -> None:
    found = read_outline(assets, NOW)
    assert sorted(found) == ["kb:1-1", "kb:4-4"]
    one = found["kb:4-4"]
    assert (one.answer_id, one.content_id, one.category_id) == (4, 4, 2)
    assert (one.title, one.path, one.visibility) == ("Pflichtumtausch", ("Führerschein",), "internal")


@pytest.mark.parametrize(
    ("dates", "visibility"),
    [
        ({"internal_at": None, "published_at": BEFORE}, "published"),
        ({"internal_at": BEFORE, "published_at": BEFORE}, "published"),
        ({"internal_at": BEFORE, "published_at": LATER}, "internal"),  # scheduled
        ({"internal_at": BEFORE, "published_at": BEFORE, "archived_at": LATER}, "published"),
        ({"internal_at": BEFORE, "published_at": BEFORE, "archived_at": BEFORE}, None),
        ({"internal_at": BEFORE, "published_at": None, "archived_at": BEFORE}, None),
        ({"internal_at": None, "published_at": None}, None),  # a draft, which only editors are told of
        ({"internal_at": LATER, "published_at": None}, None),
    ],
)
def test_dates_say_who_may_see_an_answer(
    assets: dict[str, Any], dates: dict[str, str | None], visibility: str | None
) -> None:
    answer(assets, **dates)
    found = read_outline(assets, NOW).get("kb:4-4")
    assert (found.visibility if found else None) == visibility


def test_time_alone_publishes_and_archives(assets: dict[str, Any]) -> None:
    answer(assets, published_at=LATER, archived_at="2026-11-25T00:00:00.000Z")
    seen = [read_outline(assets, NOW + timedelta(days=days)).get("kb:4-4") for days in (0, 1, 2)]
    assert [one and one.visibility for one in seen] == ["internal", "published", None]
    assert seen[0] is not None
    assert seen[1] is not None
    assert seen[0].mark != seen[1].mark


def test_what_is_published_in_a_base_that_is_switched_off_is_internal(assets: dict[str, Any]) -> None:
    answer(assets, published_at=BEFORE)
    assets["KnowledgeBase"]["2"]["active"] = False
    assert read_outline(assets, NOW)["kb:4-4"].visibility == "internal"


@pytest.mark.parametrize(
    ("kind", "id", "change"),
    [
        ("KnowledgeBaseAnswer", "4", {"updated_at": LATER}),
        ("KnowledgeBaseAnswer", "4", {"tags": ["umtausch"]}),
        ("KnowledgeBaseAnswerTranslation", "4", {"updated_at": LATER}),
        ("KnowledgeBaseAnswerTranslation", "4", {"title": "Neu"}),
        ("KnowledgeBaseCategoryTranslation", "2", {"title": "Neu"}),
    ],
)
def test_what_the_outline_tells_of_an_answer_marks_a_change_of_it_alone(
    recorded: dict[str, Any], assets: dict[str, Any], kind: str, id: str, change: dict[str, Any]
) -> None:
    before = read_outline(recorded, NOW)
    assets[kind][id] |= change
    after = read_outline(assets, NOW)
    assert after["kb:4-4"].mark != before["kb:4-4"].mark
    assert after["kb:1-1"].mark == before["kb:1-1"].mark


def test_a_translation_is_a_document_of_its_own(assets: dict[str, Any]) -> None:
    english = {**assets["KnowledgeBaseAnswerTranslation"]["4"], "id": 9, "title": "Exchange", "content_id": 9}
    assets["KnowledgeBaseAnswerTranslation"]["9"] = english
    assert {id: one.title for id, one in read_outline(assets, NOW).items()} == {
        "kb:1-1": "Pflichtumtausch",
        "kb:4-4": "Pflichtumtausch",
        "kb:4-9": "Exchange",
    }


def test_categories_in_a_circle_end(assets: dict[str, Any]) -> None:
    assets["KnowledgeBaseCategory"]["2"]["parent_id"] = 2
    assert read_outline(assets, NOW)["kb:4-4"].path[0] == "Führerschein"


def test_an_empty_base_has_no_answers() -> None:
    assert read_outline({}, NOW) == {}


@pytest.mark.parametrize("broken", [{"updated_at": None}, {"published_at": "yesterday"}, {"category_id": "x"}])
def test_an_unknown_shape_says_nothing_of_what_is_missing(assets: dict[str, Any], broken: dict[str, Any]) -> None:
    answer(assets, **broken)
    with pytest.raises(BackendError, match="KnowledgeBaseAnswer"):
        read_outline(assets, NOW)


def edition(visibility: str) -> Edition:
    return Edition.model_validate(
        {
            "id": "kb:4-4",
            "answer_id": 4,
            "category_id": 2,
            "title": "Umtausch",
            "html": "<p>Bis 2033.</p>",
            "language": "de",
            "visibility": visibility,
        }
    )


def test_only_a_published_answer_has_an_address() -> None:
    settings = ZammadSettings(knowledge_url="https://hilfe.example/help/de-de/{category}/{id}")
    urls = {one: document_of(edition(one), 1, settings).url for one in ("published", "internal", "hidden")}
    assert urls == {"published": "https://hilfe.example/help/de-de/2/4", "internal": "", "hidden": ""}
    assert document_of(edition("published"), 1, ZammadSettings()).url == ""
    assert document_of(edition("internal"), 1, settings).source == "internal"


@pytest.mark.parametrize("url", ["https://hilfe.example/", "javascript:{id}", "https://{id}.example/{id}"])
def test_an_address_without_the_answer_is_none(url: str) -> None:
    with pytest.raises(SettingsError, match="KNOWLEDGE_URL"):
        Settings(_env_file=None, zammad={"knowledge_url": url})
