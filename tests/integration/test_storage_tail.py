"""SeaweedFS' filer, followed by the worker: every object that was written becomes one event."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from infra.status import collect
from shared.settings import NatsSettings, ObjectSettings
from tests.integration.storeroom import Storeroom, storeroom
from tests.integration.workbench import until

KEYS = ("a.jpg", "deep/er/b.jpg", "ü b/x+y%41&?#.jpg", "straße (2)/ä=1;2.jpg", "a.jpg.versions/v_1.jpg")


@pytest.fixture
async def room(nats_settings: NatsSettings, s3_settings: ObjectSettings) -> AsyncIterator[Storeroom]:
    async with storeroom(nats_settings, s3_settings) as room:
        yield room


async def test_what_is_written_is_told_once_whatever_its_key_and_size(room: Storeroom) -> None:
    async with room.worker():
        for key in KEYS:
            await room.put(key)
        await room.put("notes.txt")
        await upload_in_parts(room, "large.jpg")
        await until(lambda: len(room.seen) == len(KEYS) + 1)
        await room.put("a.jpg", b"another")
        await until(lambda: len(room.seen) == len(KEYS) + 2)
        await room.objects.delete(room.bucket, "a.jpg")
        await room.put("last.jpg")
        await until(lambda: "last.jpg" in room.keys)
        await room.bench.settled("note")
    assert room.keys == sorted([*KEYS, "a.jpg", "large.jpg", "last.jpg"])
    assert set(room.seen.values()) == {1}
    assert await room.bench.count("DEAD") == 0


async def upload_in_parts(room: Storeroom, key: str) -> None:
    def upload(client: Any) -> None:
        name = {"Bucket": room.bucket, "Key": key}
        upload_id = client.create_multipart_upload(**name)["UploadId"]
        parts = []
        for number in (1, 2):
            body = b"z" * 5 * 2**20
            made = client.upload_part(**name, UploadId=upload_id, PartNumber=number, Body=body)
            parts.append({"PartNumber": number, "ETag": made["ETag"]})
        client.complete_multipart_upload(**name, UploadId=upload_id, MultipartUpload={"Parts": parts})

    await room.objects._call("multipart", upload)


async def test_a_bucket_that_keeps_versions_tells_each_of_them(room: Storeroom) -> None:
    def write(client: Any) -> None:
        client.put_bucket_versioning(Bucket=room.bucket, VersioningConfiguration={"Status": "Enabled"})
        for data in (b"1", b"2", b"2"):
            client.put_object(Bucket=room.bucket, Key="d/a.jpg", Body=data)

    async with room.worker():
        await room.objects._call("versions", write)
        await until(lambda: len(room.seen) == 3)
        await room.put("last.jpg")
        await until(lambda: "last.jpg" in room.keys)
        await room.bench.settled("note")
    assert room.keys == ["d/a.jpg", "d/a.jpg", "d/a.jpg", "last.jpg"]
    for key in ("d/a.jpg", "last.jpg"):
        await room.objects.erase(room.bucket, key)


async def test_a_worker_goes_on_where_the_last_one_stopped_and_two_tell_it_once(
    room: Storeroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.notifications.filer._KEEP_S", 0.0)
    async with room.worker():
        await room.put("first.jpg")
        await until(lambda: room.keys == ["first.jpg"])
        await until(lambda: room.moved(0), "the position is kept")
        status = await collect(room.catalogue(), room.bench.settings)
        assert status.tail is not None
        assert not status.tail.alarm
    kept = await room.position()
    await room.forget(hours=1)
    status = await collect(room.catalogue(), room.bench.settings)
    assert any("filer was not followed for 36" in problem for problem in status.problems)
    for number in range(5):
        await room.put(f"away-{number}.jpg")
    async with room.worker(), room.worker():
        await until(lambda: len(room.seen) == 6)
        await asyncio.gather(*(room.put(f"both-{number}.jpg") for number in range(5)))
        await until(lambda: len(room.seen) == 11)
        await until(lambda: room.moved(kept), "the position moved on")
        await room.bench.settled("note")
    assert set(room.seen.values()) == {1}
