"""What counts as a found or a missed thing, and what samples say of all photos."""

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest

from events.photos import AddedBox, PhotoReviewed
from functions.photos import figures, things
from functions.photos.figures import NoQuery, count_reviews, estimate, photo_figures, recall
from functions.photos.report import Masked, Report
from shared.backends import Backends
from shared.objects import MemoryObjects
from shared.settings import Settings
from shared.state import MemoryState
from shared.tallies import Tallies


def report(*masked: tuple[str, tuple[int, int, int, int], float, str], panorama: bool = False, **frame: int) -> Report:
    return Report(
        decision="released", kinds=("face", "plate"), mode="accurate", fills={}, read_as="JPEG", written_as="JPEG",
        width=1000, height=500, frames=9, panorama=panorama, counts={}, masked_share=0.1, rounds=1, looked=(),
        report_threshold={"centerface": 0.6, "yunet": 0.8}, models={}, duration_ms=1,
        masked=tuple(
            Masked.model_validate({"kind": kind, "box": box, "score": score, "model": model, "frame": place})
            for place, (kind, box, score, model) in enumerate(masked)
        ),
    )  # fmt: skip


def added(*box: int, kind: str = "face") -> AddedBox:
    return AddedBox.model_validate(dict(zip(("left", "top", "right", "bottom"), box, strict=True)) | {"kind": kind})


def test_what_several_models_found_of_one_face_in_each_picture_is_one_thing() -> None:
    found = report(
        ("face", (10, 10, 50, 60), 0.9, "centerface"),
        ("face", (12, 8, 55, 62), 0.85, "yunet"),
        ("face", (30, 12, 75, 62), 0.9, "centerface"),  # of the next picture: it moves
        ("plate", (10, 10, 50, 60), 0.9, "plates"),  # no threshold is known: nobody is sure
        ("face", (300, 10, 340, 60), 0.79, "yunet"),  # on the safe side
        ("face", (400, 10, 440, 60), 0.9, "centerface"),
        ("face", (441, 10, 480, 60), 0.9, "centerface"),  # side by side
        ("face", (600, 10, 640, 60), 1.0, "review"),  # a person's
    )
    assert things.found(found) == 3


def test_the_pieces_of_a_face_on_the_seam_are_one_thing() -> None:
    pieces = [("face", (980, 10, 1000, 60), 0.9, "centerface"), ("face", (0, 10, 15, 60), 0.9, "centerface")]
    assert things.found(report(*pieces, panorama=True)) == 1
    assert things.found(report(*pieces)) == 2


def test_what_a_person_had_to_mask_was_not_found() -> None:
    found = report(("face", (10, 10, 50, 60), 0.9, "centerface"), ("face", (400, 10, 440, 60), 0.9, "centerface"))
    boxes = (added(15, 15, 70, 70), added(20, 20, 60, 65), added(15, 15, 70, 70, kind="plate"), added(800, 5, 830, 40))
    assert things.missed(boxes) == 3  # two boxes over one face are one
    assert things.found(found, boxes) == 1


@pytest.mark.parametrize(
    ("good", "of", "low", "high"), [(100, 100, 0.963, 1.0), (95, 100, 0.888, 0.978), (0, 1, 0.0, 0.793)]
)
def test_the_interval_of_a_share(good: int, of: int, low: float, high: float) -> None:
    found = estimate(good, of)
    assert (round(found.low, 3), round(found.high, 3)) == (low, high)


def test_the_faces_of_one_crowd_tell_less_than_as_many_photos() -> None:
    apart = recall(Counter(things=100, misses=5, squares=100))
    crowd = recall(Counter(things=100, misses=5, squares=91 * 91 + 9))
    assert tuple(apart) == pytest.approx(estimate(95, 100))
    assert crowd.share == pytest.approx(apart.share)
    assert crowd.low < 0.7 < apart.low


async def test_the_status_shows_what_samples_say_and_reads_it_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    use = Backends(Settings(_env_file=None), state=MemoryState(), objects=MemoryObjects())
    reviews: list[dict[str, Any]] = [
        {"kind": "sample", "decision": "approved", "found": 8},
        {"kind": "sample", "decision": "approved", "found": 1, "missed": 1},
        {"kind": "sample", "decision": "rejected"},  # nobody said of what
        {"kind": "sample", "decision": "expired", "found": 5},  # nobody looked
        {"kind": "held", "decision": "approved", "found": 5, "missed": 5},  # no fair sample
    ]
    for number, review in enumerate(reviews):
        for _ in range(2):
            await count_reviews(PhotoReviewed.model_validate({"photo_id": f"{number:032x}", **review}), use)
    rows = {str(row[0]).partition(" / ")[2]: row[1:] for row in (await photo_figures(NoQuery(), use)).rows}
    assert rows["Samples without a miss"] == ["33.3% (1/3)", "6.1% – 79.2%"]
    value, interval = rows["Estimated recall from 3 samples"]
    assert value == "81.8% (9/11)"
    low, high = (float(str(end).rstrip("%")) for end in str(interval).split(" – "))
    assert low < 30  # of two photos, no more
    assert high > 95

    async def read(_: Backends) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr(figures, "_counted", read)
    assert (await photo_figures(NoQuery(), use)).rows


async def test_a_thing_is_counted_once_a_day_and_old_days_are_left_out() -> None:
    state = MemoryState()
    tallies, today = Tallies(state.bucket("counts")), date(2026, 11, 23)
    for number in range(40):
        for _ in range(2):
            await tallies.add(f"photo {number}", today, {"released": 1, "things": 2})
    await tallies.add("photo 0", today - timedelta(days=7), {"released": 1})
    assert await tallies.after(today - timedelta(days=7)) == {today: Counter(released=40, things=80)}
    entries = [await state.bucket("counts").get(key) for key in await state.bucket("counts").keys()]
    assert not any(b"photo" in entry.value for entry in entries if entry is not None)
