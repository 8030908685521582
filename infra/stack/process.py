"""One supervised program: started on a leash, its output in a capped file, ended for certain."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from infra.stack.orphans import MARK
from infra.stack.ports import describe, is_free, listeners, owner
from infra.stack.servers import Server, inherited
from shared.errors import StadtfunkError

LEASH = Path(__file__).with_name("leash.py")
LOG_BYTES = 8 * 2**20


class StartError(StadtfunkError):
    """A program found its port taken, or ended or stayed silent before it was ready; says its last lines."""


class Process:
    """A running (or ended) server; ``start`` may be called again after it ended."""

    def __init__(self, server: Server, log: Path, *, mark: str = "") -> None:
        self.server = server
        self.log = log
        self._mark = mark
        self._popen: subprocess.Popen[bytes] | None = None
        self._offset = 0  # where this run's lines begin in the log

    @property
    def pid(self) -> int | None:
        """Process id, None before the first start."""
        return self._popen.pid if self._popen else None

    @property
    def returncode(self) -> int | None:
        """None while it runs."""
        return self._popen.poll() if self._popen else None

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._popen is not None and self._popen.poll() is None

    def spawn(self) -> None:
        """Start without waiting. Call from the main thread: the leash is tied to the thread that starts it.

        Raises:
            StartError: one of its ports is taken; a stranger's answer must never count as its own.
        """
        for port in self.server.ports:
            if not is_free(port):
                raise StartError(f"{self.server.name} needs port {port}, which is in use by {owner(port)}")
        self.server.folder.mkdir(parents=True, exist_ok=True)
        if self.server.prepare is not None:
            self.server.prepare()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.rotate()
        environment = {**inherited(), **self.server.environment}
        if self._mark:
            environment[MARK] = self._mark
        # Isolated, so that nothing of ours is imported there; the command itself is started normally.
        leash = (sys.executable, "-I", "-S", str(LEASH), str(os.getpid()))
        with self.log.open("ab") as output:
            self._offset = output.tell()
            self._popen = subprocess.Popen(
                (*leash, *self.server.command),
                cwd=self.server.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the supervisor alone, which ends us in order
            )

    async def ready(self) -> float:
        """Wait until its readiness request is answered; gives the seconds that took.

        Raises:
            StartError: it ended, was not ready within the server's patience, or another program answers in its place.
        """
        begin, last = time.monotonic(), "no answer"
        while True:
            if not self.running:
                raise StartError(
                    f"{self.server.name} ended with status {self.returncode} while starting\n{self.tail()}"
                )
            left = self.server.patience_s - (time.monotonic() - begin)
            if left <= 0:
                raise StartError(
                    f"{self.server.name} is not ready after {self.server.patience_s:.0f} s: {last}\n{self.tail()}"
                )
            try:
                await asyncio.wait_for(self.server.ready(), left)
            except StadtfunkError as error:
                last = str(error)
            except Exception as error:  # any client's own error: it is not there yet
                last = type(error).__name__
            else:
                if await asyncio.to_thread(self._listens):
                    return time.monotonic() - begin
                last = "another program answered, which is gone"
            await asyncio.sleep(0.05)

    def _listens(self) -> bool:
        """Whether it was this program that answered, and not one that took the port before it or shares it."""
        found = listeners(self.server.ports)
        for port, pids in found.items():
            for pid in pids:
                if pid is None or not self._own(pid):
                    who = describe(pid) if pid else "a process of another user"
                    raise StartError(f"{self.server.name} needs port {port}, which {who} took while it was starting")
        return not found or any(found.values())

    def _own(self, pid: int) -> bool:
        try:
            return os.getsid(pid) == self.pid
        except ProcessLookupError:  # whoever it was has just ended
            return True

    async def start(self) -> float:
        """Start and wait until ready; gives the seconds."""
        self.spawn()
        return await self.ready()

    def kill(self) -> None:
        """End it as a power cut would: SIGKILL to its whole session."""
        self._signal(signal.SIGKILL)
        if self._popen:
            self._popen.wait()
            if self.server.clear is not None:
                self.server.clear()

    def terminate(self) -> None:
        """Ask it to end, without waiting."""
        self._signal(signal.SIGTERM)

    def stop(self, grace_s: float = 4.0) -> None:
        """Ask it to end; kill it when it has not after ``grace_s``."""
        self.terminate()
        if self._popen:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(grace_s)
        self.kill()

    def rotate(self) -> None:
        """Keep the log below its limit, and one older part beside it; the writer appends, so it may be cut."""
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            shutil.copyfile(self.log, self.log.with_suffix(".log.1"))
            os.truncate(self.log, 0)
            self._offset = 0

    def tail(self, lines: int = 15) -> str:
        """The last lines this run wrote."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as file:
            file.seek(max(self._offset, self.log.stat().st_size - 16384))
            return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-lines:])

    def _signal(self, number: signal.Signals) -> None:
        if self._popen:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._popen.pid, number)
