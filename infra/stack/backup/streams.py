"""Streams with their consumers and the key-value buckets, by the server's snapshot and restore requests.

A snapshot keeps sequence numbers, so revisions of state and positions of consumers hold after a restore.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from nats.aio.client import Client
from nats.errors import TimeoutError as NatsTimeout

from infra.stack.backup.archive import BackupError

CHUNK = 128 * 1024
PAUSE_S = 3600  # should we die, the server lets the consumers go on by itself
OURS = ("EVENTS", "DEAD", "SCHEDULES", "ORDERED_", "KV_")  # names, or beginnings that end in "_"
# State first: an event is published only after its revision was reserved. Derived streams last: they then hold
# every event that the copy of their origin holds.
_ORDER = {"EVENTS": 1, "ORDERED": 2}


def is_ours(stream: str) -> bool:
    """Whether the stream belongs to the house (a shared NATS may hold others')."""
    return any(stream.startswith(name) if name.endswith("_") else stream == name for name in OURS)


async def names(client: Client) -> list[str]:
    """Our streams, in the order they are to be saved."""
    found = [str(info.config.name) for info in await client.jetstream().streams_info()]
    return sorted(filter(is_ours, found), key=lambda name: (_ORDER.get(name.partition("_")[0], 0), name))


@asynccontextmanager
async def paused(client: Client, wait_s: float) -> AsyncIterator[dict[str, int]]:
    """Pause every consumer; gives, by consumer, what was still unacknowledged after ``wait_s`` seconds."""
    consumers = [(s, str(c.name)) for s in await names(client) for c in await client.jetstream().consumers_info(s)]
    until = (datetime.now(UTC) + timedelta(seconds=PAUSE_S)).isoformat()
    try:
        for stream, consumer in consumers:
            await _asked(client, f"CONSUMER.PAUSE.{stream}.{consumer}", {"pause_until": until})
        yield await _settled(client, consumers, wait_s)
    finally:
        for stream, consumer in consumers:
            await _asked(client, f"CONSUMER.PAUSE.{stream}.{consumer}", {})


async def save(client: Client, stream: str, folder: Path) -> int:
    """Write one stream; gives its messages.

    Raises:
        BackupError: the server broke the snapshot off.
    """
    await _caught_up(client, stream)
    inbox = client.new_inbox()
    chunks = await client.subscribe(inbox)
    try:
        wish = {"deliver_subject": inbox, "no_consumers": False, "chunk_size": CHUNK}
        described = await _asked(client, f"STREAM.SNAPSHOT.{stream}", wish)
        with (folder / f"{stream}.snapshot").open("wb") as file:
            while True:
                message = await chunks.next_msg(timeout=30)
                status = (message.headers or {}).get("Status")
                if status is not None and not status.startswith("2"):
                    raise BackupError(f"stream {stream}: the server broke the snapshot off with status {status}")
                if not message.data:
                    break
                file.write(message.data)
                if message.reply:
                    await client.publish(message.reply, b"")
    except NatsTimeout:
        raise BackupError(f"stream {stream}: the server stopped sending the snapshot; try again") from None
    finally:
        await chunks.unsubscribe()
    kept = {"config": described["config"], "state": described["state"]}
    (folder / f"{stream}.json").write_text(json.dumps(kept, indent=1), encoding="utf-8")
    return int(described["state"]["messages"])


async def bring_back(client: Client, stream: str, folder: Path, *, replicas: int, last_of: dict[str, int]) -> int:
    """Restore one stream; gives its messages. ``last_of``: last sequence by stream, of the streams saved."""
    kept = json.loads((folder / f"{stream}.json").read_text(encoding="utf-8"))
    config, state = kept["config"], kept["state"]
    config["num_replicas"] = replicas
    for source in config.get("sources") or []:
        # What was moved over is in the copy (or done); a derived stream that is empty would begin anew.
        if source["name"] in last_of:
            source["opt_start_seq"] = last_of[source["name"]] + 1
            source.pop("opt_start_time", None)
    answer = await _asked(client, f"STREAM.RESTORE.{stream}", {"config": config, "state": state})
    with (folder / f"{stream}.snapshot").open("rb") as file:
        while chunk := file.read(CHUNK):
            said = await client.request(answer["deliver_subject"], chunk, timeout=30)
            _refused(stream, said.data)
    made = await client.request(answer["deliver_subject"], b"", timeout=120)
    _refused(stream, made.data)
    for consumer in await client.jetstream().consumers_info(stream):
        # They were copied while paused.
        await _asked(client, f"CONSUMER.PAUSE.{stream}.{consumer.name}", {})
    now = (await client.jetstream().stream_info(stream)).state.messages
    if now != state["messages"] and not config.get("max_age"):
        raise BackupError(f"stream {stream} holds {now} messages after the restore, {state['messages']} were saved")
    return int(now)


async def _settled(client: Client, consumers: list[tuple[str, str]], wait_s: float) -> dict[str, int]:
    """Wait for what is in functions' hands: acknowledged, or put back for a later attempt."""
    deadline = time.monotonic() + wait_s
    while True:
        at_work: dict[str, int] = {}
        for stream, consumer in consumers:
            info = await client.jetstream().consumer_info(stream, consumer)
            if info.num_ack_pending:
                at_work[consumer] = info.num_ack_pending
        if not at_work or time.monotonic() > deadline:
            return at_work
        await asyncio.sleep(0.1)


async def _caught_up(client: Client, stream: str) -> None:
    """Wait until a derived stream has what its origins have."""
    deadline = time.monotonic() + 30
    while any(source.lag for source in (await client.jetstream().stream_info(stream)).sources or []):
        if time.monotonic() > deadline:
            raise BackupError(f"stream {stream} lags behind its origin for 30 s; try when less is going on")
        await asyncio.sleep(0.05)


async def _asked(client: Client, verb: str, body: dict[str, Any]) -> dict[str, Any]:
    said = await client.request(f"$JS.API.{verb}", json.dumps(body).encode(), timeout=30)
    _refused(verb, said.data)
    answer: dict[str, Any] = json.loads(said.data)
    return answer


def _refused(what: str, data: bytes) -> None:
    error = json.loads(data).get("error") if data else None
    if error:
        raise BackupError(f"{what}: NATS refuses it: {error.get('description')}")
