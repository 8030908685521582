"""The pages in a real Chromium: keyboard alone, screen-reader names, axe, hostile texts, no foreign host.

A missing Chromium is a failure. The host is the real one; the search's answers are given here, so that
each state can be shown; test_demo_city.py walks through the whole demo city.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect
from pydantic import BaseModel

from functions.portal.pages import first_page, search_page
from functions.register.pages import register_page
from functions.xnext.answer import Abstained, AnswerQuery, Done, Meta, StatementShown
from functions.xnext.feedback import feedback
from functions.xnext.search import SearchQuery, SearchResults
from shared.backends import Backends
from shared.errors import Retry
from shared.function import Stream, http
from shared.settings import PortalSettings, Settings
from tests.acceptance.browser import LOOKS, Visit, faults, holding, hosting, visiting

PAGES = ("/", "/search", "/search?q=ausweis", "/search?q=nichts&category=Ausweise", "/search?q=stoerung", "/register")
PROBE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
# A page says javascript: where an address belongs; no such link may be made.
HOSTILE = "javascript:document.title='owned'"


def hit(**fields: Any) -> dict[str, Any]:
    """One result in the shape of the search's answer."""
    text = "Melden Sie den Verlust 😀 Ihres Ausweises sofort."
    start = text.index("Ausweises")
    return {
        "id": "demo:1",
        "title": "Personalausweis verloren",
        "source": "demo",
        "revision": 1,
        "rank": 1,
        "url": "https://auenfurt.example/1",
        "language": "de",
        "easy": False,
        "categories": ["Ausweise"],
        "facts": {
            "fees": "28,80 Euro",
            "documents": "- ein Foto\n" + "\n".join(f"- Nachweis Nummer {n} in Kopie" for n in range(12)),
            "duration": "drei Wochen",
            "legal_basis": "§ 9 PAuswG",
            "payment": None,
            "online_services": [{"label": "Termin", "url": "https://auenfurt.example/termin"}],
            "offices": ["Bürgerbüro Mitte"],
        },
        "passages": [{"heading": "Was zu tun ist", "text": text, "highlights": [[start, start + 9]]}],
    } | fields


ANSWERS: dict[str, list[dict[str, Any]]] = {
    "ausweis": [hit(), hit(title="Reisepass", language="en", easy=True, url=None, facts={}), hit(title="Fundbüro")],
    "nichts": [],
    "leer": [],
    "stellen": [
        hit(
            passages=[
                {"heading": "", "text": "Der Anfang der Seite.", "highlights": []},
                {"heading": "Zahlungsarten", "text": "Hier steht es nicht.", "highlights": []},
                {"heading": "Frist", "text": "Hier steht das Wort.", "highlights": [[15, 19]]},
            ]
        )
    ],
    "satzung": [
        hit(
            title="Abfallsatzung",
            passages=[
                {"heading": "Gebühren", "text": "Die Satzung sagt es.", "page": 3, "highlights": [[4, 11]]},
                {"heading": "", "text": "Auch hier sagt es die Satzung.", "page": 12, "highlights": [[22, 29]]},
            ],
        )
    ],
    "viele": [hit(title=f"Seite {n}") for n in range(30)],
    "boese": [
        hit(
            title=PROBE,
            url=HOSTILE,
            categories=[PROBE],
            facts={"fees": PROBE, "offices": [PROBE], "online_services": [{"label": PROBE, "url": HOSTILE}]},
            passages=[{"heading": PROBE, "text": PROBE, "highlights": [[0, 4], [9999, 3], [2, 3]]}],
        )
    ],
}

STATEMENTS = {
    "antwort": [
        ("Melden Sie den Verlust Ihres Ausweises sofort.", "Melden Sie den Verlust Ihres Ausweises sofort."),
        ("Der neue Ausweis kostet 28,80 Euro.", "Für die Ausstellung werden 28,80 Euro erhoben."),
    ],
    "woertlich": [
        ("Der neue Ausweis kostet 28,80 Euro.", "Für die Ausstellung werden 28,80 Euro erhoben."),
        (
            "Ohne Sie im Wagen darf niemand den Ausweis benutzen.",
            "Ohne Sie im Wagen darf niemand den Ausweis benutzen.",
        ),
    ],
    "satzung": [("Die Satzung sagt es so.", "Die Satzung sagt es so.")],
    "abbruch": [("Der neue Ausweis kostet 28,80 Euro.", "Für die Ausstellung werden 28,80 Euro erhoben.")],
    "boese": [(PROBE, PROBE + "!")],
}
NEAR = {"nichts": ["Reisepass beantragen"], "fern": ["Reisepass beantragen", "Hund anmelden"], "boese": [PROBE]}


