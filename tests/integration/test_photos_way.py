"""A photo's way: handed in, told of by the storage, anonymised, given back; and everything that may go wrong on it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.backends import Backends
from shared.settings import NatsSettings, ObjectSettings, Settings
from tests.photo_scenes import Eyes, saved, street
from tests.photography import emptied, studio

SCENE = street((640, 480), face=(200, 120, 240, 170), plate=(400, 300, 470, 320))


@pytest.fixture
async def use(nats_settings: NatsSettings, s3_settings: ObjectSettings) -> AsyncIterator[Backends]:
    """NATS and S3 as they are; what is seen in a photo is known to the test."""
    settings = Settings(_env_file=None, nats=nats_settings, objects=s3_settings)
    backends = Backends(settings, vision=Eyes())
    yield backends
    await backends.close()
    await emptied(s3_settings)


async def test_a_photo_handed_in_comes_back(use: Backends) -> None:
    async with studio(use) as shop:
        taken = await shop.hand_in(saved(SCENE))
        assert taken["state"] == "waiting"
        await shop.tell(taken["photo_id"])
        done = await shop.until(taken["photo_id"], "released")
        async with shop.http.get(shop.url + done["result_url"]) as answer:
            assert answer.status == 200
            photo = await answer.read()
            headers = dict(answer.headers)
        async with shop.http.get(shop.url + done["report_url"]) as answer:
            report: dict[str, Any] = await answer.json()
        assert report["counts"] == {"face": 1, "plate": 1}
        assert photo[:3] == b"\xff\xd8\xff"
        assert headers["X-Content-Type-Options"] == "nosniff"
