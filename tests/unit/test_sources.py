"""How answers of the two interfaces become pages, and what is said of answers that are not theirs."""

import json
from typing import Any

import pytest

from functions.xnext.befi import Befi
from functions.xnext.magnolia import Magnolia
from functions.xnext.page import Link
from functions.xnext.sources import MalformedAnswer, Reading, Validators, configured, is_id, link, listed, plain
from shared.errors import Reject
from shared.settings import CmsSource, WebSettings
from shared.web import Answer, Web

BEFI = CmsSource(name="befi", kind="befi", url="http://cms/befi/", page_url="http://city/services/{id}")
MAGNOLIA = CmsSource(
    name="info", kind="magnolia", url="http://cms/.rest/delivery/Info", page_url="http://city/infos/{id}"
)

SERVICE: dict[str, Any] = {
    "id": 1063,
    "name": " Wohnsitz&nbsp;ummelden ",
    "description": "<p>Nach dem <b>Umzug</b>.</p>",
    "fields": [
        {"id": "sf1", "name": "SUMMARY", "label": "", "type": "TEXT", "value": "<p>Kurz gesagt.</p>"},
        {"id": "sf2", "name": "X", "label": "Referat", "type": "TEXT", "value": "Einwohneramt"},
        {"id": "sf6", "name": "X", "label": "Unterlagen", "type": "TEXT", "value": "<ul><li>Ausweis</li></ul>"},
        {"id": "sf16", "name": "X", "label": "G", "type": "TEXT", "value": "keine &amp; keine"},
        {"id": "sf17", "name": "X", "label": "Z", "type": "TEXT", "value": "bar"},
        {"id": "sf18", "name": "X", "label": "B", "type": "TEXT", "value": "sofort"},
        {"id": "sf19", "name": "X", "label": "R", "type": "TEXT", "value": "§ 17 BMG"},
        {"id": "sf21", "name": "X", "label": "V", "type": "TEXT", "value": "4711"},
        {"id": "sf24", "name": "X", "label": "N", "type": "TEXT", "value": "nur für die Redaktion"},
        {"id": "sf99", "name": "X", "label": "Neues <i>Feld</i>", "type": "TEXT", "value": "Text"},
        {"id": "sf12", "name": "X", "label": "leer", "type": "TEXT", "value": "<p> \u200b</p>"},
        {
            "id": "sf4",
            "name": "ONLINE_SERVICE",
            "label": "",
            "type": "LINK",
            "values": [{"label": "Online ummelden", "uri": "https://online.city/ummelden"}],
        },
        {
            "id": "sf5",
            "name": "LINKS",
            "label": "",
            "type": "LINK",
            "values": [{"label": "x", "uri": "javascript:alert(1)"}, {"label": "Karte", "uri": "https://city/karte"}],
        },
    ],
    "categryPath": {"name": "Bürgerservice", "nextLevel": {"name": "Wohnen", "nextLevel": None}},
    "synonyms": ["Umzug", "Umzug", " "],
    "publicUrl": "https://city/s/1063",
    "public": True,
    "lastModification": 1780904461000,
    "offices": [{"id": "o1", "name": "Bürgerbüro"}, "Rathaus"],
}


class Canned(Web):
    """Answers by the address that is asked."""

    def __init__(self, answers: dict[str, Any]) -> None:
        super().__init__(WebSettings())
        self.answers = answers
        self.asked: list[tuple[str, str | None]] = []

    async def get(self, url: str, *, etag: str | None = None, **_: Any) -> Answer:
        self.asked.append((url, etag))
        answer = self.answers[url]
        if isinstance(answer, Answer):
            return answer
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        return _answer(200, body)


def _answer(status: int, body: bytes = b"", content_type: str = "application/json") -> Answer:
    return Answer(status=status, body=body, content_type=content_type, etag='"1"', last_modified=None)


async def service(**changes: Any) -> Reading:
    fields = {key: value for key, value in {**SERVICE, **changes}.items() if value is not ...}
    web = Canned({"http://cms/befi/services/1063/description/": fields})
    return await Befi(BEFI, web, 9).read("1063", Validators())