@http
async def search(query: SearchQuery, use: Backends) -> SearchResults:
    """Stands where the search stands, with answers that a test knows."""
    if query.q == "stoerung":
        raise Retry("asked for")
    hits = ANSWERS.get(query.q, ANSWERS["ausweis"])[: query.limit]
    reason = "empty_index" if query.q == "leer" else None if hits else "no_match"
    answer = {"query_language": "de", "took_ms": 1, "degraded": query.q == "halb", "reason": reason}
    near = {"fits": query.q != "fern", "suggestions": NEAR.get(query.q, [])}
    found = {"hits": hits, "categories": ["Ausweise"], "languages": ["de", "en"], "index": "city_pages__e5"}
    return SearchResults.model_validate(answer | near | found)


@http
async def answer(query: AnswerQuery, use: Backends) -> Stream:
    """Stands where answers are made; says what a test knows, and breaks off where one asks for it."""

    async def messages() -> AsyncIterator[tuple[str, BaseModel]]:
        yield (
            "meta",
            Meta(mode="generated" if query.q in ("abbruch", "woertlich") else "extractive", model="e5", language="de"),
        )
        for text, quote in STATEMENTS.get(query.q, []):
            number = 1 if text == STATEMENTS[query.q][0][0] else 2
            cited = {"number": number, "page_id": "demo:1", "revision": 1, "title": "Personalausweis verloren"}
            cited |= {"quote": quote, "href": "/source?page=demo%3A1&revision=1", "url": "https://auenfurt.example/1"}
            if query.q == "satzung":
                cited |= {"title": "Abfallsatzung", "page": 3}
            if query.q == "boese":
                cited |= {"title": PROBE, "href": HOSTILE, "url": HOSTILE}
            told = {"text": text, "language": "de", "verbatim": text == quote, "citations": [cited]}
            yield "statement", StatementShown.model_validate(told)
        if query.q == "abbruch":
            raise Retry("asked for")
        if query.q not in STATEMENTS or query.q == "boese":
            yield "abstained", Abstained(reason="unsupported", suggestions=NEAR.get(query.q, []))
        yield "done", Done(statements=len(STATEMENTS.get(query.q, [])), verbatim=0, dropped=0)

    return Stream(messages())


FUNCTIONS = (first_page, search_page, register_page, search, answer, feedback)


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with hosting(
        Settings(
            _env_file=None,
            portal=PortalSettings.model_validate(
                {
                    "city": "Auenfurt",
                    "demo": True,
                    "cms_url": "http://127.0.0.1:1/",
                    "zammad_url": "http://127.0.0.1:2/",
                }
            ),
        ),
        *FUNCTIONS,
    ) as address:
        yield address


@pytest.fixture
def visit(chromium: Browser, site: str) -> Iterator[Visit]:
    visit = visiting(chromium, site)
    yield visit
    visit.context.close()


def test_search_works_by_keyboard_alone(visit: Visit) -> None:
    page = visit.open("/search")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Zum Inhalt")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("searchbox", name="Ihre Frage")).to_be_focused()
    page.keyboard.type("ausweis")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("3 Seiten zu „ausweis“")
    # Button, two filters, one box; then the first result's title.
    for _ in range(5):
        page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Personalausweis verloren")).to_be_focused()
    outline = "getComputedStyle(document.querySelector('stadtfunk-search').shadowRoot.activeElement).outlineStyle"
    assert page.evaluate(outline) != "none"


def test_long_facts_unfold_by_keyboard(visit: Visit) -> None:
    page = visit.open("/search?q=ausweis")
    rest = page.get_by_text("Nachweis Nummer 11 in Kopie").first
    expect(rest).to_be_hidden()
    page.get_by_text("mehr (Unterlagen)").first.focus()
    page.keyboard.press("Enter")
    expect(rest).to_be_visible()


def test_passages_that_say_little_are_folded(visit: Visit) -> None:
    result = visit.open("/search?q=stellen").get_by_role("article")
    expect(result.get_by_text("Der Anfang der Seite.")).to_be_visible()
    expect(result.get_by_text("Hier steht das Wort.")).to_be_visible()
    expect(result.get_by_text("Hier steht es nicht.")).to_be_hidden()
    result.get_by_text("1 weitere Stelle").press("Enter")
    expect(result.get_by_text("Hier steht es nicht.")).to_be_visible()


def test_passages_and_sources_of_a_pdf_name_its_page(visit: Visit) -> None:
    page = visit.open("/search?q=satzung")
    result = page.get_by_role("article")
    expect(result.get_by_text("Gebühren · S. 3", exact=True)).to_be_visible()
    expect(result.get_by_text("S. 12", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="Beleg 1: Abfallsatzung, S. 3", exact=True)).to_be_visible()
    expect(visit.open("/search?q=satzung&lang=en").get_by_text("Gebühren · p. 3", exact=True)).to_be_visible()


