"""A corpus of everything in a file that could tell who took a photo, where, and of whom: none of it comes out."""

import io
import struct
import zlib
from collections.abc import Iterator

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from functions.photos import profiles
from functions.photos.anonymising import Options, anonymise
from functions.photos.decoding import decode
from functions.photos.encoding import encode
from functions.photos.inspection import findings
from tests.photo_scenes import Eyes, saved, street

SECRET = b"GPS-Marienplatz-48.1374"
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def scene() -> Image.Image:
    return street((160, 96), face=(60, 30, 90, 60))


def exif() -> Image.Exif:
    found = Image.Exif()
    text = SECRET.decode()
    found.update({0x010E: text, 0x010F: text, 0x0110: text, 0x0131: text, 0x013B: text, 0x8298: text, 0x9C9B: SECRET})
    found.get_ifd(0x8825).update({1: "N", 2: (48.0, 8.0, 14.0), 3: "E", 4: (11.0, 34.0, 31.0), 27: SECRET})
    found.get_ifd(0x8769).update({0x927C: SECRET * 20, 0x9286: SECRET, 0xA430: text, 0xA431: text})
    return found


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def profile(**tags: bytes) -> bytes:
    """A profile with private tags beside those of sRGB."""
    count = struct.unpack_from(">I", SRGB, 128)[0]
    more = 12 * len(tags)
    table, rest = SRGB[132 : 132 + 12 * count], SRGB[132 + 12 * count :]
    entries = b"".join(
        name + struct.pack(">II", offset + more, length) for name, offset, length in struct.iter_unpack(">4sII", table)
    )
    at, data = len(SRGB) + more, b""
    for name, body in tags.items():
        entries += name.encode() + struct.pack(">II", at + len(data), len(body))
        data += body
    found = SRGB[:128] + struct.pack(">I", count + len(tags)) + entries + rest + data
    return struct.pack(">I", len(found)) + found[4:]


def corpus() -> Iterator[tuple[str, bytes]]:
    plain = saved(scene(), quality=92)
    thumbnail = saved(scene().resize((80, 48)))
    ifd1 = b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\x0e" + struct.pack(">H", 2)
    ifd1 += struct.pack(">HHIIHHII", 0x0201, 4, 1, 44, 0x0202, 4, 1, len(thumbnail)) + bytes(4) + thumbnail
    xmp = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>" + SECRET + b"</x:xmpmeta>"
    mp4 = b"\0\0\0\x18ftypmp42" + bytes(8) + SECRET * 9
    yield "exif", saved(scene(), exif=exif())
    yield "thumbnail", plain[:2] + segment(0xE1, ifd1) + plain[2:]
    yield "xmp", plain[:2] + segment(0xE1, xmp) + plain[2:]
    yield "long xmp", plain[:2] + segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + SECRET) + plain[2:]
    yield "iptc", plain[:2] + segment(0xED, b"Photoshop 3.0\08BIM\x04\x04\0\0" + SECRET) + plain[2:]
    yield "every application segment", plain[:2] + b"".join(segment(0xE0 + n, SECRET) for n in range(3, 16)) + plain[2:]
    yield "comment", saved(scene(), comment=SECRET)
    yield "trailing data", plain + SECRET
    yield "motion photo", plain[:2] + segment(0xE1, xmp + b"GCamera:MotionPhoto=1") + plain[2:] + mp4
    yield (
        "profile's text",
        saved(scene(), icc_profile=SRGB.replace("sRGB".encode("utf-16-be"), "Anna".encode("utf-16-be"))),
    )
    yield "profile's private tag", saved(scene(), icc_profile=profile(meta=SECRET, priv=SECRET))
    yield "behind the profile", saved(scene(), icc_profile=SRGB + SECRET)
    out = io.BytesIO()
    scene().save(out, "MPO", save_all=True, append_images=[scene().rotate(180)], exif=exif())
    yield "mpo", out.getvalue()
    notes = PngImagePlugin.PngInfo()
    for name in ("Author", "GPS", "XML:com.adobe.xmp"):
        notes.add_itxt(name, SECRET.decode())
    notes.add_text("Comment", SECRET.decode(), zip=True)
    png = saved(scene(), "PNG", pnginfo=notes, exif=exif())
    yield "png text and exif", png
    yield "png private chunk", png[:33] + chunk(b"prVt", SECRET) + chunk(b"tIME", bytes(7)) + png[33:]
    yield "png trailing data", png + SECRET
    yield "webp", saved(scene(), "WEBP", exif=exif(), xmp=SECRET, lossless=True)
    yield "tiff", saved(scene(), "TIFF", description=SECRET.decode(), artist=SECRET.decode(), exif=exif())


@pytest.mark.parametrize(("name", "data"), [pytest.param(name, data, id=name) for name, data in corpus()])
def test_nothing_of_a_file_comes_out_but_its_picture(name: str, data: bytes) -> None:
    photo = decode(data)
    written = encode(photo)
    assert findings(written, photo.format) == []
    for secret in (SECRET, SECRET.decode().encode("utf-16-be"), SECRET.decode().encode("utf-16-le")):
        assert secret not in written
    again = Image.open(io.BytesIO(written))
    assert photo.format == "TIFF" or not dict(again.getexif())  # a TIFF is made of tags: `findings` knows which
    assert set(again.info) <= {
        *("jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi", "resolution", "icc_profile", "compression"),
        *("loop", "background", "timestamp", "duration", "adobe", "adobe_transform"),
    }
    assert "Anna".encode("utf-16-be") not in written
    assert again.size == (160, 96)
    if "profile" in name:
        assert again.info["icc_profile"]


def test_a_usual_profile_is_kept_as_it_is_and_colours_stay_in_any() -> None:
    assert profiles.plain(SRGB) == SRGB
    private = profiles.plain(profile(meta=SECRET))
    assert private is not None
    before, after = (ImageCms.ImageCmsProfile(io.BytesIO(icc)).profile for icc in (SRGB, private))
    assert after.red_colorant == before.red_colorant
    assert profiles.plain(SRGB[:200]) is None


async def test_a_page_that_shows_another_one_small_is_not_written() -> None:
    out = io.BytesIO()
    pages = [scene(), scene().resize((80, 48))]
    pages[1].encoderinfo = {"tiffinfo": {254: 1}}
    pages[0].save(out, "TIFF", save_all=True, append_images=pages[1:])
    outcome = await anonymise(out.getvalue(), Options(kinds=("face",), mode="fast"), Eyes())
    assert outcome.report.frames == 1
