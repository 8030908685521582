"""<stadtfunk-search> in a page of another origin, in a real Chromium.

A server of its own hands out the page of a city's portal, with a strict Content-Security-Policy; the host is the
real one with answers that a test knows (test_pages.py).
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from shared.settings import HostSettings, Settings
from tests.acceptance.browser import LOOKS, Visit, faults, holding, hosting, visiting
from tests.acceptance.test_pages import FUNCTIONS, HOSTILE, PROBE

PAGE = """<!doctype html>
<html lang="{lang}"><head><meta charset="utf-8"><title>Stadtportal</title>
<link rel="icon" href="data:,">
<script src="{host}/components/stadtfunk-search.js" {script}></script></head>
<body><main><h1>Stadtportal</h1><stadtfunk-search {attributes}><p slot="start">Hallo.</p></stadtfunk-search></main>
</body></html>"""


class Portal:
    """Pages of another origin that embed the search."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.attributes = ""
        self.lang = "de"
        self.script = "defer"
        portal = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                text = PAGE.format_map(vars(portal))
                self.send_response(200)
                self.send_header("content-type", "text/html; charset=utf-8")
                # What docs/embedding.md asks of a page's policy, and no more.
                policy = f"default-src 'none'; img-src data:; script-src {portal.host}; connect-src {portal.host}"
                self.send_header("content-security-policy", policy)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, format: str, *arguments: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_address[1]}"


@contextmanager
def portal_of(*, allowed: bool) -> Iterator[Portal]:
    """A portal, and a host that allows its origin or does not."""
    portal = Portal("")
    origins = (portal.origin,) if allowed else ("https://other.example",)
    thread = threading.Thread(target=portal.server.serve_forever)
    thread.start()
    try:
        with hosting(Settings(_env_file=None, host=HostSettings(allowed_origins=origins)), *FUNCTIONS) as host:
            portal.host = host
            yield portal
    finally:
        portal.server.shutdown()
        portal.server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def shared_portal() -> Iterator[Portal]:
    with portal_of(allowed=True) as portal:
        yield portal


@pytest.fixture
def portal(shared_portal: Portal) -> Portal:
    shared_portal.attributes, shared_portal.lang, shared_portal.script = "", "de", "defer"
    return shared_portal


@pytest.fixture
def visit(chromium: Browser, portal: Portal) -> Iterator[Visit]:
    visit = visiting(chromium, portal.origin)
    yield visit
    visit.context.close()


def ask(page: Page, query: str, status: str) -> None:
    box = page.get_by_role("searchbox")
    box.fill(query)
    box.press("Enter")
    expect(page.get_by_role("status")).to_contain_text(status)


def test_two_lines_bring_search_and_answer_into_a_page_of_another_origin(visit: Visit, portal: Portal) -> None:
    page = visit.open("/")
    expect(page.get_by_text("Hallo.")).to_be_visible()
    ask(page, "antwort", "3 Seiten zu „antwort“")
    answer = page.get_by_role("region", name="Antwort")
    expect(answer.get_by_text("KI-erzeugt")).to_be_visible()
    expect(answer.locator(".statements li")).to_have_text(
        ["Melden Sie den Verlust Ihres Ausweises sofort. 1", "Der neue Ausweis kostet 28,80 Euro. 2"]
    )
    # The address of a source is the host's, not the page's.
    link = answer.get_by_role("link", name="Beleg 1: Personalausweis verloren", exact=True)
    assert link.evaluate("link => link.href") == f"{portal.host}/source?page=demo%3A1&revision=1"
    # A quote that is the statement itself is not said twice.
    expect(answer.locator("q")).to_have_text(["Für die Ausstellung werden 28,80 Euro erhoben."])
    expect(page.get_by_role("article")).to_have_count(3)
    # The page's own address and title are its own.
    expect(page).to_have_url(f"{portal.origin}/")
    expect(page).to_have_title("Stadtportal")
    assert visit.hosts == {urlsplit(portal.host).netloc, urlsplit(portal.origin).netloc}
    assert visit.said == []


def test_what_stands_in_the_page_s_own_words_is_a_quotation_in_its_language(visit: Visit, portal: Portal) -> None:
    portal.lang = "en"
    page = visit.open("/")
    ask(page, "woertlich", "3 pages for “woertlich”")
    shown = page.locator(".statements li")
    expect(shown).to_have_count(2)
    expect(shown.first.locator("blockquote")).to_have_count(0)  # the model's words, held against their quote
    quoted = shown.last.get_by_role("blockquote")
    expect(quoted).to_have_attribute("lang", "de")
    expect(quoted).to_have_attribute("cite", f"{portal.host}/source?page=demo%3A1&revision=1&lang=en")
    expect(quoted).to_contain_text("Ohne Sie im Wagen darf niemand den Ausweis benutzen.")
    expect(shown.last).to_contain_text("In the page’s own words (German):")


