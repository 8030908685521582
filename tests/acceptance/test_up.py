"""`stadtfunk up` for real: the first search, every part killed, the end in time, no orphans, clear refusals."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from nats.aio.client import Client

from infra.stack.orphans import marked
from infra.stack.ports import is_free
from shared.connection import connect
from shared.settings import Settings
from tests.acceptance.conftest import ROOT, Up

Start = Callable[..., Up]
SMALL = ("--only", "register")  # NATS and the HTTP host: enough for what concerns the supervisor alone


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


def _none_left(data: Path, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while left := marked(str(data.resolve())):
        if time.monotonic() > deadline:
            raise AssertionError(f"left behind: {[process.cmdline() for process in left]}")
        time.sleep(0.05)
    return True


@pytest.mark.timeout(420)
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
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return json.loads(done.stdout)


@pytest.mark.timeout(420)
def test_commands_reach_the_running_stack(whole_city: Up) -> None:
    found = _command(whole_city, "search", "Personalausweis verlängern", "--limit", "3")
    assert len(found["hits"]) == 3
    assert "ausweis" in found["hits"][0]["title"].lower()
    status = _command(whole_city, "status")
    assert {one["backend"]: one["ok"] for one in status["backends"]} == dict.fromkeys(
        ("nats", "objects", "vectors", "embeddings", "chat"), True
    )
    assert "index_page" in {one["name"] for one in status["functions"] if one["pulling"]}
    assert status["problems"] == []
    assert _command(whole_city, "dead", "list") == []


@pytest.mark.timeout(420)
@pytest.mark.parametrize("part", ["nats", "vectors", "objects", "embeddings", "chat", "cms", "host", "worker"])
def test_a_killed_part_comes_back(whole_city: Up, part: str) -> None:
    before = whole_city.pids()[part]
    os.kill(before, signal.SIGKILL)
    back = whole_city.until(lambda f: f.get("part") == part and f.get("state") == "ready", f"{part} being back")
    assert back["pid"] != before
    assert "ausweis" in json.dumps(_search(whole_city, "Personalausweis"), ensure_ascii=False).lower()


@pytest.mark.timeout(420)
def test_secrets_are_for_the_owner_alone(whole_city: Up) -> None:
    files = list((whole_city.data / "secrets").iterdir())
    assert {"cms-webhook", "s3-access-key", "s3-secret-key"} <= {file.name for file in files}
    assert all(file.stat().st_mode & 0o077 == 0 for file in files)
    values = [file.read_text() for file in files]
    logs = "".join(file.read_text(errors="replace") for file in (whole_city.data / "logs").iterdir())
    assert not [value for value in values if value in logs]


@pytest.mark.timeout(420)
def test_every_port_is_bound_to_loopback(whole_city: Up) -> None:
    for process in marked(str(whole_city.data.resolve())):
        addresses = {c.laddr[0] for c in process.net_connections("tcp") if c.status == "LISTEN" and c.laddr}
        assert addresses <= {"127.0.0.1", "::ffff:127.0.0.1"}, process.cmdline()


@pytest.mark.heavy
@pytest.mark.timeout(420)
async def test_a_backup_of_the_running_stack_brings_everything_back(
    whole_city: Up, start_up: Start, tmp_path: Path
) -> None:
    await _leave_a_dead_letter(whole_city)
    queries = ("Personalausweis verlängern", "Müll", "Kita", "where can I get married")
    before = {query: _search(whole_city, query) for query in queries}
    kept = await _messages(whole_city)

    _done("backup", str(tmp_path / "saved.tar"), "--data", str(whole_city.data))
    assert _search(whole_city, "Müll")["hits"], "a backup must not take the stack off the air"
    await _consumers_go_on(whole_city)
    _done("restore", str(tmp_path / "saved.tar"), "--data", str(tmp_path / "restored"))

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


@pytest.mark.timeout(420)
def test_a_damaged_backup_and_a_full_target_are_refused(whole_city: Up, tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    _done("backup", str(saved), "--data", str(whole_city.data))
    assert "is not empty" in _failed("restore", str(saved), "--data", str(whole_city.data))
    victim = next((saved / "vectors").glob("*.jsonl.gz"))
    victim.write_bytes(victim.read_bytes()[:-1])
    assert f"{victim.name} is damaged" in _failed("restore", str(saved), "--data", str(tmp_path / "new"))
    (saved / "manifest.json").unlink()
    assert "no manifest" in _failed("restore", str(saved), "--data", str(tmp_path / "new"))


@pytest.mark.timeout(420)
def test_interrupt_ends_everything_within_five_seconds(whole_city: Up) -> None:
    assert whole_city.end(signal.SIGINT, seconds=5) == 0
    assert _none_left(whole_city.data, 0)


def test_no_orphans_when_the_supervisor_is_killed_and_ports_stay(start_up: Start) -> None:
    up = start_up(*SMALL)
    first = up.addresses()
    assert marked(str(up.data.resolve()))
    up.process.kill()
    up.process.wait()
    assert _none_left(up.data, 10)
    assert start_up(*SMALL).addresses() == first


def test_terminate_ends_it_while_starting(start_up: Start) -> None:
    up = start_up(*SMALL)
    up.until(lambda fact: fact.get("state") == "starting", "anything starting")
    assert up.end(signal.SIGTERM, seconds=10) == 0
    assert _none_left(up.data, 0)


def test_it_ends_when_the_program_that_listened_is_gone(tmp_path: Path) -> None:
    program = str(Path(sys.executable).parent / "stadtfunk")
    up = subprocess.Popen(
        [program, "up", "--json", "--no-open", "--data", str(tmp_path / "data"), *SMALL], cwd=ROOT,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert up.stdout is not None
        up.stdout.readline()
        up.stdout.close()
        up.wait(60)
    finally:
        up.kill()
        up.wait()
    assert _none_left(tmp_path / "data", 10)


def test_a_folder_in_use_is_refused_naming_its_owner(start_up: Start) -> None:
    up = start_up(*SMALL)
    up.until(lambda fact: fact.get("state") == "ready", "anything ready")
    second = _refused("--data", str(up.data), *SMALL)
    assert f"is in use by pid {up.process.pid} (" in second
    assert "--data" in second
    assert up.process.poll() is None


def test_a_port_in_use_is_refused_naming_its_owner(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = _refused("--data", str(tmp_path / "data"), "--port", str(port), *SMALL)
    assert f"port {port} is in use by pid {os.getpid()} (" in said
    assert "--port" in said


def test_two_stacks_that_start_together_have_an_address_each(start_up: Start, tmp_path: Path) -> None:
    port = _port_for_two()
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
        (folder / "ports.json").write_text(json.dumps({"portal": port, "nats": port - 1}))
    both = [start_up(*SMALL, data=folder) for folder in folders]
    portals = [up.addresses()["portal"] for up in both]
    assert len(set(portals)) == 2
    listening = [psutil.Process(up.pids()["host"]).net_connections("tcp") for up in both]
    own = [{c.laddr.port for c in found if c.status == psutil.CONN_LISTEN} for found in listening]
    assert [urllib.parse.urlsplit(portal).port for portal in portals] == [next(iter(ports)) for ports in own]
    nats = [Settings(_env_file=up.data / "stack.env").nats.url for up in both]
    assert len(set(nats)) == 2


def _port_for_two() -> int:
    """A port that is free, and so is the one below; neither is claimed by this process."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as found:
            port: int = found.getsockname()[1]
        if is_free(port - 1):
            return port


def test_an_unknown_system_is_refused_naming_the_nearest(tmp_path: Path) -> None:
    assert "did you mean 'xnext'?" in _refused("--data", str(tmp_path / "data"), "--only", "xnex")


def _refused(*options: str) -> str:
    """What `stadtfunk up` says when it does not start."""
    return _failed("up", "--no-open", *options)


def _failed(*command: str) -> str:
    """What a command says that fails."""
    ended = _stadtfunk(*command)
    assert ended.returncode == 1, ended.stdout
    return " ".join(ended.stderr.split())


def _done(*command: str) -> None:
    ended = _stadtfunk(*command)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def _stadtfunk(*command: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STADTFUNK_")}
    program = str(Path(sys.executable).parent / "stadtfunk")
    return subprocess.run(
        [program, *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


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
