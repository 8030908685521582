"""The mailbox page of the Zammad stand-in in a real browser: by keyboard, in both languages, alone on its host."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect

from infra.zammad.app import create_app
from infra.zammad.world import load_world
from tests.acceptance.browser import LOOKS, Visit, faults, visiting
from tests.polling import until

TOKEN = "token-of-the-bot"


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """A help desk as it is after its start."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        app = create_app(load_world(), url, token=TOKEN, portal="http://127.0.0.1:8080/")
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        until(lambda: server.started or not thread.is_alive(), "the help desk listens")
        try:
            yield url
        finally:
            server.should_exit = True
            thread.join()


def proposed(site: str, page: Page, words: str = "Das kostet 25,30 Euro.") -> int:
    """Draft and note in the ticket of this page; its id."""
    ticket = int(page.url.partition("?")[0].rsplit("/", 1)[1])
    draft = {"new_article": {"body": f"<p>{words}</p><script>document.title='taken'</script>"}, "ticket_attributes": {}}
    headers = {"Authorization": f"Token token={TOKEN}"}
    assert page.request.put(f"{site}/api/v1/tickets/{ticket}/shared_draft", data=draft, headers=headers).ok
    note = {"ticket_id": ticket, "subject": "Quellen", "body": "<p>Eine Quelle</p>", "type": "note", "internal": True}
    note["content_type"] = "text/html"
    assert page.request.post(f"{site}/api/v1/ticket_articles", data=note, headers=headers).ok
    return ticket


def written(visit: Visit, path: str = "/?sample=0") -> Page:
    """A mail sent from the page; its ticket."""
    page = visit.open(path)
    page.get_by_role("button", name="Send" if "lang=en" in path else "E-Mail senden").click()
    page.wait_for_url("**/tickets/*")
    return page


def test_a_mail_is_sent_and_draft_and_note_appear_by_themselves(chromium: Browser, site: str) -> None:
    visit = visiting(chromium, site)
    page = written(visit)
    expect(page.get_by_role("heading", level=1)).to_have_text("Umtausch meines Führerscheins")
    expect(page.get_by_text("erscheinen hier von selbst")).to_be_visible()
    page.get_by_text("Als Bürgerin oder Bürger nachfragen").click()
    page.get_by_label("Weitere E-Mail").fill("Und noch")

    proposed(site, page)

    expect(page.get_by_role("heading", name="Interne Notiz: Quellen")).to_be_visible()
    expect(page.get_by_role("textbox", name="Antworten")).to_have_text("Das kostet 25,30 Euro.")
    expect(page.get_by_role("status")).to_contain_text("Ein Antwortentwurf ist da.")
    expect(page.get_by_text("erscheinen hier von selbst")).to_have_count(0)
    # What is being written keeps its place and its words.
    expect(page.get_by_label("Weitere E-Mail")).to_be_focused()
    expect(page.get_by_label("Weitere E-Mail")).to_have_value("Und noch")
    expect(page).not_to_have_title("taken")
    assert visit.hosts == {site.removeprefix("http://")}
    assert not visit.said


def test_a_ticket_says_what_may_be_expected_of_it(chromium: Browser, site: str) -> None:
    visit = visiting(chromium, site)
    page = visit.open("/")
    page.get_by_role("link", name="Wunschkennzeichen noch reserviert?").click()
    expect(page.get_by_text("war schon da, bevor Stadtfunk mitlas")).to_be_visible()
    expect(page.get_by_text("erscheinen hier von selbst")).to_have_count(0)
    page.get_by_text("Als Bürgerin oder Bürger nachfragen").click()
    page.get_by_label("Weitere E-Mail").fill("Was kostet es?")
    page.get_by_role("button", name="E-Mail senden").click()
    expect(page.get_by_text("erscheinen hier von selbst")).to_be_visible()
    expect(page.get_by_text("Noch kein Entwurf.")).to_be_visible()

    ticket = proposed(site, page)
    headers = {"Authorization": f"Token token={TOKEN}"}
    assert page.request.delete(f"{site}/api/v1/tickets/{ticket}/shared_draft", headers=headers).ok
    expect(page.get_by_text("Was Stadtfunk dazu sagt, steht in der Notiz.")).to_be_visible()
    expect(page.get_by_text("Noch kein Entwurf.")).to_have_count(0)
    expect(page.locator(".text[lang=de]", has_text="Eine Quelle")).to_have_count(1)


