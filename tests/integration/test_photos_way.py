"""A photo's way: handed in, told of by the storage, anonymised, given back; and everything that may go wrong on it."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp import ClientSession
from PIL import Image

from events.photos import ExpiryAsked, PhotoUploaded, Wishes
from functions.photos import folder, processing
from functions.photos.candidates import Queue, trail
from functions.photos.figures import estimate
from functions.photos.pages import review_page
from functions.photos.records import Records
from shared.backends import Backends
from shared.bus import MemoryBus, enveloped
from shared.settings import NatsSettings, ObjectSettings, PhotosSettings, Settings
from tests.integration.hosting import hosted
from tests.photo_scenes import COLOURS, Eyes, saved, street
from tests.photography import HTTP_FUNCTIONS, Stubborn, Studio, emptied, studio
from tests.polling import eventually

FACE, PLATE = (200, 120, 240, 170), (400, 300, 470, 320)
SCENE = street((640, 480), face=FACE, plate=PLATE)


class Backstage:
    """Backends over the session's NATS and S3, with eyes that a test chooses."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.made: list[Backends] = []

    def __call__(self, eyes: Eyes | None = None, **photos: Any) -> Backends:
        settings = self._settings.model_copy(update={"photos": PhotosSettings(**photos)})
        self.made.append(Backends(settings, vision=eyes or Eyes()))
        return self.made[-1]


@pytest.fixture
async def backstage(nats_settings: NatsSettings, s3_settings: ObjectSettings) -> AsyncIterator[Backstage]:
    """NATS and S3 as they are; what is seen in a photo is known to the test."""
    made = Backstage(Settings(_env_file=None, nats=nats_settings, objects=s3_settings))
    yield made
    for backends in made.made:
        await backends.close()
    await emptied(s3_settings)


