"""What the tests of the photos' way share: servers, a host and a worker, and a camera that hands photos in."""

import asyncio
import contextlib
import io
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import aiohttp
import numpy as np
from PIL import Image

from events import Event
from events.storage import ObjectStored
from functions.photos import applying, figures, intake, pages, processing, review, uploads
from functions.photos.detection import FACES
from functions.portal.pages import search_page
from infra.worker.worker import Worker
from shared.backends import Backends
from shared.bus import derived_id, enveloped
from shared.catalogue import Catalogue
from shared.function import EventFunction, Function, function_of
from shared.jetstream import JetStreamBus
from shared.objects import ObjectMissing, Objects
from shared.settings import ObjectSettings, PhotosSettings, Settings
from tests.integration.hosting import hosted
from tests.photo_scenes import COLOURS, Eyes, street
from tests.polling import eventually

EVENT_FUNCTIONS = (
    intake.take_in,
    processing.anonymise_photo,
    applying.apply_review,
    applying.expire_photos,
    figures.count_anonymised,
    figures.count_held,
    figures.count_refused,
    figures.count_reviews,
)
HTTP_FUNCTIONS = (
    uploads.receive_photo,
    uploads.photo_state,
    uploads.photo_result,
    uploads.photo_report,
    uploads.forget_photo,
    review.review_queue,
    review.review_candidate,
    review.decide_photo,
    figures.photo_figures,
    pages.photos_page,
    pages.review_page,
    search_page,
)
FACE, PLATE = (200, 120, 240, 170), (400, 300, 470, 320)
SCENE = street((640, 480), face=FACE, plate=PLATE)
MASKED = 96  # the grey of a solid fill
_FACE = 24  # tile pixels
BUCKETS = ("photos-in", "photos-out", "photos-held")


class Stubborn(Eyes):
    """Sees a face more in what is not masked yet, whenever it looks: the photo is held."""

    async def detect(self, model: str, tiles: Any) -> Any:
        found = await super().detect(model, tiles)
        if model not in FACES:
            return found
        for one, (left, top) in zip(found, map(_bare, tiles), strict=True):
            box = np.array([[left, top, left + _FACE, top + _FACE]], np.float32)
            one.boxes = np.concatenate([one.boxes, box])
            one.scores, one.labels = np.full(len(one.boxes), 0.9, np.float32), np.zeros(len(one.boxes), np.int32)
        return found


def _bare(tile: Any) -> tuple[int, int]:
    """Where a tile shows the photo and no mask: left and top of a place as large as a face."""
    shown = ~((tile == MASKED).all(axis=2) | (tile == 0).all(axis=2))
    height, width = shown.shape
    for top in range(0, height - _FACE + 1, 8):
        for left in range(0, width - _FACE + 1, 8):
            if shown[top : top + _FACE, left : left + _FACE].all():
                return left, top
    return 0, 0


def records(functions: Sequence[Any]) -> dict[str, Function]:
    """Their records by name."""
    found = [function_of(one) for one in functions]
    return {function.name: function for function in found if function is not None}


def fast(catalogue: Catalogue, *, attempts: int = 4, **limits: Any) -> Catalogue:
    """The photos' part of the catalogue, with retries that a test can wait for."""
    only = catalogue.enabled(["photos", "portal"])
    retry = {"attempts": attempts, "initial": 0.05, "max": 0.2}
    entries = {
        name: entry.model_copy(update={"retry": entry.retry.model_copy(update=retry), **limits})
        for name, entry in only.functions.items()
    }
    return only.model_copy(update={"functions": entries})


async def emptied(settings: ObjectSettings) -> None:
    """Remove every object of the photos' buckets."""
    objects = Objects(settings)
    try:
        for bucket in BUCKETS:
            for row in [row async for row in objects.list(bucket)]:
                await objects.erase(bucket, row.key)
    finally:
        await objects.close()


