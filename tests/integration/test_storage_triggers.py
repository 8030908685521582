"""s3 triggers: which objects' events reach which function."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from events.storage import ObjectStored
from shared.backends import Backends
from shared.bus import derived_id
from shared.function import on
from shared.settings import NatsSettings
from tests.integration.workbench import Bench

STORED_AT = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


def stored(key: str, *, bucket: str = "photos-in", version: str = "a") -> ObjectStored:
    return ObjectStored(bucket=bucket, object_key=key, version=version, size=1, stored_at=STORED_AT)


@pytest.fixture
async def bench(nats_settings: NatsSettings) -> AsyncIterator[Bench]:
    async with Bench(nats_settings) as bench:
        yield bench


async def publish(bench: Bench, event: ObjectStored, teller: str) -> None:
    await bench.publish(event, id=derived_id(teller, teller, event, 0))


async def test_a_function_sees_the_objects_its_triggers_name_and_each_version_once(bench: Bench) -> None:
    seen: list[tuple[str, str]] = []

    @on(ObjectStored)
    async def take(event: ObjectStored, use: Backends) -> None:
        seen.append((event.object_key, event.version))

    triggers = [
        {"s3": {"bucket": "photos-in", "prefix": "portal/", "suffix": ".jpg"}},
        {"s3": {"bucket": "photos-in", "prefix": "drive/"}},
        {"s3": {"bucket": "scans"}},
    ]
    async with bench.worker(take, events=triggers):
        for teller in ("tail", "webhook", "listing"):
            for event in (
                stored("portal/a.jpg"),
                stored("portal/a.png"),
                stored("drive/a.png"),
                stored("other/a.jpg"),
                stored("portal/a.jpg", version="b"),
                stored("portal/b.jpg", bucket="scans"),
                stored("portal/b.jpg", bucket="elsewhere"),
            ):
                await publish(bench, event, teller)
        await bench.settled("take")
    assert sorted(seen) == [("drive/a.png", "a"), ("portal/a.jpg", "a"), ("portal/a.jpg", "b"), ("portal/b.jpg", "a")]
    assert await bench.count("DEAD") == 0
