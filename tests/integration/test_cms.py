"""The CMS stand-in over real HTTP: interfaces, validators, edits, notices and faults."""

import asyncio
import base64
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
from standardwebhooks.webhooks import Webhook
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.cms.app import create_app
from infra.cms.city import load_city
from infra.cms.faults import HUGE_BYTES
from infra.cms.webhook import Notifier
from infra.stack.ports import free_port
from tests.polling import eventually, until
from tests.serving import serving

SHARED = Path(__file__).parents[3] / "shared" / "data" / "munich_services" / "services.jsonl"
SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes ...").decode()
LIST = "/befi/services/list"
ARTICLES = "/magnolia/.rest/delivery/InfoArticleEndpoint"


def page(id: str) -> str:
    return f"/befi/services/{id}/description/"


class Receiver:
    """Takes notices as the platform's webhook does; refuses the first ``refusals`` of them."""

    def __init__(self) -> None:
        self.notices: list[dict[str, Any]] = []
        self.refusals = 0
        self.app = Starlette(routes=[Route("/hook", self.take, methods=["POST"])])

    async def take(self, request: Request) -> Response:
        if self.refusals:
            self.refusals -= 1
            return Response(status_code=503)
        self.notices.append(Webhook(SECRET).verify(await request.body(), dict(request.headers)))
        return Response(status_code=202)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def cms(http: aiohttp.ClientSession) -> AsyncIterator[str]:
    async with serving(create_app(load_city(), "https://auenfurt.example")) as base:
        yield base


@pytest.fixture
async def receiver() -> AsyncIterator[tuple[str, Receiver]]:
    taker = Receiver()
    async with serving(taker.app) as base:
        yield f"{base}/hook", taker


async def told(http: aiohttp.ClientSession, url: str, **headers: str) -> tuple[int, Any, Any]:
    """Status, headers and JSON (None without a body)."""
    async with http.get(url, headers={name.replace("_", "-"): value for name, value in headers.items()}) as answer:
        body = await answer.read()
        return answer.status, answer.headers, json.loads(body) if body else None


async def do(http: aiohttp.ClientSession, method: str, url: str, body: Any = None) -> Any:
    async with http.request(method, url, json=body) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def test_the_list_leads_to_every_description(cms: str, http: aiohttp.ClientSession) -> None:
    _, _, answer = await told(http, cms + LIST)
    ids = [entry["id"] for entry in answer["ids"]]
    assert len(ids) == 52
    for id in ids:
        status, headers, description = await told(http, cms + page(id))
        assert status == 200
        assert description["id"] == id
        assert headers["etag"]
        modified = parsedate_to_datetime(headers["last-modified"])
        assert abs((modified - datetime.fromisoformat(description["lastModification"])).total_seconds()) < 1


async def test_articles_come_from_the_other_system_alone(cms: str, http: aiohttp.ClientSession) -> None:
    _, _, answer = await told(http, f"{cms}{ARTICLES}?offset=0&limit=2")
    assert answer["total"] == len(answer["results"]) == 6
    assert (await told(http, f"{cms}{ARTICLES}?offset=100"))[2]["results"] == []
    assert (await told(http, f"{cms}{ARTICLES}?offset=x"))[0] == 400
    assert (await told(http, cms + page("briefwahl")))[0] == 404


@pytest.mark.parametrize("path", [LIST, page("1001"), ARTICLES])
async def test_unchanged_is_answered_without_a_body(cms: str, http: aiohttp.ClientSession, path: str) -> None:
    _, headers, _ = await told(http, cms + path)
    status, again, body = await told(http, cms + path, if_none_match=headers["etag"])
    assert (status, body, again["etag"]) == (304, None, headers["etag"])
    assert (await told(http, cms + path, if_none_match=f'"other", W/{headers["etag"]}'))[0] == 304
    assert (await told(http, cms + path, if_modified_since=headers["last-modified"]))[0] == 304
    assert (await told(http, cms + path, if_modified_since="yesterday"))[0] == 200


