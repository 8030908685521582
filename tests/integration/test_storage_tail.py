"""SeaweedFS' filer, followed by the worker: every object that was written becomes one event."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from events.storage import ObjectStored
from infra.notifications.filer import BUCKET, KEY, Position
from shared.backends import Backends
from shared.function import on
from shared.objects import Objects
from shared.settings import NatsSettings, ObjectSettings
from shared.state import State
from tests.integration.workbench import Bench, until

KEYS = ("a.jpg", "deep/er/b.jpg", "ü b/x+y%41&?#.jpg", "straße (2)/ä=1;2.jpg", "a.jpg.versions/v_1.jpg")


class Shelf:
    """A bucket of this test alone, and a worker's function that notes what it is told of it."""

    def __init__(self, bench: Bench, objects: ObjectSettings) -> None:
        self.bench = bench
        self.bucket = f"tail-{uuid4().hex[:8]}"
        self.objects = Objects(objects)
        self.seen: Counter[tuple[str, str]] = Counter()  # key and version -> runs

    @property
    def keys(self) -> list[str]:
        """Keys of what was seen, one a run."""
        return sorted(key for key, _ in self.seen.elements())

    def worker(self, *, suffix: str = ".jpg", **limits: Any) -> Any:
        """A worker with an s3 trigger on the bucket."""

        @on(ObjectStored)
        async def note(event: ObjectStored, use: Backends) -> None:
            self.seen[event.object_key, event.version] += 1

        return self.bench.worker(note, events=[{"s3": {"bucket": self.bucket, "suffix": suffix}}], **limits)

    async def put(self, key: str, data: bytes = b"x") -> None:
        """Write an object."""
        await self.objects.put(self.bucket, key, data)

    async def position(self) -> int:
        """How far the filer was followed, nanoseconds since 1970; 0: no position is kept yet."""
        state = State(self.bench.settings.nats)
        try:
            entry = await state.bucket(BUCKET).get(KEY)
        finally:
            await state.close()
        return 0 if entry is None else Position.model_validate_json(entry.value).upto_ns


@pytest.fixture
async def shelf(nats_settings: NatsSettings, s3_settings: ObjectSettings) -> AsyncIterator[Shelf]:
    async with Bench(nats_settings) as bench:
        bench.settings = bench.settings.model_copy(update={"objects": s3_settings})
        shelf = Shelf(bench, s3_settings)
        await shelf.objects.ensure_bucket(shelf.bucket)
        yield shelf
        async for row in shelf.objects.list(shelf.bucket):
            await shelf.objects.delete(shelf.bucket, row.key)
        await shelf.objects._call("clean", lambda client: client.delete_bucket(Bucket=shelf.bucket))
        await shelf.objects.close()


async def test_what_is_written_is_told_once_whatever_its_key_and_size(shelf: Shelf) -> None:
    async with shelf.worker():
        for key in KEYS:
            await shelf.put(key)
        await shelf.put("notes.txt")
        await upload_in_parts(shelf, "large.jpg")
        await until(lambda: len(shelf.seen) == len(KEYS) + 1)
        await shelf.put("a.jpg", b"another")
        await until(lambda: len(shelf.seen) == len(KEYS) + 2)
        await shelf.objects.delete(shelf.bucket, "a.jpg")
        await shelf.put("last.jpg")
        await until(lambda: "last.jpg" in shelf.keys)
        await shelf.bench.settled("note")
    assert shelf.keys == sorted([*KEYS, "a.jpg", "large.jpg", "last.jpg"])
    assert set(shelf.seen.values()) == {1}
    assert await shelf.bench.count("DEAD") == 0


async def upload_in_parts(shelf: Shelf, key: str) -> None:
    def upload(client: Any) -> None:
        name = {"Bucket": shelf.bucket, "Key": key}
        upload_id = client.create_multipart_upload(**name)["UploadId"]
        parts = []
        for number in (1, 2):
            body = b"z" * 5 * 2**20
            made = client.upload_part(**name, UploadId=upload_id, PartNumber=number, Body=body)
            parts.append({"PartNumber": number, "ETag": made["ETag"]})
        client.complete_multipart_upload(**name, UploadId=upload_id, MultipartUpload={"Parts": parts})

    await shelf.objects._call("multipart", upload)


async def test_a_worker_goes_on_where_the_last_one_stopped_and_two_tell_it_once(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.notifications.filer._KEEP_S", 0.0)
    async with shelf.worker():
        await shelf.put("first.jpg")
        await until(lambda: shelf.keys == ["first.jpg"])
        await until(lambda: moved(shelf, 0), "the position is kept")
    kept = await shelf.position()
    for number in range(5):
        await shelf.put(f"away-{number}.jpg")
    async with shelf.worker(), shelf.worker():
        await until(lambda: len(shelf.seen) == 6)
        await asyncio.gather(*(shelf.put(f"both-{number}.jpg") for number in range(5)))
        await until(lambda: len(shelf.seen) == 11)
        await until(lambda: moved(shelf, kept), "the position moved on")
        await shelf.bench.settled("note")
    assert set(shelf.seen.values()) == {1}


async def moved(shelf: Shelf, before: int) -> bool:
    await shelf.put("nudge.txt")  # the position is written with what comes next
    return await shelf.position() > before