def test_an_origin_that_is_not_allowed_is_told_so(chromium: Browser) -> None:
    with portal_of(allowed=False) as portal:
        visit = visiting(chromium, portal.origin)
        page = visit.open("/")
        ask(page, "antwort", "Vielleicht darf die Seite sie nicht einbinden.")
        expect(page.get_by_role("article")).to_have_count(0)
        expect(page.get_by_role("region", name="Antwort")).to_be_hidden()
        assert any(f"must allow the origin {portal.origin}" in said for said in visit.said)
        assert faults(page) == []
        visit.context.close()


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
@pytest.mark.parametrize("query", ["antwort", "woertlich", "fern", "nichts", "abbruch"])
def test_axe_finds_nothing(chromium: Browser, portal: Portal, scheme: str, width: int, query: str) -> None:
    visit = visiting(chromium, portal.origin, color_scheme=scheme, viewport={"width": width, "height": 800})
    page = visit.open("/")
    ask(page, query, f"„{query}“")
    expect(page.get_by_text("Die Antwort wird gesucht …")).to_be_hidden()
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    visit.context.close()


def test_attributes_set_language_category_and_answer(visit: Visit, portal: Portal) -> None:
    portal.attributes = 'language="en" category="Ausweise" answer="off"'
    page = visit.open("/")
    with page.expect_request("**/api/search?*") as asked:
        ask(page, "antwort", "3 pages for “antwort”")
    assert "category=Ausweise" in asked.value.url
    expect(page.get_by_role("region", name="Answer")).to_be_hidden()
    expect(page.get_by_role("combobox", name="Area")).to_have_count(0)
    # A page may change them while it is open.
    page.locator("stadtfunk-search").evaluate("e => { e.removeAttribute('answer'); e.setAttribute('language', 'de') }")
    expect(page.get_by_role("status")).to_have_text("3 Seiten zu „antwort“")
    expect(page.get_by_role("searchbox", name="Ihre Frage")).to_have_value("antwort")
    expect(page.get_by_role("region", name="Antwort")).to_be_visible()


def test_the_language_is_that_of_the_page_around(visit: Visit, portal: Portal) -> None:
    portal.lang = "en-GB"
    page = visit.open("/")
    expect(page.get_by_role("searchbox", name="Your question")).to_be_visible()
    ask(page, "antwort", "3 pages for “antwort”")
    # A source is opened in the language of the interface; what it quotes is in the page's own.
    source = page.get_by_role("link", name="Source 1: Personalausweis verloren", exact=True)
    assert source.evaluate("link => link.href").endswith("&revision=1&lang=en")
    expect(page.locator(".statements li").first).to_have_attribute("lang", "de")


def test_an_endpoint_can_be_named(visit: Visit, portal: Portal) -> None:
    portal.attributes = f'endpoint="{portal.host}"'
    ask(visit.open("/"), "antwort", "3 Seiten zu „antwort“")


def test_no_answer_says_so_and_asks_back(visit: Visit) -> None:
    page = visit.open("/")
    ask(page, "fern", "Zu „fern“ gibt es keine passende Seite. Am nächsten kommt:")
    answer = page.get_by_role("region", name="Antwort")
    expect(answer).to_contain_text("keine belegte Antwort")
    expect(answer.get_by_text("KI-erzeugt")).to_be_hidden()
    answer.get_by_role("button", name="Hund anmelden").press("Enter")
    expect(page.get_by_role("searchbox")).to_have_value("Hund anmelden")
    expect(page.get_by_role("searchbox")).to_be_focused()
    expect(page.get_by_role("status")).to_have_text("3 Seiten zu „Hund anmelden“")
    ask(page, "nichts", "Nichts gefunden zu „nichts“.")
    expect(answer).to_be_hidden()
    expect(page.get_by_role("button", name="Reisepass beantragen")).to_be_visible()


def test_an_answer_that_breaks_off_keeps_what_was_shown(visit: Visit) -> None:
    page = visit.open("/")
    ask(page, "abbruch", "3 Seiten")
    answer = page.get_by_role("region", name="Antwort")
    expect(answer).to_contain_text("Die Antwort ist unvollständig.")
    expect(answer).to_contain_text("Der neue Ausweis kostet 28,80 Euro.")
    expect(answer.get_by_text("KI-erzeugt")).to_be_visible()


def test_the_answer_is_spoken_once_when_it_is_whole(visit: Visit) -> None:
    page = visit.open("/")
    spoken = page.locator("[aria-live]")
    expect(page.get_by_role("region", name="Antwort").locator("[aria-live], [role=status]")).to_have_count(0)
    page.evaluate(
        """() => {
            window.said = [];
            const live = document.querySelector("stadtfunk-search").shadowRoot.querySelector("[aria-live]");
            new MutationObserver(() => window.said.push(live.textContent)).observe(live, { childList: true });
        }"""
    )
    ask(page, "antwort", "3 Seiten")
    expect(spoken).to_have_text("Die Antwort ist da: 2 Aussagen mit Beleg.")
    assert [text for text in page.evaluate("window.said") if text] == ["Die Antwort ist da: 2 Aussagen mit Beleg."]