async def test_the_entity_tag_wins_over_the_date(cms: str, http: aiohttp.ClientSession) -> None:
    now = format_datetime(datetime.now(UTC), usegmt=True)
    assert (await told(http, cms + page("1001"), if_none_match='"old"', if_modified_since=now))[0] == 200


async def test_an_edited_page_is_new_by_tag_and_by_date(cms: str, http: aiohttp.ClientSession) -> None:
    _, before, _ = await told(http, cms + page("1001"))
    _, listed, _ = await told(http, cms + LIST)
    await do(http, "PUT", f"{cms}/_stand-in/pages/1001", {"text": "Das Einhorn wohnt im Turm."})
    status, _, changed = await told(http, cms + page("1001"), if_none_match=before["etag"])
    assert status == 200
    assert changed["description"] == "<p>Das Einhorn wohnt im Turm.</p>\n"
    assert (await told(http, cms + page("1001"), if_modified_since=before["last-modified"]))[0] == 200
    assert (await told(http, cms + LIST, if_none_match=listed["etag"]))[0] == 304
    await do(http, "POST", f"{cms}/_stand-in/reset")
    assert (await told(http, cms + page("1001")))[2]["description"] != changed["description"]


async def test_a_page_can_vanish_or_stop_being_public(cms: str, http: aiohttp.ClientSession) -> None:
    await do(http, "DELETE", f"{cms}/_stand-in/pages/1001")
    await do(http, "PUT", f"{cms}/_stand-in/pages/1002", {"public": False})
    await do(http, "PUT", f"{cms}/_stand-in/pages/hitze", {"public": False})
    ids = {entry["id"] for entry in (await told(http, cms + LIST))[2]["ids"]}
    assert "1001" not in ids
    assert (await told(http, cms + page("1001")))[0] == 404
    assert (await told(http, cms + page("1002")))[2]["public"] is False
    articles = {article["@id"]: article for article in (await told(http, cms + ARTICLES))[2]["results"]}
    assert articles["hitze"]["hideArticle"] is True
    for id in ("1001", "1002", "hitze"):
        async with http.get(f"{cms}/services/{id}") as answer:
            assert answer.status == 404


async def test_citizens_read_a_page_that_runs_nothing_and_says_what_it_is(
    cms: str, http: aiohttp.ClientSession
) -> None:
    attack = "<p onclick=alert(1)>Hallo <script>alert(1)</script><img src='https://evil.example/x'></p>"
    await do(http, "PUT", f"{cms}/_stand-in/pages/1001", {"text": attack, "markup": "html", "name": "<script>x"})
    assert (await told(http, cms + page("1001")))[2]["description"] == attack  # a CMS hands on what it was given
    for path in ("/", "/services/1001", "/_stand-in/pages/1001/edit"):
        async with http.get(cms + path) as answer:
            text = await answer.text()
            assert answer.status == 200
        assert "<script" not in text
        assert "onclick" not in text or "&lt;p onclick" in text
        assert "Stellvertreter eines Redaktionssystems" in text
    async with http.get(f"{cms}/services/1001") as answer:
        assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_the_form_changes_a_page_and_tells_it(
    receiver: tuple[str, Receiver], http: aiohttp.ClientSession
) -> None:
    url, taker = receiver
    app = create_app(
        load_city(), "https://auenfurt.example", notifier=Notifier(url, SECRET), search="http://127.0.0.1:1/search"
    )
    async with serving(app) as cms:
        edit = f"{cms}/_stand-in/pages/1001/edit"
        async with http.post(edit, data={"text": "Neu:\r\n\r\n- eins"}, headers={"origin": cms}) as answer:
            text = await answer.text()
        assert "Die Suche ist benachrichtigt" in text
        assert 'href="http://127.0.0.1:1/search"' in text
        assert (await told(http, cms + page("1001")))[2]["description"] == ("<p>Neu:</p>\n<ul>\n<li>eins</li>\n</ul>\n")
        async with http.post(edit, data={"text": " "}) as answer:
            assert answer.status == 400
        taker.refusals = 2
        assert (await do(http, "PUT", f"{cms}/_stand-in/pages/hitze", {"text": "Kühl."}))["webhook"] == "202"
        taker.refusals = 3
        assert (await do(http, "PUT", f"{cms}/_stand-in/pages/hitze", {"text": "Warm."}))["webhook"] == "503"
        quiet = await do(http, "PUT", f"{cms}/_stand-in/pages/hitze", {"text": "Lau.", "notify": False})
        assert quiet["webhook"] is None
    assert [notice["data"] for notice in taker.notices] == [
        {"source": "befi", "id": "1001"},
        {"source": "magnolia", "id": "hitze"},
    ]
    assert {notice["type"] for notice in taker.notices} == {"page.changed"}
    assert datetime.fromisoformat(taker.notices[0]["timestamp"]).tzinfo


