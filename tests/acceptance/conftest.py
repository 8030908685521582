"""`stadtfunk up` as a person starts it, followed through its JSON lines."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from infra.stack.orphans import marked
from tests.acceptance.browser import CHROMIUM, FLAGS

ROOT = Path(__file__).parents[2]
Fact = dict[str, Any]


class Up:
    """A running `stadtfunk up --json`; ``facts`` are the lines it wrote so far."""

    def __init__(self, data: Path, *options: str) -> None:
        self.data = data
        self.facts: list[Fact] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        # Outside our session, as a terminal would start it; no settings of the developer's own.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("STADTFUNK_")}
        self.process = subprocess.Popen(
            [
                str(Path(sys.executable).parent / "stadtfunk"),
                "up",
                "--json",
                "--no-open",
                "--data",
                str(data),
                *options,
            ],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def until(self, wanted: Callable[[Fact], bool], what: str, seconds: float = 90) -> Fact:
        """The first line from here on that is wanted; fails with the log so far when none comes."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                line = self._lines.get(timeout=left)
            except queue.Empty:
                break
            if line is None:
                break
            self.facts.append(json.loads(line))
            if wanted(self.facts[-1]):
                return self.facts[-1]
        said = self.process.stderr.read() if self.process.stderr and self.process.poll() is not None else ""
        raise AssertionError(f"no line about {what}\n{said}\n" + "\n".join(map(str, self.facts[-25:])))

    def addresses(self, seconds: float = 300) -> dict[str, str]:
        """Wait until everything is up; where to look."""
        found: dict[str, str] = self.until(lambda fact: fact["event"] == "up", "up", seconds)["addresses"]
        return found

    def pids(self) -> dict[str, int]:
        """Last known process id of each part."""
        return {fact["part"]: fact["pid"] for fact in self.facts if fact.get("state") == "ready" and fact.get("pid")}

    def end(self, number: signal.Signals = signal.SIGINT, seconds: float = 30) -> int:
        """Send a signal and wait; gives the exit status."""
        self.process.send_signal(number)
        return self.process.wait(seconds)

    def close(self) -> None:
        """End it, whatever its state."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._reader.join(5)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


@pytest.fixture
def start_up(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    """``up = start_up("--only", "register")``: ended after the test."""
    started: list[Up] = []

    def start(*options: str, data: Path | None = None) -> Up:
        started.append(Up(data or tmp_path / "data", *options))
        return started[-1]

    yield start
    for up in started:
        up.close()


@pytest.fixture(scope="session")
def whole_city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """The whole stack with the demo city, every page findable; shared by the session; test_demo_city.py ends it."""
    up = Up(tmp_path_factory.mktemp("city") / "data")
    try:
        up.addresses()
        yield up
    finally:
        up.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for all tests of the module."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def none_left(data: Path, seconds: float) -> bool:
    """That no process of this data folder is left after so long."""
    deadline = time.monotonic() + seconds
    while left := marked(str(data.resolve())):
        if time.monotonic() > deadline:
            raise AssertionError(f"left behind: {[process.cmdline() for process in left]}")
        time.sleep(0.05)
    return True


def done(*command: str) -> None:
    """Run a ``stadtfunk`` command that succeeds."""
    ended = _stadtfunk(*command)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def failed(*command: str) -> str:
    """What a ``stadtfunk`` command says that fails, in one line."""
    ended = _stadtfunk(*command)
    assert ended.returncode == 1, ended.stdout
    return " ".join(ended.stderr.split())


def _stadtfunk(*command: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STADTFUNK_")}
    program = str(Path(sys.executable).parent / "stadtfunk")
    return subprocess.run(
        [program, *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
