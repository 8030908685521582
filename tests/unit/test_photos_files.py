"""Photos as files: decoded upright and without hidden colour, masked beyond recovery, written with nothing else."""

import io
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageDraw, PngImagePlugin

from functions.photos.decoding import Limits, PhotoRefused, decode
from functions.photos.encoding import encode
from functions.photos.inspection import findings
from functions.photos.masking import Box, Fill, Region, grown, mask, share
from tests.photo_scenes import STORED

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
HEIC = Path(__file__).parent.parent / "photos" / "gradient.heic"
SECRET = b"GPS-Marienplatz-48.1374"


def scene(size: tuple[int, int] = (160, 96), mode: str = "RGB") -> Image.Image:
    """A picture whose corners differ, so that it shows how it is turned."""
    x, y = np.meshgrid(np.linspace(0, 255, size[0]), np.linspace(0, 255, size[1]))
    image = Image.fromarray(np.stack([x, y, 255 - x], axis=-1).astype(np.uint8))
    ImageDraw.Draw(image).rectangle((8, 8, 40, 24), fill=(255, 255, 255))
    return image.convert(mode)


def saved(image: Image.Image, format: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def psnr(one: Image.Image, other: Image.Image) -> float:
    a, b = (np.asarray(image.convert("RGB"), dtype=np.float64) for image in (one, other))
    error = float(np.mean((a - b) ** 2))
    return 99.0 if error == 0 else 10 * float(np.log10(255**2 / error))


def exif(orientation: int = 1) -> Image.Exif:
    found = Image.Exif()
    found[0x0112] = orientation
    found[0x010E] = SECRET.decode()
    found.get_ifd(0x8825)[1] = "N"
    found.get_ifd(0x8825)[2] = (48.0, 8.0, 14.0)
    return found


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_decoded_upright(orientation: int) -> None:
    lying = scene() if orientation == 1 else scene().transpose(STORED[orientation])
    photo = decode(saved(lying, "JPEG", quality=98, subsampling=0, exif=exif(orientation)))
    assert photo.size == (160, 96)
    assert psnr(photo.frames[0].image, scene()) > 35
    written = encode(photo)
    assert findings(written, "JPEG") == []
    assert psnr(decode(written).frames[0].image, photo.frames[0].image) >= 45


@pytest.mark.parametrize("quality", [40, 75, 90, 97])
def test_an_unturned_jpeg_keeps_its_quality_and_profile(quality: int) -> None:
    data = saved(scene((1280, 960)), "JPEG", quality=quality, icc_profile=SRGB, exif=exif(), comment=SECRET)
    photo = decode(data)
    written = encode(photo)
    again = decode(written)
    assert psnr(again.frames[0].image, photo.frames[0].image) >= 45
    assert again.icc == SRGB
    assert abs(len(written) - len(data)) < 0.2 * len(data) + 1000
    assert SECRET not in written
    assert findings(data, "JPEG")
    assert findings(written, "JPEG") == []


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P", "1", "I;16"])
def test_a_png_of_any_mode_stays_as_it_looks(mode: str) -> None:
    image = Image.fromarray(np.full((48, 64), 40_000, dtype=np.uint16)) if mode == "I;16" else scene(mode=mode)
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", SECRET.decode())
    photo = decode(saved(image, "PNG", pnginfo=notes))
    written = encode(photo)
    assert findings(written, "PNG") == []
    if mode == "I;16":
        assert np.asarray(decode(written).frames[0].image)[0, 0] == pytest.approx(40_000 / 65535 * 255, abs=1)
    else:
        assert psnr(decode(written).frames[0].image, image.convert("RGB")) > 45


def test_colour_below_what_is_transparent_is_gone() -> None:
    image = scene(mode="RGBA")
    image.putalpha(Image.new("L", image.size, 0))
    written = decode(encode(decode(saved(image, "PNG"))))
    assert written.frames[0].image.convert("RGB").getextrema() == ((0, 0), (0, 0), (0, 0))


def test_a_cmyk_jpeg_becomes_rgb_with_a_profile() -> None:
    photo = decode(saved(scene(mode="CMYK"), "JPEG", quality=95))
    assert photo.frames[0].image.mode == "RGB"
    assert photo.icc is not None
    assert psnr(photo.frames[0].image, scene()) > 25


@pytest.mark.parametrize("lossless", [True, False])
def test_a_webp_keeps_its_pixels(lossless: bool) -> None:
    photo = decode(saved(scene((320, 240)), "WEBP", lossless=lossless, quality=90, exif=exif(), xmp=SECRET))
    assert photo.lossless == lossless
    written = encode(photo)
    assert findings(written, "WEBP") == []
    assert psnr(decode(written).frames[0].image, photo.frames[0].image) >= 45


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF"])
def test_every_frame_is_kept(format: str) -> None:
    frames = [scene(), scene().rotate(180), scene().transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
    options = {"duration": 80} if format != "TIFF" else {}
    options |= {"lossless": True} if format == "WEBP" else {}
    photo = decode(saved(frames[0], format, save_all=True, append_images=frames[1:], **options))
    assert photo.lossless == (format == "WEBP")
    written = encode(photo)
    assert findings(written, photo.format) == []
    again = decode(written)
    assert len(photo.frames) == len(again.frames) == 3
    for before, after in zip(frames, again.frames, strict=True):
        assert psnr(before, after.image) > 45


def test_a_tiff_keeps_nothing_but_its_picture() -> None:
    written = encode(decode(saved(scene(), "TIFF", description=SECRET.decode(), software="x", icc_profile=SRGB)))
    assert findings(written, "TIFF") == []
    assert findings(saved(scene(), "TIFF", description=SECRET.decode()), "TIFF") == ["tag 270"]


def test_a_heic_becomes_a_jpeg_of_its_size() -> None:
    data = HEIC.read_bytes()  # ``scene()`` with position, comment and XMP
    assert SECRET in data
    photo = decode(data)
    written = encode(photo)
    assert (photo.read_as, photo.format, photo.size) == ("HEIF", "JPEG", (160, 96))
    assert psnr(photo.frames[0].image, scene()) > 30
    assert findings(written, "JPEG") == []
    assert psnr(decode(written).frames[0].image, photo.frames[0].image) >= 45


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data + SECRET,
        lambda data: data[:2] + b"\xff\xe1" + struct.pack(">H", 2 + len(SECRET)) + SECRET + data[2:],
        lambda data: data[:2] + b"\xff\xfe" + struct.pack(">H", 2 + len(SECRET)) + SECRET + data[2:],
        lambda data: data[:2] + b"\xff\xe2" + struct.pack(">H", 6 + len(SECRET)) + b"MPF\0" + SECRET + data[2:],
        lambda data: data[:-2] + b"\xff\xe1" + struct.pack(">H", 2 + len(SECRET)) + SECRET + data[-2:],
        lambda data: data[: len(data) // 2],
        lambda data: data[:2] + SECRET + data[2:],
    ],
)
def test_anything_else_in_a_jpeg_is_found(spoil: Callable[[bytes], bytes]) -> None:
    clean = encode(decode(saved(scene(), "JPEG")))
    assert findings(clean, "JPEG") == []
    assert findings(spoil(clean), "JPEG")


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF"])
def test_anything_after_the_end_is_found(format: str) -> None:
    clean = encode(decode(saved(scene(), format)))
    assert findings(clean, format) == []  # type: ignore[arg-type]
    assert findings(clean + SECRET, format)  # type: ignore[arg-type]
    assert findings(clean[:-20], format)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "no JPEG"),
        (b"<svg/>", "no JPEG"),
        (saved(scene(), "GIF"), "no JPEG"),
        (saved(scene(), "BMP"), "no JPEG"),
        (saved(scene(), "JPEG")[:600], "cut short"),
        (saved(scene(), "PNG")[:200], "cut short"),
        (saved(scene((1200, 900)), "PNG"), "megapixels"),
        (saved(scene(), "PNG", save_all=True, append_images=[scene().rotate(n) for n in range(1, 9)]), "pictures"),
        (saved(Image.new("1", (70_000, 1)), "PNG"), "pixels"),
    ],
)
def test_what_is_no_photo_is_refused_with_words(data: bytes, says: str) -> None:
    with pytest.raises(PhotoRefused, match=says):
        decode(data, Limits(pixels=10**6, frames=5))


