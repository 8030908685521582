"""Faults on a photo's way: a flood with doubled notifications, storage and models away, a worker that is killed."""

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from PIL import Image

from events.photos import Wishes
from functions.photos.intake import submit
from functions.photos.records import Records
from functions.storage.notification import take_notification
from functions.storage.reconcile import reconcile_objects
from infra.stack.ports import free_port
from infra.stack.vision import vision
from shared.backends import Backends
from shared.settings import NatsSettings, ObjectSettings, Settings, VisionSettings
from tests.conftest import S3_KEYS, Launch, Launched
from tests.photo_scenes import COLOURS, Eyes, saved, street
from tests.photography import EVENT_FUNCTIONS, emptied, studio, told
from tests.polling import eventually

pytestmark = pytest.mark.heavy
ROOT = Path(__file__).parents[2]
PROGRAM = str(Path(sys.executable).parent / "stadtfunk")
FACE = (40, 30, 64, 60)
MANY = 500


def leaks(data: bytes) -> bool:
    """Whether a face's colour is still in a photo."""
    found = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)
    return bool((np.abs(found - np.array(COLOURS["face"])).max(axis=-1) < 60).any())


def notification(bucket: str, key: str) -> bytes:
    """MinIO's words for a written object."""
    stored = {"bucket": {"name": bucket}, "object": {"key": key, "sequencer": uuid4().hex}}
    return json.dumps({"Records": [{"eventName": "s3:ObjectCreated:Put", "s3": stored}]}).encode()


async def test_five_hundred_uploads_at_once_each_told_twice_are_each_done_once(
    nats_settings: NatsSettings, s3_settings: ObjectSettings
) -> None:
    """Told by the filer's tail of two workers, and twice in a storage's own words; every fifth is posted."""
    assert s3_settings.filer is not None
    use = Backends(Settings(_env_file=None, nats=nats_settings, objects=s3_settings), vision=Eyes("centerface"))
    photo = saved(street((160, 120), face=FACE))
    wishes = Wishes(mode="fast", kinds=("face",))
    try:
        functions = (*EVENT_FUNCTIONS, take_notification, reconcile_objects)
        async with studio(use, functions=functions, workers=2, concurrency=4) as shop:
            slots = asyncio.Semaphore(16)

            async def hand_in(number: int) -> str:
                async with slots:
                    if number % 5:
                        photo_id = await submit(photo, wishes, use)
                    else:
                        photo_id = (await shop.hand_in(photo, kinds="face"))["photo_id"]
                    words = notification("photos-in", photo_id)
                    for _ in range(2):
                        await shop.bus.jetstream.publish("storage.notifications", words)
                    return photo_id

            ids = await asyncio.gather(*map(hand_in, range(MANY)))

            async def done() -> bool:
                return await told(shop, "photos.photo.anonymised") >= MANY and not await shop.keys("photos-in")

            await eventually(done, f"{MANY} photos are finished", deadline_s=600)
            assert await told(shop, "photos.photo.anonymised") == MANY
            assert await told(shop, "photos.photo.uploaded") == MANY
            names = sorted(await shop.keys("photos-out"))
            assert names == sorted(f"{one}{suffix}" for one in ids for suffix in (".jpg", ".json"))
            states = [record.state for one in ids if (record := await Records(use).get(one)) is not None]
            assert states == ["released"] * MANY
            assert not leaks(await use.objects.get("photos-out", names[0]))
    finally:
        await use.close()
        await emptied(s3_settings)


async def test_nothing_is_lost_while_the_storage_is_away(nats_settings: NatsSettings, s3_server: Any) -> None:
    storage: Launched = s3_server()
    objects = ObjectSettings.model_validate({"endpoint": storage.provides["STADTFUNK_OBJECTS__ENDPOINT"], **S3_KEYS})
    objects = objects.model_copy(update={"timeout_s": 2.0})
    use = Backends(Settings(_env_file=None, nats=nats_settings, objects=objects), vision=Eyes())
    photo = saved(street((160, 120), face=FACE))
    try:
        async with studio(use, attempts=100) as shop:
            ids = [await submit(photo, Wishes(mode="fast"), use) for _ in range(3)]
            events = [await shop.tell(one, times=0) for one in ids]
            storage.kill()
            for event in events:
                await shop.publish(event)
            taken = await shop.hand_in(photo)
            assert taken["status"] == 503

            async def tried() -> bool:
                return await told(shop, "photos.photo.uploaded") == 3

            await eventually(tried, "the photos are told of")
            await storage.start()
            for one in ids:
                await shop.until(one, "released", deadline_s=120)
            assert sorted(await shop.keys("photos-out")) == sorted(f"{o}{s}" for o in ids for s in (".jpg", ".json"))
    finally:
        await use.close()


