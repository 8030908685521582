"""The stand-in that signs staff in: a button, tokens that the house takes, and no way in for another site's page."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import uvicorn
from aiohttp import ClientSession, CookieJar

from infra.desk.app import AUDIENCE, FIRST, KEYS, create_app
from infra.host.serve import configured, listening
from infra.stack.ports import free_port
from shared.backends import Backends
from shared.bus import MemoryBus
from shared.objects import MemoryObjects
from shared.settings import HostSettings, Settings
from tests.integration.hosting import hosted
from tests.photography import HTTP_FUNCTIONS
from tests.serving import running

HTML = {"accept": "text/html"}


@dataclass
class Desk:
    """A house, and the stand-in before it."""

    url: str
    house: str
    http: ClientSession


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    port, catalogue = free_port(), Backends(Settings(_env_file=None)).catalogue.enabled(["photos", "portal"])
    url = f"http://127.0.0.1:{port}"
    settings = Settings(
        _env_file=None, host=HostSettings(oidc_issuer=url, oidc_audience=AUDIENCE, oidc_jwks_url=url + KEYS)
    )
    given = {"settings": settings, "bus": MemoryBus(), "objects": MemoryObjects()}
    async with hosted(catalogue, *HTTP_FUNCTIONS, **given) as house:  # type: ignore[arg-type]
        server = uvicorn.Server(configured(create_app(url, house)))
        with listening(HostSettings(port=port)) as own:
            async with running(server, own), ClientSession(cookie_jar=CookieJar(unsafe=True)) as http:
                yield Desk(url, house, http)


async def entered(desk: Desk, after: str = FIRST) -> str:
    """Press the button; where it leads."""
    form = {"next": after}
    async with desk.http.post(f"{desk.url}/desk/enter", data=form, allow_redirects=False) as answer:
        assert answer.status == 303
        return answer.headers["location"]


async def test_by_a_button_whoever_sits_here_sees_what_staff_see(desk: Desk) -> None:
    async with desk.http.get(f"{desk.house}/photos/review", headers=HTML) as answer:
        assert answer.status == 401  # the house itself lets nobody in
    async with desk.http.get(f"{desk.url}/photos/review?lang=en", headers=HTML) as answer:
        assert "Go on as a member of staff" in await answer.text()
    async with desk.http.get(f"{desk.url}/photos/review/queue") as answer:
        assert answer.status == 401
    assert await entered(desk, "/photos/review?lang=en") == "/photos/review?lang=en"
    async with desk.http.get(f"{desk.url}/photos/review", headers=HTML) as answer:
        assert (answer.status, "stadtfunk-photo-review" in await answer.text()) == (200, True)
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    async with desk.http.get(f"{desk.url}/photos/review/queue") as answer:
        assert await answer.json() == {"waiting": 0, "candidates": []}
    path = f"{desk.url}/photos/review/candidates/{'0' * 32}"
    async with desk.http.post(path, json={"decision": "approved"}) as answer:
        assert answer.status == 404  # past the door: there is no such photo


async def test_another_sites_page_gets_nowhere(desk: Desk) -> None:
    async with desk.http.get(f"{desk.url}/photos/review?x=%22%3E%3Cscript%3E", headers=HTML) as answer:
        assert "<script" not in await answer.text()
    for after in ("https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example"):
        assert await entered(desk, after) == FIRST
    path = f"{desk.url}/photos/review/candidates/{'0' * 32}"
    for headers in ({"origin": "https://elsewhere.example"}, {"sec-fetch-site": "cross-site"}, {"host": "elsewhere"}):
        async with desk.http.post(path, json={"decision": "approved"}, headers=headers) as answer:
            assert answer.status == 403
        async with desk.http.post(f"{desk.url}/desk/enter", data={"next": "/"}, headers=headers) as answer:
            assert answer.status == 403
    async with desk.http.get(f"{desk.url}/photos/review/queue", headers={"host": "elsewhere"}) as answer:
        assert answer.status == 403  # a name that another site had lead here
