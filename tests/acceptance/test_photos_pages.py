"""The photos' pages in a real Chromium over real servers: by keyboard alone, axe, nothing asked of a foreign host."""

import io
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from shared.settings import NatsSettings, ObjectSettings, PhotosSettings, Settings
from tests.acceptance.browser import LOOKS, Visit, faults, visiting
from tests.conftest import in_thread
from tests.photo_scenes import COLOURS, Eyes, saved, street
from tests.photography import Stubborn, emptied, open_studio

SCENE = street((640, 480), face=(200, 120, 240, 170), plate=(400, 300, 470, 320))
PHOTO = {"name": "Straße mit Erika.jpg", "mimeType": "image/jpeg", "buffer": saved(SCENE)}
BROKEN = {"name": "kaputt.jpg", "mimeType": "image/jpeg", "buffer": saved(SCENE)[:2000]}
PAGES = {
    "name": "Seiten.tif",
    "mimeType": "image/tiff",
    "buffer": saved(SCENE, "TIFF", save_all=True, append_images=[street((480, 640), face=(90, 60, 120, 100)), SCENE]),
}
SHOTS = os.environ.get("STADTFUNK_SHOTS")  # a folder for a person who wants to look at the pages


@pytest.fixture
def eyes() -> Eyes:
    return Eyes()


@pytest.fixture
def site(nats_settings: NatsSettings, s3_settings: ObjectSettings, eyes: Eyes) -> Iterator[str]:
    settings = Settings(
        _env_file=None, nats=nats_settings, objects=s3_settings, photos=PhotosSettings(sample_share=1.0)
    )
    with open_studio(settings, eyes) as url:
        yield url
    in_thread(lambda: emptied(s3_settings))


@pytest.fixture
def visit(chromium: Browser, site: str) -> Iterator[Visit]:
    visit = visiting(chromium, site, viewport={"width": 1280, "height": 900}, accept_downloads=True)
    yield visit
    visit.context.close()
    assert {host.partition(":")[0] for host in visit.hosts - {""}} <= {"127.0.0.1"}
    assert visit.said == []


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


def test_a_citizen_has_photos_anonymised_by_keyboard(visit: Visit) -> None:
    page = visit.open("/photos")
    expect(page.get_by_role("heading", level=1)).to_have_text("Fotos anonymisieren")
    assert page.get_by_role("checkbox", name="Gesichter").is_checked()
    page.get_by_role("button", name="Fotos auswählen").focus()
    with page.expect_file_chooser() as chosen:
        page.keyboard.press("Enter")
    chosen.value.set_files([PHOTO, BROKEN])  # type: ignore[arg-type]
    good = page.get_by_role("listitem").filter(has_text="Straße mit Erika.jpg")
    expect(good.get_by_text("Fertig.")).to_be_visible()
    broken = page.get_by_role("listitem").filter(has_text="kaputt.jpg")
    expect(broken.get_by_text("Das Foto ist beschädigt oder unvollständig.")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("2 von 2 Fotos bearbeitet.")

    slider = good.get_by_role("slider", name="Vorher und nachher vergleichen: Straße mit Erika.jpg")
    slider.press("ArrowLeft")
    assert slider.get_attribute("aria-valuetext") == "49 % vorher"
    good.get_by_text("Bericht", exact=True).press("Enter")
    expect(good.get_by_text("ein Gesicht, ein Kennzeichen")).to_be_visible()
    with page.expect_download() as downloaded:
        good.get_by_role("link", name="Herunterladen").press("Enter")
    assert downloaded.value.suggested_filename == "Straße mit Erika-anonym.jpg"
    found = np.asarray(Image.open(io.BytesIO(Path(downloaded.value.path()).read_bytes()))).astype(int)
    assert not (np.abs(found - np.array(COLOURS["face"])).max(axis=-1) < 60).any()
    assert faults(page) == []
    shot(page, "upload")

    good.get_by_role("button", name="Bei der Stadt löschen").press("Enter")
    expect(good.get_by_text("Gelöscht.")).to_be_focused()
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]


