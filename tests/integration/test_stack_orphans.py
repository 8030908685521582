"""A supervisor that is killed takes everything with it, children of children in sessions of their own too."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from infra.stack.orphans import marked, sweep

# A child that starts a grandchild in a session of its own, as a daemon does.
CHILD = "import subprocess, time; subprocess.Popen(['sleep', '300'], start_new_session=True); time.sleep(300)"
SUPERVISOR = """
import sys, time
from pathlib import Path
from infra.stack.orphans import guard
from infra.stack.process import Process
from infra.stack.servers import Server
folder = Path(sys.argv[1])
async def ready(): ...
server = Server(name="child", command=(sys.executable, "-c", sys.argv[2]), environment={}, folder=folder, ports=(),
                ready=ready, provides={})
if sys.argv[3] == "guarded":
    held = guard(str(folder))
Process(server, folder / "child.log", mark=str(folder)).spawn()
time.sleep(300)
"""


def _wait_for(count: int, mark: str) -> list[int]:
    deadline = time.monotonic() + 60
    while len(found := marked(mark)) != count:
        assert time.monotonic() < deadline, f"{len(found)} processes, {count} wanted"
        time.sleep(0.02)
    return [process.pid for process in found]


@pytest.mark.parametrize(("protection", "left"), [("guarded", 0), ("leash alone", 1)])
def test_nothing_outlives_a_killed_supervisor(tmp_path: Path, protection: str, left: int) -> None:
    mark = str(tmp_path)
    supervisor = subprocess.Popen([sys.executable, "-c", SUPERVISOR, mark, CHILD, protection])
    try:
        _wait_for(2, mark)
        supervisor.kill()
        supervisor.wait()
        # The leash ends the child; what the child started needs the guard.
        _wait_for(left, mark)
    finally:
        supervisor.kill()
        supervisor.wait()
        sweep(mark)
    assert marked(mark) == []


def test_sweep_spares_other_stacks(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "300"], env={"STADTFUNK_STACK": str(tmp_path / "other")}) as other:
        try:
            assert sweep(str(tmp_path)) == 0
            assert other.poll() is None
        finally:
            other.kill()
