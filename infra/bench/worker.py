"""CPU of one handled event: the worker beside raw nats-py (pull and ack) and FastStream's pull subscriber.

A no-op function, 1 KB, 9 headers, credit 64, all on uvloop; each run in a process of its own, the three
kinds in turn; medians. The worker runs with timeout, heartbeats, trace context and metrics on.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Final
from uuid import uuid4

from events import CloudEvent
from events.envelope import now
from events.subjects import subject_of
from infra.stack import servers
from infra.stack.ports import free_port
from infra.stack.process import Process
from infra.worker.provision import provision
from shared.jetstream import JetStreamBus
from shared.settings import NatsSettings

KINDS: Final = ("raw", "stadtfunk", "faststream")
_TRACE: Final = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def run(quick: bool = False) -> dict[str, object]:
    """Figures: microseconds an event (``us_*``), and their ratios."""
    count, rounds = (4_000, 1) if quick else (20_000, 5)
    spent: dict[str, list[float]] = {kind: [] for kind in KINDS}
    with nats() as settings:
        asyncio.run(_fill(settings, count))
        for _ in range(rounds):
            for kind in KINDS:
                spent[kind].append(_measure(kind, settings, count))
                asyncio.run(_forget(settings))
    us = {kind: median(values) for kind, values in spent.items()}
    return {
        "ratio_to_raw": us["stadtfunk"] / us["raw"],
        "ratio_to_faststream": us["stadtfunk"] / us["faststream"],
        **{f"us_{kind}": value for kind, value in us.items()},
        "events": count,
        "rounds": rounds,
        "runs_us": {kind: [round(value, 1) for value in values] for kind, values in spent.items()},
        "cores": os.cpu_count() or 0,
        "load_1min": os.getloadavg()[0],
    }


@contextmanager
def nats() -> Iterator[NatsSettings]:
    """A NATS server of this benchmark alone, in memory where there is such a folder: no disk is measured."""
    memory = Path("/dev/shm")  # noqa: S108
    with tempfile.TemporaryDirectory(prefix="stadtfunk-bench-", dir=memory if memory.is_dir() else None) as folder:
        name = f"bench-{uuid4().hex[:8]}"
        server = servers.nats_server(Path(folder) / "nats", lambda _: free_port(), name=name)
        process = Process(server, Path(folder) / "nats.log")
        process.spawn()
        try:
            asyncio.run(process.ready())
            yield NatsSettings(url=server.provides["STADTFUNK_NATS__URL"], server_name=name)
        finally:
            process.stop()


async def _fill(settings: NatsSettings, count: int) -> None:
    bus = JetStreamBus(settings)
    await bus.connect()
    await provision(bus.jetstream, {}, settings)
    fields = {"page_id": "befi:1064292", "source": "befi", "revision": 3, "content_hash": "a" * 64}
    data = json.dumps(fields | {"text": "x" * (1024 - len(json.dumps(fields | {"text": ""})))}).encode()

    async def publish(number: int) -> None:
        event = CloudEvent(
            id=str(uuid4()),
            source="/bench",
            type="bench.measured",
            data=data,
            subject="befi:1064292",
            time=now(),
            extensions={"traceparent": _TRACE},
        )
        await bus.publish(event, key=f"page {number % 500}")

    try:
        for start in range(0, count, 200):
            await asyncio.gather(*(publish(number) for number in range(start, start + 200)))
        stored = await bus.jetstream.get_msg("EVENTS", 1)
        assert stored.headers is not None  # noqa: S101
        assert (len(stored.headers), len(stored.data or b"")) == (9, 1024)  # noqa: S101 - what the figures are said for
        assert subject_of("bench.measured", "page 0") == stored.subject  # noqa: S101
    finally:
        await bus.close()


async def _forget(settings: NatsSettings) -> None:
    bus = JetStreamBus(settings)
    await bus.connect()
    try:
        for consumer in await bus.jetstream.consumers_info("EVENTS"):
            await bus.jetstream.delete_consumer("EVENTS", consumer.name)
    finally:
        await bus.close()


def _measure(kind: str, settings: NatsSettings, count: int) -> float:
    command = [sys.executable, "-m", "infra.bench._consumers", kind, settings.model_dump_json(), str(count)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=300, text=True)
    if done.returncode:
        raise RuntimeError(f"{kind} failed: {done.stderr[-2000:]}")
    return float(json.loads(done.stdout.splitlines()[-1])["us"])
