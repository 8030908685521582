"""The portal's pages: both languages, everything escaped, no inline code."""

import re
from pathlib import Path

import pytest
from starlette.requests import Request

from functions.portal.pages import first_page, search_page
from shared.backends import Backends
from shared.catalogue import Catalogue
from shared.settings import PortalSettings, Settings

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "functions" / "portal" / "static"
ELEMENT = ROOT / "functions" / "xnext" / "static" / "stadtfunk-search.js"


def asked(path: str, query: str = "") -> Request:
    """A GET request as the host hands it to a function."""
    scope = {"type": "http", "method": "GET", "path": path, "query_string": query.encode(), "headers": []}
    return Request(scope)


def backends(**portal: object) -> Backends:
    settings = Settings(portal=PortalSettings.model_validate(portal))
    return Backends(settings, catalogue=Catalogue.load(ROOT / "serverless.yaml"))


async def page(path: str, query: str = "", **portal: object) -> str:
    function = {"/": first_page, "/search": search_page}[path]
    answer = await function(asked(path, query), backends(**portal))
    assert answer.status_code == 200
    return bytes(answer.body).decode()


async def test_first_page_names_every_enabled_system_and_its_functions() -> None:
    html = await page("/")
    catalogue = backends().catalogue
    for name, system in catalogue.enabled().systems.items():
        assert system.title.de in html
        assert all(f">{function}</code>" in html for function, _ in catalogue.of_system(name))


async def test_first_page_links_register_status_and_search() -> None:
    html = await page("/")
    assert all(f'href="{target}"' in html for target in ("/search", "/register", "/status"))


async def test_menu_holds_the_pages_of_enabled_systems() -> None:
    use = backends()
    menu = [system.page.path for system in use.catalogue.systems.values() if system.page]
    html = bytes((await first_page(asked("/"), use)).body).decode()
    nav = html[html.index('class="site-nav"') : html.index("</nav>")]
    assert re.findall(r'href="([^"]+)"', nav) == [*menu, "/status"]
    fewer = Backends(use.settings, catalogue=use.catalogue.enabled(["portal", "register"]))
    html = bytes((await first_page(asked("/"), fewer)).body).decode()
    assert 'href="/search"' not in html[html.index('class="site-nav"') : html.index("</nav>")]


async def test_first_page_leads_to_the_cms_only_where_one_runs() -> None:
    address = "http://127.0.0.1:9000/edit"
    assert address in await page("/", cms_url=address)
    assert "Redaktionssystem" not in await page("/", demo=True)
    assert "Parkhäuser" not in await page("/", cms_url=address)
    assert "Parkhäuser" in await page("/", cms_url=address, demo=True)


@pytest.mark.parametrize("path", ["/", "/search"])
async def test_language_is_the_addresss_and_links_keep_it(path: str) -> None:
    german, english = await page(path), await page(path, "lang=en")
    assert '<html lang="de">' in german
    assert '<html lang="en">' in english
    assert "What runs here" not in german
    assert 'href="/register?lang=en"' in english
    assert 'href="/register"' in german
    assert 'href="/register"' not in english


async def test_an_unknown_language_is_german() -> None:
    assert '<html lang="de">' in await page("/", "lang=%22%3E%3Cscript%3E")


async def test_what_the_address_and_the_settings_say_is_escaped() -> None:
    html = await page("/search", "q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E", city="<b>Ort</b>")
    assert "<script>alert" not in html
    assert "<b>Ort</b>" not in html
    assert "&lt;b&gt;Ort&lt;/b&gt;" in html


async def test_language_switch_keeps_the_rest_of_the_address() -> None:
    assert 'href="/search?q=hund+%26+katz&amp;lang=en"' in await page("/search", "q=hund+%26+katz")


@pytest.mark.parametrize("path", ["/", "/search"])
async def test_pages_have_no_inline_code(path: str) -> None:
    html = await page(path)
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=", html)


def test_static_files_name_no_foreign_host() -> None:
    for file in [*STATIC.iterdir(), ELEMENT]:
        # The namespace of SVG is a name, not an address that is fetched.
        text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|//[a-z0-9.-]+\.[a-z]{2,}/", text), file.name


def test_search_element_never_sets_markup() -> None:
    script = ELEMENT.read_text(encoding="utf-8")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|setHTML", script)
