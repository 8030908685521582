"""The second look shows what was masked, whole and with what is beside it, and not all that lies between."""

import numpy as np
import pytest

from functions.photos.tiling import View, tiles
from tests.photo_scenes import street

FAR_APART = np.array([[10, 10, 60, 40], [1200, 1000, 1270, 1050], [640, 500, 720, 520]], np.float64)


@pytest.mark.parametrize("size", [(1280, 1100), (500, 400), (2600, 1400)])
def test_each_place_is_seen_whole_with_its_surroundings(size: tuple[int, int]) -> None:
    places = FAR_APART * (min(size) / 1100)
    parts = [part for tile in tiles(street(size), View()) for part in tile.around(places)]
    for left, top, right, bottom in places:
        beside = (max(0, left - 32), max(0, top - 32), min(size[0], right + 32), min(size[1], bottom + 32))
        assert any(
            part.left <= beside[0]
            and part.top <= beside[1]
            and part.left + part.pixels.shape[1] >= beside[2]
            and part.top + part.pixels.shape[0] >= beside[3]
            for part in parts
        )
    for part in parts:
        assert all(side % 128 == 0 for side in part.pixels.shape[:2])


def test_places_far_apart_are_not_seen_with_all_that_lies_between() -> None:
    (tile,) = tiles(street((1280, 1280)), View())
    parts = list(tile.around(FAR_APART))
    assert len(parts) == 3
    assert sum(part.pixels.size for part in parts) < tile.pixels.size / 6


def test_a_tile_that_shows_none_of_them_is_not_looked_at() -> None:
    (tile,) = tiles(street((640, 640)), View())
    assert not list(tile.around(np.array([[700.0, 0, 800, 100]])))