def test_a_file_that_is_too_large_is_not_even_opened() -> None:
    with pytest.raises(PhotoRefused, match="at most 1 MB"):
        decode(saved(scene(), "JPEG") + bytes(1_000_001), Limits(bytes=10**6))


def test_five_hundred_broken_files_are_refused_or_read_and_nothing_else() -> None:
    chance = random.Random(4)
    kinds: dict[str, dict[str, Any]] = {
        "JPEG": {"exif": exif()},
        "PNG": {},
        "WEBP": {},
        "TIFF": {"compression": "tiff_lzw"},
    }
    whole = [saved(scene(), format, **options) for format, options in kinds.items()]
    read = 0
    for number in range(500):
        data = bytearray(whole[number % 4])
        for _ in range(chance.randrange(1, 12)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        if number % 3 == 0:
            del data[chance.randrange(8, len(data)) :]
        try:
            photo = decode(bytes(data), Limits(pixels=10**6))
        except PhotoRefused:
            continue
        read += 1
        assert findings(encode(photo), photo.format) == []
    assert read > 20


def test_boxes_grow_about_their_centre_and_stay_in_the_photo() -> None:
    assert grown(Box(40, 40, 60, 60, "face", 0.9), (100, 100)) == [Region(34, 34, 66, 66, "face")]
    assert grown(Box(40, 40, 60, 50, "plate", 0.9), (100, 100)) == [Region(36, 36, 64, 54, "plate")]
    assert grown(Box(90, -5, 120, 20, "person", 0.9), (100, 100)) == [Region(88, 0, 100, 22, "person")]


def test_a_box_at_the_seam_of_a_whole_turn_is_masked_on_both_sides() -> None:
    assert grown(Box(95, 40, 105, 50, "plate", 0.9), (100, 100), wraps=True) == [
        Region(91, 36, 100, 54, "plate"),
        Region(0, 36, 9, 54, "plate"),
    ]
    assert grown(Box(-3, 40, 5, 50, "plate", 0.9), (100, 100), wraps=True)[0].right == 100
    assert grown(Box(-60, 40, 60, 50, "plate", 0.9), (100, 100), wraps=True) == [Region(0, 36, 100, 54, "plate")]


def test_the_share_is_of_the_union() -> None:
    regions = [Region(0, 0, 50, 100, "face"), Region(25, 0, 50, 100, "plate")]
    assert share((100, 100), regions) == pytest.approx(0.5)
    assert share((100, 100), []) == 0


def plate(text: str) -> Image.Image:
    image = Image.new("RGB", (120, 28), (235, 235, 235))
    ImageDraw.Draw(image).text((10, 4), text, fill=(10, 10, 10), font_size=20)
    return image


@pytest.mark.parametrize("fill", ["solid", "blur"])
@pytest.mark.parametrize("mode", ["RGB", "LA"])
def test_the_original_cannot_be_told_among_a_thousand_candidates(fill: Fill, mode: str) -> None:
    """Who has the masked photo and every candidate re-applies the fill, and looks which result is nearest."""
    chance = random.Random(7)
    candidates = [
        plate(
            f"{''.join(chance.choices('ABCDEFGHKLM', k=2))}-{chance.randrange(10, 99)} {chance.randrange(1000, 9999)}"
        )
        for _ in range(1000)
    ]
    region = [Region(0, 0, 120, 28, "plate")]

    def masked(image: Image.Image) -> Any:
        copy = image.convert(mode)
        mask(copy, region, {"plate": fill})
        return np.asarray(copy.convert("RGB"), dtype=np.float32)

    views = np.stack([masked(image) for image in candidates])
    first = 0
    for true in range(0, 1000, 50):
        distances = ((views - masked(candidates[true])) ** 2).mean(axis=(1, 2, 3))
        first += int(np.sum(distances < distances[true]) == 0 and np.sum(distances == distances[true]) < 10)
    # By chance 20 tries hit 0.02 times; three hits have a probability of one in a million.
    assert first < 3


def test_nothing_of_a_blurred_region_comes_through() -> None:
    image = Image.new("RGB", (200, 200), (120, 120, 120))
    image.paste(plate("M-XY 1234"), (40, 80))
    before = np.asarray(image.crop((40, 80, 160, 108)).convert("L"), dtype=np.float64).ravel()
    mask(image, [Region(40, 80, 160, 108, "plate")], {"plate": "blur"})
    after = np.asarray(image.crop((40, 80, 160, 108)).convert("L"), dtype=np.float64).ravel()
    assert abs(np.corrcoef(before, after)[0, 1]) < 0.35
    assert image.getpixel((39, 79)) == (120, 120, 120)
