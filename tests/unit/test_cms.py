"""The stand-in's parts without a server: shapes, a foreign file, edits, the clock."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infra.cms.city import City, CityError, load_city
from infra.cms.garages import GARAGES, current, slot_start
from infra.cms.interfaces import PAGE_SIZE, articles, description, listing
from infra.cms.services import read_services
from infra.cms.site import index, page_html
from infra.cms.store import Store

CITY = load_city()
BASE = "http://127.0.0.1:8090"
PAGES = {page.id: page for page in CITY.pages}
START = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)


def store(now: list[datetime]) -> Store:
    return Store(CITY.pages, lambda: now[0])


def test_the_list_names_every_service() -> None:
    services = [page for page in CITY.pages if page.kind == "service"]
    assert listing(services)["ids"][0] == {"id": "1001"}
    assert len(listing(services)["ids"]) == 52


def test_a_description_has_the_fields_of_the_interface() -> None:
    told = description(PAGES["2001"], CITY, BASE)
    fields = {field["id"]: field for field in told["fields"]}
    assert told["id"] == "2001"
    assert told["name"] == "Bewohnerparkausweis"
    assert told["description"].startswith("<p>Der Ausweis gibt kein Anrecht")
    assert fields["sf1"]["value"].startswith("<p>Wer in einer der elf Parkzonen wohnt")
    assert fields["sf6"]["value"].startswith("<ul>")
    assert "<li>96,00 Euro für ein Jahr</li>" in fields["sf16"]["value"]
    assert fields["sf18"]["value"] == "online sofort zum Ausdrucken, am Schalter sofort"
    assert {"sf2", "sf7", "sf12", "sf17", "sf19", "sf20"} <= set(fields)
    assert {field["type"] for field in told["fields"]} == {"TEXT", "LINK"}
    online = next(field for field in told["fields"] if field["name"] == "ONLINE_SERVICE")
    assert online["values"] == [
        {"label": "Bewohnerparkausweis beantragen", "uri": "https://dienste.auenfurt.example/bewohnerparken"}
    ]
    assert told["categryPath"]["nextLevel"]["name"] == "Auto, Parken und Verkehr"
    assert told["categryPath"]["nextLevel"]["nextLevel"] is None
    assert "Anwohnerparken" in told["synonyms"]
    assert told["publicUrl"] == f"{BASE}/services/2001"
    assert told["public"] is True
    assert datetime.fromisoformat(told["lastModification"]).utcoffset() == timedelta(hours=1)


def test_a_description_names_the_offices_and_the_page_in_easy_language() -> None:
    told = description(PAGES["2003"], CITY, BASE)
    assert told["offices"][0]["name"] == "Amt für Verkehr und Parken"
    assert told["offices"][0]["address"] == "Güterbahnhofstraße 44, 00121 Auenfurt"
    assert told["offices"][0]["hours"] == ["Mo–Fr 7.30–12 Uhr", "Mi 13.30–17 Uhr"]
    easy = next(field for field in told["fields"] if field["id"] == "sf23")
    assert easy["values"][0]["uri"] == f"{BASE}/services/9004"
    assert not told["easyLanguage"]
    assert description(PAGES["9004"], CITY, BASE)["easyLanguage"]


def test_magnolia_tells_a_hundred_articles_at_a_time() -> None:
    page = next(page for page in CITY.pages if page.kind == "info")
    many = [page.model_copy(update={"id": f"a{number}"}) for number in range(250)]
    told = [articles(many, CITY, offset) for offset in (0, 100, 200, 300)]
    assert [len(answer["results"]) for answer in told] == [PAGE_SIZE, PAGE_SIZE, 50, 0]
    assert {answer["total"] for answer in told} == {250}
    assert told[2]["results"][0]["@id"] == "a200"


def test_an_article_keeps_the_order_of_its_blocks() -> None:
    article = articles([PAGES["briefwahl"]], CITY, 0)["results"][0]
    blocks = article["blocks"]
    assert [blocks[node]["headline"] for node in blocks["@nodes"]] == ["", "Voraussetzungen", "Fragen und Antworten"]
    assert blocks["0"]["text"].startswith("<p>Die Wahlbenachrichtigungen")
    assert article["hideArticle"] is False
    hidden = PAGES["briefwahl"].model_copy(update={"public": False})
    assert articles([hidden], CITY, 0)["results"][0]["hideArticle"] is True


def test_an_edit_moves_the_date_on_and_a_reset_brings_the_text_back_as_a_change() -> None:
    now = [START]
    pages = store(now)
    before = pages.get("1001")
    assert before is not None
    pages.edit("1001", text="Neu.")
    now[0] += timedelta(minutes=1)
    pages.remove("1002")
    changed = pages.get("1001")
    assert changed is not None
    assert (changed.text, changed.modified) == ("Neu.", START)
    assert pages.get("1002") is None
    assert pages.listed_at == now[0]
    now[0] += timedelta(minutes=1)
    pages.restore()
    restored = pages.get("1001")
    assert restored is not None
    assert (restored.text, restored.modified) == (before.text, now[0])
    assert [page.id for page in pages.pages("service")][:2] == ["1001", "1002"]


def test_hiding_a_page_changes_the_list_and_editing_does_not() -> None:
    now = [START]
    pages = store(now)
    listed = pages.listed_at
    pages.edit("1001", text="Neu.")
    assert pages.listed_at == listed
    pages.edit("1001", public=False)
    assert pages.listed_at == START


def test_the_garages_change_with_the_clock_and_with_nothing_else() -> None:
    page = PAGES["2009"]
    first, same, later = (current(page, START + timedelta(seconds=s), 180) for s in (0, 179, 180))
    assert first == same
    assert first.modified == START
    assert later.modified == START + timedelta(seconds=180)
    assert later.text != first.text
    assert "Stand: 22.11.2026, 14.00 Uhr" in first.text
    assert all(f"| {name} |" in first.text for name, _ in GARAGES)
    assert "<table>" in first.description()


def test_the_garages_fill_by_day_within_their_places() -> None:
    def free(hour: int) -> list[int]:
        text = current(PAGES["2009"], datetime(2026, 11, 22, hour, tzinfo=UTC), 180).text
        rows = [line.split("|") for line in text.splitlines() if line.startswith("| ") and "Parkhaus" not in line]
        assert all(0 <= int(row[2]) <= int(row[3]) for row in rows)
        return [int(row[2]) for row in rows]

    assert sum(free(13)) < sum(free(2)) / 3


def test_an_edit_of_the_garages_page_is_newer_than_the_count_it_meets() -> None:
    now = [START + timedelta(seconds=90)]
    pages = store(now)
    pages.edit("2009", text="Heute gesperrt.")
    page = pages.get("2009")
    assert page is not None
    assert page.modified == now[0]
    assert page.text.endswith("Heute gesperrt.")
    assert slot_start(now[0], 180) == START


ROW = {
    "id": "1063423",
    "name": "Anmeldung",
    "html": "<p>Text</p><script>alert(1)</script>",
    "fees": "50 Euro\n 60 Euro",
    "leika": "99050012104000",
    "lastModification": "2026-06-08T07:41:01",
    "links": [{"label": "Vollmacht", "uri": "https://a.example/v"}, {"label": "x", "uri": "javascript:alert(1)"}],
    "public": False,
    "duration": None,
    "locations": None,
}


def foreign(folder: Path, *lines: str) -> City:
    file = folder / "services.jsonl"
    file.write_text("\n".join(lines), encoding="utf-8")
    return read_services(file)


def test_a_foreign_file_is_served_as_it_is(tmp_path: Path) -> None:
    city = foreign(tmp_path, json.dumps(ROW), "", json.dumps({**ROW, "id": "2", "html": "", "fees": ""}))
    told = description(city.pages[0], city, BASE)
    assert told["description"] == ROW["html"]  # untrusted: cleaning is the reader's work, and is tested there
    assert told["leika"] == "99050012104000"
    assert told["public"] is True  # the file's flag is about booking, see the module
    assert told["lastModification"] == "2026-06-08T07:41:01+02:00"
    fields = {field["name"]: field for field in told["fields"]}
    assert fields["FEES"]["value"] == "<ul><li>50 Euro</li><li>60 Euro</li></ul>"
    assert fields["LINKS"]["values"] == [{"label": "Vollmacht", "uri": "https://a.example/v"}]
    assert told["categryPath"] == {"name": "Bürgerservice", "nextLevel": None}
    assert not description(city.pages[1], city, BASE)["fields"][:-1]


def test_what_a_page_says_never_runs_on_the_page_for_citizens(tmp_path: Path) -> None:
    city = foreign(tmp_path, json.dumps({**ROW, "name": "<img src=x onerror=alert(1)>"}))
    for html in (page_html(city.pages[0], city, BASE), index(city, Store(city.pages))):
        assert "<script" not in html
        assert "<img" not in html
        assert "javascript:" not in html


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["{"], "services.jsonl:1: row: Invalid JSON"),
        ([json.dumps(ROW), json.dumps({"id": "3", "name": "x"})], "services.jsonl:2: lastModification: Field required"),
        (
            [json.dumps({**ROW, "lastModification": "yesterday"})],
            "services.jsonl:1: lastModification: Input should be a valid datetime",
        ),
        ([json.dumps(ROW), json.dumps(ROW)], "services.jsonl:2: the id 1063423 stands in the file twice"),
        ([""], "holds no row"),
    ],
)
def test_a_mistake_in_a_foreign_file_is_named(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(CityError, match=message):
        foreign(tmp_path, *lines)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CityError, match=r"none.jsonl: cannot be read"):
        read_services(tmp_path / "none.jsonl")
