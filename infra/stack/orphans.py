"""Ends what a stack left behind: ``python -m infra.stack.orphans MARK`` waits for its input to close, then sweeps.

The supervisor holds the other end of that input. However the supervisor dies, the kernel closes it, and the
guard ends every process that carries the stack's mark, children of children too. (Each child also has a
leash of its own, see ``leash.py``; this is for what the children started.)
"""

import contextlib
import os
import signal
import subprocess
import sys

import psutil

MARK = "STADTFUNK_STACK"  # environment variable; its value is the data folder


def marked(mark: str) -> list[psutil.Process]:
    """Running processes of this user that carry the mark, ourselves left out."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(MARK) == mark:
                found.append(process)
    return found


def sweep(mark: str) -> int:
    """Kill them until none is left; gives how many there were."""
    ended: set[int] = set()
    while processes := [p for p in marked(mark) if p.status() != psutil.STATUS_ZOMBIE]:
        for process in processes:
            with contextlib.suppress(psutil.Error):
                process.kill()
            ended.add(process.pid)
        psutil.wait_procs(processes, timeout=1)
    return len(ended)


def guard(mark: str) -> "subprocess.Popen[bytes]":
    """Start the guard; closing its ``stdin`` (or dying) lets it sweep and end."""
    return subprocess.Popen(
        (sys.executable, "-m", "infra.stack.orphans", mark),
        stdin=subprocess.PIPE,
        start_new_session=True,
    )


def _main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    sweep(sys.argv[1])


if __name__ == "__main__":
    _main()
