"""Colour profiles without what they tell beside colours: a profile, too, can name a device or its owner.

A usual profile stays byte by byte as it is. Of any other, what is free text, private or outside the table of tags is
blanked in place; what says how the colours are meant is never touched.
"""

import re
import struct
from typing import Final

_HEADER: Final = 128  # bytes, then the table of tags
_TAGS: Final = 100  # at most; a usual profile has 9 to 20
# ICC.1:2022, chapter 9: what colours are computed from.
_COLOUR: Final = {
    *(b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC", b"kTRC", b"wtpt", b"bkpt", b"chad", b"lumi", b"chrm"),
    *(b"A2B0", b"A2B1", b"A2B2", b"B2A0", b"B2A1", b"B2A2", b"D2B0", b"D2B1", b"D2B2", b"D2B3", b"B2D0", b"B2D1"),
    *(b"B2D2", b"B2D3", b"gamt", b"pre0", b"pre1", b"pre2", b"cicp", b"rig0", b"rig2", b"meas", b"view", b"tech"),
}
_TEXT: Final = {b"desc", b"cprt", b"dmnd", b"dmdd", b"vued"}
_STRINGS: Final = re.compile(rb"(?:[\x20-\x7e]\0?){3,}")  # ASCII, or UTF-16 of it
_WORD: Final = re.compile(r"[a-z]+|[0-9.]+")
# Words of the texts in the profiles that cameras, phones and programs embed.
_USUAL: Final = re.compile(
    r"text|desc|mluc|en(?:us|gb)|dede|iec|e?srgb|rgb|adobe(?:rgb)?|apple|display|prophoto|romm|eci(?:rgb)?|gr[ae]y|gamma|"
    r"dot|gain|built|in|copyright|inc|c|all|rights|reserved|hewlett|packard|company|google|facebook|fb|no|use|freely|"
    r"public|domain|https?|www|icc|ch|colou?r|space|reference|viewing|condition|d|p|bt|itu|r|rec|coated|uncoated|fogra|"
    r"iso|v|cc|gimp|with|and|by|the|of|linear|trc|image|artifex|software|systems|incorporated|sony|eastman|kodak|canon|"
    r"nikon|samsung|huawei|microsoft|windows|pcs|international|consortium|profile|generic|uhd|dci|cmyk|us|web|swop|to"
)
_NUMBERS: Final = re.compile(r"(?:19|20)\d\d|61966|61966.2.1|2.1|2|1|2.2|1.8|709|2020|601|39|20|50|65|3|4|5|6|0|\.+")


def plain(icc: bytes) -> bytes | None:
    """The profile without anything that is not about colours; None: it is no profile."""
    if len(icc) < _HEADER + 4 or icc[36:40] != b"acsp":
        return None
    size, count = struct.unpack(">I", icc[:4])[0], struct.unpack_from(">I", icc, _HEADER)[0]
    start = _HEADER + 4 + 12 * count
    if not start <= size <= len(icc) or not 0 < count <= _TAGS:
        return None
    kept = bytearray(icc[:size])
    spans: list[tuple[int, int]] = []
    blanked: list[tuple[int, int, bytes]] = []
    for number in range(count):
        name, offset, length = struct.unpack_from(">4sII", icc, _HEADER + 4 + 12 * number)
        if offset < start or offset + length > size:
            return None
        spans.append((offset, offset + length))
        if name not in _COLOUR and not (name in _TEXT and _usual(icc[offset : offset + length])):
            blanked.append((offset, offset + length, b"text" if name in _TEXT else b""))
    colours = [span for span, name in zip(spans, _names(icc, count), strict=True) if name in _COLOUR]
    for first, last, kind in blanked:
        if not any(first < end and last > begin for begin, end in colours):
            kept[first:last] = (kind + bytes(last - first))[: last - first]
    at = start
    for first, last in sorted(spans):
        kept[at:first] = bytes(max(0, first - at))
        at = max(at, last)
    kept[at:] = bytes(size - at)
    kept[100:_HEADER] = bytes(_HEADER - 100)
    if bytes(kept) != icc:
        kept[84:100] = bytes(16)  # the digest of what it was
    return bytes(kept)


def _names(icc: bytes, count: int) -> list[bytes]:
    return [icc[at : at + 4] for at in range(_HEADER + 4, _HEADER + 4 + 12 * count, 12)]


def _usual(text: bytes) -> bool:
    """Whether all that can be read in a tag is what profiles say everywhere."""
    if any(byte > 0x7E for byte in text[8:]) and not text.startswith((b"desc", b"mluc")):
        return False
    words = [
        word
        for found in _STRINGS.findall(text)
        for word in _WORD.findall(found.replace(b"\0", b"").decode("ascii").lower())
    ]
    return all(_USUAL.fullmatch(word) or _NUMBERS.fullmatch(word) for word in words)