@dataclass
class Studio:
    """A host and a worker of the photos' functions, and servers behind them."""

    use: Backends
    bus: JetStreamBus
    url: str
    http: aiohttp.ClientSession

    async def hand_in(self, photo: bytes, *, wait: float = 0.0, name: str = "IMG_4711.jpg", **wishes: str) -> Any:
        """POST a photo; the answer's JSON, or its bytes where it is the finished photo."""
        form = aiohttp.FormData()
        form.add_field("photo", photo, filename=name, content_type="application/octet-stream")
        for field, value in ({"wait": str(wait), "mode": "fast"} | wishes).items():
            for one in value.split(","):
                form.add_field(field, one)
        async with self.http.post(f"{self.url}/photos", data=form) as answer:
            body = await answer.read()
            return await answer.json() if "json" in answer.content_type else body

    async def tell(self, key: str, *, times: int = 1) -> ObjectStored:
        """Say that an object was written, as the storage's tail does."""
        bucket = self.use.settings.photos.incoming
        stored = await self.use.objects.stat(bucket, key)
        event = ObjectStored(
            bucket=bucket, object_key=key, version=stored.version, size=stored.size, stored_at=stored.modified
        )
        for _ in range(times):
            await self.publish(event)
        return event

    async def publish(self, event: Event) -> None:
        """Store an event as whoever tells of it would."""
        await self.bus.publish(enveloped(event, id=derived_id("-", "-", event, 0), source="/test"), key=event.key_value)

    async def watch(self) -> None:
        """Tell of every object that comes in, as the storage's tail does, until cancelled."""
        known: set[str] = set()
        while True:
            for key in await self.keys(self.use.settings.photos.incoming):
                if key not in known:
                    known.add(key)
                    with contextlib.suppress(ObjectMissing):
                        await self.tell(key)
            await asyncio.sleep(0.1)

    async def state(self, photo_id: str) -> dict[str, Any]:
        """What the interface says of a photo."""
        async with self.http.get(f"{self.url}/photos/{photo_id}") as answer:
            found: dict[str, Any] = await answer.json()
            return found

    async def until(self, photo_id: str, *states: str, deadline_s: float = 60.0) -> dict[str, Any]:
        """The photo's state, once it is one of these."""

        async def there() -> dict[str, Any] | None:
            found = await self.state(photo_id)
            return found if found["state"] in states else None

        found = await eventually(there, f"the photo is {' or '.join(states)}", deadline_s=deadline_s)
        assert found is not None
        return found

    async def keys(self, bucket: str) -> list[str]:
        """What lies in a bucket."""
        return [row.key async for row in self.use.objects.list(bucket)]


@contextlib.asynccontextmanager
async def studio(
    use: Backends, *, functions: Sequence[Any] = EVENT_FUNCTIONS, workers: int = 1, **limits: Any
) -> AsyncIterator[Studio]:
    """Serve and work until the block ends."""
    catalogue = fast(use.catalogue, **limits)
    wanted = {n: f for n, f in records(functions).items() if isinstance(f, EventFunction)}
    only = catalogue.model_copy(update={"functions": {n: catalogue.functions[n] for n in wanted}})
    bus = JetStreamBus(use.settings.nats)
    public = catalogue.model_copy(
        update={
            "functions": {
                name: entry.model_copy(update={"access": "public"} if entry.access == "staff" else {})
                for name, entry in catalogue.functions.items()
            }
        }
    )
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(workers):
            await stack.enter_async_context(Worker(wanted, only, use.settings, backends=use))
        await bus.connect()
        stack.push_async_callback(bus.close)
        given = {"objects": use.objects, "state": use.state, "vision": use.vision}
        url = await stack.enter_async_context(hosted(public, *HTTP_FUNCTIONS, settings=use.settings, bus=bus, **given))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        yield Studio(use=use, bus=bus, url=url, http=session)


class Backstage:
    """Backends over the session's NATS and S3, with eyes that a test chooses."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.made: list[Backends] = []

    def __call__(self, eyes: Eyes | None = None, **photos: Any) -> Backends:
        """Backends with settings of the photos."""
        settings = self._settings.model_copy(update={"photos": PhotosSettings(**photos)})
        self.made.append(Backends(settings, vision=eyes or Eyes()))
        return self.made[-1]

    async def close(self) -> None:
        """Close them all."""
        for backends in self.made:
            await backends.close()


def pixels(data: bytes) -> Any:
    """[height, width, 3] of a file."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def shows(data: bytes, kind: str) -> bool:
    """Whether something of this kind is not masked."""
    return bool((np.abs(pixels(data) - np.array(COLOURS[kind])).max(axis=-1) < 60).any())


async def told(shop: Studio, type: str) -> int:
    """How many events of a type the stream holds."""
    info = await shop.bus.jetstream.stream_info("EVENTS", subjects_filter=f"events.*.{type}")
    return sum((info.state.subjects or {}).values())


async def fetched(shop: Studio, path: str) -> tuple[int, bytes, Any]:
    """Status, body and headers."""
    async with shop.http.get(shop.url + path) as answer:
        return answer.status, await answer.read(), answer.headers


@contextlib.contextmanager
def open_studio(settings: Settings, eyes: Any) -> Iterator[str]:
    """A studio in a thread of its own, for tests without a loop, that is told of every photo; yields its address."""
    started: Future[str] = Future()
    loop = asyncio.new_event_loop()
    ended = asyncio.Event()

    async def run() -> None:
        use = Backends(settings, vision=eyes)
        try:
            await use.objects.ensure_bucket(settings.photos.incoming)
            async with studio(use) as shop:
                watching = asyncio.create_task(shop.watch())
                started.set_result(shop.url)
                await ended.wait()
                watching.cancel()
        except BaseException as error:
            if not started.done():
                started.set_exception(error)
            raise
        finally:
            await use.close()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    try:
        yield started.result(60)
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()
