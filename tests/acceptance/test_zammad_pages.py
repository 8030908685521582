"""The pages behind a note's links, in a real Chromium: by keyboard, axe, in both languages, without a foreign host."""

from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from functions.portal.pages import search_page
from functions.zammad.editions import Edition, keep
from functions.zammad.rating import links, rate_draft
from functions.zammad.source import answer_source, link
from shared.backends import Backends
from shared.knowledge.citations import Source
from shared.settings import Settings, ZammadSettings
from shared.state import MemoryState
from tests.acceptance.browser import LOOKS, Visit, faults, hosting, visiting
from tests.conftest import in_thread

PROBE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
QUOTE = "Der Umtausch kostet 25,30 Euro und dauert etwa vier Wochen."
EDITION = Edition(
    id="kb:4-4",
    answer_id=4,
    category_id=2,
    title="Umtausch & Ersatz",
    html=f"<h2>Kosten</h2><p>{QUOTE}</p><ul><li>Lichtbild</li></ul>{PROBE}<p>&lt;script&gt; ist hier Text.</p>",
    language="de",
    visibility="internal",
)
CITED = Source(
    number=1, document="kb:4-4", revision=1, title=EDITION.title, url="", heading="", text=QUOTE, language="de"
)


@pytest.fixture
def tree(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("STADTFUNK_SECRET_ZAMMAD_RATING", "a secret of this test alone")
    return settings.model_copy(update={"zammad": ZammadSettings(bucket=settings.xnext.bucket)})


@pytest.fixture
def site(tree: Settings) -> Iterator[str]:
    async def filled() -> None:
        use = Backends(tree)
        await keep(EDITION, 1, datetime(2026, 11, 23, 9, tzinfo=UTC), use)
        await use.close()

    in_thread(filled)
    with hosting(tree, rate_draft, answer_source, search_page, state=MemoryState()) as url:
        yield url


@pytest.fixture
def visit(chromium: Browser, site: str) -> Iterator[Visit]:
    visit = visiting(chromium, site, viewport={"width": 1280, "height": 900})
    yield visit
    visit.context.close()
    assert visit.said == []
    assert {host.partition(":")[0] for host in visit.hosts} <= {"127.0.0.1"}


def here(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}"


def test_a_thumb_is_given_by_keyboard_once(visit: Visit, tree: Settings) -> None:
    up, down = links(1, 2, "umtausch", Backends(tree))
    page = visit.open(here(up))
    expect(page.get_by_role("heading", level=1)).to_have_text("Vorschlag bewerten")
    assert faults(page) == []
    page.get_by_role("button", name="Ja, er war hilfreich").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Danke, Ihre Bewertung ist gezählt.")
    assert faults(page) == []
    page = visit.open(f"{here(down)}&lang=en")
    expect(page.get_by_role("status")).to_contain_text("rated already")
    expect(page.get_by_role("button")).to_have_count(0)
    assert faults(page) == []


@pytest.mark.parametrize(("look", "width"), LOOKS)
def test_a_cited_answer_is_shown_as_it_was_and_nothing_of_it_runs(
    chromium: Browser, site: str, tree: Settings, look: str, width: int
) -> None:
    visit = visiting(chromium, site, color_scheme=look, viewport={"width": width, "height": 900})
    page = visit.open(here(link(CITED, QUOTE, Backends(tree))))
    expect(page.locator("mark")).to_have_text(QUOTE)
    page.get_by_role("link", name="Zur zitierten Stelle").focus()
    page.keyboard.press("Enter")
    expect(page.locator("mark")).to_be_in_viewport()
    expect(page.get_by_text("<script> ist hier Text.")).to_be_visible()
    expect(page).not_to_have_title("owned")
    assert page.locator("img, script:not([src])").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert faults(page) == []
    visit.context.close()
    assert visit.said == []
