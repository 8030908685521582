"""Held photos and samples on their way through the review, over real servers."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from events.photos import ExpiryAsked
from functions.photos.candidates import Queue, trail
from shared.bus import enveloped
from tests.photo_scenes import saved
from tests.photography import (
    SCENE,
    Backstage,
    Stubborn,
    Studio,
    fetched,
    pixels,
    shows,
    studio,
    told,
)
from tests.polling import eventually


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
        assert rows["Estimated recall from 1 sample"][0] == "50.0% (2/4)"
        assert rows["Samples without a miss"][0] == "0.0% (0/1)"
