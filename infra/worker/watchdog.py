"""Heartbeats while a function blocks the event loop.

A function should leave heavy work to a thread; one that does not must still not be run twice. So a
thread looks whether the loop still turns, and while it does not, says "in progress" for everything the
worker holds, over a connection of its own. Code that also holds the interpreter's lock is beyond help.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import nats.errors
import structlog

from shared.connection import connect
from shared.errors import StadtfunkError
from shared.settings import NatsSettings

_log = structlog.get_logger()


class Watchdog:
    """A thread that beats for a loop which stands still."""

    def __init__(self, settings: NatsSettings, replies: Callable[[], list[str]]) -> None:
        self._settings = settings
        self._replies = replies  # where heartbeats go; called from the thread
        self._every_s = settings.ack_wait_s / 6
        self._turned = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def turned(self, now: float) -> None:
        """The loop is alive; called by its sweeper."""
        self._turned = now

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        self._thread.join(timeout=2.0)

    @property
    def _stands_still(self) -> bool:
        return time.monotonic() - self._turned > self._every_s

    def _watch(self) -> None:
        while not self._stop.wait(self._every_s):
            if self._stands_still:
                # Away or refused: the loop will see for itself when it turns again.
                with suppress(StadtfunkError, OSError, nats.errors.Error, RuntimeError):
                    asyncio.run(self._beat())

    async def _beat(self) -> None:
        _log.warning("a function blocks the event loop; heartbeats go on beside it")
        client = await connect(self._settings, name="stadtfunk-watchdog")
        try:
            while self._stands_still and not self._stop.is_set():
                for reply in self._replies():
                    await client.publish(reply, b"+WPI")
                await client.flush()
                await asyncio.sleep(self._every_s)
        finally:
            await client.close()
