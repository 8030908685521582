"""`stadtfunk up` for real: an end in time, no orphans, clear refusals; the whole city is in test_demo_city.py."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.parse
from collections.abc import Callable
from pathlib import Path

import psutil

from infra.stack.orphans import marked
from infra.stack.ports import is_free
from shared.settings import Settings
from tests.acceptance.conftest import ROOT, Up, failed, none_left

Start = Callable[..., Up]
SMALL = ("--only", "register")  # NATS and the HTTP host: enough for what concerns the supervisor alone


def test_no_orphans_when_the_supervisor_is_killed_and_ports_stay(start_up: Start) -> None:
    up = start_up(*SMALL)
    first = up.addresses()
    assert marked(str(up.data.resolve()))
    up.process.kill()
    up.process.wait()
    assert none_left(up.data, 10)
    assert start_up(*SMALL).addresses() == first


def test_terminate_ends_it_while_starting(start_up: Start) -> None:
    up = start_up(*SMALL)
    up.until(lambda fact: fact.get("state") == "starting", "anything starting")
    assert up.end(signal.SIGTERM, seconds=10) == 0
    assert none_left(up.data, 0)


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
    assert none_left(tmp_path / "data", 10)


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
    return failed("up", "--no-open", *options)
