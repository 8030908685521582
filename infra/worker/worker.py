"""The worker: one process that runs event functions on what NATS holds for them."""

import asyncio
import gc
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import nats.errors
import structlog
from nats.js.errors import Error as JetStreamError

from infra.notifications.filer import Tail
from infra.worker import schedules
from infra.worker.attempts import BUCKET, Attempts
from infra.worker.lanes import Lanes
from infra.worker.provision import provision, sources
from infra.worker.pull import Pull
from infra.worker.watchdog import Watchdog
from shared import metrics
from shared.backends import Backends
from shared.catalogue import Catalogue
from shared.errors import BackendError
from shared.function import EventFunction
from shared.jetstream import JetStreamBus
from shared.settings import Settings

SWEEP_S: Final = 0.25
DRAIN_S: Final = 25.0  # Kubernetes kills 30 s after SIGTERM
PATIENCE_S: Final = 24 * 3600.0  # how long a backend may be away before events become dead letters for it
_LATE_S: Final = 1.0  # a sweep later than that: something blocked the loop
_LAG_S: Final = 5.0
_CATCH_UP_S: Final = 3600.0
_log = structlog.get_logger()


class Worker:
    """Runs ``functions`` within the limits of the catalogue.

    async with Worker(functions, catalogue, settings):   # streams and durables are there from here on
        ...
    """

    def __init__(
        self,
        functions: Mapping[str, EventFunction],
        catalogue: Catalogue,
        settings: Settings,
        *,
        backends: Backends | None = None,
        drain_s: float = DRAIN_S,
    ) -> None:
        self._functions = dict(functions)
        self._catalogue = catalogue
        self._settings = settings
        self._own = backends is None
        self._backends = backends or Backends(settings, catalogue=catalogue)
        self._drain_s = drain_s
        self._bus = JetStreamBus(settings.nats, name="stadtfunk-worker")
        self._lanes: list[Lanes] = []
        self._pulls: list[Pull] = []
        self._watchdog = Watchdog(settings.nats, self._replies)
        self._tasks: list[asyncio.Task[None]] = []
        self._repairing = asyncio.Lock()
        self._repaired = 0.0
        self._failed: asyncio.Future[None] | None = None
        self._back = asyncio.Event()

    async def __aenter__(self) -> "Worker":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Connect, make streams and durables, begin to pull.

        Raises:
            BackendError: NATS does not answer.
            ProvisionError: NATS holds something that cannot be changed to what is asked.
        """
        await self._bus.connect()
        try:
            await self._provision(report=True)
            attempts = Attempts(
                self._backends.state.bucket(BUCKET, ttl_s=float(self._settings.nats.max_age_s)),
            )
            suspects = asyncio.Lock()
            for name, function in self._functions.items():
                entry = self._catalogue.functions[name]
                lanes = Lanes(
                    function,
                    entry,
                    backends=self._backends,
                    bus=self._bus,
                    attempts=attempts,
                    suspects=suspects,
                    ack_wait_s=self._settings.nats.ack_wait_s,
                    patience_s=min(PATIENCE_S, self._settings.nats.max_age_s / 2),
                    traced=self._settings.telemetry.otlp_endpoint is not None,
                )
                lanes.start()
                self._lanes.append(lanes)
                for source in sources(name, entry):
                    lanes.pulls.append(Pull(self._bus.client, source, lanes.deliver, self._repair))
                self._pulls += lanes.pulls
            self._bus.on_reconnect(self._reconnected)
            self._failed = asyncio.get_running_loop().create_future()
            for pull in self._pulls:
                await pull.start()
            self._watchdog.start()
            bodies = [self._sweep, self._measure, self._catch_up]
            objects, watches = self._settings.objects, self._catalogue.watches()
            if objects.filer is not None and watches:
                bodies.append(Tail(objects.filer, objects, watches, self._bus, self._backends.state).run)
            for body in bodies:
                self._tasks.append(asyncio.create_task(body()))
        except BaseException:
            await self._bus.close()
            raise
        _log.info("worker runs", count=len(self._functions))

    async def stop(self) -> None:
        """Take nothing more, finish what is in work, give back what does not finish in time."""
        await asyncio.gather(*(pull.stop() for pull in self._pulls))
        await asyncio.gather(*(lanes.stop(self._drain_s) for lanes in self._lanes))
        left = set(self._tasks)
        while left:
            for task in left:
                task.cancel()
            # Once is not enough: nats-py swallows a cancellation that comes while it writes.
            _, left = await asyncio.wait(left, timeout=0.2)
        self._watchdog.stop()
        with suppress(nats.errors.Error, BackendError, OSError):  # no connection: what was not acked comes again
            await self.flush()
        await self._bus.close()
        if self._own:
            await self._backends.close()
        _log.info("worker stopped")

    async def flush(self) -> None:
        """Wait until the server has every ack written so far."""
        await self._bus.client.flush(timeout=2)

    async def run(self) -> None:
        """Work until SIGTERM or SIGINT, then drain.

        Raises:
            BackendError: the connection was closed for good.
        """
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await self.start()
        # What is loaded now stays: the collector need not walk it again with every thousandth event.
        gc.collect()
        gc.freeze()
        try:
            assert self._failed is not None  # noqa: S101 - set by start
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait((stopping, self._failed), return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if self._failed.done():
                self._failed.result()
        finally:
            await self.stop()

    def _replies(self) -> list[str]:
        return [reply for lanes in self._lanes for reply in lanes.replies()]

    async def _provision(self, *, report: bool = False) -> None:
        entries = {name: self._catalogue.functions[name] for name in self._functions}
        js = self._bus.jetstream
        did = await provision(js, entries, self._settings.nats, known=self._catalogue.functions)
        if report:
            for orphan in did.orphans:
                _log.warning("durable without a function; delete it or bring the function back", consumer=orphan)
        await schedules.sync(js, self._catalogue, self._functions)

    async def _repair(self) -> None:
        """Bring back what someone deleted; many pulls may ask at once."""
        asked = time.monotonic()
        async with self._repairing:
            if asked >= self._repaired:
                await self._provision()
                self._repaired = time.monotonic()

    async def _reconnected(self) -> None:
        self._back.set()
        for pull in self._pulls:
            pull.restart(repair=True)

    async def _sweep(self) -> None:
        last = time.monotonic()
        while True:
            await asyncio.sleep(SWEEP_S)
            now = time.monotonic()
            self._watchdog.turned(now)
            late = now - last - SWEEP_S
            late = late if late > _LATE_S else 0.0
            last = now
            for lanes in self._lanes:
                await lanes.sweep(now, late)
            for pull in self._pulls:
                pull.listen(now, blocked=late > 0)
            if self._bus.client.is_closed and self._failed is not None and not self._failed.done():
                self._failed.set_exception(BackendError("nats", "the connection was closed for good"))

    async def _measure(self) -> None:
        while True:
            for name in self._functions:
                waiting = 0
                try:
                    for source in sources(name, self._catalogue.functions[name]):
                        waiting += (await self._bus.jetstream.consumer_info(source.stream, source.consumer)).num_pending
                except (nats.errors.Error, JetStreamError, OSError):
                    break  # no answer, no figure; the next round is near
                metrics.LAG.labels(name).set(waiting)
            await asyncio.sleep(_LAG_S)

    async def _catch_up(self) -> None:
        while True:
            self._back.clear()
            try:
                # A second look, as a firing that was due a moment ago may still come by itself at the first.
                for pause_s in (0.0, 2 * schedules.GRACE_S):
                    await asyncio.sleep(pause_s)
                    await schedules.catch_up(self._bus.jetstream, self._catalogue, self._functions)
            except (nats.errors.Error, JetStreamError, OSError) as error:
                _log.warning("missed firings not looked for", error=error)
                await asyncio.sleep(_LAG_S)
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(self._back.wait(), _CATCH_UP_S)
