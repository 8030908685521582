"""Photos out of untrusted bytes: limits before decoding, by content and not by name, upright, without hidden colour.

A photo stays one Pillow image a frame (4 bytes a pixel), so that 200 megapixels fit twice into 2 GB.
"""

import io
import re
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal

from PIL import Image, ImageCms, ImageOps, ImageSequence, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile, get_sampling
from PIL.TiffImagePlugin import TiffImageFile

from functions.photos import heif, profiles, provenance
from shared.errors import Reject

Format = Literal["JPEG", "PNG", "WEBP", "TIFF"]
Mode = Literal["L", "LA", "RGB", "RGBA"]

_READ: Final = ("JPEG", "PNG", "WEBP", "TIFF")  # an MPO is opened as the JPEG it begins with
_WRITTEN: Final[dict[str, Format]] = {
    "JPEG": "JPEG",
    "MPO": "JPEG",  # several JPEGs in one file: the first is the photo, the others show it again
    "HEIF": "JPEG",  # there is no free encoder
    "PNG": "PNG",
    "WEBP": "WEBP",
    "TIFF": "TIFF",
}
_SIDE: Final = 65_500  # pixels; what a JPEG can hold
_STRIP: Final = 256  # rows
_COPIES: Final = 2  # times as much memory: a progressive JPEG's coefficients, a WebP's canvases
_COPIES_OF_HEIF: Final = 3  # its decoder's, the one on the way between two processes, and ours
_PROFILE: Final = 4 * 2**20  # bytes of a colour profile
_SCANS: Final = 100  # of a JPEG; a progressive one has about ten
_SEGMENT: Final = re.compile(rb"\xff[\x02-\xcf\xd9-\xfe]")  # what has a length of its own, or is the end
_ORIENTATION: Final = 0x0112
_SUBFILE: Final = 0x00FE

Image.init()  # registers the formats that are named below
Image.MAX_IMAGE_PIXELS = None  # ``Limits`` says it, and refuses with words


class PhotoRefused(Reject):
    """The file is no photo that can be anonymised; the text says why, in words for who sent it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What is looked at, all of it checked before a pixel is decoded."""

    bytes: int = 60 * 10**6
    pixels: int = 200 * 10**6  # of all frames together
    frames: int = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """One picture, upright."""

    image: Image.Image  # of a ``Mode``
    duration_ms: int = 0  # in an animation


@dataclass(frozen=True, kw_only=True, slots=True)
class Photo:
    """A decoded photo, and what of its file is kept for writing it again."""

    frames: tuple[Frame, ...]
    format: Format  # in which it is written
    read_as: str  # as its bytes say, e.g. ``HEIF``
    icc: bytes | None
    quantization: dict[int, list[int]] | None = None  # of a JPEG whose pixels were not moved
    subsampling: int | None = None  # the same
    lossless: bool = False  # of a WebP
    loop: int = 0  # of an animation
    captured_at: str | None = None  # for the report; nothing of it is written again
    position: tuple[float, float] | None = None  # the same

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.frames[0].image.size


def decode(data: bytes, limits: Limits | None = None) -> Photo:
    """Decode a JPEG, PNG, WebP, TIFF or HEIC with all its frames.

    Raises:
        PhotoRefused: it is none, broken, cut short, or over a limit.
    """
    limits = limits or Limits()
    if len(data) > limits.bytes:
        raise PhotoRefused(f"The file has {len(data) // 10**6} MB; at most {limits.bytes // 10**6} MB are taken.")
    with _refusing(), _opened(data, limits) as opened:
        read_as = str(opened.format or "HEIF")
        count = 1 if read_as in ("MPO", "HEIF") else int(getattr(opened, "n_frames", 1))
        _check(opened, count, limits)
        exif = opened.getexif()
        turned = exif.get(_ORIENTATION, 1) not in (None, 0, 1)
        taken, place = provenance.captured_at(exif), provenance.position(exif)
        frames = tuple(_frames(opened, count, limits))
        if not frames:
            raise PhotoRefused("The file has nothing but smaller copies of a photo.")
        plain = isinstance(opened, JpegImageFile) and not turned and opened.mode in ("L", "RGB")
        return Photo(
            frames=frames,
            format=_WRITTEN[read_as],
            read_as=read_as,
            icc=_profile(opened),
            quantization=dict(opened.quantization) if plain and isinstance(opened, JpegImageFile) else None,
            subsampling=get_sampling(opened) if plain and opened.mode == "RGB" else None,
            lossless=read_as == "WEBP" and _lossless(data),
            loop=int(opened.info.get("loop", 0) or 0),
            captured_at=taken,
            position=place,
        )


