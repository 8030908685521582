"""Small PDF files, written by hand: text at given places in Helvetica."""

import zlib
from collections.abc import Sequence
from typing import NamedTuple

WIDTH, HEIGHT = 595, 842


class Text(NamedTuple):
    """Words of one line."""

    x: float
    y: float  # of the baseline, from the page's lower edge
    words: str
    size: float = 11
    bold: bool = False


def column(words: Sequence[str], x: float = 70, top: float = 700, leading: float = 14) -> list[Text]:
    """Lines one below the other."""
    return [Text(x, top - leading * number, line) for number, line in enumerate(words)]


def written(texts: Sequence[Text]) -> bytes:
    """The content of a page."""
    lines = []
    for text in texts:
        shown = text.words.encode("cp1252").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
        lines.append(b"BT /F%d %g Tf %g %g Td (%b) Tj ET" % (2 if text.bold else 1, text.size, text.x, text.y, shown))
    return b"\n".join(lines)


def pdf(*pages: Sequence[Text] | bytes, rotate: int = 0, image: bool = False) -> bytes:
    """A file of these pages (as texts, or as content in PDF's own operators), each with a picture if wanted."""
    objects: list[bytes] = [b"", b""]  # the catalogue and the pages, known at the end
    for name in (b"Helvetica", b"Helvetica-Bold"):
        objects.append(b"<</Type/Font/Subtype/Type1/BaseFont/%b/Encoding/WinAnsiEncoding>>" % name)
    objects.append(
        _stream(b"<</Type/XObject/Subtype/Image/Width 1/Height 1/ColorSpace/DeviceGray/BitsPerComponent 8", b"\x80")
    )
    kids = []
    for page in pages:
        content = page if isinstance(page, bytes) else written(page)
        if image:
            content += b"\nq 500 0 0 700 40 70 cm /Im1 Do Q"
        objects.append(_stream(b"<<", content))
        kids.append(len(objects) + 1)
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Rotate %d/Contents %d 0 R/Resources"
            b"<</Font<</F1 3 0 R/F2 4 0 R>>/XObject<</Im1 5 0 R>>>>>>" % (WIDTH, HEIGHT, rotate, len(objects))
        )
    objects[0] = b"<</Type/Catalog/Pages 2 0 R>>"
    objects[1] = b"<</Type/Pages/Count %d/Kids[%b]>>" % (len(kids), b" ".join(b"%d 0 R" % kid for kid in kids))
    return assembled(objects)


def _stream(head: bytes, content: bytes) -> bytes:
    packed = zlib.compress(content)
    return head + b"/Filter/FlateDecode/Length %d>>\nstream\n%b\nendstream" % (len(packed), packed)


def assembled(objects: Sequence[bytes], trailer: bytes = b"") -> bytes:
    """A file of these objects, numbered from 1; the first is its catalogue."""
    file = b"%PDF-1.7\n"
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(file))
        file += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return file + b"xref\n0 %d\n0000000000 65535 f \n%btrailer\n<</Size %d/Root 1 0 R%b>>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1, table, len(objects) + 1, trailer, len(file),
    )  # fmt: skip
