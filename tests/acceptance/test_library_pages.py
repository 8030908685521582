"""The library's pages in a real Chromium over real servers: keyboard alone, axe, nothing kept but in this window."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from functions.library.titles import Title, Titles
from infra.stack.ports import free_port
from shared.backends import Backends
from shared.settings import (
    EmbeddingSettings,
    LibrarySettings,
    NatsSettings,
    ObjectSettings,
    Settings,
    VectorSettings,
)
from tests.acceptance.browser import LOOKS, Visit, faults, visiting
from tests.acceptance.conftest import ROOT
from tests.conftest import in_thread
from tests.polling import until
from tests.shelf import stock

STADTFUNK = str(Path(sys.executable).parent / "stadtfunk")
PROBE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"


@pytest.fixture(scope="module")
def site(
    nats_url: str,
    milvus_uri: str,
    s3_settings: ObjectSettings,
    embedding_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """The host as a process of its own, over a library that is filled."""
    tmp_path, unique = tmp_path_factory.mktemp("library"), uuid4().hex[:8]
    settings = Settings(
        nats=NatsSettings(url=nats_url),
        vectors=VectorSettings(uri=milvus_uri),
        objects=s3_settings,
        embeddings=EmbeddingSettings(url=embedding_url),
        library=LibrarySettings(collection=f"library_titles_{unique}", bucket=f"library-{unique}"),
    )

    async def filled() -> None:
        use = Backends(settings)
        await stock(use)
        hostile = Title(
            id="x 1%", title=PROBE, author=PROBE, subjects=("Garten", PROBE), blurb=PROBE, branches=(PROBE,)
        )
        await Titles(use).write(hostile, 1)
        await use.close()

    in_thread(filled)
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STADTFUNK_")} | {
        "STADTFUNK_DATA": str(tmp_path),
        "STADTFUNK_HOST__PORT": str(port),
        "STADTFUNK_NATS__URL": settings.nats.url,
        "STADTFUNK_VECTORS__URI": settings.vectors.uri,
        "STADTFUNK_EMBEDDINGS__URL": settings.embeddings.url,
        "STADTFUNK_OBJECTS__ENDPOINT": str(settings.objects.endpoint),
        "STADTFUNK_OBJECTS__ACCESS_KEY": settings.objects.access_key.get_secret_value(),
        "STADTFUNK_OBJECTS__SECRET_KEY": settings.objects.secret_key.get_secret_value(),
        "STADTFUNK_LIBRARY__BUCKET": settings.library.bucket,
        "STADTFUNK_LIBRARY__COLLECTION": settings.library.collection,
    }
    with (tmp_path / "host.log").open("wb") as log:
        host = subprocess.Popen([STADTFUNK, "serve"], cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        until(lambda: _listens(port) or host.poll() is not None, "the host listens", deadline_s=60)
        yield f"http://127.0.0.1:{port}"
    finally:
        host.terminate()
        host.wait(20)


def _listens(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def visit(chromium: Browser, site: str) -> Iterator[Visit]:
    visit = visiting(chromium, site, viewport={"width": 1280, "height": 900})
    yield visit
    visit.context.close()
    assert visit.said == []
    assert {host.partition(":")[0] for host in visit.hosts} <= {"127.0.0.1"}


def shown(page: Page, count: int | None = None) -> Page:
    expect(page.get_by_role("status").last).to_have_text(re.compile(r"^\d+ (Titel|titles?)$"))
    if count is not None:
        expect(page.locator("stadtfunk-recommendations").get_by_role("article")).to_have_count(count)
    return page


def test_the_way_of_a_reader(visit: Visit) -> None:
    page = shown(visit.open("/library"))
    # Nothing is known of anybody: the library's own choice stands first.
    first = page.locator("stadtfunk-recommendations").get_by_role("article").first
    expect(first).to_contain_text("Der Dachs zieht um")
    expect(first).to_contain_text("Aus der Auswahl der Bibliothek: Lesesommer")

    # By keyboard alone: search, keep two titles.
    page.get_by_role("searchbox", name="Titel, Name oder Thema").focus()
    page.keyboard.type("Tomaten auf dem Balkon")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"\?q=Tomaten"))
    keep = page.get_by_role("button", name=re.compile("^Merken ?: Tomaten auf dem Balkon$"))
    keep.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=re.compile("^Gemerkt ?: Tomaten"))).to_have_attribute("aria-pressed", "true")
    page.goto(visit.site + "/library?q=Tod im Watt")
    page.get_by_role("button", name=re.compile("^Merken ?: Tod im Watt$")).press("Enter")
    shelf = page.get_by_role("list", name="Gemerkte Titel")
    expect(shelf.get_by_role("button")).to_have_count(2)
    expect(page.get_by_text("Oft zusammen entliehen mit „Tomaten auf dem Balkon“").first).to_be_visible()
    expect(page.get_by_text("Ihre Auswahl wird nicht gespeichert.")).to_be_visible()

    # A filter narrows, a dial is moved by its keys.
    page.get_by_text("Auswahl anpassen").press("Enter")
    page.get_by_label("Verfügbar in").select_option("Au")
    expect(page.locator("stadtfunk-recommendations").get_by_role("heading", name="Nebel über der Mole")).to_have_count(
        0
    )
    expect(page.get_by_text("Verfügbar: Au").first).to_be_visible()
    page.get_by_role("slider", name=re.compile("Bandbreite")).press("ArrowRight")
    shown(page)

    # To a title and back; what was kept is still there, and goes when it is taken back.
    page.locator("stadtfunk-recommendations").get_by_role("link").first.press("Enter")
    expect(page).to_have_url(re.compile(r"/library/title\?id="))
    expect(page.get_by_role("heading", name="Ähnliche Titel")).to_be_visible()
    page.get_by_role("link", name="Zum Katalog").press("Enter")
    shelf.get_by_role("button").first.press("Enter")
    expect(shelf.get_by_role("button")).to_have_count(1)
    shelf.get_by_role("button").first.press("Enter")
    expect(page.get_by_text("Bis dahin zeigt die Bibliothek ihre eigene Auswahl.")).to_be_visible()
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]


def test_what_a_catalogue_says_is_text(visit: Visit) -> None:
    page = shown(visit.open("/library/title?id=g4"))
    shown(page).goto(visit.site + "/library/title?id=x%201%25")
    expect(page.get_by_role("heading", level=1)).to_have_text(PROBE)
    page.get_by_role("button", name=re.compile("Merken")).press("Enter")
    shown(page).goto(visit.site + "/library?q=Garten")
    expect(page.get_by_role("list", name="Gemerkte Titel").get_by_role("button")).to_have_count(1)
    with page.expect_request("**/recommendations") as asked:
        page.reload()
    assert json.loads(asked.value.post_data or "")["titles"] == ["x 1%"]
    shown(page)
    assert "owned" not in page.title()


def test_a_title_that_is_not_there(visit: Visit) -> None:
    page = visit.open("/library/title?id=weg")
    expect(page.get_by_text("no such title")).to_be_visible()
    visit.context.close()  # then nothing comes any more
    visit.said.clear()  # the browser says that it was a 404


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_axe_finds_nothing(chromium: Browser, visit: Visit, scheme: str, width: int) -> None:
    other = visiting(chromium, visit.site, color_scheme=scheme, viewport={"width": width, "height": 900})
    for path in ("/library", "/library?q=Garten&lang=en", "/library/title?id=c1", "/library/title?id=g1&lang=en"):
        page = shown(other.open(path))
        page.get_by_text(re.compile("Auswahl anpassen|Adjust the choice")).click()
        assert faults(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{path} scrolls sideways"
    assert other.said == []
    other.context.close()
