"""Keeps the processes of a stack running: starts them in order, restarts what dies, ends all of them in time."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from infra.stack.folder import DataFolder
from infra.stack.orphans import guard, sweep
from infra.stack.process import Process, StartError
from infra.stack.progress import Progress
from infra.stack.servers import Server

POLL_S = 0.1
GRACE_S = 1.4  # for each of two groups: the whole stop must take less than 5 s


@dataclass(frozen=True)
class Backoff:
    """Seconds before restart number ``n`` (from 0) of a process that keeps dying; a healthy run resets it."""

    first: float = 0.2
    most: float = 30.0
    healthy_s: float = 60.0

    def delay(self, n: int) -> float:
        """Doubles each time up to ``most``."""
        return min(self.most, self.first * 2.0 ** min(n, 30))


class Supervisor:
    """The running stack of one data folder. Use from the main thread's event loop only."""

    def __init__(self, folder: DataFolder, progress: Progress, backoff: Backoff | None = None) -> None:
        self._folder = folder
        self._progress = progress
        self._backoff = backoff or Backoff()
        self._groups: list[list[Process]] = []
        self._watchers: list[asyncio.Task[None]] = []
        self._guard = guard(folder.mark)

    async def start(self, servers: Sequence[Server]) -> None:
        """Start these together and keep them running from then on.

        Raises:
            StartError: one did not become ready; the others are left running until ``stop``.
        """
        processes = [Process(s, self._folder.logs / f"{s.name}.log", mark=self._folder.mark) for s in servers]
        self._groups.append(processes)
        try:
            async with asyncio.TaskGroup() as group:
                for process in processes:
                    group.create_task(self._first_start(process))
        except* StartError as failures:
            raise failures.exceptions[0] from None

    async def stop(self) -> None:
        """End everything: our own processes first, so that they can still write, then the servers."""
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        # Last started, first ended: our own processes write to the servers until they end.
        for group in reversed(self._groups):
            await self._end(group)
        sweep(self._folder.mark)
        self._guard.kill()  # its work is done
        self._guard.wait()
        if self._guard.stdin:
            self._guard.stdin.close()

    async def _first_start(self, process: Process) -> None:
        name = process.server.name
        self._progress.part(name, "starting")
        try:
            seconds = await process.start()
        except StartError:
            self._progress.part(name, "failed", note=f"log: {process.log}")
            raise
        self._progress.part(name, "ready", seconds=seconds, pid=process.pid or 0)
        self._watchers.append(asyncio.create_task(self._watch(process)))

    async def _watch(self, process: Process) -> None:
        """Bring one process back each time it ends."""
        name, failures = process.server.name, 0
        while True:
            began = time.monotonic()
            while process.running:
                await asyncio.sleep(POLL_S)
                process.rotate()
            failures = 0 if time.monotonic() - began > self._backoff.healthy_s else failures + 1
            delay = self._backoff.delay(failures - 1) if failures else 0.0
            said = f"ended with status {process.returncode}; again in {delay:.1f} s; log: {process.log}"
            self._progress.part(name, "restarting", note=said)
            process.kill()  # what it started itself must not hold its ports
            await asyncio.sleep(delay)
            try:
                seconds = await process.start()
            except StartError as error:
                self._progress.part(name, "failed", note=str(error).splitlines()[0])
                process.kill()
            else:
                self._progress.part(name, "ready", seconds=seconds, pid=process.pid or 0)

    async def _end(self, processes: Sequence[Process]) -> None:
        ending = [process for process in processes if process.running]
        await asyncio.gather(*(asyncio.to_thread(process.stop, GRACE_S) for process in ending))
        for process in ending:
            self._progress.part(process.server.name, "stopped")
