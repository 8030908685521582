"""The library on a whole stack: the demo is loaded, fresh loans count within a minute, a reader is forgotten."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from standardwebhooks.webhooks import Webhook

from functions.library import fresh
from functions.library.loans import today
from shared.backends import Backends
from shared.settings import Settings
from tests.acceptance.conftest import Up
from tests.polling import eventually, until

FAR = ("auen-0101", "auen-1501")  # a thriller and a picture book: nobody borrows both in the demo


def _signed(up: Up, path: str, body: Any = None) -> tuple[int, Any]:
    """A request as the library's system sends it."""
    portal = next(fact for fact in up.facts if fact["event"] == "up")["addresses"]["portal"]
    text = "" if body is None else json.dumps(body)
    at, id, secret = datetime.now(UTC), uuid4().hex, (up.data / "secrets" / "library-webhook").read_text().strip()
    request = urllib.request.Request(  # noqa: S310 - our own loopback address
        f"{portal.rstrip('/')}{path}",
        data=text.encode() or None,
        headers={
            "content-type": "application/json",
            "webhook-id": id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(secret).sign(id, at, text),
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


async def _boosts(up: Up) -> fresh.Boosts:
    use = Backends(Settings(_env_file=up.data / "stack.env"))
    try:
        return await fresh.boosts(use)
    finally:
        await use.close()


@pytest.mark.heavy
async def test_the_demo_library_learns_counts_what_is_fresh_and_forgets(start_up: Callable[..., Up]) -> None:
    up = start_up("--only", "library")
    up.addresses()
    up.until(lambda fact: "the library's demo titles" in fact.get("text", ""), "the demo library", 400)
    assert not (up.data / "library" / "refused.csv").exists()

    readers = [f"Karte{uuid4().hex}" for _ in range(5)]
    loans = [{"reader": reader, "title": title, "day": str(today())} for reader in readers for title in FAR]
    start = time.monotonic()
    assert _signed(up, "/library/loans", {"loans": loans}) == (202, {"loans": 10})

    async def counted() -> bool:
        return (FAR[1], 5) in (await _boosts(up)).get(FAR[0], [])

    await eventually(counted, "five readers of both titles", deadline_s=60)
    assert time.monotonic() - start < 60  # the promise itself, not a measurement

    status, asked = _signed(up, "/library/forget", {"reader": readers[0].upper()})
    assert status == 202
    path = f"/library/forget/report?request_id={asked['request_id']}"
    until(lambda: _signed(up, path)[0] == 200, "the report", deadline_s=60)
    _, report = _signed(up, path)
    assert [(one["removed"], one["left"]) for one in report["searched"]] == [(2, 0), (2, 0), (0, 0)]

    async def uncounted() -> bool:
        return FAR[0] not in await _boosts(up)

    await eventually(uncounted, "four readers are too few to be counted", deadline_s=60)
    up.end(seconds=60)
    assert _holding(up.data, readers) == []


def _holding(folder: Path, readers: list[str]) -> list[str]:
    """Files of any server, log or model in which one of these ids stands."""
    needles = [form.encode() for reader in readers for form in (reader, reader.lower(), reader.upper())]
    files = (path for path in folder.rglob("*") if path.is_file())
    return [str(path) for path in files if any(needle in path.read_bytes() for needle in needles)]
