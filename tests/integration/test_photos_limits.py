"""Files made to break it, and the largest photo that is taken: no unmasked output, bounded memory and time."""

import asyncio
import io
import random
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from functions.photos.anonymising import Options, anonymise
from functions.photos.decoding import Limits, PhotoRefused
from tests.photo_scenes import COLOURS, Eyes, saved, street

HEIC = Path(__file__).parent.parent / "photos" / "gradient.heic"
LIMITS = Limits(pixels=10**6, frames=20)
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF")


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def bombs() -> Iterator[bytes]:
    """Small files that say, or unpack to, far more than they are."""
    png = b"\x89PNG\r\n\x1a\n"
    zeros = zlib.compress(bytes(20_000_000), 9)
    for width, height in ((60_000, 60_000), (2**31 - 1, 2**31 - 1), (1, 2**31 - 1), (900, 900)):
        header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        yield png + header + chunk(b"IDAT", zeros) + chunk(b"IEND", b"")
        yield png + header + chunk(b"iCCP", b"x\0\0" + zeros) + chunk(b"zTXt", b"x\0\0" + zeros)
        yield png + header + chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0)) + chunk(b"IDAT", zeros)
    jpeg = saved(street((64, 64)))
    at = jpeg.index(b"\xff\xc0")
    for height, width in ((65535, 65535), (0, 64), (64, 0)):
        yield jpeg[: at + 5] + struct.pack(">HH", height, width) + jpeg[at + 9 :]
    yield b"RIFF" + struct.pack("<I", 30) + b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + b"\xff\xff\xff" * 2
    tiff = saved(street((64, 64)), "TIFF")
    first = struct.unpack_from("<I", tiff, 4)[0]
    count = struct.unpack_from("<H", tiff, first)[0]
    yield tiff[: first + 2 + 12 * count] + struct.pack("<I", first)  # a directory that is its own successor
    yield tiff.replace(struct.pack("<HHIHH", 256, 3, 1, 64, 0), struct.pack("<HHII", 256, 4, 1, 2**31 - 1))


def corpus(count: int, seed: int) -> Iterator[bytes]:
    """Truncated, damaged and mislabelled photos of a face, and bombs; the same ones in every run."""
    chance = random.Random(seed)
    scene = street((160, 96), face=(60, 30, 90, 60))
    frames = [scene, scene.rotate(180)]
    whole = [saved(scene, format) for format in FORMATS] + [HEIC.read_bytes()]
    whole += [saved(frames[0], format, save_all=True, append_images=frames[1:]) for format in FORMATS[1:]]
    leads = [b"%PDF-1.7\n", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"PK\3\4", b"GIF89a", b"BM", b"", b"\0" * 64]
    yield from bombs()
    for number in range(count):
        data = bytearray(whole[number % len(whole)])
        match number % 5:
            case 0:
                del data[chance.randrange(len(data)) :]
            case 1 | 2:
                for _ in range(chance.randrange(1, 16)):
                    data[chance.randrange(len(data))] = chance.randrange(256)
            case 3:
                start = chance.randrange(len(data))
                data[start : start + chance.randrange(1, 400)] = chance.randbytes(chance.randrange(200))
            case _:
                data[: chance.randrange(16)] = chance.choice([*leads, *(one[:12] for one in whole)])
        yield bytes(data)


@pytest.mark.heavy
async def test_no_broken_file_comes_out_unmasked() -> None:
    refused = released = 0
    for data in corpus(540, seed=4):
        try:
            async with asyncio.timeout(60):
                outcome = await anonymise(data, Options(kinds=("face",), mode="fast"), Eyes("yunet"), LIMITS)
        except PhotoRefused:
            refused += 1
            continue
        released += 1
        image = Image.open(io.BytesIO(outcome.file))
        for number in range(outcome.report.frames):
            image.seek(number)
            left = np.abs(np.asarray(image.convert("RGB")).astype(int) - np.array(COLOURS["face"])).max(axis=-1) < 40
            assert left.sum() < 60, "a face shows"  # damage paints a few red pixels of its own
    assert refused + released >= 540
    assert refused > 150
    assert released > 50


LARGEST = """
import asyncio, sys
from pathlib import Path
from functions.photos.anonymising import Options, anonymise
from shared.memory import peak_memory
from tests.photo_scenes import Eyes

class Blind(Eyes):
    def _patches(self, tile, colour):
        return super()._patches(tile[:128, :128], colour)

options = Options(kinds=("face",), mode=sys.argv[2])
outcome = asyncio.run(anonymise(Path(sys.argv[1]).read_bytes(), options, Blind("centerface")))
print(outcome.report.width * outcome.report.height, peak_memory())
"""
MAKE = """
import sys
from PIL import Image
ramp = Image.linear_gradient("L").resize((20_000, 10_000))
turned = Image.Exif()
turned[0x0112] = 6
match sys.argv[2]:
    case "turned JPEG":  # for a moment it is there twice
        Image.merge("RGB", [ramp] * 3).save(sys.argv[1], "JPEG", exif=turned)
    case "TIFF that is seen through":
        Image.merge("RGBA", [ramp] * 4).save(sys.argv[1], "TIFF", compression="tiff_adobe_deflate")
    case "TIFF of 16 bits":
        deep = ramp.convert("I").point(lambda value: value * 257).convert("I;16")
        deep.save(sys.argv[1], "TIFF", compression="tiff_adobe_deflate")
"""


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("turned JPEG", "accurate"), ("TIFF that is seen through", "fast"), ("TIFF of 16 bits", "fast")],
)
@pytest.mark.heavy
@pytest.mark.timeout(600)
def test_two_hundred_megapixels_fit_in_two_gigabytes(kind: str, mode: str, tmp_path: Path) -> None:
    photo = tmp_path / "photo"
    subprocess.run([sys.executable, "-c", MAKE, photo, kind], check=True)
    told = subprocess.run([sys.executable, "-c", LARGEST, photo, mode], check=True, capture_output=True, text=True)
    pixels, peak = (int(number) for number in told.stdout.split())
    assert pixels == 200_000_000
    assert peak < 2 * 10**9