async def test_one_page_changes_by_itself_and_tells_it(
    receiver: tuple[str, Receiver], http: aiohttp.ClientSession
) -> None:
    url, taker = receiver
    app = create_app(load_city(), "https://auenfurt.example", notifier=Notifier(url, SECRET), live_s=2)
    async with serving(app) as cms:
        _, before, first = await told(http, cms + page("2009"))

        async def notices() -> list[dict[str, Any]]:
            return taker.notices

        seen = await eventually(notices, "a notice of the page that changes by itself")
        assert seen[0]["data"] == {"source": "befi", "id": "2009"}
        status, after, second = await told(http, cms + page("2009"), if_none_match=before["etag"])
        assert status == 200
        assert parsedate_to_datetime(after["last-modified"]) > parsedate_to_datetime(before["last-modified"])
        assert datetime.fromisoformat(second["lastModification"]) > datetime.fromisoformat(first["lastModification"])


async def test_faults_come_on_demand_and_are_counted(cms: str, http: aiohttp.ClientSession) -> None:
    faults = f"{cms}/_stand-in/faults"
    await do(http, "PUT", faults, {"fail_next": 2})
    assert [(await told_status(http, cms + LIST)) for _ in range(3)] == [500, 500, 200]
    await do(http, "PUT", faults, {"list_share": 0.5, "gone": ["1001"], "broken": ["1002"]})
    assert len((await told(http, cms + LIST))[2]["ids"]) == 26
    assert await told_status(http, cms + page("1001")) == 410
    async with http.get(cms + page("1002")) as answer:
        with pytest.raises(json.JSONDecodeError):
            await answer.json()
    await do(http, "PUT", faults, {"loop": ["1001"]})
    with pytest.raises(aiohttp.TooManyRedirects):
        await http.get(cms + page("1001"))
    await do(http, "PUT", faults, {"slow_s": 30})
    with pytest.raises(TimeoutError):
        await http.get(cms + LIST, timeout=aiohttp.ClientTimeout(total=0.2))
    await do(http, "DELETE", faults)
    state = await do(http, "GET", f"{cms}/_stand-in/state")
    assert state["requests"]["500"] == 2
    assert state["requests"]["301"] >= 2
    await do(http, "POST", f"{cms}/_stand-in/forget")
    _, headers, _ = await told(http, cms + page("1001"))
    await told(http, cms + page("1001"), if_none_match=headers["etag"])
    assert (await do(http, "GET", f"{cms}/_stand-in/state"))["requests"] == {
        "all": 2,
        "200": 1,
        "304": 1,
        "conditional": 1,
    }


async def told_status(http: aiohttp.ClientSession, url: str) -> int:
    async with http.get(url) as answer:
        return answer.status


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("faults", {"fail_nxt": 1}, "fail_nxt: Extra inputs are not permitted"),
        ("faults", {"fail_next": -1}, "fail_next: "),
        ("pages/1001", {"colour": "red"}, "colour: Extra inputs are not permitted"),
        ("pages/1001", {"markup": "rst"}, "markup: "),
    ],
)
async def test_a_wrong_order_is_named(
    cms: str, http: aiohttp.ClientSession, path: str, body: dict[str, Any], message: str
) -> None:
    async with http.put(f"{cms}/_stand-in/{path}", json=body) as answer:
        assert answer.status == 400
        assert message in (await answer.json())["error"]


