"""Zammad's webhook: from the request to the answer, which comes once the event is stored.

A host process and NATS of this benchmark alone; 25 deliveries a second of 8 KB, each on a connection of its own as
Zammad sends them, whatever became of those before. Every one tells of another article.
"""

import asyncio
import hashlib
import hmac
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median, quantiles
from typing import Final
from uuid import uuid4

import aiohttp

from infra.bench.worker import nats
from infra.stack.ports import free_port
from infra.stack.servers import HOST
from infra.worker.provision import provision
from shared.errors import StadtfunkError
from shared.jetstream import JetStreamBus
from shared.settings import NatsSettings

RATE: Final = 25.0  # deliveries a second; a city's help desk sees as many in an hour
_TOKEN: Final = "a-token-of-this-benchmark"  # noqa: S105
_START_S: Final = 60.0


def run(quick: bool = False) -> dict[str, object]:
    """Milliseconds: median, 99th percentile, longest; the bar is 50 ms for p99."""
    count, port = 150 if quick else 1_500, free_port()
    with nats() as settings, tempfile.TemporaryDirectory(prefix="stadtfunk-bench-") as folder:
        (Path(folder) / "zammad-webhook").write_text(_TOKEN, encoding="utf-8")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("STADTFUNK_")}
        environment |= {
            "STADTFUNK_NATS__URL": settings.url,
            "STADTFUNK_SECRETS_DIR": folder,
            "STADTFUNK_HOST__PORT": str(port),
            "STADTFUNK_TELEMETRY__LOG_LEVEL": "error",
            "STADTFUNK_ZAMMAD__GROUPS": json.dumps([{"name": "Amt"}]),
        }
        host = subprocess.Popen([str(Path(sys.executable).parent / "stadtfunk"), "serve"], env=environment)
        try:
            waits, answers, stored = asyncio.run(_offer(settings, f"http://{HOST}:{port}", count))
        finally:
            host.terminate()
            host.wait(30)
    if answers != {202: count} or stored != count:
        raise StadtfunkError(f"of {count} deliveries {stored} were stored; answers: {dict(answers)}")
    return {
        "p50_ms": median(waits),
        "p99_ms": quantiles(waits, n=100)[98],
        "max_ms": max(waits),
        "bar_p99_ms": 50.0,
        "deliveries": count,
        "rate": RATE,
        "cores": os.cpu_count() or 0,
        "load_1min": os.getloadavg()[0],
    }


async def _offer(settings: NatsSettings, url: str, count: int) -> tuple[list[float], Counter[int], int]:
    bus = JetStreamBus(settings)
    await bus.connect()
    await provision(bus.jetstream, {}, settings)
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    waits: list[float] = []
    answers: Counter[int] = Counter()
    async with aiohttp.ClientSession(connector=connector) as session:
        await _ready(session, url)
        for number in range(1, 21):  # what a new process loads at its first calls
            await _send(session, url, number)
        before = (await bus.jetstream.stream_info("EVENTS")).state.messages

        async def one(number: int, due: float) -> None:
            answers[await _send(session, url, number)] += 1
            waits.append((time.perf_counter() - due) * 1e3)

        start = time.perf_counter()
        async with asyncio.TaskGroup() as sending:
            for number in range(count):
                due = start + number / RATE
                await asyncio.sleep(due - time.perf_counter())
                sending.create_task(one(1000 + number, due))
    stored = (await bus.jetstream.stream_info("EVENTS")).state.messages - before
    await bus.close()
    return waits, answers, stored


async def _send(session: aiohttp.ClientSession, url: str, article_id: int) -> int:
    article = {"id": article_id, "sender": "Customer", "type": "email", "internal": False, "from": "a@example.org"}
    payload = {"ticket": {"id": 6, "group": {"name": "Amt"}}, "article": {**article, "body": "Guten Tag! " * 700}}
    body = json.dumps(payload).encode()
    headers = {
        "content-type": "application/json",
        "x-zammad-delivery": str(uuid4()),
        "x-hub-signature": "sha1=" + hmac.new(_TOKEN.encode(), body, hashlib.sha1).hexdigest(),
    }
    async with session.post(f"{url}/zammad/webhook", data=body, headers=headers) as answer:
        await answer.read()
        return answer.status


async def _ready(session: aiohttp.ClientSession, url: str) -> None:
    async with asyncio.timeout(_START_S):
        while True:
            try:
                async with session.get(f"{url}/healthz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)
