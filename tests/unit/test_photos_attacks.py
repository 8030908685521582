"""Photos made so that something is overlooked, or that the work on them never ends."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from functions.photos.anonymising import Options, anonymise
from functions.photos.decoding import PhotoRefused, decode
from functions.photos.masking import Box, Kind, Region, covered, hidden, merged
from shared.errors import BackendError
from tests.photo_scenes import COLOURS, Eyes, saved, street


async def test_a_kind_that_no_model_finds_in_this_mode_is_not_let_through() -> None:
    # In a hurry lettering is not looked for: with it alone, nobody would look for plates.
    scene = saved(street((640, 480), plate=(400, 300, 470, 320)), "PNG")
    with pytest.raises(BackendError, match="plate"):
        await anonymise(scene, Options(kinds=("plate",), mode="fast"), Eyes("text"))
    found = await anonymise(scene, Options(kinds=("plate",), mode="accurate"), Eyes("text"))
    assert found.report.counts == {"plate": 1}


async def test_a_large_page_behind_a_small_one_is_looked_at_in_its_own_size() -> None:
    out = io.BytesIO()
    page = street((2600, 1300), face=(1000, 700, 1005, 706))
    street((64, 64)).save(out, "TIFF", save_all=True, append_images=[page])
    found = await anonymise(out.getvalue(), Options(kinds=("face",)), Eyes("centerface"))
    assert found.report.counts == {"face": 1}


async def test_what_alpha_draws_is_seen() -> None:
    scene = street((320, 240)).convert("RGBA")
    face = (100, 60, 140, 110)
    scene.paste((165, 0, 0, 205), face)  # on white a face, by its colours alone none
    found = await anonymise(saved(scene, "PNG"), Options(kinds=("face",)), Eyes("centerface"))
    assert found.report.counts == {"face": 1}
    shown = Image.open(io.BytesIO(found.file))
    assert shown.mode == "RGBA"
    on_white = Image.alpha_composite(Image.new("RGBA", shown.size, "white"), shown).convert("RGB")
    assert not (np.abs(np.asarray(on_white).astype(int) - COLOURS["face"]).max(axis=-1) < 60).any()


@pytest.mark.parametrize("mode", ["RGB", "LA"])
@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (2, 1)])
async def test_a_photo_of_one_row_or_column_is_a_photo(size: tuple[int, int], mode: str) -> None:
    scene = saved(Image.new(mode, size, (90,) * len(mode)), "PNG")
    for panorama in (None, True):
        found = await anonymise(scene, Options(kinds=("face", "plate", "person"), panorama=panorama), Eyes())
        assert (found.decision, found.report.width, found.report.height) == ("released", *size)


def tiff(*pages: bytes) -> bytes:
    """A TIFF of directories that name one grey pixel; ``pages``: the kind of each (tag 254)."""
    made = b"II*\0" + struct.pack("<I", 12) + b"\x60\0\0\0"
    for number, page in enumerate(pages):
        values = {254: page[0], 256: 1, 257: 1, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 1, 279: 1}
        made += struct.pack("<H", len(values))
        made += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in values.items())
        made += struct.pack("<I", len(made) + 4 if number + 1 < len(pages) else 0)
    return made


def test_a_file_of_nothing_but_smaller_copies_is_refused() -> None:
    assert len(decode(tiff(b"\0", b"\1", b"\0")).frames) == 2
    with pytest.raises(PhotoRefused, match="smaller copies"):
        decode(tiff(b"\1", b"\1"))


def test_a_chain_of_very_many_pages_is_not_followed() -> None:
    with pytest.raises(PhotoRefused, match="more than 60 pictures"):
        decode(tiff(*[b"\0"] * 500))  # a million would keep the library busy for hours
    with pytest.raises(PhotoRefused, match="no JPEG"):
        decode(b"II+\0\x08\0\0\0" + bytes(100))


def test_a_jpeg_that_is_drawn_a_thousand_times_is_refused() -> None:
    data = saved(street((160, 120)), progressive=True)
    assert decode(data).size == (160, 120)
    begin = data.rindex(b"\xff\xda")
    end = data.rindex(b"\xff\xd9")
    with pytest.raises(PhotoRefused, match="passes"):
        decode(data[:begin] + data[begin:end] * 1000 + data[end:])
    # What lies behind the end is another matter: a short film, perhaps.
    assert decode(data + b"\xff\xda\0\2" * 1000).size == (160, 120)


def test_what_lies_in_the_photo_counts_as_hidden_and_nothing_beyond() -> None:
    masked = covered((100, 50), [Region(0, 0, 10, 50, "face"), Region(90, 0, 100, 50, "face")])
    assert hidden(Box(-1e9, -1e9, 1e9, 1e9, "person", 1.0), masked) == pytest.approx(0.2)
    # Found beyond the seam of a whole turn, it is the photo's left edge.
    assert hidden(Box(100, 10, 110, 20, "face", 1.0), masked, wraps=True) == 1.0
    assert hidden(Box(95, 10, 115, 20, "face", 1.0), masked, wraps=True) == pytest.approx(0.75)


@pytest.mark.parametrize("apart", [False, True])
def test_what_shows_the_same_is_told_once_among_many(apart: bool) -> None:
    chance = np.random.default_rng(7)
    kinds: tuple[Kind, Kind] = ("face", "plate")
    regions = []
    for left, top, width, height, kind in chance.integers((0, 0, 1, 1, 0), (300, 200, 90, 90, 2), (400, 5)).tolist():
        regions.append(Region(left, top, left + width, top + height, kinds[kind]))

    def same(one: Region, other: Region) -> bool:
        across = min(one.right, other.right) - max(one.left, other.left)
        down = min(one.bottom, other.bottom) - max(one.top, other.top)
        common = max(0, across) * max(0, down)
        areas = [(each.right - each.left) * (each.bottom - each.top) for each in (one, other)]
        return one.kind == other.kind and common > 0.6 * (min(areas) if apart else sum(areas) - common)

    expected: list[Region] = []
    for region in regions:
        if not any(same(region, kept) for kept in expected):
            expected.append(region)
    assert merged(regions, apart=apart) == expected
    assert 0 < len(expected) < len(regions)


def test_what_a_model_finds_beside_the_photo_is_for_a_person_to_see() -> None:
    assert hidden(Box(-50, 10, -20, 30, "face", 1.0), covered((100, 50), [Region(0, 0, 100, 50, "face")])) == 0.0
