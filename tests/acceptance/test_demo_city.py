"""The whole demo city, started once: its pages in a real Chromium, commands beside it, every part killed, its end."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from nats.aio.client import Client
from playwright.sync_api import Browser, expect

from infra.stack.orphans import marked
from shared.connection import connect
from shared.settings import Settings
from tests.acceptance import mailbox
from tests.acceptance.browser import Visit, faults, visiting
from tests.acceptance.conftest import ROOT, Up, done, failed, none_left
from tests.acceptance.test_pages import PROBE
from tests.polling import until

pytestmark = pytest.mark.timeout(900)  # of one core among several, the start of everything included
QUESTIONS = ROOT / "tests" / "relevance_questions.jsonl"


def _get(url: str, seconds: float = 60) -> Any:
    """The JSON a URL answers, asked again until it does: a part may just be coming back."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:  # noqa: S310 - our own loopback address
                return json.load(answer)
        except (urllib.error.URLError, OSError, ValueError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _search(up: Up, query: str) -> Any:
    portal = next(fact for fact in up.facts if fact["event"] == "up")["addresses"]["portal"]
    return _get(f"{portal}api/search?q={urllib.parse.quote(query)}")


def test_first_search_is_answered(whole_city: Up) -> None:
    hits = _search(whole_city, "Personalausweis verlängern")
    assert "ausweis" in json.dumps(hits, ensure_ascii=False).lower()
    indexed = [fact for fact in whole_city.facts if fact["event"] == "indexed"]
    assert indexed[-1]["pages"] == indexed[-1]["of"] >= 40


def _command(up: Up, *arguments: str) -> Any:
    """What a command says to programs, called beside the running stack as README and `up` tell people to."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STADTFUNK_")}
    done = subprocess.run(
        [str(Path(sys.executable).parent / "stadtfunk"), *arguments, "--json"],
        cwd=ROOT,
        env={**kept, "STADTFUNK_DATA": str(up.data)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return json.loads(done.stdout)


def test_commands_reach_the_running_stack(whole_city: Up) -> None:
    found = _command(whole_city, "search", "Personalausweis verlängern", "--limit", "3")
    assert len(found["hits"]) == 3
    assert "ausweis" in found["hits"][0]["title"].lower()
    status = _command(whole_city, "status")
    assert {one["backend"]: one["ok"] for one in status["backends"]} == dict.fromkeys(
        ("nats", "objects", "vectors", "embeddings", "chat", "vision"), True
    )
    assert "index_page" in {one["name"] for one in status["functions"] if one["pulling"]}
    assert status["problems"] == []
    assert _command(whole_city, "dead", "list") == []


@pytest.fixture
def city(chromium: Browser, whole_city: Up) -> Iterator[Visit]:
    """A visit to the portal of the whole stack with the demo city."""
    portal = next(fact for fact in whole_city.facts if fact["event"] == "up")["addresses"]["portal"]
    visit = visiting(chromium, portal.rstrip("/"), viewport={"width": 1280, "height": 900})
    yield visit
    visit.context.close()


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            "de",
            {
                "Ausweis verloren": "Personalausweis verloren oder gestohlen – Ersatz",
                "Neue Wohnung anmelden": "Wohnsitz anmelden oder ummelden",
                "Heiraten": "Eheschließung anmelden",
                "Mein Hund zieht mit ein": "Hund anmelden und Hundesteuer",
                "Was kostet ein Reisepass?": "Reisepass beantragen",
                "Die Parkhäuser ändern sich": "Freie Plätze in den Parkhäusern – jetzt",
            },
        ),
        (
            "en",
            {
                "lost my ID card": "Personalausweis verloren oder gestohlen – Ersatz",
                "register my new home": "Wohnsitz anmelden oder ummelden",
                "getting married": "Eheschließung anmelden",
                "my dog is moving in": "Hund anmelden und Hundesteuer",
                "how much is a passport?": "Reisepass beantragen",
                "The car parks change": "Freie Plätze in den Parkhäusern – jetzt",
            },
        ),
    ],
)
def test_each_sample_of_the_first_page_finds_its_page(city: Visit, language: str, expected: dict[str, str]) -> None:
    page = city.open(f"/?lang={language}")
    for sample, title in expected.items():
        page.goto(f"{city.site}/?lang={language}")
        page.get_by_role("link", name=sample).click()
        expect(page.get_by_role("article").first).to_be_visible()
        titles = page.get_by_role("article").get_by_role("heading", level=3).all_text_contents()
        assert title in titles[:2], f"{sample}: {titles}"


def test_a_source_of_an_answer_opens_with_the_quote_marked(city: Visit) -> None:
    page = city.open("/search?q=Was+kostet+ein+Reisepass?")
    answer = page.get_by_role("region", name="Antwort")
    expect(answer.get_by_text("KI-erzeugt")).to_be_visible()
    # A list of a page stays a list.
    expect(answer.locator(".statements .item").first).to_be_visible()
    expect(answer).to_contain_text("70,00 Euro")
    answer.get_by_role("link", name="Beleg 1: Reisepass beantragen", exact=True).press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Reisepass beantragen")
    expect(page.locator("mark").first).to_be_visible()
    assert faults(page) == []
    page.go_back()
    expect(page.get_by_role("searchbox")).to_have_value("Was kostet ein Reisepass?")


def test_an_edited_page_is_found_with_its_scripts_as_text(city: Visit) -> None:
    page = city.open("/")
    page.get_by_role("link", name="Eine Seite im Redaktionssystem ändern").click()
    page.get_by_role("link", name="Fundbüro").first.click()
    page.get_by_role("link", name="Diese Seite ändern").click()
    page.get_by_label("Beschreibung").fill(f"Der Wolpertinger aus dem Stadtpark wartet hier.\n\nEr sagt: {PROBE}")
    page.get_by_role("button", name="Speichern und veröffentlichen").click()

    result = page.get_by_role("article").filter(has_text="Wolpertinger")

    def found() -> bool:
        page.goto(f"{city.site}/search?q=Wolpertinger")
        expect(page.get_by_role("status")).not_to_have_text(re.compile("^$|…$"))
        return result.count() > 0

    until(found, "the edited page is found")
    expect(result.first.locator("mark").first).to_have_text("Wolpertinger")
    expect(result.locator("img, script")).to_have_count(0)
    assert page.title() != "owned"
    assert all(host.startswith("127.0.0.1:") for host in city.hosts)


def test_a_letter_to_the_city_is_drafted_and_sent(city: Visit, whole_city: Up) -> None:
    mailbox.is_drafted_and_sent(city, _address(whole_city, "mailbox"))


def test_a_letter_that_no_source_answers_is_noted_alone(city: Visit, whole_city: Up) -> None:
    mailbox.is_noted_alone(city, _address(whole_city, "mailbox"))


def test_whoever_sits_here_reviews_photos_as_staff_do(city: Visit, whole_city: Up) -> None:
    page = city.open("/")
    page.get_by_role("link", name="Danach selbst prüfen").click()
    assert page.url == _address(whole_city, "review")
    assert faults(page) == []
    page.get_by_role("button", name="Als Mitarbeiterin oder Mitarbeiter weiter").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Fotos prüfen")
    expect(page.get_by_role("status")).to_have_text(re.compile("warte[tn]\\.$"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_running_city(chromium: Browser, city: Visit, scheme: str) -> None:
    visit = visiting(chromium, city.site, color_scheme=scheme, viewport={"width": 320, "height": 900})
    for path in ("/status", "/status?lang=en", "/search?q=Parken", "/search?q=parking&lang=en", "/register"):
        page = visit.open(path)
        assert faults(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, f"{path} scrolls sideways"
        page.close()
    visit.context.close()


@pytest.mark.parametrize("part", ["nats", "vectors", "objects", "embeddings", "chat", "cms", "host", "worker"])
def test_a_killed_part_comes_back(whole_city: Up, part: str) -> None:
    before = whole_city.pids()[part]
    os.kill(before, signal.SIGKILL)
    back = whole_city.until(lambda f: f.get("part") == part and f.get("state") == "ready", f"{part} being back")
    assert back["pid"] != before
    assert "ausweis" in json.dumps(_search(whole_city, "Personalausweis"), ensure_ascii=False).lower()


def test_secrets_are_for_the_owner_alone(whole_city: Up) -> None:
    files = list((whole_city.data / "secrets").iterdir())
    assert {"cms-webhook", "s3-access-key", "s3-secret-key"} <= {file.name for file in files}
    assert all(file.stat().st_mode & 0o077 == 0 for file in files)
    values = [file.read_text() for file in files]
    logs = "".join(file.read_text(errors="replace") for file in (whole_city.data / "logs").iterdir())
    assert not [value for value in values if value in logs]


def test_every_port_is_bound_to_loopback(whole_city: Up) -> None:
    for process in marked(str(whole_city.data.resolve())):
        addresses = {c.laddr[0] for c in process.net_connections("tcp") if c.status == "LISTEN" and c.laddr}
        assert addresses <= {"127.0.0.1", "::ffff:127.0.0.1"}, process.cmdline()


@pytest.mark.heavy
async def test_unrelated_questions_are_refused_and_the_city_s_answered(whole_city: Up) -> None:
    """Of 70 unrelated German questions .57 were refused by one fixed cosine, .97 are now (foreign .94 before and now);
    of the city's own .92 are answered (foreign .90; before 1.0 and .95). The half held out was looked at twice: .84 of
    its German answerable questions, then, with the agreement of words and meaning, .91.
    """
    right: dict[tuple[bool, bool], list[bool]] = {}
    async with aiohttp.ClientSession(_address(whole_city, "portal")) as session:
        for one in map(json.loads, QUESTIONS.read_text(encoding="utf-8").splitlines()):
            async with session.get("/api/search", params={"q": one["question"], "limit": "3"}) as got:
                assert got.status == 200
                fits = (await got.json())["fits"]
            right.setdefault((one["answerable"], one["language"] == "de"), []).append(fits == one["answerable"])
    assert {
        kind: round(sum(found) / len(found), 2) for kind, found in right.items() if sum(found) < 0.9 * len(found)
    } == {}


@pytest.mark.heavy
async def test_a_backup_of_the_running_stack_brings_everything_back(
    whole_city: Up, start_up: Callable[..., Up], tmp_path: Path
) -> None:
    await _leave_a_dead_letter(whole_city)
    queries = ("Personalausweis verlängern", "Müll", "Kita", "where can I get married")
    before = {query: _search(whole_city, query) for query in queries}
    kept = await _messages(whole_city)

    done("backup", str(tmp_path / "saved.tar"), "--data", str(whole_city.data))
    assert _search(whole_city, "Müll")["hits"], "a backup must not take the stack off the air"
    await _consumers_go_on(whole_city)
    done("restore", str(tmp_path / "saved.tar"), "--data", str(tmp_path / "restored"))

    restored = start_up(data=tmp_path / "restored")
    restored.addresses()
    # Nothing was indexed anew, and no query is answered otherwise.
    assert not [fact for fact in restored.facts if fact["event"] == "indexed"]
    after = {query: _search(restored, query) for query in queries}
    assert _first(after) == _first(before)
    assert {q: len(found["hits"]) for q, found in after.items()} == {q: len(f["hits"]) for q, f in before.items()}
    now = await _messages(restored)
    assert now["DEAD"] == kept["DEAD"] > 0
    assert now["EVENTS"] >= kept["EVENTS"]
    assert now["KV_indexed"] >= kept["KV_indexed"] >= 40
    # Revisions go on where they were: a change after the restore wins over what was restored.
    city = next(fact for fact in restored.facts if fact["event"] == "up")["addresses"]["city"]
    page = next(hit for hit in after["Müll"]["hits"] if hit["source"] == "befi")["id"].partition(":")[2]
    _put(f"{city}_stand-in/pages/{page}", {"text": "Das Wort Quittenmarmelade steht neu hier.", "notify": True})
    deadline = time.monotonic() + 60
    while not any(page in hit["id"] for hit in _search(restored, "Quittenmarmelade")["hits"][:1]):
        assert time.monotonic() < deadline, "a change after the restore is not found"
        await asyncio.sleep(0.2)


def test_a_damaged_backup_and_a_full_target_are_refused(whole_city: Up, tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    done("backup", str(saved), "--data", str(whole_city.data))
    assert "is not empty" in failed("restore", str(saved), "--data", str(whole_city.data))
    victim = next((saved / "vectors").glob("*.jsonl.gz"))
    victim.write_bytes(victim.read_bytes()[:-1])
    assert f"{victim.name} is damaged" in failed("restore", str(saved), "--data", str(tmp_path / "new"))
    (saved / "manifest.json").unlink()
    assert "no manifest" in failed("restore", str(saved), "--data", str(tmp_path / "new"))


def test_interrupt_ends_everything_within_five_seconds(whole_city: Up) -> None:
    assert whole_city.end(signal.SIGINT, seconds=5) == 0
    assert none_left(whole_city.data, 0)


def _address(up: Up, name: str) -> str:
    address: str = next(fact for fact in up.facts if fact["event"] == "up")["addresses"][name]
    return address


def _first(found: dict[str, Any]) -> dict[str, list[str]]:
    """The best hits. Further down ranks may move: Milvus weighs words by segment, and the segments are others."""
    return {query: [hit["id"] for hit in answer["hits"]][:2] for query, answer in found.items()}


def _put(url: str, body: object) -> None:
    request = urllib.request.Request(  # noqa: S310 - our own loopback address
        url, json.dumps(body).encode(), {"content-type": "application/json"}, method="PUT"
    )
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        assert answer.status < 300


async def _connected(up: Up) -> Client:
    return await connect(Settings(_env_file=up.data / "stack.env").nats, name="test")


async def _messages(up: Up) -> dict[str, int]:
    client = await _connected(up)
    try:
        return {str(s.config.name): s.state.messages for s in await client.jetstream().streams_info()}
    finally:
        await client.close()


async def _leave_a_dead_letter(up: Up) -> None:
    client = await _connected(up)
    try:
        headers = {"ce-specversion": "1.0", "ce-id": "poison", "ce-source": "test", "ce-type": "cms.page.changed"}
        await client.jetstream().publish("events.-.cms.page.changed", b"{", headers=headers)
    finally:
        await client.close()
    deadline = time.monotonic() + 60
    while not (await _messages(up))["DEAD"]:
        assert time.monotonic() < deadline, "no dead letter"
        await asyncio.sleep(0.1)


async def _consumers_go_on(up: Up) -> None:
    client = await _connected(up)
    try:
        consumers = await client.jetstream().consumers_info("EVENTS")
        assert consumers
        assert not [consumer.name for consumer in consumers if consumer.paused]
    finally:
        await client.close()