def _opened(data: bytes, limits: Limits) -> Image.Image:
    if not heif.is_heif(data):
        # Either would keep its library busy for hours, and a thread cannot be stopped.
        if data[:2] in (b"II", b"MM") and _pages(data, limits.frames) > limits.frames:
            raise PhotoRefused(f"The file has more than {limits.frames} pictures; at most so many are taken.")
        if data[:2] == b"\xff\xd8" and _scans(data) > _SCANS:
            raise PhotoRefused(f"The JPEG draws its picture in more than {_SCANS} passes; at most so many are taken.")
        return Image.open(io.BytesIO(data), formats=_READ)
    found = heif.opened(data, limits.pixels // _COPIES_OF_HEIF)
    if found is None:
        raise PhotoRefused(f"The HEIC photo has more than {limits.pixels // _COPIES_OF_HEIF // 10**6} megapixels.")
    return found


def _pages(tiff: bytes, most: int) -> int:
    """How many directories a TIFF has; counted no further than one over ``most``."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        raise UnidentifiedImageError  # of more than 4 GB, or none
    at, seen = struct.unpack_from(f"{order}I", tiff, 4)[0], set[int]()
    while at and at not in seen and len(seen) <= most:
        seen.add(at)
        entries = struct.unpack_from(f"{order}H", tiff, at)[0]
        at = struct.unpack_from(f"{order}I", tiff, at + 2 + 12 * entries)[0]
    return len(seen)


def _scans(jpeg: bytes) -> int:
    """How many passes a JPEG draws its picture in."""
    count, at = 0, 2
    while (found := _SEGMENT.search(jpeg, at)) is not None and found[0] != b"\xff\xd9":
        count += found[0] == b"\xff\xda"
        at = found.end() + max(2, int.from_bytes(jpeg[found.end() : found.end() + 2]))
    return count


def _check(opened: Image.Image, count: int, limits: Limits) -> None:
    width, height = opened.size
    if count > limits.frames:
        raise PhotoRefused(f"The file has {count} pictures; at most {limits.frames} are taken.")
    hungry = opened.format == "WEBP" or bool(opened.info.get("progressive"))
    most = limits.pixels // (_COPIES if hungry else 1)
    if max(width, height) > _SIDE or width * height * count > most:
        raise PhotoRefused(
            f"The photo has {width} x {height} pixels"
            + (f" in {count} pictures" if count > 1 else "")
            + f"; at most {most // 10**6} megapixels are taken"
            + (" of a WebP or a progressive JPEG." if hungry else ".")
        )


def _frames(opened: Image.Image, count: int, limits: Limits) -> Iterator[Frame]:
    seen = 0
    if count == 1:
        opened.load()
        yield Frame(image=_upright(opened))
        return
    for one in ImageSequence.Iterator(opened):
        if isinstance(one, TiffImageFile) and one.tag_v2.get(_SUBFILE, 0) & 1:
            continue  # a smaller copy of another page
        seen += one.width * one.height  # a TIFF's pages may differ in size
        if seen > limits.pixels or max(one.size) > _SIDE:
            raise PhotoRefused(f"The pictures of the file have more than {limits.pixels // 10**6} megapixels together.")
        one.load()
        yield Frame(image=_upright(one.copy()), duration_ms=int(one.info.get("duration", 0) or 0))


def _upright(image: Image.Image) -> Image.Image:
    """The picture as it is looked at, in a mode that is masked and written."""
    ImageOps.exif_transpose(image, in_place=True)  # else it would copy what lies right, too
    found = _shown(_plain(image))
    # A TIFF's own object would have its tags written again; last, when nothing else takes room.
    return found.copy() if isinstance(found, TiffImageFile) else found


def _plain(image: Image.Image) -> Image.Image:
    mode = image.mode
    if mode in ("L", "LA", "RGB", "RGBA"):
        return image
    if mode == "CMYK":
        return _of_cmyk(image)
    if mode.startswith("I") or mode == "F":
        return _of_deep(image)
    if mode == "P":
        return image.convert("RGBA" if "transparency" in image.info else "RGB")
    if mode in ("PA", "La", "RGBa"):
        return image.convert("RGBA")
    return image.convert("L" if mode == "1" else "RGB")


def _of_deep(image: Image.Image) -> Image.Image:
    """16 bits and more a pixel, of which the upper eight are seen; in strips, as numbers take much room."""
    high = image.getextrema()[1]
    top = float(high if isinstance(high, (int, float)) else 0)
    scale = 255 / 65535 if image.mode.startswith("I;16") or top > 255 else 1.0
    found = Image.new("L", image.size)
    for upper in range(0, image.height, _STRIP):
        strip = image.crop((0, upper, image.width, min(image.height, upper + _STRIP)))
        found.paste(strip.convert("F").point(lambda value: value * scale).convert("L"), (0, upper))
    return found


def _of_cmyk(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    if isinstance(profile, bytes) and len(profile) <= _PROFILE:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            found = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            found = None
        if found is not None:
            return found
    return image.convert("RGB")


def _shown(image: Image.Image) -> Image.Image:
    """Without the colour under what is fully transparent: nobody sees it, and any program can bring it back."""
    if image.mode not in ("LA", "RGBA"):
        return image
    alpha = image.getchannel("A")
    if alpha.getextrema()[0] == 255:
        return image.convert(image.mode[:-1])
    image.paste((0,) * len(image.mode), mask=alpha.point([255, *[0] * 255]))
    return image


def _profile(opened: Image.Image) -> bytes | None:
    """The colour profile, where the pixels are still of it and it is one."""
    icc = opened.info.get("icc_profile")
    if opened.mode == "CMYK":
        return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profiles.plain(icc) if isinstance(icc, bytes) and len(icc) <= _PROFILE else None


def _lossless(webp: bytes) -> bool:
    """Whether no picture of a WebP is coded with loss."""
    at, end = 12, len(webp)
    while at + 8 <= end:
        name, length = struct.unpack_from("<4sI", webp, at)
        if name == b"VP8 ":
            return False
        # A frame of an animation holds chunks of its own after 16 bytes; they are walked like those around it.
        at += 8 + (16 if name == b"ANMF" else length + length % 2)
    return True


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except PhotoRefused:
        raise
    except UnidentifiedImageError:
        raise PhotoRefused("The file is no JPEG, PNG, WebP, TIFF or HEIC photo.") from None
    except MemoryError:
        raise
    except Exception:  # a decoder raises whatever the bytes make it raise; none of it is the sender's business
        raise PhotoRefused("The photo is broken or cut short and cannot be read.") from None
