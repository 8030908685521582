"""The guide "A function in ten minutes" is run as it stands: every file written, every command called."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.polling import until

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```(\w+)[ ]?([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def shell(tmp_path: Path) -> Callable[[str], "subprocess.CompletedProcess[str]"]:
    """Runs commands in a copy of the project, with the commands of this environment."""
    shutil.copytree(
        ROOT,
        tmp_path / "project",
        ignore=shutil.ignore_patterns(".venv*", ".git", ".data*", "__pycache__", "build", ".*_cache"),
    )

    def run(command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["bash", "-euc", command],
            cwd=tmp_path / "project",
            env=environment(tmp_path / "project"),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def environment(project: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STADTFUNK_")}
    return {**kept, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(project)}


@pytest.mark.timeout(300)
def test_the_guide(tmp_path: Path, shell: Callable[[str], "subprocess.CompletedProcess[str]"]) -> None:
    project = tmp_path / "project"
    background: list[subprocess.Popen[bytes]] = []
    log = (tmp_path / "background.log").open("wb")
    blocks = FENCE.findall((ROOT / "docs/function.md").read_text(encoding="utf-8"))
    assert len(blocks) >= 10
    try:
        for language, detail, text in blocks:
            if detail.startswith("file="):
                (project / detail.removeprefix("file=")).write_text(text, encoding="utf-8")
            elif detail == "background":
                command = f"exec {text.strip()} --no-open"
                background.append(
                    subprocess.Popen(
                        ["bash", "-c", command], cwd=project, env=environment(project), stdout=log, stderr=log
                    )
                )
                until(lambda: functions(shell)["count_visits"]["pulling"], "the function runs", deadline_s=90)
            else:
                assert language == "sh", f"a block of the guide is neither a file nor a command: {text}"
                done = shell(text)
                assert done.returncode == 0, f"$ {text}\n{done.stdout}{done.stderr}"

        until(lambda: len(dead(shell)) == 1, "the wrong event is a dead letter")
        assert dead(shell)[0]["function"] == "count_visits"
        assert functions(shell)["count_visits"]["dead"] == 1
    finally:
        for process in background:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=20)
        log.close()


def functions(shell: Callable[[str], "subprocess.CompletedProcess[str]"]) -> dict[str, Any]:
    done = shell("stadtfunk status --json || true")  # it ends with 1 where a person is needed
    if not done.stdout:
        return {}
    return {one["name"]: one for one in json.loads(done.stdout)["functions"]}


def dead(shell: Callable[[str], "subprocess.CompletedProcess[str]"]) -> list[dict[str, Any]]:
    done = shell("stadtfunk dead list --json")
    assert done.returncode == 0, done.stderr
    letters: list[dict[str, Any]] = json.loads(done.stdout)
    return letters