def test_first_page_leads_to_the_search_by_keyboard(visit: Visit) -> None:
    page = visit.open("/")
    page.get_by_role("searchbox", name="Ihre Frage").focus()
    page.keyboard.type("ausweis")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{visit.site}/search?q=ausweis")
    expect(page.get_by_role("article")).to_have_count(3)


def test_results_carry_names_marks_and_facts(visit: Visit) -> None:
    page = visit.open("/search?q=ausweis")
    result = page.get_by_role("article", name="Personalausweis verloren")
    expect(result.locator("mark")).to_have_text("Ausweises")
    expect(result.get_by_role("link", name="Personalausweis verloren")).to_have_attribute(
        "href", "https://auenfurt.example/1"
    )
    facts = result.get_by_role("group", name="Auf einen Blick")
    for term, said in (("Gebühren", "28,80 Euro"), ("Dauer", "drei Wochen"), ("Rechtsgrundlage", "§ 9 PAuswG")):
        row = facts.locator("dl > div").filter(has=page.get_by_text(term, exact=True))
        expect(row.get_by_role("definition")).to_have_text(said)
    expect(facts.get_by_role("link", name="Online erledigen: Termin")).to_be_visible()
    # A result in another language says so, for the voice that reads it.
    expect(page.get_by_role("article", name="Reisepass")).to_have_attribute("lang", "en")


@pytest.mark.parametrize(
    ("query", "german", "english"),
    [
        ("nichts", "Nichts gefunden zu „nichts“.", "Nothing found for “nichts”."),
        ("stoerung", "Die Suche antwortet gerade nicht.", "The search does not answer right now."),
        ("leer", "Noch sind keine Seiten eingelesen.", "No pages have been read yet."),
        ("halb", "Gezeigt wird, was den Wörtern nach passt.", "Shown is what fits by its words."),
        ("", "Fragen Sie in eigenen Worten", "Ask in your own words"),
    ],
)
def test_states_are_said_by_the_live_region(visit: Visit, query: str, german: str, english: str) -> None:
    expect(visit.open(f"/search?q={query}").get_by_role("status")).to_contain_text(german)
    expect(visit.open(f"/search?lang=en&q={query}").get_by_role("status")).to_contain_text(english)


def test_loading_is_said_and_a_fault_can_be_tried_again(visit: Visit) -> None:
    page = visit.open("/search")
    held = holding(page, "**/api/search?*")
    page.get_by_role("searchbox").fill("ausweis")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Die Suche läuft …")
    held.pop().abort()
    expect(page.get_by_role("status")).to_contain_text("Die Suche antwortet gerade nicht.")
    page.unroute_all()
    page.get_by_role("button", name="Noch einmal versuchen").press("Enter")
    expect(page.get_by_role("status")).to_have_text("3 Seiten zu „ausweis“")


def test_only_the_newest_search_is_shown(visit: Visit) -> None:
    page = visit.open("/search")
    holding(page, "**/api/search?*q=viele*")
    box = page.get_by_role("searchbox")
    box.fill("viele")
    box.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Die Suche läuft …")
    with page.expect_event("requestfailed", lambda request: "q=viele" in request.url):
        box.fill("ausweis")
        box.press("Enter")
    expect(page.get_by_role("status")).to_have_text("3 Seiten zu „ausweis“")
    expect(page.get_by_role("article")).to_have_count(3)


def test_the_address_carries_question_and_filters(visit: Visit) -> None:
    page = visit.open("/search")
    box = page.get_by_role("searchbox")
    box.fill("ausweis & pass")
    box.press("Enter")
    expect(page.get_by_role("article")).to_have_count(3)
    page.get_by_role("combobox", name="Bereich").select_option("Ausweise")
    page.get_by_role("combobox", name="Sprache").select_option("de")
    with page.expect_request("**/api/search?*easy=true*") as asked:
        page.get_by_role("checkbox", name="Leichte Sprache zuerst").check()
    shared = f"{visit.site}/search?q=ausweis+%26+pass&category=Ausweise&language=de&easy=true"
    expect(page).to_have_url(shared)
    assert "category=Ausweise" in asked.value.url
    assert "language=de" in asked.value.url

    other = visit.open(urlsplit(shared)._replace(scheme="", netloc="").geturl())
    expect(other.get_by_role("searchbox")).to_have_value("ausweis & pass")
    expect(other.get_by_role("combobox", name="Bereich")).to_have_value("Ausweise")
    expect(other.get_by_role("checkbox", name="Leichte Sprache zuerst")).to_be_checked()

    page.go_back()
    page.go_back()
    page.go_back()
    expect(page).to_have_url(f"{visit.site}/search?q=ausweis+%26+pass")
    expect(page.get_by_role("combobox", name="Bereich")).to_have_value("")