@pytest.mark.heavy
def test_staff_mask_what_was_missed_by_keyboard_and_by_mouse(visit: Visit) -> None:
    page = visit.open("/photos?lang=en")
    for _ in range(2):
        with page.expect_file_chooser() as chosen:
            page.get_by_role("button", name="Choose photos").click()
        chosen.value.set_files([PHOTO])  # type: ignore[arg-type]
    expect(page.get_by_role("status")).to_have_text("2 of 2 photos done.")
    page.goto(f"{visit.site}/photos/review?lang=en")
    queue = page.get_by_role("list", name="Photos that wait").get_by_role("button")
    expect(queue).to_have_count(2)
    queue.first.press("Enter")
    page.get_by_role("button", name="Add a box").press("Enter")
    box = page.get_by_role("button", name="Box 1, face")
    expect(box).to_be_focused()
    assert "left 296, top 216, width 48, height 48" in str(box.get_attribute("aria-label"))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    assert "left 299, top 216, width 48, height 51" in str(box.get_attribute("aria-label"))
    page.get_by_role("combobox", name="What it is, Boxes 1").select_option("plate")
    shot(page, "review")
    page.get_by_role("button", name="Mask and approve").press("Enter")
    expect(page.get_by_role("status")).to_have_text("Approved. One photo waits.")
    expect(page.get_by_role("status")).to_be_focused()

    queue.first.click()
    picture = page.get_by_role("img", name="The masked photo")
    area = picture.bounding_box()
    assert area is not None
    page.mouse.move(area["x"] + area["width"] / 2, area["y"] + area["height"] / 2)
    page.mouse.down()
    page.mouse.move(area["x"] + area["width"] / 4, area["y"] + area["height"] / 4, steps=3)
    page.mouse.up()
    drawn = page.get_by_role("button", name="Box 1, face")
    expect(drawn).to_be_focused()
    assert "left 160, top 120, width 160, height 120" in str(drawn.get_attribute("aria-label"))
    page.keyboard.press("Delete")
    expect(drawn).to_have_count(0)
    page.get_by_role("button", name="Reject").press("Enter")
    page.get_by_role("button", name="Really reject and delete?").press("Enter")
    expect(page.get_by_role("status")).to_have_text("Rejected. No photo waits.")


@pytest.mark.heavy
def test_staff_look_at_every_page_before_they_approve(visit: Visit) -> None:
    page = visit.open("/photos?lang=en")
    with page.expect_file_chooser() as chosen:
        page.get_by_role("button", name="Choose photos").click()
    chosen.value.set_files([PAGES])  # type: ignore[arg-type]
    expect(page.get_by_role("status")).to_have_text("1 of 1 photo done.")
    page.goto(f"{visit.site}/photos/review?lang=en")
    page.get_by_role("list", name="Photos that wait").get_by_role("button").press("Enter")
    approve = page.get_by_role("button", name="pprove")
    expect(approve).to_be_disabled()
    expect(page.get_by_text("2 pictures you have not looked at yet.")).to_be_visible()
    page.get_by_role("button", name="Add a box").press("Enter")
    page.get_by_role("button", name="Next picture").press("Enter")
    picture = page.get_by_role("img", name="The masked photo, Picture 2 of 3")
    expect(picture).to_be_visible()
    assert page.evaluate("([image]) => [image.naturalWidth, image.naturalHeight]", [picture.element_handle()]) == [
        480,
        640,
    ]
    expect(page.get_by_role("button", name="Box 1, face")).to_be_visible()
    page.get_by_role("combobox", name="In which pictures, Boxes 1").select_option("only in picture 2")
    page.get_by_role("slider", name="Picture").press("ArrowRight")
    expect(page.get_by_role("button", name="Box 1, face")).to_be_hidden()
    expect(approve).to_be_enabled()
    assert faults(page) == []
    shot(page, "review-pages")
    approve.press("Enter")
    expect(page.get_by_role("status").first).to_have_text("Approved. No photo waits.")


@pytest.mark.heavy
class TestHeld:
    """What is not sure."""

    @pytest.fixture
    def eyes(self) -> Eyes:
        return Stubborn()

    def test_a_photo_that_is_held_says_so(self, visit: Visit) -> None:
        page = visit.open("/photos")
        with page.expect_file_chooser() as chosen:
            page.get_by_role("button", name="Fotos auswählen").click()
        chosen.value.set_files([PHOTO])  # type: ignore[arg-type]
        expect(page.get_by_text("Noch nicht sicher", exact=False)).to_be_visible()
        shot(page, "held")


@pytest.mark.heavy
@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_axe_finds_nothing(chromium: Browser, visit: Visit, scheme: str, width: int) -> None:
    other = visiting(chromium, visit.site, color_scheme=scheme, viewport={"width": width, "height": 900})
    page = other.open("/photos")
    assert faults(page) == []
    with page.expect_file_chooser() as chosen:
        page.get_by_role("button", name="Fotos auswählen").click()
    chosen.value.set_files([PHOTO, BROKEN])  # type: ignore[arg-type]
    expect(page.get_by_role("status")).to_have_text("2 von 2 Fotos bearbeitet.")
    page.get_by_text("Bericht", exact=True).click()
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "scrolls sideways"
    shot(page, f"upload-{scheme}-{width}")
    page.goto(f"{visit.site}/photos/review")
    page.get_by_role("list", name="Fotos, die warten").get_by_role("button").first.click()
    page.get_by_role("button", name="Kasten hinzufügen").click()
    assert page.get_by_text("false").count() == 0  # what is left out is no text
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "scrolls sideways"
    shot(page, f"review-{scheme}-{width}")
    assert other.said == []
    other.context.close()