async def test_a_service_becomes_a_page() -> None:
    reading = await service()
    (page,) = reading.pages
    assert reading.validators == Validators(etag='"1"')
    assert (page.id, page.source, page.title, page.summary) == (
        "befi:1063",
        "befi",
        "Wohnsitz ummelden",
        "Kurz gesagt.",
    )
    assert [section.heading for section in page.sections] == [
        "",
        "Benötigte Unterlagen",
        "Gebühren",
        "Zahlungsarten",
        "Bearbeitungszeit",
        "Rechtliche Grundlagen",
        "Neues Feld",
    ]
    assert page.sections[0].html == "<p>Nach dem <b>Umzug</b>.</p>"
    facts = page.facts
    assert (facts.documents, facts.fees, facts.payment) == ("Ausweis", "keine & keine", "bar")
    assert (facts.duration, facts.legal_basis) == ("sofort", "§ 17 BMG")
    assert facts.offices == ("Bürgerbüro", "Rathaus", "Einwohneramt")
    assert facts.online_services == (Link(label="Online ummelden", url="https://online.city/ummelden"),)
    assert page.links == (Link(label="Karte", url="https://city/karte"),)
    assert (page.categories, page.synonyms) == (("Bürgerservice", "Wohnen"), ("Umzug",))
    assert (page.url, page.language, page.easy) == ("https://city/s/1063", "de", False)
    assert page.modified is not None
    assert page.modified.isoformat() == "2026-06-08T07:41:01+00:00"
    assert "Redaktion" not in page.model_dump_json()


async def test_equal_content_has_an_equal_hash_whenever_it_was_modified() -> None:
    (one,), (other,) = (await service()).pages, (await service(lastModification="2026-07-01T00:00:00")).pages
    assert one.content_hash() == other.content_hash()
    assert one.content_hash() != (await service(name="Anders")).pages[0].content_hash()


async def test_easy_language_in_a_field_becomes_a_page_of_its_own() -> None:
    field = {"id": "sf23", "name": "EASY", "label": "", "type": "TEXT", "value": "<p>Sie ziehen um.</p>"}
    easy, page = (await service(fields=[*SERVICE["fields"], field])).pages
    assert (easy.id, easy.easy, easy.sections[0].html) == ("befi:1063~easy", True, "<p>Sie ziehen um.</p>")
    assert (page.id, page.easy) == ("befi:1063", False)
    assert page.content_hash() == (await service()).pages[0].content_hash()


async def test_easy_language_as_link_or_flag() -> None:
    field = {"id": "sf23", "name": "E", "label": "", "type": "LINK", "values": [{"label": "L", "uri": "https://c/9"}]}
    (page,) = (await service(fields=[field], easyLanguage=True)).pages
    assert (page.easy, page.links) == (True, (Link(label="L", url="https://c/9"),))


async def test_the_english_tree_is_english() -> None:
    assert (await service(categryPath={"name": "Citizen service"})).pages[0].language == "en"


@pytest.mark.parametrize("flag", [False, "false"])
async def test_an_unpublished_page_is_absent(flag: object) -> None:
    reading = await service(public=flag)
    assert (reading.absent, reading.pages, reading.validators.etag) == ("not_public", (), '"1"')


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"public": ...}, "public", "is missing"),
        ({"public": 1}, "public", "is no boolean but int"),
        ({"name": ...}, "name", "is missing"),
        ({"name": "  "}, "name", "is empty"),
        ({"name": "<b></b>"}, "name", "is empty"),
        ({"name": 7}, "name", "is no text but int"),
        ({"description": ["x"]}, "description", "is no text but list"),
        ({"fields": {"a": 1}}, "fields", "is no list but dict"),
        ({"fields": ["x"]}, "(whole)", "is no JSON object"),
        ({"fields": [{"type": "TEXT"}]}, "id", "is missing"),
        ({"fields": [{"id": "sf6", "type": "TEXT", "value": {}}]}, "value", "is no text but dict"),
        ({"fields": [{"id": "sf5", "type": "LINK", "values": "x"}]}, "values", "is no list but str"),
        ({"synonyms": [1]}, "synonyms", "has an entry that is no text"),
        ({"categryPath": "Wohnen"}, "(whole)", "is no JSON object"),
        ({"id": 7}, "id", "is another page's"),
        ({"id": "../x"}, "id", "is missing or no id"),
    ],
)
async def test_a_wrong_field_is_named_with_source_and_id(changes: dict[str, Any], field: str, said: str) -> None:
    with pytest.raises(MalformedAnswer) as caught:
        await service(**changes)
    assert str(caught.value).startswith("source befi: page 1063")
    assert str(caught.value).endswith(f"field '{field}' {said}")


