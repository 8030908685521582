"""The last look at a file before it may leave: nothing in it but pixels and what a decoder needs for them.

The containers are read byte by byte here, not by the library that wrote them: what it would pass over is just what
must not be there. Every part is on a short list of what may stand in a file, or it is a finding.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Final

from functions.photos.decoding import Format

# JFIF's APP0, ICC's APP2 and Adobe's APP14 are looked into; every other segment with a length must be one of these.
_JPEG_TABLES: Final = {*range(0xC0, 0xD0), 0xDA, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF} - {0xC8}
_JPEG_BARE: Final = {0x01, *range(0xD0, 0xD8)}
_PNG: Final = {
    *(b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"cICP", b"sBIT", b"bKGD"),
    *(b"acTL", b"fcTL", b"fdAT"),
}
_WEBP: Final = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ICCP", b"ANIM", b"ANMF"}
_WEBP_FLAGS: Final = 0b0000_1100  # of VP8X: EXIF and XMP follow
# Tags of baseline TIFF that say how the pixels lie, and the colour profile.
_TIFF: Final = {
    *(254, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 282, 283, 284, 296, 317, 320, 322, 323, 324, 325),
    *(338, 339, 530, 532, 34675),
}
_TIFF_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}


def findings(data: bytes, format: Format) -> list[str]:
    """What stands in a written file that must not: metadata, comments, thumbnails, trailing bytes; none is right."""
    try:
        return list({"JPEG": _jpeg, "PNG": _png, "WEBP": _webp, "TIFF": _tiff}[format](data))
    except (struct.error, IndexError, ValueError):
        return ["the file ends within a part"]


def _jpeg(data: bytes) -> Iterator[str]:
    if data[:2] != b"\xff\xd8":
        yield "no JPEG"
        return
    at = 2
    while True:
        if data[at] != 0xFF:
            yield "bytes between segments"
            return
        while data[at] == 0xFF:
            at += 1
        marker = data[at]
        at += 1
        if marker == 0xD9:
            break
        if marker in _JPEG_BARE:
            continue
        length = struct.unpack_from(">H", data, at)[0]
        body = data[at + 2 : at + length]
        if marker == 0xE0:
            # Bytes 12 and 13 are the size of a thumbnail within.
            if not body.startswith(b"JFIF\0") or len(body) != 14 or body[12] or body[13]:
                yield "APP0 with a thumbnail, or not JFIF"
        elif marker == 0xE2:
            if not body.startswith(b"ICC_PROFILE\0"):
                yield "APP2 that is no colour profile (MPO, FlashPix)"
        elif marker == 0xEE:
            if not body.startswith(b"Adobe") or len(body) != 12:
                yield "APP14 that is not Adobe's"
        elif 0xE0 <= marker <= 0xEF:
            yield f"APP{marker - 0xE0} (EXIF, XMP, IPTC, MakerNote …)"
        elif marker == 0xFE:
            yield "a comment"
        elif marker not in _JPEG_TABLES:
            yield f"segment {marker:#x}"
        at += length
        if marker == 0xDA:
            at = _scan_end(data, at)
    if at != len(data):
        yield f"{len(data) - at} bytes after the end"


def _scan_end(data: bytes, at: int) -> int:
    """Where the coded pixels of a scan end: at the next marker that is neither stuffing nor a restart."""
    while True:
        at = data.index(b"\xff", at)
        following = data[at + 1]
        if following == 0 or 0xD0 <= following <= 0xD7:
            at += 2
        elif following == 0xFF:
            at += 1
        else:
            return at


def _png(data: bytes) -> Iterator[str]:
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        yield "no PNG"
        return
    at = 8
    while True:
        length, name = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        if zlib.crc32(name + body) != struct.unpack_from(">I", data, at + 8 + length)[0]:
            yield "a chunk with a wrong checksum"
        if name not in _PNG:
            yield f"chunk {name.decode('latin-1')!r}"
        at += 12 + length
        if name == b"IEND":
            break
    if at != len(data):
        yield f"{len(data) - at} bytes after the end"


def _webp(data: bytes) -> Iterator[str]:
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        yield "no WebP"
        return
    end = 8 + struct.unpack_from("<I", data, 4)[0]
    if end + end % 2 != len(data) and end != len(data):
        yield f"{len(data) - end} bytes after the end"
    yield from _riff(data, 12, min(end, len(data)))


def _riff(data: bytes, at: int, end: int) -> Iterator[str]:
    while at < end:
        name, length = struct.unpack_from("<4sI", data, at)
        if at + 8 + length > end:
            raise ValueError("cut short")
        if name not in _WEBP:
            yield f"chunk {name.decode('latin-1')!r}"
        elif name == b"VP8X" and data[at + 8] & _WEBP_FLAGS:
            yield "a flag that EXIF or XMP follows"
        elif name == b"ANMF":
            yield from _riff(data, at + 8 + 16, at + 8 + length)
        at += 8 + length + length % 2


def _tiff(data: bytes) -> Iterator[str]:
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None:
        yield "no TIFF"
        return
    used = [(0, 8)]
    at, seen = struct.unpack_from(f"{order}I", data, 4)[0], set[int]()
    while at:
        if at in seen:
            raise ValueError("a loop of directories")
        seen.add(at)
        count = struct.unpack_from(f"{order}H", data, at)[0]
        used.append((at, at + 2 + 12 * count + 4))
        strips: dict[int, list[int]] = {}
        for entry in range(at + 2, at + 2 + 12 * count, 12):
            tag, kind, number = struct.unpack_from(f"{order}HHI", data, entry)
            if tag not in _TIFF:
                yield f"tag {tag}"
            size = _TIFF_SIZES[kind] * number if kind in _TIFF_SIZES else 0
            where = entry + 8 if size <= 4 else struct.unpack_from(f"{order}I", data, entry + 8)[0]
            if size > 4:
                used.append((where, where + size))
            if tag in (273, 279, 324, 325):
                strips[tag] = list(struct.unpack_from(f"{order}{number}{'H' if kind == 3 else 'I'}", data, where))
        for places, lengths in ((273, 279), (324, 325)):
            starts = strips.get(places, [])
            used += [(start, start + length) for start, length in zip(starts, strips.get(lengths, []), strict=True)]
        at = struct.unpack_from(f"{order}I", data, at + 2 + 12 * count)[0]
    yield from _unused(sorted(used), data)


def _unused(used: list[tuple[int, int]], data: bytes) -> Iterator[str]:
    """Stretches of a file that nothing points at; a few bytes, or zeros, align what comes after them."""
    at = 0
    for start, end in used:
        gap = data[at:start]
        if gap[-8:-4] in (b"II*\0", b"MM\0*"):  # every page was a file of its own before it was appended
            gap = gap[:-8]
        if len(gap) > 16 and any(gap):
            yield f"{len(gap)} bytes that nothing points at"
        at = max(at, end)
    if len(data) - at > 16:
        yield f"{len(data) - at} bytes after the end"
    if at > len(data):
        raise ValueError("cut short")
