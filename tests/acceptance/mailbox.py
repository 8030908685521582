"""A newcomer's steps through the help desk of a running city: a mail, its draft and its note, an answer sent."""

from typing import Any, Final

from playwright.sync_api import Page, expect

from tests.acceptance.browser import Visit, faults
from tests.polling import until

PATIENCE_MS: Final = 180_000  # the first letter waits for the models, on a machine where other tests run, too


def is_drafted_and_sent(visit: Visit, mailbox: str) -> None:
    """From the portal's first page to a letter whose draft is sent as it is."""
    page = visit.open("/")
    page.get_by_role("link", name="Der Stadt eine E-Mail schreiben").click()
    expect(page).to_have_url(mailbox)
    _write(page, "Führerschein umtauschen")
    note = page.locator("article.note")
    expect(note).to_contain_text("Quellen", timeout=PATIENCE_MS)
    editor = page.get_by_role("textbox", name="Antworten")
    for words in ("Guten Tag Erika Beispiel", "biometrisches Lichtbild", "25,30 Euro", "Ihre Stadtverwaltung Auenfurt"):
        expect(editor).to_contain_text(words)
    expect(page.get_by_text("Geteilter Entwurf von Stadtfunk.")).to_be_visible()
    assert faults(page) == []
    source = note.get_by_role("link", name="Führerschein umtauschen").first
    assert visit.context.request.get(str(source.get_attribute("href"))).ok

    page.get_by_role("button", name="Senden und schließen").click()
    expect(page.locator("article.agent")).to_contain_text("25,30 Euro")

    def compared() -> bool:
        figures = _json(visit, f"{visit.site}/zammad/figures")
        used = [column["de"] for column in figures["columns"]].index("Übernommen")
        return any(row[used] != 0 for row in figures["rows"])

    until(compared, "what was sent is the draft, and counted as such", deadline_s=120)
    assert _json(visit, f"{mailbox}_stand-in/state")["mails_sent_by_api"] == 0


def is_noted_alone(visit: Visit, mailbox: str) -> None:
    """A letter that no source answers: a note says so, and there is no draft."""
    page = visit.context.new_page()
    page.goto(mailbox)
    _write(page, "Ohne Antwort in den Quellen")
    expect(page.locator("article.note")).to_contain_text("Es gibt keinen Entwurf", timeout=PATIENCE_MS)
    expect(page.get_by_text("Was Stadtfunk dazu sagt, steht in der Notiz.")).to_be_visible()


def _write(page: Page, sample: str) -> None:
    page.get_by_role("link", name=sample).click()
    page.get_by_role("button", name="E-Mail senden").click()


def _json(visit: Visit, url: str) -> Any:
    return visit.context.request.get(url).json()