def test_more_results_come_on_demand_and_reading_goes_on(visit: Visit) -> None:
    page = visit.open("/search?q=viele")
    expect(page.get_by_role("article")).to_have_count(10)
    page.get_by_role("button", name="Mehr Ergebnisse zeigen").press("Enter")
    expect(page.get_by_role("status")).to_have_text("Die 20 besten Treffer zu „viele“")
    expect(page.get_by_role("article")).to_have_count(20)
    expect(page.get_by_role("link", name="Seite 10", exact=True)).to_be_focused()


def test_language_switch_keeps_the_search_and_is_remembered(visit: Visit) -> None:
    page = visit.open("/search")
    page.get_by_role("searchbox").fill("ausweis")
    page.keyboard.press("Enter")
    expect(page.get_by_role("article")).to_have_count(3)
    page.get_by_role("link", name="English").click()
    expect(page).to_have_url(f"{visit.site}/search?q=ausweis&lang=en")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_role("status")).to_have_text("3 pages for “ausweis”")
    # The choice holds where an address says nothing; an address that says something wins.
    expect(visit.open("/register").get_by_role("heading", level=1)).to_have_text("AI register")
    german = visit.open("/register?lang=de")
    expect(german.get_by_role("heading", level=1)).to_have_text("KI-Register")
    german.get_by_role("link", name="Deutsch").click()
    expect(visit.open("/register").get_by_role("heading", level=1)).to_have_text("KI-Register")


def test_hostile_texts_are_shown_as_text(visit: Visit) -> None:
    page = visit.open("/search?q=boese")
    result = page.get_by_role("article")
    expect(result.get_by_role("heading", level=3)).to_have_text(PROBE)
    for part in (".trail", ".passage-heading", ".passage-text"):
        expect(result.locator(part)).to_have_text(PROBE)
    for name in ("Gebühren", "Zuständig"):
        row = result.locator("dl > div").filter(has=page.get_by_text(name, exact=True))
        expect(row.get_by_role("definition")).to_contain_text("<img src=x")
    expect(result.locator("img, script, a[href^=javascript]")).to_have_count(0)
    expect(result.get_by_role("link")).to_have_count(0)
    assert page.title() != "owned"


@pytest.mark.parametrize("path", ["/", "/search", "/register"])
def test_a_hostile_address_is_shown_as_text(visit: Visit, path: str) -> None:
    page = visit.open(path)
    page.goto(f"{visit.site}{path}?q={PROBE}&lang={PROBE}&category={PROBE}")
    if path == "/search":
        expect(page.get_by_role("status")).to_contain_text(PROBE)
        assert page.title().startswith("<img")
    assert page.locator("img").count() == 0
    assert page.evaluate("document.title") != "owned"


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
@pytest.mark.parametrize("language", ["de", "en"])
def test_axe_finds_nothing_on_any_page(chromium: Browser, site: str, scheme: str, width: int, language: str) -> None:
    visit = visiting(chromium, site, color_scheme=scheme, viewport={"width": width, "height": 900})
    try:
        for path in PAGES:
            page = visit.open(f"{path}{'&' if '?' in path else '?'}lang={language}")
            assert faults(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{path} scrolls sideways"
            page.close()
    finally:
        visit.context.close()


def test_pages_ask_no_foreign_host_and_break_no_policy(visit: Visit) -> None:
    for path in PAGES:
        visit.open(path).close()
    assert visit.hosts == {urlsplit(visit.site).netloc}
    # The one fault of these pages is the answer 503 that is asked for.
    assert [said for said in visit.said if "503" not in said] == []


def test_reduced_motion_is_respected(chromium: Browser, site: str) -> None:
    for motion, seconds in (("reduce", "0s"), ("no-preference", "0.12s")):
        visit = visiting(chromium, site, reduced_motion=motion)
        page = visit.open("/")
        duration = page.get_by_role("button", name="Suchen").evaluate("e => getComputedStyle(e).transitionDuration")
        assert duration.startswith(seconds)
        visit.context.close()


def test_first_page_says_it_all_in_one_screen(chromium: Browser, site: str) -> None:
    visit = visiting(chromium, site, viewport={"width": 1280, "height": 800})
    page = visit.open("/")
    for part in ("Was hier läuft", "Zum Ausprobieren"):
        expect(page.get_by_role("region", name=part)).to_be_in_viewport(ratio=1)
    visit.context.close()