def pixels(data: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def shows(data: bytes, kind: str) -> bool:
    return bool((np.abs(pixels(data) - np.array(COLOURS[kind])).max(axis=-1) < 60).any())


async def told(shop: Studio, type: str) -> int:
    """How many events of a type the stream holds."""
    info = await shop.bus.jetstream.stream_info("EVENTS", subjects_filter=f"events.*.{type}")
    return sum((info.state.subjects or {}).values())


async def fetched(shop: Studio, path: str) -> tuple[int, bytes, Any]:
    async with shop.http.get(shop.url + path) as answer:
        return answer.status, await answer.read(), answer.headers


async def test_a_photo_handed_in_comes_back_once_however_often_it_is_told_of(backstage: Backstage) -> None:
    use = backstage()
    async with studio(use, workers=2) as shop:
        taken = await shop.hand_in(saved(SCENE, exif=b"Exif\0\0" + b"MM\0*\0\0\0\x08\0\0\0\0\0\0"), mode="accurate")
        photo_id = taken["photo_id"]
        assert (taken["state"], taken["result_url"]) == ("waiting", None)
        await shop.tell(photo_id, times=5)
        done = await shop.until(photo_id, "released")
        status, photo, headers = await fetched(shop, done["result_url"])
        assert (status, headers["content-type"]) == (200, "image/jpeg")
        assert not shows(photo, "face")
        assert not shows(photo, "plate")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "private, no-store"
        assert headers["content-disposition"] == 'attachment; filename="anonymised.jpg"'
        _, report, _ = await fetched(shop, done["report_url"])
        assert json.loads(report)["counts"] == {"face": 1, "plate": 1}
        assert json.loads(report)["mode"] == "accurate"

        async def once() -> bool:
            return await told(shop, "photos.photo.anonymised") == 1 and not await shop.keys("photos-in")

        await eventually(once, "one event, and no original")
        # Ran once more by hand, as after a crash before the ack: the same outcome, and nothing new.
        again = PhotoUploaded(photo_id=photo_id, bucket="photos-in", object_key=photo_id, version="v")
        assert await processing.anonymise_photo(again, use) is not None
        assert sorted(await shop.keys("photos-out")) == sorted([f"{photo_id}.jpg", f"{photo_id}.json"])
        assert (await fetched(shop, done["result_url"]))[1] == photo


@pytest.mark.heavy
async def test_a_photo_that_others_put_there_keeps_nothing_of_its_name(backstage: Backstage) -> None:
    use = backstage()
    name = "Straßen/Erika Müller, Kfz M-AB 123.png"
    async with studio(use) as shop:
        await use.objects.ensure_bucket("photos-in")
        await use.objects.put("photos-in", name, saved(SCENE, "PNG"))
        await shop.tell(name, times=2)

        async def there() -> list[str]:
            found = await shop.keys("photos-out")
            return found if len(found) == 2 and not await shop.keys("photos-in") else []

        (photo, report) = sorted(await eventually(there, "photo and report"), key=lambda key: key.endswith("json"))
        assert photo.removesuffix(".png") == report.removesuffix(".json")
        data = await use.objects.get("photos-out", photo) + await use.objects.get("photos-out", report)
        for word in (b"Erika", b"AB 123", "Straßen".encode()):
            assert word not in data + photo.encode()


async def test_what_is_no_photo_is_refused_in_words(backstage: Backstage) -> None:
    use = backstage(max_bytes=200_000)
    cut = saved(SCENE)[:3000]
    async with studio(use) as shop:
        wrong = [
            (b"%PDF-1.7 no photo", {}, 415),
            (saved(SCENE), {"kinds": "cars"}, 422),
            (saved(SCENE), {"wait": "nan"}, 422),
            (saved(SCENE) + bytes(200_000), {}, 413),
        ]
        for data, wishes, status in wrong:
            answer = await shop.hand_in(data, **{"wait": "0"} | wishes)  # type: ignore[arg-type]
            assert answer["status"] == status, answer
        async with shop.http.post(f"{shop.url}/photos", json={"photo": "x"}) as answered:
            assert answered.status == 415
        assert await shop.keys("photos-in") == []
        taken = await shop.hand_in(cut)
        await shop.tell(taken["photo_id"])
        refused = await shop.until(taken["photo_id"], "refused")
        assert "broken or cut short" in refused["reason"]
        assert (await fetched(shop, f"/photos/{taken['photo_id']}/result"))[0] == 404
        assert await shop.keys("photos-in") == [taken["photo_id"]]  # until its retention ends
        assert await shop.keys("photos-out") == []
        assert (await fetched(shop, f"/photos/{'0' * 32}"))[0] == 404


@pytest.mark.heavy
async def test_no_output_while_the_models_are_away_and_none_lost(backstage: Backstage) -> None:
    eyes = Eyes(broken_at=2)
    async with studio(backstage(eyes)) as shop:
        taken = await shop.hand_in(saved(SCENE))
        await shop.tell(taken["photo_id"])
        done = await shop.until(taken["photo_id"], "released")
        assert len(eyes.tiles) > 2  # the first try ended at the second call
        assert not shows((await fetched(shop, done["result_url"]))[1], "face")


async def held(shop: Studio) -> str:
    taken = await shop.hand_in(saved(SCENE, "PNG"))
    photo_id: str = taken["photo_id"]
    await shop.tell(photo_id)
    await shop.until(photo_id, "held")
    return photo_id


async def test_a_held_photo_leaves_after_a_person_has_masked_what_was_missed(backstage: Backstage) -> None:
    use = backstage(Stubborn())
    async with studio(use) as shop:
        photo_id = await held(shop)

        async def no_original() -> bool:
            return await shop.keys("photos-in") == [] and await shop.keys("photos-out") == []

        await eventually(no_original, "neither original nor output")
        _, listed, _ = await fetched(shop, "/photos/review/queue")
        (waiting,) = json.loads(listed)["candidates"]
        assert (waiting["photo_id"], waiting["kind"], waiting["reason"]) == (photo_id, "held", "still_found")
        assert (waiting["width"], waiting["height"]) == (640, 480)
        _, candidate, headers = await fetched(shop, waiting["image_url"])
        assert not shows(candidate, "face")  # masked, never the original
        assert headers["cache-control"] == "private, no-store"
        box = {"left": 10, "top": 20, "right": 60, "bottom": 90, "kind": "face"}
        decision = {"decision": "approved", "boxes": [box]}
        for status in (202, 202):  # the answer was lost, and it is sent again
            async with shop.http.post(shop.url + waiting["image_url"], json=decision) as answer:
                assert answer.status in (status, 404), await answer.text()
        done = await shop.until(photo_id, "released")
        photo = pixels((await fetched(shop, done["result_url"]))[1])
        assert (photo[20:90, 10:60] == photo[20, 10]).all()
        report = json.loads((await fetched(shop, done["report_url"]))[1])
        assert report["decision"] == "released"
        assert {"kind": "face", "box": [10, 20, 60, 90], "score": 1.0, "model": "review"}.items() <= report["masked"][
            -1
        ].items()

        async def empty() -> bool:
            return not await shop.keys("photos-held") and await told(shop, "photos.photo.anonymised") == 1

        await eventually(empty, "no candidate is kept")
        async with shop.http.post(shop.url + waiting["image_url"], json={"decision": "rejected"}) as answer:
            assert answer.status == 404
        acts = [deed.act for deed in await trail(use)]
        assert acts[:3] == ["listed", "looked", "approved"]
        assert photo_id not in json.dumps([deed.model_dump(mode="json") for deed in await trail(use)])


@pytest.mark.heavy
async def test_a_held_photo_that_nobody_wants_is_deleted(backstage: Backstage) -> None:
    use = backstage(Stubborn())
    async with studio(use) as shop:
        rejected, expired = await held(shop), await held(shop)
        path = f"/photos/review/candidates/{rejected}"
        async with shop.http.post(shop.url + path, json={"decision": "rejected"}) as answer:
            assert answer.status == 202
        await shop.until(rejected, "rejected")
        # Its time is over.
        bucket = use.state.bucket("photos-review")
        entry = await bucket.get(expired)
        assert entry is not None
        waiting = json.loads(entry.value) | {"until": (datetime.now(UTC) - timedelta(minutes=1)).isoformat()}
        await bucket.put(expired, json.dumps(waiting).encode())
        await shop.bus.publish(enveloped(ExpiryAsked(), id="expiry", source="/test"))
        await shop.until(expired, "rejected")

        async def nothing() -> bool:
            return not await shop.keys("photos-held") and not await Queue(use).all(decided=True)

        await eventually(nothing, "nothing is kept")
        assert await shop.keys("photos-out") == []


@pytest.mark.heavy
async def test_a_sample_shows_what_is_missed(backstage: Backstage) -> None:
    use = backstage(sample_share=1.0)
    async with studio(use) as shop:
        taken = await shop.hand_in(saved(SCENE, "PNG"))
        photo_id = taken["photo_id"]
        await shop.tell(photo_id)
        done = await shop.until(photo_id, "released")
        _, listed, _ = await fetched(shop, "/photos/review/queue")
        (waiting,) = json.loads(listed)["candidates"]
        assert (waiting["kind"], waiting["found"]) == ("sample", 2)
        boxes = [{"left": left, "top": 1, "right": left + 8, "bottom": 9} for left in (1, 100)]
        decision = {"decision": "approved", "boxes": boxes}
        async with shop.http.post(shop.url + waiting["image_url"], json=decision) as answer:
            assert answer.status == 202

        async def masked() -> bool:
            photo = pixels((await fetched(shop, done["result_url"]))[1])
            return bool((photo[1:9, 1:9] == photo[1, 1]).all()) and not await Queue(use).all(decided=True)

        await eventually(masked, "the photo that had left is masked further")

        async def counted() -> list[list[Any]]:
            found = json.loads((await fetched(shop, "/photos/figures"))[1])["rows"]
            return found if any("recall" in str(row[0]) for row in found) else []

        found = await eventually(counted, "the recall is estimated", deadline_s=60)
        rows = {row[0].partition(" / ")[2]: row[1:] for row in found}
        assert rows["Estimated recall from 1 samples"][0] == "50.0% (2/4)"
        assert rows["Samples without a miss"][0] == "0.0% (0/1)"


@pytest.mark.heavy
async def test_whoever_handed_a_photo_in_has_it_deleted(backstage: Backstage) -> None:
    use = backstage(sample_share=1.0)
    async with studio(use) as shop:
        taken = await shop.hand_in(saved(SCENE))
        photo_id = taken["photo_id"]
        await shop.tell(photo_id)
        await shop.until(photo_id, "released")
        for secret, status in (("wrong", 404), (taken["secret"], 200)):
            given = {"photo_id": photo_id, "secret": secret}
            async with shop.http.post(f"{shop.url}/photos/forget", json=given) as answer:
                assert answer.status == status
        assert await shop.keys("photos-out") == await shop.keys("photos-in") == []
        assert await Queue(use).all() == {}
        assert (await shop.state(photo_id))["state"] == "gone"
        # Deleted while it was still to be worked on: nothing comes of it.
        taken = await shop.hand_in(saved(SCENE))
        given = {"photo_id": taken["photo_id"], "secret": taken["secret"]}
        event = await shop.tell(taken["photo_id"])
        async with shop.http.post(f"{shop.url}/photos/forget", json=given) as answer:
            assert answer.status == 200
        record = await Records(use).get(taken["photo_id"])
        assert record is not None
        assert record.state == "gone"

        async def quiet() -> bool:
            return not await shop.keys("photos-out") and not await shop.keys("photos-in")

        await eventually(quiet, f"nothing is left of {event.type}")


@pytest.mark.heavy
async def test_a_folder_is_anonymised_and_its_originals_stay(backstage: Backstage, tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    (source / "sub").mkdir(parents=True)
    originals = {
        source / "a.jpg": saved(SCENE),
        source / "a.png": saved(SCENE, "PNG"),
        source / "sub" / "b.txt": saved(SCENE, "PNG"),  # told by content
        source / "cut.jpg": saved(SCENE)[:2000],
        source / "notes.txt": b"no photo",
        source / ".hidden.jpg": saved(SCENE),
    }
    for path, data in originals.items():
        path.write_bytes(data)
    (source / "link.jpg").symlink_to(source / "a.jpg")
    with pytest.raises(folder.FolderError, match="outside"):
        folder.photos_in(source, source / "out")
    tasks = folder.photos_in(source, target)
    assert [task.source.name for task in tasks] == ["a.jpg", "a.png", "cut.jpg", "b.txt"]
    use = backstage()
    wishes = Wishes(mode="fast")
    async with studio(use) as shop:
        watching = asyncio.create_task(shop.watch())
        found = {one.source.name: one async for one in folder.run(tasks, wishes, use, at_once=4, patience_s=60)}
        assert {name: one.outcome for name, one in found.items()} == {
            "a.jpg": "released", "a.png": "released", "cut.jpg": "refused", "b.txt": "released",
        }  # fmt: skip
        assert found["a.jpg"].counts == {"face": 1, "plate": 1}
        written = sorted(str(path.relative_to(target)) for path in target.rglob("*") if path.is_file())
        assert written == [
            "a.jpg.jpg", "a.jpg.report.json", "a.png.png", "a.png.report.json", "sub/b.png", "sub/b.report.json",
        ]  # fmt: skip
        assert not shows((target / "sub/b.png").read_bytes(), "face")
        assert {path: path.read_bytes() for path in originals} == originals
        again = [one.outcome async for one in folder.run(tasks[:2], wishes, use, at_once=4, patience_s=60)]
        assert again == ["there", "there"]
        watching.cancel()


async def test_the_review_is_for_staff_alone() -> None:
    catalogue = Backends(Settings(_env_file=None)).catalogue.enabled(["photos"])
    async with hosted(catalogue, *HTTP_FUNCTIONS[5:8], review_page, bus=MemoryBus()) as url, ClientSession() as http:
        for path in ("/photos/review", "/photos/review/queue", f"/photos/review/candidates/{'0' * 32}"):
            async with http.get(url + path) as answer:
                assert answer.status == 503, path  # no sign-in is set up here: nobody may
        async with http.post(f"{url}/photos/review/candidates/{'0' * 32}", json={"decision": "approved"}) as answer:
            assert answer.status == 503


@pytest.mark.parametrize(
    ("good", "of", "low", "high"), [(100, 100, 0.963, 1.0), (95, 100, 0.888, 0.978), (0, 1, 0.0, 0.793)]
)
def test_the_interval_of_a_share(good: int, of: int, low: float, high: float) -> None:
    found = estimate(good, of)
    assert (round(found.low, 3), round(found.high, 3)) == (low, high)