def unlike(data: bytes, original: bytes) -> bool:
    """Whether a good part of a photo was masked."""
    first, second = (np.asarray(Image.open(io.BytesIO(one)).convert("RGB")).astype(int) for one in (data, original))
    return first.shape == second.shape and float((np.abs(first - second).max(axis=-1) > 60).mean()) > 0.005


class Worker:
    """`stadtfunk run` of the photos' functions as a process of its own."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._environment = environment
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith("STADTFUNK_")}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [PROGRAM, "run", "take_in", "anonymise_photo", "reconcile_objects"],
                cwd=ROOT, env=plain | self._environment, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it by a signal."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(30)
            self._process = None


@pytest.fixture
def triton(launch: Launch, tmp_path: Path) -> Launched:
    """A Triton of this test's own."""
    ports: dict[str, int] = {}
    server, missing = vision(tmp_path / "vision", lambda name: ports.setdefault(name, free_port()))
    assert not missing
    return launch(server)


@pytest.fixture
async def whole(
    nats_settings: NatsSettings, s3_server: Any, triton: Launched, tmp_path: Path
) -> AsyncIterator[tuple[Backends, Worker]]:
    """Everything as in service: the storage's own tail, Triton, a worker's process."""
    storage: Launched = s3_server()
    provided = dict(storage.provides) | dict(triton.provides)
    objects = ObjectSettings.model_validate(
        {"endpoint": provided["STADTFUNK_OBJECTS__ENDPOINT"], "filer": provided["STADTFUNK_OBJECTS__FILER"], **S3_KEYS}
    )
    settings = Settings(
        _env_file=None,
        nats=nats_settings,
        objects=objects,
        vision=VisionSettings(
            url=provided["STADTFUNK_VISION__URL"], sha256=json.loads(provided["STADTFUNK_VISION__SHA256"])
        ),
    )
    use = Backends(settings)
    await use.objects.ensure_bucket("photos-in")
    environment = provided | {
        "STADTFUNK_DATA": str(tmp_path),
        "STADTFUNK_NATS__URL": nats_settings.url,
        "STADTFUNK_NATS__MAX_BYTES": str(nats_settings.max_bytes),
        "STADTFUNK_NATS__ACK_WAIT_S": "2",
    }
    worker = Worker(environment, tmp_path / "worker.log")
    yield use, worker
    worker.end()
    await use.close()


async def test_killed_in_the_middle_of_a_photo_nothing_leaves_unmasked_and_none_is_lost(
    whole: tuple[Backends, Worker], triton: Launched
) -> None:
    use, worker = whole
    example = (ROOT / "functions/photos/static/example.jpg").read_bytes()
    worker.start()
    ids = [await submit(example, Wishes(mode="fast"), use) for _ in range(5)]

    async def keys() -> list[str]:
        out = [row.key async for row in use.objects.list("photos-out")]
        return out + [row.key async for row in use.objects.list("photos-held")]

    async def begun() -> bool:
        return bool(await keys())

    async def more() -> bool:
        return len(await keys()) > before

    await eventually(begun, "the first photo is done", deadline_s=180)
    triton.kill()  # under a worker that has asked it
    before = len(await keys())
    await triton.start()
    await eventually(more, "the worker asks again", deadline_s=180)
    worker.end(signal.SIGKILL)
    triton.kill()
    worker.start()
    before = len(await keys())
    await triton.start()
    for one in ids:

        async def settled(photo_id: str = one) -> bool:
            record = await Records(use).get(photo_id)
            return record is not None and record.settled

        await eventually(settled, "the photo is done", deadline_s=240)
    states = {record.state for one in ids if (record := await Records(use).get(one)) is not None}
    assert states <= {"released", "held"}
    found = await keys()
    assert len(found) == 10 >= before
    reports = [key for key in found if key.endswith(".json")]
    assert sorted(key.removesuffix(".json") for key in reports) == sorted(ids)
    for key in set(found) - set(reports):
        bucket = "photos-out" if await use.objects.exists("photos-out", key) else "photos-held"
        assert unlike(await use.objects.get(bucket, key), example), "a photo lies there as it came in"
