"""The real index and the real crawl while what they stand on is killed: 1,000 events, 1,000 pages.

The worker is ``stadtfunk run``, as an operator starts it. The revisions of a page that is indexed differ in
what is not embedded, so that the embedding server is asked for some pages only, not for 1,000.
"""

import asyncio
import json
import random
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from ruamel.yaml import YAML

from events import CloudEvent
from events.cms import CrawlRequested, PageChanged, PageIndexed
from functions.xnext.index import index_of
from functions.xnext.page import Page, Section
from infra.cms.app import create_app
from shared.backends import Backends
from shared.bus import enveloped
from shared.jetstream import JetStreamBus
from shared.settings import (
    CmsSource,
    EmbeddingSettings,
    ObjectSettings,
    Settings,
    VectorSettings,
    WebSettings,
    XnextSettings,
)
from tests.conftest import S3_KEYS, Launched
from tests.crawling import city_of
from tests.integration.addresses import nats_of
from tests.integration.replicas import ROOT, Replicas, supervised, variables
from tests.integration.test_faults import bus_to, dead, publish
from tests.polling import eventually
from tests.serving import serving

pytestmark = pytest.mark.heavy  # two minutes of outages, most of it waiting for what is away

PAGES = 20
REVISIONS = 50


class City:
    """Servers of this test's own, the settings that lead to them, and the backends as the test uses them."""

    def __init__(self, nats: Launched, milvus: Launched, s3: Launched, embedding_url: str) -> None:
        self.milvus = milvus
        self.s3 = s3
        self.settings = Settings(
            _env_file=None,
            nats=nats_of(nats, ack_wait_s=5.0),
            vectors=VectorSettings(uri=milvus.provides["STADTFUNK_VECTORS__URI"], timeout_s=5),
            objects=ObjectSettings.model_validate(
                {"endpoint": s3.provides["STADTFUNK_OBJECTS__ENDPOINT"], "timeout_s": 5, **S3_KEYS}
            ),
            embeddings=EmbeddingSettings(url=embedding_url),
            xnext=XnextSettings(collection="outage_pages", bucket="outage-revisions"),
        )
        self.use = Backends(self.settings)

    async def stored(self, number: int, revision: int) -> CloudEvent:
        """Store a revision of a page; the event that tells of it."""
        page = Page(
            id=f"cms:{number}",
            source="cms",
            title=f"Dienstleistung {number}",
            sections=(Section(heading="", html=f"<p>Bringen Sie das Formular {number} mit.</p>"),),
            url=f"https://auenfurt.example/{number}?revision={revision}",
        )
        key = f"{page.content_hash()}.json"
        await self.use.objects.put(self.settings.xnext.bucket, key, page.content())
        event = PageChanged(
            page_id=page.id,
            source="cms",
            revision=revision,
            content_hash=page.content_hash(),
            object_key=key,
            changed_at=datetime(2026, 11, 22, tzinfo=UTC),
        )
        return enveloped(event, id=f"{page.id}:{revision}", source="/tests")

    async def recorded(self) -> list[int]:
        """The revision that counts, of every page that has one."""
        records = [await index_of(self.use).record(f"cms:{n}") for n in range(PAGES)]
        return [record.revision for record in records if record is not None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "workers"
    folder.mkdir()
    return folder


@pytest.fixture
async def city(
    nats_server: Callable[[], Launched],
    milvus_server: Callable[[], Launched],
    s3_server: Callable[[], Launched],
    embedding_url: str,
) -> AsyncIterator[City]:
    city = City(nats_server(), milvus_server(), s3_server(), embedding_url)
    await city.use.objects.ensure_bucket(city.settings.xnext.bucket)
    yield city
    await city.use.close()


def running(function: str, folder: Path, settings: Settings) -> AbstractAsyncContextManager[Replicas]:
    """``stadtfunk run`` of one function of the project's own catalogue, with retries that fit a test's patience."""
    catalogue = YAML(typ="safe").load((ROOT / "serverless.yaml").read_text())
    catalogue["functions"][function]["retry"] = {"attempts": 8, "initial": "200ms", "max": "2s"}
    (folder / "serverless.json").write_text(json.dumps(catalogue))
    environment = {"STADTFUNK_CATALOGUE": str(folder / "serverless.json")}
    for group in ("nats", "vectors", "objects", "embeddings", "web", "xnext"):
        environment |= variables(group.upper(), getattr(settings, group))
    command = (str(Path(sys.executable).with_name("stadtfunk")), "run", function)
    return supervised(Replicas(folder, command, environment))


async def acknowledged(bus: JetStreamBus) -> int:
    """How many events index_page is done with."""
    info = await bus.jetstream.consumer_info("EVENTS", "index_page")
    return PAGES * REVISIONS - int(info.num_pending or 0) - int(info.num_ack_pending or 0)


async def survives(city: City, folder: Path, outage: Callable[[], Coroutine[None, None, None]]) -> None:
    """Index shuffled revisions, some of them twice, through an outage in their midst."""
    pairs = [(number, revision) for number in range(PAGES) for revision in range(1, REVISIONS + 1)]
    random.Random(11).shuffle(pairs)
    told = await asyncio.gather(*(city.stored(number, revision) for number, revision in pairs))
    async with running("index_page", folder, city.settings) as workers, bus_to(city.settings.nats) as bus:
        await publish(bus, told[:200])

        async def begun() -> bool:
            return len(await city.recorded()) >= PAGES // 2

        await eventually(begun, "the first pages are indexed", deadline_s=180)
        breaking = asyncio.create_task(outage())
        await publish(bus, told[200:])
        await breaking

        async def whole() -> bool:
            return await acknowledged(bus) == PAGES * REVISIONS

        await eventually(whole, "every event is acknowledged", deadline_s=300)
        assert await dead(bus) == 0
        assert await city.recorded() == [REVISIONS] * PAGES
        await check_rows(city)
        await check_follow_ups(bus)
        assert workers.restarts == 0


async def check_rows(city: City) -> None:
    """Milvus holds each page in its newest revision, once."""
    index = index_of(city.use)
    rows: list[dict[str, Any]] = await city.use.vectors.query(
        index.collection, "position >= -1", ("doc", "revision", "position", "url")
    )
    wanted = {(f"cms:{n}", REVISIONS, place) for n in range(PAGES) for place in (-1, 0)}
    found = [(str(row["doc"]), int(row["revision"]), int(row["position"])) for row in rows]
    assert sorted(found) == sorted(wanted)
    assert all(str(row["url"]).endswith(f"?revision={REVISIONS}") for row in rows)


async def check_follow_ups(bus: JetStreamBus) -> None:
    """The newest revision of each page was announced, once."""
    js = bus.jetstream
    info = await js.stream_info("EVENTS", subjects_filter=f"events.*.{PageIndexed.type}")
    newest = 0
    for subject in info.state.subjects or {}:
        last = await js.get_last_msg("EVENTS", subject)
        newest += PageIndexed.model_validate_json(last.data or b"").revision == REVISIONS
    assert newest == PAGES


async def test_milvus_killed_twice(city: City, folder: Path) -> None:
    async def outage() -> None:
        for _ in range(2):
            city.milvus.kill()
            await asyncio.sleep(1)
            await city.milvus.start()
            await asyncio.sleep(1)

    await survives(city, folder, outage)


async def test_object_storage_down_for_30_seconds(city: City, folder: Path) -> None:
    async def outage() -> None:
        city.s3.kill()
        await asyncio.sleep(30)
        await city.s3.start()

    await survives(city, folder, outage)


async def test_a_crawl_of_1000_pages_while_all_it_needs_is_killed(
    nats_server: Callable[[], Launched], s3_server: Callable[[], Launched], folder: Path
) -> None:
    """One request to crawl: each page is told once, in one revision, and its document lies there."""
    count, nats, s3 = 1000, nats_server(), s3_server()
    async with serving(create_app(city_of(*range(count)), "https://auenfurt.example")) as base:
        settings = Settings(
            _env_file=None,
            nats=nats_of(nats, ack_wait_s=2.0),
            objects=ObjectSettings.model_validate(
                {"endpoint": s3.provides["STADTFUNK_OBJECTS__ENDPOINT"], "timeout_s": 5, **S3_KEYS}
            ),
            web=WebSettings(allowed_hosts=(urlsplit(base).netloc,)),
            xnext=XnextSettings(
                sources=(CmsSource(name="befi", kind="befi", url=f"{base}/befi"),), requests_per_second=400
            ),
        )
        async with running("crawl", folder, settings) as workers, bus_to(settings.nats) as bus:

            async def listening() -> bool:
                return "worker runs" in workers.logs()

            await eventually(listening, "the worker has made its consumer, which begins with what comes then")
            request = enveloped(CrawlRequested(), id="the-only-one", source="/tests")
            await publish(bus, [request])

            async def told() -> dict[str, int]:
                info = await bus.jetstream.stream_info("EVENTS", subjects_filter=f"events.*.{PageChanged.type}")
                return info.state.subjects or {}

            async def reached(share: float) -> None:
                async def enough() -> bool:
                    return len(await told()) >= share * count

                await eventually(enough, f"{share:.0%} of the pages", deadline_s=180)

            await reached(0.2)
            workers.kill()
            await reached(0.4)
            s3.kill()
            await asyncio.sleep(2)
            await s3.start()
            await reached(0.6)
            nats.kill()
            await nats.start()
            await reached(0.8)
            workers.kill()

            async def finished() -> bool:
                info = await bus.jetstream.consumer_info("EVENTS", "crawl")
                return not info.num_pending and not info.num_ack_pending

            await eventually(finished, "the request is acknowledged", deadline_s=300)
            assert set((await told()).values()) == {1}, "a page was told twice"
            assert len(await told()) == count
            assert workers.restarts == 2
            assert await dead(bus) == 0
            use = Backends(settings)
            for subject in await told():
                event = PageChanged.model_validate_json(
                    (await bus.jetstream.get_last_msg("EVENTS", subject)).data or b""
                )
                content = await use.objects.get(settings.xnext.bucket, event.object_key)
                assert (event.revision, sha256(content).hexdigest()) == (1, event.content_hash)
            await use.close()
