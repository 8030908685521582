"""A photo's way: handed in, told of by the storage, anonymised, given back; and everything that may go wrong on it."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from events.photos import PhotoUploaded
from functions.photos import processing
from functions.photos.candidates import Queue
from functions.photos.records import Records
from tests.photo_scenes import Eyes, saved
from tests.photography import SCENE, Backstage, fetched, shows, studio, told
from tests.polling import eventually


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


async def test_the_house_takes_so_much_an_hour_and_says_when_it_goes_on(backstage: Backstage) -> None:
    photo = saved(SCENE)
    use = backstage(max_bytes=len(photo), hour_bytes=len(photo))
    hours = [f"{datetime.now(UTC) + timedelta(hours=more):%Y%m%dT%H}" for more in range(2)]
    taken = use.state.bucket("photos-quota", ttl_s=2 * 24 * 3600.0)
    async with studio(use) as shop:
        for hour in hours:
            await taken.put(hour, b"1")  # a byte too many
        refused = await shop.hand_in(photo)
        assert (refused["status"], "try again later" in refused["detail"]) == (429, True)
        assert await shop.keys("photos-in") == []
        for hour in hours:
            await taken.put(hour, b"0")
        assert (await shop.hand_in(photo))["state"] == "waiting"
        counts = [int(entry.value) for hour in hours if (entry := await taken.get(hour)) is not None]
        assert sum(counts) == len(photo)
        for hour in hours:
            await taken.delete(hour)


async def test_one_sender_takes_no_more_than_its_share(backstage: Backstage) -> None:
    photo = saved(SCENE)
    async with studio(backstage(), max_hour=2 * len(photo)) as shop:
        assert (await shop.hand_in(photo))["state"] == "waiting"
        assert (await shop.hand_in(photo))["status"] == 429
        assert len(await shop.keys("photos-in")) == 1
