"""PDF to lines of text with their places, by PDFium.

PDFium is not thread-safe and reads what strangers wrote: ``shared.knowledge.documents`` runs this in a process of
its own, which may crash, grow or hang without harm.
"""

import ctypes
import math
import re
import unicodedata
from collections.abc import Iterator
from typing import Any, NamedTuple

import pypdfium2 as pdfium
from pypdfium2 import raw

from shared.errors import Reject

_SMALLEST = 2.0  # points; what is smaller nobody reads
_GAP = 1.6  # of the letters' size: a wider gap in a line parts cells
_BLANK = 0.15  # of the size: a gap between words
_OVERLAP = 0.5  # of the lower one's height, for letters of one line
_UNREADABLE = 0.3  # of a page's letters: a font without Unicode is no text
_BOLD = re.compile(r"bold|black|heavy|semib|demi", re.IGNORECASE)
_FORCE_BOLD = 1 << 18
_IMAGE_DEPTH = 4  # forms within forms in which a scan's image is looked for
_BULLETS = "\uf0b7\uf0a7\uf0d8\uf0fc\uf076\uf02d\uf0a8"  # of the symbol fonts that word processors use


class Line(NamedTuple):
    """A line of a page; its frame has the origin at the lower left, in points, turned so that text is level."""

    page: int  # from 1
    cells: tuple[str, ...]  # what wide gaps part
    left: float
    bottom: float
    right: float
    top: float
    size: float  # height of its font
    bold: bool
    turn: int  # degrees clockwise that the text was turned by: 0, 90, 180 or 270
    depth: float  # where it stands on the page: 0 at the top, 1 at the bottom

    @property
    def text(self) -> str:
        """The whole line."""
        return " ".join(self.cells)


class Reading(NamedTuple):
    """The lines of a file in the order in which they were written, and pages that are pictures."""

    pages: int
    lines: list[Line]
    scans: list[int]  # pages with images and without readable text


class _Letter(NamedTuple):
    text: str
    left: float
    bottom: float
    right: float
    top: float
    size: float
    turn: int
    at: int  # its number in PDFium's list
    blank: bool  # a blank stands before it


def lines(content: bytes, *, most_pages: int, most_characters: int) -> Reading:
    """Read a file.

    Raises:
        Reject: it is encrypted or broken, or larger than allowed.
    """
    try:
        document = pdfium.PdfDocument(content)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY):
            raise Reject("the PDF is encrypted; save it without a password") from None
        raise Reject("the PDF is broken: PDFium cannot open it") from None
    count = len(document)
    if not count:
        raise Reject("the PDF has no pages")
    if count > most_pages:
        raise Reject(f"the PDF has {count} pages, more than {most_pages}; split it")
    found: list[Line] = []
    scans: list[int] = []
    characters = 0
    for number in range(1, count + 1):
        try:
            page = document[number - 1]
            text = page.get_textpage()
        except pdfium.PdfiumError:
            raise Reject(f"the PDF is broken: page {number} cannot be read") from None
        characters += text.count_chars()
        if characters > most_characters:
            raise Reject(f"the PDF has more than {most_characters} characters; split it")
        own = list(_lines(page, text, number))
        found += own
        if not own and next(page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=_IMAGE_DEPTH), None):
            scans.append(number)
        text.close()
        page.close()
    return Reading(count, found, scans)


def _lines(page: Any, text: Any, number: int) -> Iterator[Line]:
    letters = list(_letters(page, text))
    unreadable = sum(letter.text == "\ufffd" for letter in letters)
    if unreadable > _UNREADABLE * len(letters):
        return
    width, height = page.get_size()
    if page.get_rotation() in (90, 270):
        width, height = height, width
    line: list[_Letter] = []
    for letter in letters:
        if line and not _goes_on(line, letter):
            yield from _made(line, text, number, width, height)
            line = []
        line.append(letter)
    yield from _made(line, text, number, width, height)


