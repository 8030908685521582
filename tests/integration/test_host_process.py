"""``stadtfunk serve`` as a process: what it says, and how it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.stack.ports import free_port
from shared.catalogue import Catalogue
from tests.polling import until

ROOT = Path(__file__).parents[2]
STADTFUNK = str(Path(sys.executable).parent / "stadtfunk")


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def process(port: int, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (tmp_path / "log").open("wb") as log:
        running = subprocess.Popen(
            [STADTFUNK, "serve"],
            cwd=ROOT,
            env={**os.environ, "STADTFUNK_HOST__PORT": str(port), "STADTFUNK_NATS__URL": "nats://127.0.0.1:1"},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        until(lambda: _listens(port) or running.poll() is not None, "the host listens", deadline_s=100)
        assert running.poll() is None, (tmp_path / "log").read_text()
        yield running
    finally:
        running.kill()
        running.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _get(port: int, path: str) -> tuple[int, bytes]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.status, answer.read()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_the_catalogue_and_ends_cleanly(
    process: subprocess.Popen[bytes], port: int, tmp_path: Path, number: int
) -> None:
    for path in ("/", "/search?q=Erika", "/register", "/register.json", "/static/portal/stadtfunk.css", "/healthz"):
        assert _get(port, path)[0] == 200
    document = json.loads(_get(port, "/openapi.json")[1])
    catalogue = Catalogue.load(ROOT / "serverless.yaml").enabled()
    wanted = {t.http.path for f in catalogue.functions.values() for t in f.events if t.http and not t.http.files}
    assert set(document["paths"]) == wanted
    # Someone who only connected does not hold up the end.
    with socket.create_connection(("127.0.0.1", port)):
        process.send_signal(number)
        assert process.wait(60) == 0
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert "Erika" not in json.dumps(lines)
    assert {line["function"] for line in lines if line["event"] == "answered"} >= {"first_page", "search_page"}


def test_a_port_in_use_is_said(port: int, process: subprocess.Popen[bytes], tmp_path: Path) -> None:
    second = subprocess.run(
        [STADTFUNK, "serve"],
        cwd=ROOT,
        env={**os.environ, "STADTFUNK_HOST__PORT": str(port)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert second.returncode != 0
    assert str(port) in second.stderr
