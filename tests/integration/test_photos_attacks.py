"""What somebody might send to break the photos' way in, out and through the review, over a real host."""

import io
import json
from typing import Any

import pytest
from aiohttp import ClientSession
from yarl import URL

from functions.photos.pages import review_page
from shared.backends import Backends
from shared.bus import MemoryBus
from shared.settings import Settings
from tests.integration.hosting import hosted
from tests.photo_scenes import saved
from tests.photography import HTTP_FUNCTIONS, SCENE, Backstage, fetched, studio

SCRIPT = b"<script>alert(1)</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
JPEG = saved(SCENE)
DISPOSITION = b'Content-Disposition: form-data; name="photo"; filename="a.jpg"'


def part(head: bytes, body: bytes = b"") -> bytes:
    return b"--x\r\n" + head + b"\r\n\r\n" + body + b"\r\n"


FORMS = {
    "a header of 8 MB": part(DISPOSITION + b"\r\nX: " + b"a" * 8_000_000, JPEG),
    "a hundred thousand headers": part(DISPOSITION + b"\r\nX: y" * 100_000, JPEG),
    "a hundred thousand parts": part(b'Content-Disposition: form-data; name="kinds"', b"face") * 100_000,
    "a boundary and no end": b"--x\r\n" * 1_000_000,
    "two photos": part(DISPOSITION, JPEG) * 2,
    "no photo": part(b'Content-Disposition: form-data; name="photo"', JPEG[:1000]),
    "a wish of 60 KB": part(b'Content-Disposition: form-data; name="mode"', b"a" * 60_000) + part(DISPOSITION, JPEG),
    "no name": part(b"Content-Disposition: form-data", JPEG),
    "a name that is no text": part(b'Content-Disposition: form-data; name="\xff\xfe"; filename="\xff"', JPEG),
    "a wish as a file": part(b'Content-Disposition: form-data; name="kinds"; filename="kinds"', b"face"),
    "a page": part(DISPOSITION, b"<!doctype html>" + SCRIPT),
    "a drawing": part(DISPOSITION + b"\r\nContent-Type: image/jpeg", SVG),
    "a drawing in a photo's clothes": part(DISPOSITION, b"RIFF\0\0\0\0WEBX" + SVG),
}


async def test_a_hostile_form_is_the_senders_fault_and_nothing_of_it_is_kept(backstage: Backstage) -> None:
    async with studio(backstage(), functions=()) as shop:
        headers = {"content-type": "multipart/form-data; boundary=x"}
        for name, body in FORMS.items():
            async with shop.http.post(
                f"{shop.url}/photos", data=io.BytesIO(body + b"--x--\r\n"), headers=headers
            ) as answer:
                assert answer.status in (400, 413, 415, 422), name
                text = await answer.text()
                assert answer.content_type == "application/problem+json", name
                assert not [word for word in ("script", "svg", "Traceback") if word in text], name
        for kind in ("multipart/form-data", "multipart/form-data; boundary=" + "x" * 5000, "image/jpeg", "text/html"):
            async with shop.http.post(f"{shop.url}/photos", data=JPEG, headers={"content-type": kind}) as answer:
                assert answer.status in (400, 415, 422), kind
        assert await shop.keys("photos-in") == []


async def test_a_file_that_is_a_page_as_well_comes_out_as_a_photo_alone(backstage: Backstage) -> None:
    comment = b"\xff\xfe" + (len(SCRIPT) + 2).to_bytes(2, "big") + SCRIPT
    files = [JPEG[:2] + comment + JPEG[2:] + SCRIPT, saved(SCENE, "PNG") + SVG]
    async with studio(backstage()) as shop:
        for file in files:
            taken = await shop.hand_in(file, name="../../<img src=x onerror=alert(1)>.html")
            await shop.tell(taken["photo_id"])
            done = await shop.until(taken["photo_id"], "released")
            for path, kind in ((done["result_url"], "image/"), (done["report_url"], "application/json")):
                status, body, headers = await fetched(shop, path)
                assert status == 200
                assert headers["content-type"].startswith(kind)
                assert headers["x-content-type-options"] == "nosniff"
                assert headers["content-security-policy"] == "default-src 'none'; sandbox"
                assert not [
                    word for word in (b"script", b"<svg", b"onerror", b"..") if word in body and kind != "image/"
                ]
                assert SCRIPT not in body
                assert SVG not in body
        assert all(len(key.partition(".")[0]) == 32 for key in await shop.keys("photos-out"))


async def test_an_id_leads_to_its_photo_and_nowhere_else(backstage: Backstage) -> None:
    async with studio(backstage(), functions=()) as shop:
        photo_id = (await shop.hand_in(JPEG))["photo_id"]
        tricks = [
            photo_id.upper(),
            photo_id + "0",
            photo_id[:-1],
            f"{photo_id}%00",
            f"{photo_id}%0a",
            "*",
            "%2e%2e",
            ">",
        ]
        tricks += [f"..%2f{photo_id}", f"{photo_id}%2f..%2f{photo_id}", "%f0%9f%98%80" * 8, f"{photo_id};x", "-" * 9000]
        for trick in tricks:
            if trick == photo_id:
                continue  # it has no letters
            for rest in ("", "/result", "/report"):
                url = f"{shop.url}/photos/{trick}{rest}"
                async with shop.http.get(URL(url, encoded=True)) as answer:
                    assert answer.status in (400, 404, 414, 422, 431), trick
        wrong: list[Any] = ["wrong", "", None, 1, ["x"], "x" * 101, "0" * 64]
        for secret in wrong:
            given = {"photo_id": photo_id, "secret": secret}
            async with shop.http.post(f"{shop.url}/photos/forget", json=given) as answer:
                assert answer.status in (404, 422)
        assert (await shop.state(photo_id))["state"] == "waiting"
        assert await shop.keys("photos-in") == [photo_id]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
async def test_another_sites_form_decides_nothing(backstage: Backstage, kind: str) -> None:
    """A browser sends these from any page, with the cookies of a sign-in proxy; a JSON body it sends from none."""
    decision = json.dumps({"decision": "approved"})
    async with studio(backstage(), functions=()) as shop:
        path = f"{shop.url}/photos/review/candidates/{'0' * 32}"
        headers = {"content-type": kind, "origin": "https://elsewhere.example"}
        async with shop.http.post(path, data=decision, headers=headers) as answer:
            assert answer.status == 415
        asks = {"origin": "https://elsewhere.example", "access-control-request-method": "POST"}
        async with shop.http.options(path, headers=asks | {"access-control-request-headers": "content-type"}) as answer:
            assert "access-control-allow-origin" not in answer.headers


async def test_the_review_is_for_staff_alone() -> None:
    catalogue = Backends(Settings(_env_file=None)).catalogue.enabled(["photos"])
    async with hosted(catalogue, *HTTP_FUNCTIONS[5:8], review_page, bus=MemoryBus()) as url, ClientSession() as http:
        for path in ("/photos/review", "/photos/review/queue", f"/photos/review/candidates/{'0' * 32}"):
            async with http.get(url + path) as answer:
                assert answer.status == 503, path  # no sign-in is set up here: nobody may
        async with http.post(f"{url}/photos/review/candidates/{'0' * 32}", json={"decision": "approved"}) as answer:
            assert answer.status == 503
