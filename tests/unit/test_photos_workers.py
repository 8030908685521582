"""Two workers with one photo that differ: an event told again while the first still runs. The outcome is one."""

import asyncio

import pytest

from events.photos import AddedBox, PhotoAnonymised, PhotoHeld, PhotoReviewed, PhotoUploaded
from functions.photos.applying import apply_review
from functions.photos.candidates import Queue
from functions.photos.processing import anonymise_photo
from functions.photos.records import Records
from shared.backends import Backends
from shared.errors import Retry
from shared.settings import PhotosSettings, Settings
from shared.state import MemoryState
from shared.stored import Data
from tests.photo_scenes import Eyes
from tests.photography import Stubborn
from tests.unit.test_photos_races import Storage, handed_in


class House:
    """One storage and one state, and workers over them whose models differ."""

    def __init__(self, sample_share: float = 0.0) -> None:
        self.objects, self.state = Storage(), MemoryState()
        self._settings = Settings(_env_file=None, photos=PhotosSettings(sample_share=sample_share))

    def worker(self, eyes: Eyes) -> Backends:
        """One of them."""
        return Backends(self._settings, state=self.state, objects=self.objects, vision=eyes)


async def state_of(use: Backends, photo: PhotoUploaded) -> str:
    record = await Records(use).get(photo.photo_id)
    assert record is not None
    return record.state


@pytest.mark.parametrize("sample_share", [0.0, 1.0])
async def test_held_by_one_while_another_lets_it_out_it_is_held(sample_share: float) -> None:
    house = House(sample_share)
    sure, unsure = house.worker(Eyes()), house.worker(Stubborn())
    photo = await handed_in(sure)
    outcomes = []

    async def second() -> None:
        outcomes.append(await anonymise_photo(photo, unsure))

    house.objects.meanwhile = second  # the first is about to write the finished photo
    assert isinstance(await anonymise_photo(photo, sure), PhotoHeld)
    assert [type(one) for one in outcomes] == [PhotoHeld]
    assert await state_of(sure, photo) == "held"
    assert house.objects.names() == {f"photos-held/{photo.photo_id}.jpg", f"photos-held/{photo.photo_id}.json"}
    waiting = await Queue(sure).get(photo.photo_id)
    assert waiting is not None
    assert waiting.kind == "held"


async def test_a_worker_that_ends_in_between_leaves_nothing_once_it_is_told_again() -> None:
    house = House()
    sure, unsure = house.worker(Eyes()), house.worker(Stubborn())
    photo = await handed_in(sure)

    async def second() -> None:
        await anonymise_photo(photo, unsure)
        await house.objects.put("photos-out", f"{photo.photo_id}.jpg", b"finished")
        raise KeyboardInterrupt

    house.objects.meanwhile = second
    with pytest.raises(KeyboardInterrupt):
        await anonymise_photo(photo, sure)
    assert f"photos-out/{photo.photo_id}.jpg" in house.objects.names()
    assert isinstance(await anonymise_photo(photo, sure), PhotoHeld)
    assert not any(name.startswith("photos-out/") for name in house.objects.names())


async def test_a_late_worker_takes_back_its_own_photo_and_not_the_one_that_a_person_let_out() -> None:
    house = House()
    sure, unsure = house.worker(Eyes()), house.worker(Stubborn())
    photo = await handed_in(sure)
    approved = PhotoReviewed(
        photo_id=photo.photo_id,
        kind="held",
        decision="approved",
        boxes=(AddedBox(left=0, top=0, right=9, bottom=9),),
    )
    told = []

    async def second() -> None:
        await anonymise_photo(photo, unsure)
        told.append(await apply_review(approved, unsure))

    house.objects.meanwhile = second
    again = await anonymise_photo(photo, sure)
    (event,) = told
    assert isinstance(event, PhotoAnonymised)
    assert again == event
    assert house.objects.names() == {f"photos-out/{event.object_key}", f"photos-out/{event.report_key}"}
    assert event.reviewed


async def test_what_one_has_held_is_not_let_out_by_the_next() -> None:
    house = House()
    sure, unsure = house.worker(Eyes()), house.worker(Stubborn())
    photo = await handed_in(sure)

    class Ends(Storage):
        """Ends the worker that writes a candidate."""

        async def put(self, bucket: str, key: str, data: Data, content_type: str = "") -> None:
            raise KeyboardInterrupt

    broken = Ends()
    broken._buckets = house.objects._buckets
    with pytest.raises(KeyboardInterrupt):
        await anonymise_photo(photo, Backends(unsure.settings, state=house.state, objects=broken, vision=Stubborn()))
    assert await state_of(sure, photo) == "writing"
    assert isinstance(await anonymise_photo(photo, sure), PhotoHeld)
    assert house.objects.names() == {f"photos-held/{photo.photo_id}.jpg", f"photos-held/{photo.photo_id}.json"}


async def test_many_at_once_that_differ_leave_one_outcome() -> None:
    house = House(1.0)
    workers = [house.worker(eyes) for eyes in (Eyes(), Stubborn(), Eyes(), Stubborn(), Eyes())]
    photo = await handed_in(workers[0])
    found = await asyncio.gather(*(anonymise_photo(photo, use) for use in workers), return_exceptions=True)
    events = {one for one in found if not isinstance(one, BaseException)}
    assert all(isinstance(one, Retry) for one in found if isinstance(one, BaseException))
    assert len(events) == 1
    record = await Records(workers[0]).get(photo.photo_id)
    assert record is not None
    bucket = {"released": "photos-out", "held": "photos-held"}[record.state]
    assert house.objects.names() == {f"{bucket}/{photo.photo_id}.jpg", f"{bucket}/{photo.photo_id}.json"}
    waiting = await Queue(workers[0]).get(photo.photo_id)
    assert waiting is not None
    assert waiting.kind == {"released": "sample", "held": "held"}[record.state]
