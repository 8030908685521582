"""Backends of the real index are killed under 1,000 events: every page ends at its newest revision.

The worker is ``stadtfunk run index_page``, as an operator starts it. The revisions of a page differ in
what is not embedded, so that the embedding server is asked for some pages only, not for 1,000.
"""

import asyncio
import json
import random
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from events import CloudEvent
from events.cms import PageChanged, PageIndexed
from functions.xnext.index import index_of
from functions.xnext.page import Page, Section
from shared.backends import Backends
from shared.bus import enveloped
from shared.jetstream import JetStreamBus
from shared.settings import EmbeddingSettings, ObjectSettings, Settings, VectorSettings, XnextSettings
from tests.conftest import S3_KEYS, Launched
from tests.integration.addresses import nats_of
from tests.integration.replicas import ROOT, Replicas, supervised, variables
from tests.integration.test_faults import bus_to, dead, publish
from tests.polling import eventually

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

    def environment(self, folder: Path) -> dict[str, str]:
        """The same settings for another process, with retries that fit a test's patience."""
        catalogue = YAML(typ="safe").load((ROOT / "serverless.yaml").read_text())
        catalogue["functions"]["index_page"]["retry"] = {"attempts": 8, "initial": "200ms", "max": "2s"}
        catalogue["functions"]["index_page"]["concurrency"] = 4
        (folder / "serverless.json").write_text(json.dumps(catalogue))
        found = {"STADTFUNK_CATALOGUE": str(folder / "serverless.json")}
        for group in ("nats", "vectors", "objects", "embeddings", "xnext"):
            found |= variables(group.upper(), getattr(self.settings, group))
        return found

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
        return [record[0].revision for record in records if record is not None]


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


async def acknowledged(bus: JetStreamBus) -> int:
    """How many events index_page is done with."""
    info = await bus.jetstream.consumer_info("EVENTS", "index_page")
    return PAGES * REVISIONS - int(info.num_pending or 0) - int(info.num_ack_pending or 0)


async def survives(city: City, folder: Path, outage: Callable[[], Coroutine[None, None, None]]) -> None:
    """Index shuffled revisions, some of them twice, through an outage in their midst."""
    pairs = [(number, revision) for number in range(PAGES) for revision in range(1, REVISIONS + 1)]
    random.Random(11).shuffle(pairs)
    told = await asyncio.gather(*(city.stored(number, revision) for number, revision in pairs))
    command = (str(Path(sys.executable).with_name("stadtfunk")), "run", "index_page")
    async with AsyncExitStack() as stack:
        workers = await stack.enter_async_context(supervised(Replicas(folder, command, city.environment(folder))))
        bus = await stack.enter_async_context(bus_to(city.settings.nats))
        await publish(bus, told[:200])

        async def begun() -> bool:
            return len(await city.recorded()) >= PAGES // 2

        await eventually(begun, "the first pages are indexed", deadline_s=60)
        breaking = asyncio.create_task(outage())
        await publish(bus, told[200:])
        await breaking

        async def whole() -> bool:
            return await acknowledged(bus) == PAGES * REVISIONS

        await eventually(whole, "every event is acknowledged", deadline_s=90)
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
