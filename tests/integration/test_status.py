"""The status as a person sees it: real streams, a worker that fails, servers that are away."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from events import CloudEvent
from events.cms import CrawlAlarmed
from infra.probes import Probes, needed
from infra.status import FunctionStatus, Status, collect
from infra.worker.provision import EVENTS, provision
from infra.worker.worker import Worker
from shared.backends import Backends
from shared.bus import enveloped
from shared.catalogue import Text
from shared.deadletters import DeadLetter, bury
from shared.function import EventFunction
from shared.jetstream import JetStreamBus
from shared.settings import NatsSettings, Settings
from tests.integration.addresses import nats_of
from tests.integration.hosting import catalogue_of, hosted, plain_settings, records
from tests.integration.programs import contract
from tests.polling import eventually
from tests.scripted_rerank import scripted_rerank

STADTFUNK = str(Path(sys.executable).parent / "stadtfunk")
RETRY = {"attempts": 1, "initial": "10ms", "max": "20ms"}
CATALOGUE = catalogue_of(
    react_once={
        "events": [
            {"nats": {"type": "test.contract.asked"}},
        ],
        "start": "all",
        "retry": RETRY,
        "concurrency": 2,
    },
    respond_json={"events": [{"http": {"method": "POST", "path": "/do"}}], "access": "public"},
)
FUNCTIONS = {n: f for n, f in records(contract.react_once).items() if isinstance(f, EventFunction)}


def asked(how: str, id: str) -> CloudEvent:
    return CloudEvent(id=id, source="/test", type="test.contract.asked", data=json.dumps({"how": how}).encode())


@pytest.fixture
async def bus(nats_settings: NatsSettings) -> AsyncIterator[JetStreamBus]:
    bus = JetStreamBus(nats_settings, name="test")
    await bus.connect()
    await provision(bus.jetstream, {"react_once": CATALOGUE.functions["react_once"]}, nats_settings)
    yield bus
    await bus.close()


def of(status: Status, name: str) -> FunctionStatus:
    return next(one for one in status.functions if one.name == name)


async def test_what_waits_and_what_died_is_seen(bus: JetStreamBus, nats_settings: NatsSettings) -> None:
    settings = plain_settings(nats=nats_settings)
    for number in range(3):
        await bus.publish(asked("none", f"waits-{number}"))
    status = await collect(CATALOGUE, settings)
    waiting = of(status, "react_once")
    assert (waiting.lag, waiting.in_flight, waiting.pulling, waiting.dead) == (3, 0, False, 0)
    assert waiting.oldest_s is not None
    assert of(status, "respond_json").lag is None
    assert status.problems == ["function react_once has 3 events waiting and no worker"]
    async with Worker(FUNCTIONS, CATALOGUE, settings):
        await bus.publish(asked("bug", "dies"))
        await bus.publish(asked("slow", "works"))

        async def done() -> list[Status]:
            seen = await collect(CATALOGUE, settings)
            one = of(seen, "react_once")
            return [seen] if one.dead and one.lag == 0 and one.in_flight == 1 else []

        (status,) = await eventually(done, "one dead, one in flight")
    one = of(status, "react_once")
    assert (one.last_error, one.pulling, one.in_flight) == ("RuntimeError", True, 1)
    assert status.problems == ["function react_once has 1 dead letters, the last by RuntimeError"]
    assert "Erika" not in status.model_dump_json()
    assert "geheim" not in status.model_dump_json()


async def test_dead_letters_of_functions_that_run_no_more_are_seen(
    bus: JetStreamBus, nats_settings: NatsSettings
) -> None:
    for name in ("renamed", "react_once"):
        letter = DeadLetter(
            id=name,
            function=name,
            attempts=1,
            error="KeyError",
            reason="geheim",
            first_at="2026-11-01T00:00:00Z",
            last_at="2026-11-01T00:00:00Z",
            subject="events.-.test.contract.asked",
            headers={},
            data=b"{}",
        )
        await bury(letter, bus)
    off = CATALOGUE.systems["portal"].model_copy(update={"enabled": False})
    entry = CATALOGUE.functions["react_once"]
    functions = {
        "react_once": entry.model_copy(update={"handler": "off.contract.react_once"}),
        "stays": entry.model_copy(update={"handler": "portal.contract.stays"}),
    }
    catalogue = CATALOGUE.model_copy(update={"systems": {**CATALOGUE.systems, "off": off}, "functions": functions})
    status = await collect(catalogue, plain_settings(nats=nats_settings))
    assert [(one.name, one.system, one.dead) for one in status.functions] == [
        ("stays", "portal", 0),
        ("react_once", "off", 1),
        ("renamed", "-", 1),
    ]
    assert status.problems == [
        "function react_once has 1 dead letters, the last by KeyError",
        "function renamed has 1 dead letters, the last by KeyError; it is not in the catalogue",
    ]
    settings = plain_settings(nats=nats_settings)
    async with hosted(CATALOGUE, contract.respond_json, settings=settings) as url, aiohttp.ClientSession() as session:
        async with session.get(f"{url}/metrics") as answer:
            assert 'stadtfunk_dead_letters{function="renamed"} 1.0' in await answer.text()
        async with session.get(f"{url}/status?lang=en") as answer:
            html = await answer.text()
            assert "Not in the catalogue" in html
            assert "renamed" in html


async def test_a_stream_half_full_or_half_aged_is_an_alarm(bus: JetStreamBus, nats_settings: NatsSettings) -> None:
    js = bus.jetstream
    config = (await js.stream_info(EVENTS)).config
    await js.update_stream(config, max_bytes=100_000)
    for number in range(3):
        event = asked("none", f"large-{number}")
        event.data = json.dumps({"how": "none", "who": "x" * 20_000}).encode()
        await bus.publish(event)
    status = await collect(CATALOGUE, plain_settings(nats=nats_settings))
    stream = next(one for one in status.streams if one.name == EVENTS)
    assert stream.alarm
    assert 0.5 <= (stream.fill or 0) < 1
    assert (stream.age or 0) < 0.5
    await js.update_stream(config, max_bytes=config.max_bytes, max_age=2.0, duplicate_window=1.0)
    await eventually(lambda: _aged(nats_settings), "half of the time kept has passed")


async def _aged(nats: NatsSettings) -> bool:
    status = await collect(CATALOGUE, plain_settings(nats=nats))
    stream = next(one for one in status.streams if one.name == EVENTS)
    return stream.alarm and (stream.age or 0) >= 0.5


async def test_an_alarm_event_is_shown_and_measured(bus: JetStreamBus, nats_settings: NatsSettings) -> None:
    alarm = CrawlAlarmed(source="cms", run_id="1", reason="source_shrunk", expected=200, found=2)
    await bus.publish(enveloped(alarm, id="alarm", source="/test"))
    settings = plain_settings(nats=nats_settings)
    async with hosted(CATALOGUE, contract.respond_json, settings=settings) as url, aiohttp.ClientSession() as session:
        async with session.get(f"{url}/status.json") as answer:
            document = await answer.json()
        async with session.get(f"{url}/metrics") as answer:
            metrics = await answer.text()
    assert [one["type"] for one in document["alarms"]] == ["cms.crawl.alarmed"]
    assert "cms.crawl.alarmed asks for a person" in document["problems"]
    assert 'stadtfunk_alarm_timestamp_seconds{type="cms.crawl.alarmed"}' in metrics
    assert 'stadtfunk_backend_up{backend="nats"} 1.0' in metrics
    assert 'stadtfunk_stream_fill_ratio{stream="EVENTS"}' in metrics
    assert 'stadtfunk_dead_letters{function="react_once"} 0.0' in metrics


async def test_the_page_escapes_and_asks_nobody_else(bus: JetStreamBus, nats_settings: NatsSettings) -> None:
    evil = "<script>alert(1)</script>"
    system = CATALOGUE.systems["portal"].model_copy(update={"title": Text(de=evil, en=evil)})
    catalogue = CATALOGUE.model_copy(update={"systems": {"portal": system}})
    settings = plain_settings(nats=nats_settings)
    async with hosted(catalogue, contract.respond_json, settings=settings) as url, aiohttp.ClientSession() as session:
        for language, word in (("de", "Funktionen"), ("en", "Functions")):
            async with session.get(f"{url}/status?lang={language}") as answer:
                html = await answer.text()
                assert answer.status == 200
                assert answer.content_type == "text/html"
            assert f'<html lang="{language}">' in html
            assert word in html
            assert "react_once" in html
            assert evil not in html
            assert "&lt;script&gt;" in html
            assert "http://" not in html.replace("http://www.w3.org", "")
            assert "https://" not in html


async def test_backends_that_are_away_are_said_not_raised() -> None:
    catalogue = catalogue_of(
        needs=["objects", "vectors", "embeddings", "chat"], react_once=_entry(), respond_json=_http_entry()
    )
    away = "http://127.0.0.1:1"
    settings = plain_settings(
        nats={"url": "nats://127.0.0.1:1"},
        vectors={"uri": away, "timeout_s": 1},
        objects={"endpoint": away, "timeout_s": 1, "access_key": "x", "secret_key": "x"},
        embeddings={"url": away},
        chat={"url": away},
    )
    status = await collect(catalogue, settings)
    assert {one.backend: one.ok for one in status.backends} == dict.fromkeys(
        ["nats", "objects", "vectors", "embeddings", "chat"], False
    )
    assert len(status.problems) == 5
    assert status.streams == []


def _entry() -> dict[str, Any]:
    return {"events": [{"nats": {"type": "test.contract.asked"}}]}


def _http_entry() -> dict[str, Any]:
    return {"events": [{"http": {"method": "POST", "path": "/do"}}], "access": "public"}


async def test_ready_is_what_really_answers(settings: Settings) -> None:
    catalogue = catalogue_of(
        needs=["objects", "vectors", "embeddings", "chat"], react_once=_entry(), respond_json=_http_entry()
    )
    assert needed(catalogue) == ["nats", "objects", "vectors", "embeddings", "chat"]
    use = Backends(settings)
    probes = Probes(catalogue, use, limit_s=20)
    try:
        answers = await probes.ask()
        assert {one.backend: one.error for one in answers} == dict.fromkeys(needed(catalogue))
        assert await probes.ask() is answers  # kept for a moment, however many ask
    finally:
        await probes.close()
        await use.close()


async def test_what_searches_can_do_without_is_shown_and_no_reason_to_be_unready(
    nats_settings: NatsSettings, embedding_url: str
) -> None:
    catalogue = catalogue_of(needs=["embeddings"], react_once=_entry(), respond_json=_http_entry())
    async with scripted_rerank() as rerank:
        settings = plain_settings(
            nats=nats_settings,
            embeddings={"url": embedding_url},
            embeddings_next={"url": embedding_url, "model": "next"},
            rerank={"url": rerank.url},
        )
        async with (
            hosted(catalogue, contract.respond_json, settings=settings) as url,
            aiohttp.ClientSession() as session,
        ):

            async def said() -> tuple[int, dict[str, bool]]:
                async with session.get(f"{url}/readyz") as answer:
                    return answer.status, {one["backend"]: one["ok"] for one in (await answer.json())["backends"]}

            async def shown(ok: bool) -> bool:
                everything = ("nats", "embeddings", "embeddings_next", "rerank")
                return await said() == (200, dict.fromkeys(everything, True) | {"rerank": ok})

            await eventually(lambda: shown(ok=True), "all answer")
            rerank.answer = lambda: web.Response(status=503)
            await eventually(lambda: shown(ok=False), "the rerank model is away")
            rerank.answer = None
            await eventually(lambda: shown(ok=True), "all answer again")


async def test_ready_follows_a_kill_and_a_restart(nats_server: Any) -> None:
    server = nats_server()
    settings = plain_settings(nats=nats_of(server))
    catalogue = catalogue_of(react_once=_entry(), respond_json=_http_entry())
    async with hosted(catalogue, contract.respond_json, settings=settings) as url, aiohttp.ClientSession() as session:

        async def ready() -> int:
            async with session.get(f"{url}/readyz") as answer:
                return answer.status

        await eventually(lambda: _is(ready, 200), "ready")  # a backend that answers late is none that is ready
        server.kill()
        await eventually(lambda: _is(ready, 503), "not ready")
        async with session.get(f"{url}/healthz") as answer:
            assert answer.status == 200
        async with session.get(f"{url}/status") as answer:
            assert answer.status == 200
        await server.start()
        await eventually(lambda: _is(ready, 200), "ready again")


async def _is(ask: Any, wanted: int) -> bool:
    return bool(await ask() == wanted)


async def test_the_command_says_it_as_json(bus: JetStreamBus, nats_settings: NatsSettings, tmp_path: Path) -> None:
    catalogue = tmp_path / "serverless.json"
    tree = CATALOGUE.model_dump(exclude_unset=True)
    tree["functions"]["react_once"].pop("retry")
    catalogue.write_text(json.dumps(tree))
    await bus.publish(asked("none", "waits"))
    process = await asyncio.create_subprocess_exec(
        STADTFUNK,
        "status",
        "--json",
        env={
            **os.environ,
            "STADTFUNK_CATALOGUE": str(catalogue),
            "STADTFUNK_NATS__URL": nats_settings.url,
            "STADTFUNK_NATS__SERVER_NAME": str(nats_settings.server_name),
        },
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    document = json.loads(output)
    assert process.returncode == 1
    assert document["problems"] == ["function react_once has 1 events waiting and no worker"]
    assert {one["name"] for one in document["functions"]} == {"react_once", "respond_json"}
