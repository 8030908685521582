"""Files as citizens attach them, made of the text that is to be read in them; by the name's ending."""

import io
import zipfile
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from html import escape
from pathlib import PurePosixPath
from textwrap import wrap
from typing import Final

_WIDTH, _HEIGHT = 595, 842  # points of a page
_COLUMN, _LINES = 88, 52  # characters of a line, lines of a page
_WORD: Final = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_SHEET: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_DRAWING: Final = "http://schemas.openxmlformats.org/drawingml/2006/main"
_OPEN: Final = "urn:oasis:names:tc:opendocument:xmlns"


def made(name: str, text: str) -> bytes:
    """A file of this name that says the text; what is no document (a picture) only has its bytes."""
    kind = PurePosixPath(name).suffix.lower().lstrip(".")
    return _MAKERS.get(kind, str.encode)(text)


def _pdf(text: str) -> bytes:
    """Pages in a font that every reader has, with codes that say which letters they are, in any script."""
    lines = [part for line in text.split("\n") for part in (wrap(line, _COLUMN) or [""])]
    pages = [lines[start : start + _LINES] for start in range(0, len(lines), _LINES)]
    codes = {letter: number for number, letter in enumerate(sorted(set("".join(lines))), 1)}
    descriptor = b"<</Type/FontDescriptor/FontName/Helvetica/Flags 32/FontBBox[0 -200 1000 900]/ItalicAngle 0"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"",  # the pages, known at the end
        b"<</Type/Font/Subtype/Type0/BaseFont/Helvetica/Encoding/Identity-H/DescendantFonts[4 0 R]/ToUnicode 6 0 R>>",
        b"<</Type/Font/Subtype/CIDFontType2/BaseFont/Helvetica/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)"
        b"/Supplement 0>>/FontDescriptor 5 0 R/DW 500>>",
        descriptor + b"/Ascent 800/Descent -200/CapHeight 700/StemV 80>>",
        _stream(_unicode(codes)),
    ]
    kids = []
    for page in pages:
        shown = [
            b"BT /F1 10 Tf 60 %d Td <%b> Tj ET"
            % (780 - 14 * row, "".join(f"{codes[one]:04X}" for one in line).encode())
            for row, line in enumerate(page)
            if line
        ]
        objects.append(_stream(b"\n".join(shown)))
        kids.append(len(objects) + 1)
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Contents %d 0 R/Resources<</Font<</F1 3 0 R>>>>>>"
            % (_WIDTH, _HEIGHT, len(objects))
        )
    objects[1] = b"<</Type/Pages/Count %d/Kids[%b]>>" % (len(kids), b" ".join(b"%d 0 R" % kid for kid in kids))
    file, offsets = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(file))
        file += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    end = b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(file))
    return file + head + table + end


def _stream(content: bytes) -> bytes:
    return b"<</Length %d>>\nstream\n%b\nendstream" % (len(content), content)


def _unicode(codes: Mapping[str, int]) -> bytes:
    """Which letter a code is."""
    pairs = [f"<{code:04X}> <{letter.encode('utf-16-be').hex().upper()}>" for letter, code in codes.items()]
    parts = [pairs[start : start + 100] for start in range(0, len(pairs), 100)]
    told = "\n".join(f"{len(part)} beginbfchar\n{chr(10).join(part)}\nendbfchar" for part in parts)
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n/CMapName /Letters def /CMapType 2 def\n"
        f"1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n{told}\nendcmap end end"
    ).encode()


def _packed(part: str, begin: str, line: str, end: str) -> Callable[[str], bytes]:
    """Makes an office file: an archive with one part that has a line of text each."""

    def make(text: str) -> bytes:
        body = "".join(line.format(escape(one)) for one in text.split("\n"))
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("[Content_Types].xml", "<Types/>")
            archive.writestr(part, f'<?xml version="1.0" encoding="UTF-8"?>{begin}{body}{end}')
        return file.getvalue()

    return make


def _mail(text: str) -> bytes:
    """A mail within the mail; its first line is the subject."""
    message = EmailMessage()
    message["From"], message["Subject"] = "someone@mail.example", text.partition("\n")[0][:100]
    message.set_content(text)
    return message.as_bytes()


_open = _packed(
    "content.xml",
    f'<o:document-content xmlns:o="{_OPEN}:office:1.0" xmlns:t="{_OPEN}:text:1.0"><o:body><o:text>',
    "<t:p>{}</t:p>",
    "</o:text></o:body></o:document-content>",
)
_MAKERS: Final[Mapping[str, Callable[[str], bytes]]] = {
    "pdf": _pdf,
    "eml": _mail,
    "docx": _packed(
        "word/document.xml",
        f'<w:document xmlns:w="{_WORD}"><w:body>',
        "<w:p><w:r><w:t>{}</w:t></w:r></w:p>",
        "</w:body></w:document>",
    ),
    "odt": _open,
    "ods": _open,
    "xlsx": _packed("xl/sharedStrings.xml", f'<sst xmlns="{_SHEET}">', "<si><t>{}</t></si>", "</sst>"),
    "pptx": _packed(
        "ppt/slides/slide1.xml", f'<a:slide xmlns:a="{_DRAWING}">', "<a:p><a:t>{}</a:t></a:p>", "</a:slide>"
    ),
}
