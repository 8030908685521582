"""Storages that tell of themselves: whoever tells, in whatever words and however often, it is one event a version."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from shared.settings import NatsSettings, ObjectSettings
from tests.integration.storeroom import Storeroom, calling, storeroom
from tests.integration.workbench import until

KEYS = ("a.jpg", "ü b/x+y%41&.jpg", "straße (2)=1;2.jpg")


@pytest.fixture
async def room(nats_settings: NatsSettings, s3_settings: ObjectSettings) -> AsyncIterator[Storeroom]:
    async with storeroom(nats_settings, s3_settings.model_copy(update={"filer": None})) as room:
        yield room


async def test_told_five_times_in_three_shapes_it_is_one_event_a_version(room: Storeroom, tmp_path: Path) -> None:
    async with room.worker(), calling(room, tmp_path) as caller:
        for written in (b"one", b"two!"):
            for key in KEYS:
                await room.put(key, written)
                assert await caller.sign(room.aws(key)) == (202, {"objects": 1})
                assert await caller.sign(room.seaweedfs(key)) == (202, {"objects": 1})
                assert await caller.bear(room.minio(key)) == (202, {"objects": 1})
                await room.publish(room.minio(key))
                await room.publish(room.seaweedfs(key))
            await room.bench.settled("take_notification")
            await room.reconcile()
        await room.bench.settled("note")
    assert room.keys == sorted([*KEYS, *KEYS])
    assert set(room.seen.values()) == {1}
    assert await room.told() == 2 * len(KEYS)
    assert await room.bench.count("DEAD") == 0


async def test_a_webhook_believes_nobody(room: Storeroom, tmp_path: Path) -> None:
    await room.put("a.jpg")
    async with calling(room, tmp_path) as caller:
        wrong = "whsec_" + "A" * 44
        assert (await caller.sign(room.aws("a.jpg"), secret=wrong))[0] == 401
        assert (await caller.bear(room.aws("a.jpg"), token="another-token-of-the-same-len"))[0] == 401
        assert await caller.sign(room.aws("not-there.jpg")) == (200, {"objects": 0})
        assert await caller.sign(room.aws("a.txt")) == (200, {"objects": 0})
        assert (await caller.sign("{"))[0] == 400
        status, problem = await caller.sign({"Records": [{"eventName": "ObjectCreated:Put", "s3": "secret"}]})
        assert (status, "Records.0.s3" in problem["detail"], "secret" in str(problem)) == (422, True, False)
        assert (await caller.sign(["x" * 300_000]))[0] == 413


async def test_a_message_of_no_known_shape_is_a_dead_letter(room: Storeroom) -> None:
    async with room.worker():
        await room.publish({"hello": "secret.jpg"})
        (letter,) = await room.bench.dead()
    assert (letter.function, letter.error) == ("take_notification", "Reject")
    assert "none of the known shapes" in letter.reason
    assert "secret" not in letter.reason


async def test_a_listing_finds_what_nobody_told_of_and_tells_it_once(room: Storeroom) -> None:
    for number in range(3):
        await room.put(f"{number}.jpg")
    await room.put("notes.txt")
    watches = [{"bucket": room.bucket, "prefix": prefix, "suffix": ".jpg"} for prefix in ("1", "", "12")]
    async with room.worker(start="all", events=[{"s3": watch} for watch in watches]):
        await room.reconcile()
        await until(lambda: len(room.seen) == 3)
        await room.put("3.jpg")
        await room.reconcile()
        await until(lambda: len(room.seen) == 4)
        await room.reconcile()
        await room.bench.settled("note")
    assert room.keys == [f"{number}.jpg" for number in range(4)]
    assert await room.told() == 4


async def test_a_listing_goes_on_from_the_last_one(room: Storeroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.storage.reconcile._OVERLAP", -timedelta(hours=1))
    async with room.worker():
        await room.put("first.jpg")
        await room.reconcile()
        await until(lambda: room.keys == ["first.jpg"], "what was written a moment before the very first listing")
        await until(room.listed, "the listing is remembered")
        await room.put("an-hour-too-early.jpg")
        await room.reconcile()
        await room.bench.settled("note")
    assert room.keys == ["first.jpg"]