def _letters(page: Any, text: Any) -> Iterator[_Letter]:
    """The visible letters of a page in the order of the file."""
    box = page.get_bbox()
    loose = raw.FS_RECTF()
    blank = False
    for index in range(text.count_chars()):
        shown = _plain(raw.FPDFText_GetUnicode(text, index))
        if not shown:
            continue
        if shown.isspace():
            blank = blank or shown == " "  # PDFium breaks lines where a font changes, too: places tell better
            continue
        if raw.FPDFText_IsGenerated(text, index) == 1 or not raw.FPDFText_GetLooseCharBox(text, index, loose):
            continue
        if loose.right < box[0] or loose.left > box[2] or loose.top < box[1] or loose.bottom > box[3]:
            continue
        angle = raw.FPDFText_GetCharAngle(text, index)
        turn = round(math.degrees(angle) / 90) % 4 * 90 if angle > 0 else 0
        frame = _turned(turn, loose.left, loose.bottom, loose.right, loose.top)
        size = frame[3] - frame[1]
        if size >= _SMALLEST:
            yield _Letter(shown, *frame, size, turn, index, blank)
            blank = False


def _plain(code: int) -> str:
    """A letter as text; empty for what is none, U+FFFD for what its font does not explain."""
    if code in (0x02, 0xAD):  # PDFium's mark of a hyphen at a line's end; a soft hyphen
        return "\u00ad"
    letter = chr(code) if 0 < code < 0x110000 else "\ufffd"
    if letter in _BULLETS:
        return "•"
    kind = unicodedata.category(letter)
    if letter.isspace():
        return "\n" if letter in "\r\n" else " "
    if kind in ("Co", "Cn", "Cs") or letter == "\ufffe":
        return "\ufffd"
    if kind in ("Cc", "Cf"):
        return ""
    return unicodedata.normalize("NFKC", letter) if "\ufb00" <= letter <= "\ufb06" else letter  # fi, fl as one letter


def _turned(turn: int, left: float, bottom: float, right: float, top: float) -> tuple[float, float, float, float]:
    match turn:
        case 270:
            return bottom, -right, top, -left
        case 180:
            return -right, -top, -left, -bottom
        case 90:
            return -top, left, -bottom, right
        case _:
            return left, bottom, right, top


def _goes_on(line: list[_Letter], letter: _Letter) -> bool:
    last = line[-1]
    if last.turn != letter.turn or last.text == "\u00ad":
        return False
    shared = min(last.top, letter.top) - max(last.bottom, letter.bottom)
    if shared < _OVERLAP * min(last.size, letter.size):
        return False
    return letter.left >= last.right - 0.6 * max(last.size, letter.size)


def _made(line: list[_Letter], text: Any, number: int, width: float, height: float) -> Iterator[Line]:
    cells: list[str] = []
    right = math.inf
    for letter in line:
        gap = letter.left - right
        if not cells or gap > _GAP * letter.size:
            cells.append(letter.text)
        else:
            cells[-1] += (" " if letter.blank or gap > _BLANK * letter.size else "") + letter.text
        right = letter.right
    cells = [cell.replace("\ufffd", "").strip() for cell in cells]
    cells = [cell for cell in cells if cell]
    if not cells:
        return
    first, turn = line[0], line[0].turn
    top, bottom = max(letter.top for letter in line), min(letter.bottom for letter in line)
    low, high = _turned(turn, 0, 0, width, height)[1::2]
    yield Line(
        page=number,
        cells=tuple(cells),
        left=first.left,
        bottom=bottom,
        right=max(letter.right for letter in line),
        top=top,
        size=sorted(letter.size for letter in line)[len(line) // 2],
        bold=all(_bold(text, letter.at) for letter in (line[0], line[len(line) // 2], line[-1])),
        turn=turn,
        depth=(high - (top + bottom) / 2) / (high - low) if high > low else 0.5,
    )


def _bold(text: Any, index: int) -> bool:
    if raw.FPDFText_GetFontWeight(text, index) >= 600:
        return True
    name = ctypes.create_string_buffer(256)
    flags = ctypes.c_int()
    length = raw.FPDFText_GetFontInfo(text, index, name, len(name), flags)
    known = name.value.decode("utf-8", "replace") if 0 < length <= len(name) else ""
    return bool(flags.value & _FORCE_BOLD) or _BOLD.search(known) is not None