@pytest.mark.parametrize("body", [b"<html>Wartung</html>", b"", b'{"id": 1063, "na', b"[" * 100_000, b"\xff\xfe"])
async def test_what_is_no_json_is_said_so(body: bytes) -> None:
    web = Canned({"http://cms/befi/services/1063/description/": _answer(200, body, "text/html")})
    with pytest.raises(MalformedAnswer, match="page 1063: field '\\(whole\\)' is no JSON but text/html"):
        await Befi(BEFI, web, 9).read("1063", Validators())


@pytest.mark.parametrize(("status", "absent"), [(404, "missing"), (410, "gone")])
async def test_absence(status: int, absent: str) -> None:
    web = Canned({"http://cms/befi/services/1/description/": _answer(status)})
    assert (await Befi(BEFI, web, 9).read("1", Validators())).absent == absent


async def test_unchanged_keeps_its_validators() -> None:
    web = Canned({"http://cms/befi/services/1/description/": _answer(304)})
    known = Validators(etag='"7"')
    assert await Befi(BEFI, web, 9).read("1", known) == Reading(unchanged=True, validators=known)
    assert web.asked == [("http://cms/befi/services/1/description/", '"7"')]


async def test_the_list_of_services() -> None:
    web = Canned({"http://cms/befi/services/list": {"ids": [{"id": 7}, {"id": "8"}, {"id": 7}]}})
    assert await Befi(BEFI, web, 9).ids() == ["7", "8"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"ids": None}, "list: field 'ids' is missing"),
        ({"ids": [{"id": 1}, {"id": "../../etc"}]}, "list entry 1: field 'id' is missing or no id"),
        ({"ids": [7]}, "list entry 0: field '\\(whole\\)' is no JSON object"),
        ([], "list: field '\\(whole\\)' is no JSON object"),
        (_answer(404), "list: field '\\(whole\\)' is answered with status 404"),
    ],
)
async def test_a_wrong_list_is_no_list(answer: Any, said: str) -> None:
    with pytest.raises(MalformedAnswer, match=said):
        await Befi(BEFI, Canned({"http://cms/befi/services/list": answer}), 9).ids()


def article(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "@id": f"uuid-{number}",
        "@name": f"a{number}",
        "title": f"Artikel {number}",
        "summary": "<p>Kurz</p>",
        "urlTitle": f"artikel-{number}",
        "mainCategory": "Leben",
        "mgnl:lastModified": "2026-06-08T09:41:01.000+02:00",
        "blocks": {
            "@nodes": ["1", "0", "gone"],
            "0": {"headline": "Zweitens", "text": "<p>B</p>", "@nodes": []},
            "1": {"headline": "Erstens", "text": "<p>A</p>", "@nodes": ["x"], "x": {"text": "tief"}},
        },
        "@nodes": ["blocks"],
        **changes,
    }


def pages_of(articles: list[dict[str, Any]], total: int | None = None) -> Canned:
    count = len(articles) if total is None else total
    return Canned(
        {
            f"http://cms/.rest/delivery/Info?offset={offset}": {
                "total": count,
                "results": articles[offset : offset + 100],
            }
            for offset in range(0, max(count, 1), 100)
        }
    )


async def test_articles_come_with_their_paged_list() -> None:
    web = pages_of([article(number) for number in range(205)])
    source = Magnolia(MAGNOLIA, web, 9)
    assert len(await source.ids()) == 205
    (page,) = (await source.read("uuid-204", Validators())).pages
    assert [asked for asked, _ in web.asked] == [
        f"http://cms/.rest/delivery/Info?offset={offset}" for offset in (0, 100, 200)
    ]
    assert (page.id, page.title, page.summary) == ("info:uuid-204", "Artikel 204", "Kurz")
    assert [(section.heading, plain(section.html)) for section in page.sections] == [
        ("Erstens", "A"),
        ("", "tief"),
        ("Zweitens", "B"),
    ]
    assert (page.url, page.categories, page.easy) == ("http://city/infos/artikel-204", ("Leben",), False)
    assert page.modified is not None
    assert page.modified.hour == 7


async def test_a_base_address_alone_means_the_endpoint_of_articles() -> None:
    web = Canned({"http://cms/m/.rest/delivery/InfoArticleEndpoint?offset=0": {"total": 0, "results": []}})
    base = CmsSource(name="info", kind="magnolia", url="http://cms/m/")
    assert await Magnolia(base, web, 9).ids() == []