async def test_other_sites_can_neither_edit_nor_read(cms: str, http: aiohttp.ClientSession) -> None:
    evil = {"origin": "https://evil.example"}
    async with http.post(f"{cms}/_stand-in/pages/1001/edit", data={"text": "x"}, headers=evil) as answer:
        assert answer.status == 403
    async with http.delete(f"{cms}/_stand-in/pages/1001", headers={"origin": "null"}) as answer:
        assert answer.status == 403
    async with http.get(cms + LIST, headers={"host": "evil.example"}) as answer:
        assert answer.status == 400
    assert (await told(http, cms + page("1001")))[0] == 200


@pytest.fixture
def port() -> int:
    return free_port()


@contextlib.contextmanager
def started(port: int, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """The program as `stadtfunk up` starts it, answering; ended with SIGTERM."""
    process = subprocess.Popen(
        [sys.executable, "-m", "infra.cms", "--port", str(port), *arguments],
        env={**os.environ, **environment},
        stderr=subprocess.PIPE,
        text=True,
    )

    def answers() -> bool:
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.2):
            return True
        return False

    try:
        until(answers, "the stand-in answers")
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=60)
        finally:
            process.kill()


async def test_the_program_listens_on_this_machine_alone_and_streams_a_huge_page(
    port: int, http: aiohttp.ClientSession
) -> None:
    with started(port) as process:
        cms = f"http://127.0.0.1:{port}"
        assert (await told(http, cms + page("1001")))[2]["publicUrl"] == f"{cms}/services/1001"
        program = psutil.Process(process.pid)
        assert {socket.laddr.ip for socket in program.net_connections("inet") if socket.status == "LISTEN"} == {
            "127.0.0.1"
        }
        await do(http, "PUT", f"{cms}/_stand-in/faults", {"huge": ["1001"]})
        before = program.memory_info().rss
        size = 0
        async with http.get(cms + page("1001")) as answer:
            assert "content-length" not in answer.headers
            async for chunk in answer.content.iter_chunked(1 << 20):
                size += len(chunk)
                if size > HUGE_BYTES // 2:  # a client that gives up here leaves nothing behind
                    answer.close()
                    break
        assert program.memory_info().rss - before < 30 * 2**20
        assert (await told(http, cms + page("1002")))[0] == 200


async def test_a_foreign_city_is_served_whole(port: int, http: aiohttp.ClientSession) -> None:
    if not SHARED.exists():
        assert os.environ.get("CI") != "true", f"{SHARED} is missing"
        pytest.skip(f"{SHARED} is not on this machine")
    rows = {row["id"]: row for row in map(json.loads, SHARED.read_text(encoding="utf-8").split("\n")[:-1])}
    with started(port, "--city", str(SHARED)):
        cms = f"http://127.0.0.1:{port}"
        ids = [entry["id"] for entry in (await told(http, cms + LIST))[2]["ids"]]
        assert ids == list(rows)
        assert (await told(http, cms + ARTICLES))[2] == {"total": 0, "offset": 0, "limit": 100, "results": []}
        answers = await asyncio.gather(*(told(http, cms + page(id)) for id in ids))
        assert all(status == 200 for status, _, _ in answers)
        assert [answer["description"] for _, _, answer in answers] == [rows[id]["html"] for id in ids]
        assert [answer["leika"] for _, _, answer in answers] == [rows[id]["leika"] for id in ids]
        async with http.get(f"{cms}/services/{ids[0]}") as shown:
            assert rows[ids[0]]["name"] in await shown.text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--city", "nowhere.jsonl"], "nowhere.jsonl: cannot be read"),
        (["--webhook", "http://127.0.0.1:9/hook"], "STADTFUNK_SECRET_CMS_WEBHOOK"),
    ],
)
def test_a_wrong_start_says_what_is_missing(port: int, arguments: list[str], message: str) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("STADTFUNK_")}
    done = subprocess.run(
        [sys.executable, "-m", "infra.cms", "--port", str(port), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 1
    assert message in done.stderr.replace("\n", "")
    assert "Traceback" not in done.stderr
