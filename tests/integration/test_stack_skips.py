"""A skipped test fails the run in CI and only there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("ci", "status"), [("true", 1), ("", 0)])
def test_a_skip_fails_in_ci(tmp_path: Path, ci: str, status: int) -> None:
    (tmp_path / "test_one.py").write_text(
        "import pytest\n\ndef test_runs(): pass\n\n@pytest.mark.skip(reason='because')\ndef test_left_out(): pass\n"
    )
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-c", os.devnull, "--rootdir", str(tmp_path)]
    ended = subprocess.run(
        [*command, "-W", "ignore", str(tmp_path)],
        cwd=ROOT, env={**os.environ, "CI": ci}, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert ended.returncode == status, ended.stdout + ended.stderr
    assert ("SKIPPED test_one.py::test_left_out" in ended.stdout) == bool(status)
    assert "1 passed, 1 skipped" in ended.stdout.splitlines()[-1]