async def test_one_article_alone_reads_the_list() -> None:
    source = Magnolia(MAGNOLIA, pages_of([article(1)]), 9)
    assert (await source.read("uuid-1", Validators())).pages
    assert (await source.read("uuid-2", Validators())).absent == "missing"


async def test_a_hidden_article_is_not_public_and_an_unset_flag_is_shown() -> None:
    shown, hidden = article(1), article(2, hideArticle=True)
    source = Magnolia(MAGNOLIA, pages_of([shown, hidden, article(3, hideArticle=False)]), 9)
    absent = [(await source.read(id, Validators())).absent for id in await source.ids()]
    assert absent == [None, "not_public", None]


async def test_easy_language_by_address() -> None:
    source = Magnolia(MAGNOLIA, pages_of([article(1, urlTitle="wahl-in-leichter-sprache")]), 9)
    assert not (await source.read("uuid-1", Validators())).pages[0].easy
    source = Magnolia(MAGNOLIA, pages_of([article(1, urlTitle="wahl-leichte-sprache")]), 9)
    assert (await source.read("uuid-1", Validators())).pages[0].easy


async def test_one_broken_article_leaves_the_others() -> None:
    source = Magnolia(MAGNOLIA, pages_of([article(1, title=5), article(2), article(3, urlTitle="../x?y")]), 9)
    assert await source.ids() == ["uuid-1", "uuid-2", "uuid-3"]
    assert (await source.read("uuid-2", Validators())).pages
    with pytest.raises(MalformedAnswer, match="source info: page uuid-1: field 'title' is no text but int"):
        await source.read("uuid-1", Validators())
    with pytest.raises(MalformedAnswer, match="field 'urlTitle' is no part of an address"):
        await source.read("uuid-3", Validators())


async def test_nodes_without_end_are_refused() -> None:
    node: dict[str, Any] = {"text": "x"}
    for _ in range(50):
        node = {"@nodes": ["a"], "a": node}
    source = Magnolia(MAGNOLIA, pages_of([article(1, blocks=node)]), 9)
    with pytest.raises(MalformedAnswer, match="nested deeper"):
        await source.read("uuid-1", Validators())


@pytest.mark.parametrize(
    ("web", "said"),
    [
        (pages_of([article(1)], total=2), "'total' says 2, but 1 articles came"),
        (pages_of([article(1), article(1)]), "'total' says 2, but 1 articles came"),
        (Canned({"http://cms/.rest/delivery/Info?offset=0": {"results": []}}), "'total' is missing"),
        (
            Canned({"http://cms/.rest/delivery/Info?offset=0": {"total": "9", "results": []}}),
            "'total' is no whole number",
        ),
        (Canned({"http://cms/.rest/delivery/Info?offset=0": {"total": 1}}), "'results' is missing"),
        (
            Canned({"http://cms/.rest/delivery/Info?offset=0": {"total": 1, "results": [{"title": "x"}]}}),
            "'@id' is missing or no id",
        ),
    ],
)
async def test_a_torn_list_is_no_list(web: Canned, said: str) -> None:
    with pytest.raises(MalformedAnswer, match=said):
        await Magnolia(MAGNOLIA, web, 9).ids()


@pytest.mark.parametrize(
    ("text", "right"),
    [("1063", True), ("a-b_c.d", True), ("", False), ("..", False), ("a/b", False), ("a b", False), ("x" * 89, False)],
)
def test_ids(text: str, right: bool) -> None:
    assert is_id(text) is right


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "/x", "https://a b", 5, None, "https://"])
def test_other_links_are_left_out(url: object) -> None:
    assert link("x", url) is None


def test_scripts_leave_no_text() -> None:
    assert plain("<p>a<script>alert(1)</script> &lt;b&gt;</p><style>x</style>") == "a <b>"


def test_lines_of_a_fact_stay_apart() -> None:
    assert listed("<ul><li>Pass: <b>81</b> Euro</li><li>Karte;</li></ul>") == "Pass: 81 Euro; Karte"
    assert listed("a<br>b <br/> c\n d") == "a; b; c d"
    assert listed("<p>nur\n  eins</p>\n") == "nur eins"


def test_an_unknown_source_is_rejected_with_the_known_ones() -> None:
    assert configured([BEFI], "befi") is BEFI
    with pytest.raises(Reject, match=r"unknown source 'x'.*\['befi'\]"):
        configured([BEFI], "x")