def test_an_agent_edits_by_keyboard_and_sends(chromium: Browser, site: str) -> None:
    page = written(visiting(chromium, site))
    proposed(site, page)
    editor = page.get_by_role("textbox", name="Antworten")
    expect(editor).to_have_text("Das kostet 25,30 Euro.")
    editor.focus()
    page.keyboard.press("Control+End")
    page.keyboard.type(" Viele Grüße")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Senden", exact=True)).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Antwort", exact=True)).to_be_visible()
    expect(page.locator("article.agent")).to_contain_text("Das kostet 25,30 Euro. Viele Grüße")
    expect(page.locator(".facts")).to_contain_text("geschlossen")
    expect(page.get_by_text("Noch kein Entwurf.")).to_be_visible()


def test_a_draft_that_changed_elsewhere_does_not_take_what_is_being_written(chromium: Browser, site: str) -> None:
    page = written(visiting(chromium, site))
    proposed(site, page)
    editor = page.get_by_role("textbox", name="Antworten")
    expect(editor).to_have_text("Das kostet 25,30 Euro.")
    editor.focus()
    page.keyboard.type("Mein Satz. ")
    proposed(site, page, "Ganz anders.")
    expect(page.get_by_role("alert")).to_contain_text("inzwischen anderswo geändert")
    expect(editor).to_contain_text("Mein Satz.")


def test_keeping_and_discarding_a_draft(chromium: Browser, site: str) -> None:
    page = written(visiting(chromium, site))
    page.get_by_role("textbox", name="Antworten").fill("Selbst geschrieben")
    page.get_by_role("button", name="Entwurf merken").click()
    expect(page.get_by_text("Geteilter Entwurf, von Ihnen bearbeitet.")).to_be_visible()
    page.get_by_role("button", name="Entwurf verwerfen").click()
    expect(page.get_by_text("Noch kein Entwurf.")).to_be_visible()
    page.get_by_role("button", name="Ticket ohne Antwort schließen").click()
    expect(page.locator(".facts")).to_contain_text("geschlossen")


def test_english_stays_english(chromium: Browser, site: str) -> None:
    page = written(visiting(chromium, site), "/?sample=2&lang=en")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_role("heading", name="Reply")).to_be_visible()
    page.get_by_role("link", name="All tickets").click()
    expect(page.get_by_role("heading", name="Tickets at the office")).to_be_visible()


def test_a_wrong_address_is_said_and_nothing_is_lost(chromium: Browser, site: str) -> None:
    page = visiting(chromium, site, java_script_enabled=False).context.new_page()
    page.goto(f"{site}/?sample=0")
    page.locator("form").evaluate_all("forms => forms.forEach(form => { form.noValidate = true; })")
    page.get_by_label("E-Mail-Adresse").fill("keine Adresse")
    page.get_by_role("button", name="E-Mail senden").click()
    expect(page.get_by_role("alert")).to_have_text("Bitte geben Sie eine E-Mail-Adresse an.")
    expect(page.get_by_label("Betreff")).to_have_value("Umtausch meines Führerscheins")


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_the_pages_are_accessible(chromium: Browser, site: str, scheme: Any, width: int) -> None:
    visit = visiting(chromium, site, color_scheme=scheme, viewport={"width": width, "height": 900})
    page = written(visit)
    proposed(site, page)
    expect(page.get_by_role("heading", name="Interne Notiz: Quellen")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("button", name="Senden", exact=True).click()
    expect(page.locator("article.agent")).to_be_visible()
    for path in ("/?lang=en", "/hilfe/1"):
        page = visit.open(path)
        assert faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
    page = visit.open("/")
    page.get_by_text("So wird ein echtes angeschlossen").click()
    expect(page.get_by_text("STADTFUNK_ZAMMAD__URL")).to_be_visible()
    assert not visit.said


def test_without_javascript_a_draft_is_edited_as_html(chromium: Browser, site: str) -> None:
    page = visiting(chromium, site, java_script_enabled=False).context.new_page()
    page.goto(f"{site}/?sample=0")
    page.get_by_role("button", name="E-Mail senden").click()
    proposed(site, page)
    page.reload()
    expect(page.get_by_role("textbox", name="Antworten")).to_have_value("<p>Das kostet 25,30 Euro.</p>")
    page.get_by_role("button", name="Senden", exact=True).click()
    expect(page.locator("article.agent")).to_contain_text("Das kostet 25,30 Euro.")


def test_what_is_not_published_is_no_page(chromium: Browser, site: str) -> None:
    visit = visiting(chromium, site)
    page = visit.open("/hilfe/1")
    expect(page.get_by_role("heading", level=1)).to_have_text("Führerschein verloren oder gestohlen")
    for path in ("/hilfe/3", "/hilfe/9", "/hilfe/10", "/hilfe/99", "/tickets/999"):
        assert visit.context.request.get(site + path).status == 404, path


def test_a_foreign_page_cannot_send_mails_here(chromium: Browser, site: str) -> None:
    context = visiting(chromium, site).context
    answer = context.request.post(site + "/", data="body=x", headers={"Origin": "https://elsewhere.example"})
    assert answer.status == 403
