"""`stadtfunk up` for real: the first search, every part killed, the end in time, no orphans, clear refusals."""

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

import pytest

from infra.stack.orphans import marked
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


def test_an_unknown_system_is_refused_naming_the_nearest(tmp_path: Path) -> None:
    assert "did you mean 'xnext'?" in _refused("--data", str(tmp_path / "data"), "--only", "xnex")


def _refused(*options: str) -> str:
    """What `stadtfunk up` says when it does not start."""
    ended = subprocess.run(
        [str(Path(sys.executable).parent / "stadtfunk"), "up", "--no-open", *options],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 1, ended.stdout
    return " ".join(ended.stderr.split())
