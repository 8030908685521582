"""An object that the storage refuses to show: it holds up no other, and is told once it can be seen."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

import pytest
from aiohttp import ClientSession, web
from yarl import URL

from shared.metrics import OBJECTS_REFUSED
from shared.settings import NatsSettings, ObjectSettings
from tests.integration.storeroom import Storeroom, calling, storeroom
from tests.integration.workbench import until

MANY = 40  # more than the tail looks at at once


@dataclass
class Gate:
    """Stands before the storage and lets everything through but questions about what a test names."""

    storage: str
    refused: set[str] = field(default_factory=set)  # ends of paths: 403
    failing: dict[str, int] = field(default_factory=dict)  # the same: how often 503
    session: ClientSession | None = None

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Pass one request on, as it was signed."""
        if request.headers.get("expect"):
            assert request.transport is not None
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")  # else boto3 waits a second with the body
        name = unquote(request.raw_path).partition("?")[0].rpartition("/")[2]
        if request.method == "HEAD" and name in self.refused:
            return web.Response(status=403)
        if request.method == "HEAD" and self.failing.get(name):
            self.failing[name] -= 1
            return web.Response(status=503)
        assert self.session is not None
        url, body = URL(self.storage + request.raw_path, encoded=True), await request.read()
        async with self.session.request(request.method, url, headers=request.headers, data=body) as answer:
            skipped = ("transfer-encoding", "content-encoding")
            headers = {name: value for name, value in answer.headers.items() if name.lower() not in skipped}
            return web.Response(status=answer.status, headers=headers, body=await answer.read())


@pytest.fixture
async def gate(s3_settings: ObjectSettings) -> AsyncIterator[tuple[Gate, ObjectSettings]]:
    """The gate, and settings that lead through it."""
    gate = Gate(str(s3_settings.endpoint))
    async with ClientSession(auto_decompress=False) as gate.session:
        server = web.ServerRunner(web.Server(gate))
        await server.setup()
        site = web.TCPSite(server, "127.0.0.1", 0)
        await site.start()
        host, port = server.addresses[0][:2]
        yield gate, s3_settings.model_copy(update={"endpoint": f"http://{host}:{port}"})
        await server.cleanup()


async def aside(room: Storeroom) -> list[str]:
    return [key for key in await room._state.bucket("storage").keys() if key.startswith("refused/")]


async def test_refused_it_is_set_aside_and_told_by_a_listing_once_it_can_be_seen(
    gate: tuple[Gate, ObjectSettings], nats_settings: NatsSettings
) -> None:
    before, settings = OBJECTS_REFUSED._value.get(), gate[1]
    async with storeroom(nats_settings, settings) as room, room.worker():
        gate[0].refused = {f"no-{number}.jpg" for number in range(3)}
        gate[0].failing = {"later.jpg": 4}
        for name in (*sorted(gate[0].refused), "later.jpg"):
            await room.put(name)
        for number in range(MANY):
            await room.put(f"yes-{number}.jpg")
        await until(lambda: len(room.seen) == MANY + 1, "all but those that are refused")
        assert "later.jpg" in room.keys  # a fault that passed
        assert len(await aside(room)) == 3
        assert OBJECTS_REFUSED._value.get() - before == 3
        await room.reconcile()
        assert len(await aside(room)) == 3
        gate[0].refused = {"no-2.jpg"}
        await room.objects.delete(room.bucket, "no-2.jpg")
        await room.reconcile()
        await until(lambda: len(room.seen) == MANY + 3, "those that can be seen now")
        gate[0].refused = set()
        await room.reconcile()
        assert await aside(room) == []
        await room.bench.settled("note")
        assert set(room.seen.values()) == {1}
        assert await room.bench.count("DEAD") == 0


async def test_one_that_is_refused_keeps_no_other_of_its_notification_back(
    gate: tuple[Gate, ObjectSettings], nats_settings: NatsSettings, tmp_path: Path
) -> None:
    settings = gate[1].model_copy(update={"filer": None})
    async with storeroom(nats_settings, settings) as room, room.worker(), calling(room, tmp_path) as caller:
        gate[0].refused = {"no.jpg"}
        for name in ("no.jpg", "yes.jpg"):
            await room.put(name)
        told = {"Records": [*room.aws("no.jpg")["Records"], *room.aws("yes.jpg")["Records"]]}
        assert await caller.sign(told) == (202, {"objects": 1})
        await room.publish(told)
        await until(lambda: room.keys == ["yes.jpg"])
        await room.bench.settled("take_notification")
        assert len(await aside(room)) == 1
        gate[0].refused = set()
        await room.reconcile()
        await until(lambda: room.keys == ["no.jpg", "yes.jpg"], "it can be seen now")
        assert await room.bench.count("DEAD") == 0
