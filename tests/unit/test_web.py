"""The guarded client against servers that do what they should not."""

import asyncio
import gzip
import random
import tracemalloc
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from shared import web as module
from shared.errors import BackendError
from shared.settings import WebSettings
from shared.web import Web, WebError
from tests.serving import serving, talking


class Site:
    """A server with one page of each kind of trouble; it counts what is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.times: list[float] = []
        self.left = 2  # failures of /flaky before it answers
        self.sent = 0  # bytes of /endless that the client took

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{what:path}", self.answer)])

    async def answer(self, request: Request) -> Response:
        what = request.path_params["what"]
        self.asked.append(what)
        self.times.append(asyncio.get_running_loop().time())
        kind, _, rest = what.partition("/")
        if kind == "same":
            if request.headers.get("if-none-match") == '"v1"' or "if-modified-since" in request.headers:
                return Response(status_code=304)
            return JSONResponse({"a": 1}, headers={"etag": '"v1"', "last-modified": "Sun, 22 Nov 2026 10:00:00 GMT"})
        if kind == "hop":
            return RedirectResponse(f"/hop/{int(rest) + 1}" if rest != "4" else "/same", status_code=302)
        if kind == "steps":
            return RedirectResponse(f"/steps/{int(rest) + 1}", status_code=301)
        if kind == "loop":
            return RedirectResponse("/loop/b" if rest == "a" else "/loop/a", status_code=301)
        if kind == "to":
            return RedirectResponse(request.query_params["url"], status_code=307)
        if kind == "nowhere":
            return Response(status_code=302)
        if kind == "status":
            return PlainTextResponse("secret words", status_code=int(rest))
        if kind == "flaky":
            self.left -= 1
            return Response(status_code=503) if self.left >= 0 else PlainTextResponse("here")
        if kind == "busy":
            return Response(status_code=429, headers={"retry-after": rest})
        if kind == "endless":
            return StreamingResponse(self.endless(), media_type="application/json")
        if kind == "bomb":
            return Response(gzip.compress(b"0" * 50_000_000), headers={"content-encoding": "gzip"})
        if kind == "packed":
            return Response(gzip.compress(b"unpacked"), headers={"content-encoding": "gzip"})
        if kind == "cut":
            return Response(gzip.compress(b"unpacked" * 100)[:-20], headers={"content-encoding": "gzip"})
        if kind == "odd":
            return Response(b"this is no gzip", headers={"content-encoding": rest})
        if kind == "slow":
            await asyncio.sleep(30)
        if kind == "cookie":
            return PlainTextResponse(request.headers.get("cookie", "none"), headers={"set-cookie": "a=b"})
        return PlainTextResponse("plain")

    async def endless(self) -> AsyncIterator[bytes]:
        while self.sent < 100 * 2**20:
            self.sent += 65536
            yield b"x" * 65536


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
async def base(site: Site, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    monkeypatch.setattr(random, "uniform", lambda low, high: 0.01)
    async with serving(site.app()) as address:
        yield address


@pytest.fixture
async def web(base: str) -> AsyncIterator[Web]:
    client = Web(WebSettings(allowed_hosts=(urlsplit(base).netloc,), max_bytes=1_000_000))
    yield client
    await client.close()


async def test_validators_are_kept_and_sent_back(web: Web, base: str) -> None:
    first = await web.get(base + "/same")
    assert (first.status, first.body, first.etag, first.content_type) == (200, b'{"a":1}', '"v1"', "application/json")
    again = await web.get(base + "/same", etag=first.etag)
    assert (again.status, again.body) == (304, b"")
    assert (await web.get(base + "/same", last_modified=first.last_modified)).status == 304


@pytest.mark.parametrize("status", [404, 410])
async def test_absence_is_an_answer_not_an_error(web: Web, base: str, status: int) -> None:
    assert (await web.get(f"{base}/status/{status}")).status == status


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:1/x", "127.0.0.1:1 is not in STADTFUNK_WEB__ALLOWED_HOSTS"),
        ("http://localhost/x", "localhost:80 is not in"),
        ("http://169.254.169.254/latest/meta-data", "is not in"),
        ("file:///etc/passwd", "scheme 'file'"),
        ("ftp://127.0.0.1/x", "scheme 'ftp'"),
        ("/relative", "scheme ''"),
        ("http://[::1", "no URL"),
        ("http://127.0.0.1:99999/", "no URL"),
    ],
)
async def test_other_hosts_and_schemes_are_refused(web: Web, url: str, said: str) -> None:
    with pytest.raises(WebError, match=said.replace("[", r"\[")):
        await web.get(url)


async def test_a_name_without_port_allows_the_default_port_alone() -> None:
    web = Web(WebSettings(allowed_hosts=("cms.example", "other.example:8443")))
    assert web._checked("https://CMS.example/a#b").fragment == ""
    assert web._checked("http://cms.example:80/a").host == "cms.example"
    for url in ("http://cms.example:8080/a", "https://other.example/", "http://cms.example.evil.example/"):
        with pytest.raises(WebError, match="is not in"):
            web._checked(url)


async def test_credentials_in_an_address_are_refused(web: Web, base: str) -> None:
    with pytest.raises(WebError, match="user or password") as caught:
        await web.get(base.replace("//", "//me:hush@") + "/same")
    assert "hush" not in str(caught.value)


async def test_up_to_five_redirects_are_followed(web: Web, base: str) -> None:
    assert (await web.get(base + "/hop/0")).body == b'{"a":1}'


async def test_more_redirects_are_not(web: Web, base: str, site: Site) -> None:
    with pytest.raises(WebError, match="more than 5 redirects"):
        await web.get(base + "/steps/0")
    assert len(site.asked) == 6


async def test_a_loop_is_named(web: Web, base: str, site: Site) -> None:
    with pytest.raises(WebError, match="redirect loop after 2 steps"):
        await web.get(base + "/loop/a")
    assert site.asked == ["loop/a", "loop/b"]


@pytest.mark.parametrize("there", ["http://127.0.0.1:1/", "file:///etc/passwd", "http://u:p@{host}/same", "//[bad"])
async def test_a_redirect_is_checked_like_the_first_address(web: Web, base: str, there: str) -> None:
    with pytest.raises(WebError):
        await web.get(f"{base}/to?url={there.format(host=urlsplit(base).netloc)}")


async def test_a_redirect_without_a_place_is_an_error(web: Web, base: str) -> None:
    with pytest.raises(WebError, match="status 302 without a Location"):
        await web.get(base + "/nowhere")


async def test_an_error_names_host_and_status_alone(web: Web, base: str) -> None:
    with pytest.raises(WebError) as caught:
        await web.get(base + "/status/403?token=hush")
    assert str(caught.value) == f"{urlsplit(base).netloc}: status 403"


async def test_a_server_in_trouble_is_asked_three_times(web: Web, base: str, site: Site) -> None:
    with pytest.raises(BackendError) as caught:
        await web.get(base + "/status/500")
    assert (str(caught.value), len(site.asked)) == (f"web: {urlsplit(base).netloc}: status 500", 3)
    assert (await web.get(base + "/flaky")).body == b"here"


async def test_a_long_retry_after_is_left_to_the_event(web: Web, base: str, site: Site) -> None:
    with pytest.raises(BackendError) as caught:
        await web.get(base + "/busy/120")
    assert (caught.value.after, len(site.asked)) == (120.0, 1)
    with pytest.raises(BackendError) as caught:
        await web.get(base + "/busy/0")
    assert len(site.asked) == 4


async def test_a_date_as_retry_after_is_read(web: Web, base: str) -> None:
    with pytest.raises(BackendError) as caught:
        await web.get(base + "/busy/Sun, 22 Nov 2099 10:00:00 GMT")
    assert caught.value.after is not None
    assert caught.value.after > 10**9


async def test_a_huge_body_is_cut_off_while_it_streams(web: Web, base: str, site: Site) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(WebError, match="larger than 1000000 bytes"):
            await web.get(base + "/endless")
        assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    finally:
        tracemalloc.stop()
    assert site.sent < 20 * 2**20


async def test_a_packed_bomb_is_never_unpacked(web: Web, base: str) -> None:
    with pytest.raises(WebError, match="larger than 1000000 bytes"):
        await web.get(base + "/bomb")


async def test_packed_answers(web: Web, base: str) -> None:
    assert (await web.get(base + "/packed")).body == b"unpacked"
    with pytest.raises(BackendError, match="ends too early"):
        await web.get(base + "/cut")
    with pytest.raises(WebError, match="unknown Content-Encoding"):
        await web.get(base + "/odd/br")
    with pytest.raises(WebError, match="no gzip"):
        await web.get(base + "/odd/gzip")


async def test_a_silent_server_is_given_up(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ATTEMPTS", 1)
    web = Web(WebSettings(allowed_hosts=(urlsplit(base).netloc,), timeout_s=1.0))
    with pytest.raises(BackendError, match="no answer within 1 s"):
        await web.get(base + "/slow")
    await web.close()


async def test_no_cookie_is_kept(web: Web, base: str) -> None:
    await web.get(base + "/cookie")
    assert (await web.get(base + "/cookie")).body == b"none"


async def test_nobody_there_is_a_retry(base: str) -> None:
    async with serving(Starlette()) as gone:
        pass
    web = Web(WebSettings(allowed_hosts=(urlsplit(gone).netloc,)))
    with pytest.raises(BackendError, match="ClientConnectorError"):
        await web.get(gone)
    await web.close()


@pytest.mark.parametrize(
    "answer",
    [b"hello\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", b"", b"HTTP/1.1 200 OK\r\n" * 400],
)
async def test_bytes_that_are_no_http_are_a_retry(base: str, answer: bytes) -> None:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    async with talking(talk) as address:
        web = Web(WebSettings(allowed_hosts=(urlsplit(address).netloc,), timeout_s=2.0))
        with pytest.raises(BackendError):
            await web.get(address)
        await web.close()


async def test_requests_to_a_host_keep_their_distance(web: Web, base: str, site: Site) -> None:
    begun = asyncio.get_running_loop().time()
    await asyncio.gather(*(web.get(base + "/x", pace=20) for _ in range(6)))
    # Arrival jitters; that the sixth waits five turns does not.
    assert site.times[-1] - begun >= 0.25
