"""One contract, two transports: the same functions under the worker or the host, and under functions-framework."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from events import CloudEvent
from events.cms import PageChanged
from events.envelope import now
from functions.xnext.page import Page, Section
from infra.stack.ports import free_port
from infra.worker.provision import provision
from infra.worker.worker import Worker
from shared.backends import Backends
from shared.bus import derived_id, enveloped
from shared.catalogue import Catalogue
from shared.deadletters import DeadLetter
from shared.function import EventFunction
from shared.jetstream import JetStreamBus
from shared.metrics import FAILED
from shared.settings import NatsSettings, Settings
from tests.integration.hosting import catalogue_of, hosted, plain_settings, records
from tests.integration.programs import contract
from tests.polling import eventually

SOURCE = Path(contract.__file__)
ROOT = SOURCE.parents[3]
RETRY = {"attempts": 2, "initial": "10ms", "max": "20ms"}
ASKED: dict[str, Any] = {"events": [{"nats": {"type": "test.contract.asked"}}], "start": "all", "retry": RETRY}
CATALOGUE = catalogue_of(
    react_once={**ASKED, "timeout": "1s"},
    react_stream=ASKED,
    respond_json={"events": [{"http": {"method": "POST", "path": "/"}}], "access": "public", "max_body": 1000},
    respond_stream={"events": [{"http": {"path": "/"}}], "access": "public"},
    respond_closed={"events": [{"http": {"path": "/"}}], "access": "staff"},
)
EVENTS: dict[str, EventFunction] = {
    name: record
    for name, record in records(contract.react_once, contract.react_stream).items()
    if isinstance(record, EventFunction)
}
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


def event(how: str, id: str = "event-1", **fields: Any) -> CloudEvent:
    return CloudEvent(
        id=id,
        source="/test",
        type="test.contract.asked",
        subject="Erika",
        time=now(),
        data=json.dumps({"how": how, "who": "Erika", **fields}).encode(),
        extensions={"traceparent": f"00-{TRACE_ID}-b7ad6b7169203331-01"},
    )


class Streams:
    """What the streams hold."""

    def __init__(self, bus: JetStreamBus) -> None:
        self.bus = bus

    async def told(self) -> list[CloudEvent]:
        """Follow-ups, in the order they were stored."""
        return [
            CloudEvent.from_message(m.headers, m.data or b"")
            for m in await self._all("EVENTS")
            if (m.headers or {}).get("ce-type") == "test.contract.told"
        ]

    async def dead(self) -> list[DeadLetter]:
        """Dead letters."""
        return [DeadLetter.read(message.headers or {}, message.data or b"") for message in await self._all("DEAD")]

    async def _all(self, stream: str) -> list[Any]:
        state = (await self.bus.jetstream.stream_info(stream)).state
        return [await self.bus.jetstream.get_msg(stream, n) for n in range(max(1, state.first_seq), state.last_seq + 1)]


@pytest.fixture
async def streams(nats_settings: NatsSettings) -> AsyncIterator[Streams]:
    bus = JetStreamBus(nats_settings, name="test")
    await bus.connect()
    entries = {name: CATALOGUE.functions[name] for name in EVENTS}
    await provision(bus.jetstream, entries, nats_settings)
    yield Streams(bus)
    await bus.close()


@dataclass(frozen=True)
class Scene:
    """The servers of one test and a folder of its own."""

    streams: Streams
    nats: NatsSettings
    folder: Path


@pytest.fixture
def scene(streams: Streams, nats_settings: NatsSettings, tmp_path: Path) -> Scene:
    return Scene(streams, nats_settings, tmp_path)


Deliver = Callable[[CloudEvent], Awaitable[int | None]]


@asynccontextmanager
async def by_worker(name: str, scene: Scene) -> AsyncIterator[Deliver]:
    """Deliver through the stream, to a worker in this process."""
    settings = plain_settings(nats=scene.nats)
    use = Backends(settings)
    # The others' durables lie ready too; nobody pulls them.
    async with Worker({name: EVENTS[name]}, CATALOGUE, settings, backends=use):

        async def deliver(event: CloudEvent) -> None:
            await scene.streams.bus.publish(event, key=event.subject)

        yield deliver
    await use.close()


@asynccontextmanager
async def framework(
    name: str, nats: NatsSettings, folder: Path, source: Path = SOURCE, **more: str
) -> AsyncIterator[str]:
    """A real functions-framework process; yields its address. ``more`` goes into its environment."""
    catalogue = folder / "serverless.json"
    catalogue.write_text(_written(CATALOGUE))
    port = free_port()
    command = [Path(sys.executable).parent / "functions-framework", "--source", source, "--target", name]
    environment = {
        **os.environ,
        "STADTFUNK_NATS__URL": nats.url,
        "STADTFUNK_NATS__SERVER_NAME": str(nats.server_name),
        "STADTFUNK_CATALOGUE": str(catalogue),
        **more,
    }
    process = _started([*map(str, command), "--host", "127.0.0.1", "--port", str(port)], environment, folder)
    try:
        await eventually(lambda: _listens(port), "functions-framework listens", deadline_s=60)
        yield f"http://127.0.0.1:{port}/"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            await asyncio.to_thread(process.wait, 10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert b"geheim" not in (folder / "framework.log").read_bytes()
    assert b"Erika" not in (folder / "framework.log").read_bytes()


def _started(command: list[str], environment: dict[str, str], folder: Path) -> subprocess.Popen[bytes]:
    with (folder / "framework.log").open("wb") as log:
        return subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


def _written(catalogue: Catalogue) -> str:
    """The catalogue as a file: durations with their unit."""

    def unit(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {k: unit(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [unit(one) for one in value]
        return f"{value:g}s" if isinstance(value, float) and key in ("timeout", "initial", "max") else value

    return json.dumps(unit(catalogue.model_dump(exclude_unset=True)))


@asynccontextmanager
async def by_framework(name: str, scene: Scene) -> AsyncIterator[Deliver]:
    """Deliver by HTTP, as Knative does, to a process of functions-framework."""
    async with framework(name, scene.nats, scene.folder) as url, aiohttp.ClientSession() as session:

        async def deliver(event: CloudEvent) -> int:
            headers = event.headers()
            headers["ce-traceparent"] = headers.pop("traceparent")  # the extension's name in the HTTP binding
            async with session.post(url, data=event.data, headers=headers) as answer:
                if answer.status == 503:
                    assert int(answer.headers["Retry-After"]) >= 1
                assert "geheim" not in await answer.text()
                return answer.status

        yield deliver


@pytest.fixture(params=[by_worker, by_framework])
def transport(request: pytest.FixtureRequest) -> Any:
    return request.param


async def _count(look: Callable[[], Awaitable[list[Any]]], count: int) -> list[Any]:
    found = await look()
    return list(found) if len(found) >= count else []  # a copy: the list goes on growing


async def test_follow_ups_are_stored_with_equal_ids(transport: Any, scene: Scene) -> None:
    async with transport("react_once", scene) as deliver:
        assert await deliver(event("two")) in (None, 200)
        told = await eventually(lambda: _count(scene.streams.told, 2), "two follow-ups")
        assert await deliver(event("none", "event-2")) in (None, 200)
        assert await deliver(event("one", "event-3")) in (None, 200)
        await eventually(lambda: _count(scene.streams.told, 3), "a third")
    assert [json.loads(one.data)["number"] for one in told] == [1, 2]
    # Whatever ran it: the same cause has the same follow-ups, so a move from one to the other repeats nothing.
    expected = [contract.Told(who="Erika", number=number) for number in (1, 2)]
    assert [one.id for one in told] == [derived_id("react_once", "event-1", one, n) for n, one in enumerate(expected)]
    assert {one.source for one in told} == {"/functions/react_once"}
    assert {one.subject for one in told} == {"Erika"}
    assert all((one.traceparent or "").split("-")[1] == TRACE_ID for one in told)
    assert await scene.streams.dead() == []


async def test_a_generator_stores_each_before_it_goes_on(transport: Any, scene: Scene) -> None:
    async with transport("react_stream", scene) as deliver:
        assert await deliver(event("one")) in (None, 200)
        told = await eventually(lambda: _count(scene.streams.told, 2), "two follow-ups")
        # A repeat stores nothing anew.
        assert await deliver(event("one")) in (None, 200)
    assert len(await scene.streams.told()) == len(told) == 2


@pytest.mark.parametrize(
    ("body", "error", "reason"),
    [
        ({"how": "reject"}, "Reject", "the page has no title"),
        ({"how": "unheard of"}, "ValidationError", "how: Input should be 'one'"),
        ({"how": "one", "who": 5}, "ValidationError", "who: Input should be a valid string"),
    ],
)
async def test_a_reject_is_a_dead_letter_at_once(
    transport: Any,
    scene: Scene,
    body: dict[str, Any],
    error: str,
    reason: str,
) -> None:
    async with transport("react_once", scene) as deliver:
        assert await deliver(event(**body)) in (None, 422)
        (letter,) = await eventually(lambda: _count(scene.streams.dead, 1), "a dead letter")
    assert (letter.function, letter.error, letter.attempts) == ("react_once", error, 1 if error == "Reject" else 0)
    assert letter.reason.startswith(reason)
    assert json.loads(letter.data)["how"] == body["how"]
    assert letter.headers["ce-id"] == "event-1"
    assert await scene.streams.told() == []


@pytest.mark.parametrize(("how", "status"), [("retry", 503), ("bug", 500), ("slow", 503)])
async def test_what_failed_is_tried_again(transport: Any, scene: Scene, how: str, status: int) -> None:
    async with transport("react_once", scene) as deliver:
        said = await deliver(event(how))
        assert said in (None, status)
        if said is None:  # the worker tries as often as the catalogue says, then keeps it
            (letter,) = await eventually(lambda: _count(scene.streams.dead, 1), "a dead letter")
            assert letter.attempts == 2
        else:  # the platform pushes again, as often as it likes
            assert await scene.streams.dead() == []
    assert await scene.streams.told() == []


async def test_without_nats_no_event_is_taken(nats_settings: NatsSettings, tmp_path: Path) -> None:
    away = nats_settings.model_copy(update={"url": "nats://127.0.0.1:1"})
    async with framework("react_once", away, tmp_path) as url, aiohttp.ClientSession() as session:
        for how in ("one", "reject"):
            one = event(how)
            async with session.post(url, data=one.data, headers=one.headers()) as answer:
                assert answer.status == 503


async def test_an_outage_is_nobodys_fault(transport: Any, scene: Scene) -> None:
    """A backend that is away costs the event no attempt, however often it is tried."""
    failed = FAILED.labels("react_once", "BackendError")
    before = failed._value.get()
    async with transport("react_once", scene) as deliver:
        said = await deliver(event("away"))
        assert said in (None, 503)
        if said is None:

            async def tried() -> bool:
                return bool(failed._value.get() >= before + 4)

            await eventually(tried, "more attempts than the policy has")
        assert await scene.streams.dead() == []


@asynccontextmanager
async def by_host(handler: Any, nats: NatsSettings, _: Path) -> AsyncIterator[str]:
    """The host in this process."""
    name = handler.__name__
    catalogue = CATALOGUE.model_copy(update={"functions": {name: CATALOGUE.functions[name]}})
    bus = JetStreamBus(nats, name="test-host")
    async with hosted(catalogue, handler, settings=plain_settings(nats=nats), bus=bus) as url:
        yield f"{url}/"
    await bus.close()


@asynccontextmanager
async def by_http_framework(handler: Any, nats: NatsSettings, folder: Path) -> AsyncIterator[str]:
    """A process of functions-framework."""
    async with framework(handler.__name__, nats, folder) as url:
        yield url


@pytest.fixture(params=[by_host, by_http_framework])
def door(request: pytest.FixtureRequest) -> Any:
    return request.param


async def test_requests_are_answered_alike(door: Any, scene: Scene) -> None:
    async with door(contract.respond_json, scene.nats, scene.folder) as url, aiohttp.ClientSession() as session:
        for body, status, retry_after in (
            ({"how": "fine", "number": 7}, 202, None),
            ({"how": "retry"}, 503, "3"),
            ({"how": "reject"}, 422, None),
            ({"how": "bug"}, 500, None),
            ({}, 422, None),
            ({"how": "x" * 2000}, 413, None),
        ):
            async with session.post(url, json=body) as answer:
                assert answer.status == status
                assert answer.headers.get("retry-after") == retry_after
                assert "geheim" not in await answer.text()
                kind = "application/json" if status == 202 else "application/problem+json"
                assert answer.content_type == kind
    (told,) = await scene.streams.told()
    assert (json.loads(told.data)["number"], told.source) == (7, "/functions/respond_json")


async def test_streams_are_answered_alike(door: Any, nats_settings: NatsSettings, tmp_path: Path) -> None:
    async with (
        door(contract.respond_stream, nats_settings, tmp_path) as url,
        aiohttp.ClientSession() as session,
        session.get(url) as answer,
    ):
        assert answer.content_type == "text/event-stream"
        assert (await answer.text()).count('event: number\ndata: {"how":"stream"') == 2


async def test_the_access_rule_holds_on_both(door: Any, nats_settings: NatsSettings, tmp_path: Path) -> None:
    async with (
        door(contract.respond_closed, nats_settings, tmp_path) as url,
        aiohttp.ClientSession() as session,
        session.get(url) as answer,
    ):
        assert answer.status == 503
        assert "inside" not in await answer.text()


async def test_the_real_functions_run_from_their_files(settings: Settings, tmp_path: Path) -> None:
    """A page goes in through one process of functions-framework and is found through another."""
    s3 = settings.objects
    environment = {
        "STADTFUNK_CATALOGUE": str(ROOT / "serverless.yaml"),
        "STADTFUNK_VECTORS__URI": settings.vectors.uri,
        "STADTFUNK_OBJECTS__ENDPOINT": str(s3.endpoint),
        "STADTFUNK_OBJECTS__ACCESS_KEY": s3.access_key.get_secret_value(),
        "STADTFUNK_OBJECTS__SECRET_KEY": s3.secret_key.get_secret_value(),
        "STADTFUNK_EMBEDDINGS__URL": settings.embeddings.url,
        "STADTFUNK_XNEXT__COLLECTION": settings.xnext.collection,
        "STADTFUNK_XNEXT__BUCKET": settings.xnext.bucket,
    }
    text = "<p>Melden Sie Ihren Hund innerhalb von zwei Wochen an.</p>"
    page = Page(id="cms:1", source="cms", title="Hundesteuer", sections=(Section(heading="", html=text),))
    bus = JetStreamBus(settings.nats, name="test")
    await bus.connect()
    await provision(bus.jetstream, {}, settings.nats)
    use = Backends(settings)
    key = f"revisions/{page.content_hash()}.json"
    await use.objects.ensure_bucket(settings.xnext.bucket)
    await use.objects.put(settings.xnext.bucket, key, page.content())
    changed = PageChanged(
        page_id=page.id,
        source="cms",
        revision=1,
        content_hash=page.content_hash(),
        object_key=key,
        changed_at=datetime(2026, 11, 22, tzinfo=UTC),
    )
    sent = enveloped(changed, id="changed-1", source="/test")
    folder = ROOT / "functions" / "xnext"
    async with aiohttp.ClientSession() as session:
        async with (
            framework("index_page", settings.nats, tmp_path, folder / "index.py", **environment) as url,
            session.post(url, data=sent.data, headers=sent.headers()) as answer,
        ):
            assert answer.status == 200
        message = await bus.jetstream.get_last_msg("EVENTS", "events.*.cms.page.indexed")
        indexed = CloudEvent.from_message(message.headers, message.data or b"")
        assert json.loads(indexed.data) == {"page_id": "cms:1", "revision": 1, "passages": 1}
        async with (
            framework("search", settings.nats, tmp_path, folder / "search.py", **environment) as url,
            session.get(url, params={"q": "Hund"}) as answer,
        ):
            assert answer.status == 200
            assert [hit["id"] for hit in (await answer.json())["hits"]] == ["cms:1"]
    await bus.close()
    await use.close()