def test_why_a_passage_is_shown_is_told_to_eye_and_ear(visit: Visit) -> None:
    page = visit.open("/")
    ask(page, "stellen", "1 Seite")
    passages = page.get_by_role("article").locator(".passage")
    by_meaning, by_word = passages.nth(0), passages.nth(1)
    expect(by_meaning.get_by_text("passt dem Sinn nach")).to_be_visible()
    expect(by_meaning.locator("mark")).to_have_count(0)
    expect(by_word.get_by_text("passt dem Sinn nach")).to_have_count(0)
    expect(by_word.locator("mark")).to_have_text("Wort")
    expect(by_word).to_contain_text("enthält: Wort.")
    # Without the search by meaning nothing fits by its meaning.
    ask(page, "halb", "was den Wörtern nach passt")
    expect(page.get_by_text("passt dem Sinn nach")).to_have_count(0)


def test_feedback_by_keyboard_says_a_thumb_and_a_fixed_reason(visit: Visit) -> None:
    page = visit.open("/")
    ask(page, "antwort", "3 Seiten")
    group = page.get_by_role("group", name="Hat die Antwort geholfen?")
    group.get_by_role("button", name="Nein").press("Enter")
    expect(group.get_by_role("button", name="Es stimmt nicht")).to_be_focused()
    with page.expect_response("**/api/feedback") as answered:
        group.get_by_role("button", name="Es ist veraltet").press("Enter")
    assert answered.value.status == 202
    assert answered.value.request.post_data_json == {"about": "answer", "kind": "down", "reason": "outdated"}
    expect(group.get_by_text("Danke für Ihre Rückmeldung.")).to_be_focused()
    search = page.get_by_role("group", name="War das Richtige dabei?")
    with page.expect_response("**/api/feedback") as answered:
        search.get_by_role("button", name="Ja").press("Enter")
    assert answered.value.status == 202
    assert answered.value.request.post_data_json == {"about": "search", "kind": "up", "reason": "helpful"}


@pytest.mark.parametrize(
    ("about", "button"), [("Hat die Antwort geholfen?", "Nein"), ("War das Richtige dabei?", "Nein")]
)
def test_every_reason_is_one_that_the_host_takes(visit: Visit, about: str, button: str) -> None:
    page = visit.open("/")
    for number in range(20):
        ask(page, f"antwort{' ' * number}", "3 Seiten")
        group = page.get_by_role("group", name=about)
        group.get_by_role("button", name=button).click()
        if number >= group.get_by_role("button").count():
            return
        with page.expect_response("**/api/feedback") as answered:
            group.get_by_role("button").nth(number).click()
        assert answered.value.status == 202
    raise AssertionError("more reasons than can be read")


def test_only_the_newest_question_is_answered(visit: Visit) -> None:
    page = visit.open("/")
    holding(page, "**/api/answer?*q=antwort*")
    ask(page, "antwort", "3 Seiten")
    expect(page.get_by_text("Die Antwort wird gesucht …")).to_be_visible()
    with page.expect_event("requestfailed", lambda request: "/api/answer?q=antwort" in request.url):
        ask(page, "fern", "„fern“")
    expect(page.get_by_role("region", name="Antwort")).to_contain_text("keine belegte Antwort")


def test_hostile_answers_are_shown_as_text(visit: Visit) -> None:
    page = visit.open("/")
    ask(page, "boese", "1 Seite")
    answer = page.get_by_role("region", name="Antwort")
    expect(answer.locator(".statements li")).to_have_text(PROBE)
    expect(answer.locator("q")).to_have_text(PROBE + "!")
    expect(answer.locator(".cited-title")).to_have_text(PROBE)
    expect(answer.get_by_role("button", name=PROBE)).to_be_visible()
    expect(answer.locator("img, script, a")).to_have_count(0)
    assert HOSTILE not in page.content()
    expect(page).to_have_title("Stadtportal")


def test_the_script_is_handed_to_pages_that_ask_with_cors(visit: Visit, portal: Portal) -> None:
    page = visit.open("/")
    source = page.evaluate(f"fetch('{portal.host}/components/stadtfunk-search.js').then(a => a.text())")
    assert "customElements.define" in source


def test_the_element_works_where_its_script_is_a_module(visit: Visit, portal: Portal) -> None:
    portal.script, portal.attributes = 'type="module"', f'endpoint="{portal.host}"'
    ask(visit.open("/"), "antwort", "3 Seiten")
