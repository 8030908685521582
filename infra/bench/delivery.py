"""End to end at 100 events a second: from the call that publishes to the first line of the function.

Producer and worker are processes of their own; clocks are the machine's monotonic one. Includes the
stream's write, the pull and the reading of the event.
"""

import asyncio
import json
import subprocess
import sys
import time
from statistics import median, quantiles
from typing import Final

from events import CloudEvent
from events.envelope import now
from infra.bench.worker import nats
from shared.jetstream import JetStreamBus
from shared.settings import NatsSettings

RATE: Final = 100.0  # events a second


def run(quick: bool = False) -> dict[str, object]:
    """Milliseconds: median, 99th percentile, longest; the bar is 5 ms for p99 on an idle machine."""
    count = 300 if quick else 3_000
    with nats() as settings:
        command = [sys.executable, "-m", "infra.bench._consumers", "delivery", settings.model_dump_json(), str(count)]
        consumer = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            asyncio.run(_produce(settings, count))
            out, err = consumer.communicate(timeout=60)
        finally:
            consumer.kill()
        if consumer.returncode:
            raise RuntimeError(f"the worker failed: {err[-2000:]}")
    waits = [wait * 1e3 for wait in json.loads(out.splitlines()[-1])["waits"]]
    return {
        "p50_ms": median(waits),
        "p99_ms": quantiles(waits, n=100)[98],
        "max_ms": max(waits),
        "events": len(waits),
        "rate": RATE,
    }


async def _produce(settings: NatsSettings, count: int) -> None:
    bus = JetStreamBus(settings)
    await bus.connect()
    try:
        async with asyncio.timeout(30):
            while not any(  # noqa: ASYNC110 - another process makes it
                s.config.name == "EVENTS" and s.state.consumer_count for s in await bus.jetstream.streams_info()
            ):
                await asyncio.sleep(0.05)
        start = time.monotonic() + 0.5
        for number in range(count):
            await asyncio.sleep(max(0.0, start + number / RATE - time.monotonic()))
            data = json.dumps({"sent": time.monotonic(), "text": "x" * 900}).encode()
            await bus.publish(CloudEvent(id=str(number), source="/bench", type="bench.sent", data=data, time=now()))
    finally:
        await bus.close()
