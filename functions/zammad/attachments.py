"""The text of a letter's files: PDF, office files, plain text, a mail within the mail; no macro, no link is followed.

A stranger's file can be a bomb: each is bounded in bytes, packed and unpacked, in characters and in seconds. What is
not read says why, in German, for the agent's note.
"""

import asyncio
import csv
import io
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from functions.zammad import eml
from functions.zammad.seen import text_of_html
from shared.errors import Reject
from shared.knowledge import documents
from shared.knowledge.plaintext import decoded

_FILES: Final = 8  # of a letter
_BYTES: Final = 10 * 2**20  # of a file
_TOTAL: Final = 20 * 2**20  # of a letter's files
_UNPACKED: Final = 12 * 2**20  # bytes of XML of an office file
_ENTRIES: Final = 5000  # of its archive
_ELEMENTS: Final = 400_000  # of all its parts that are read; of 12 MB there may be ten times as many, each an object
_CHARACTERS: Final = 30_000  # of a file's text; the rest is left out
_SECONDS: Final = 20  # of a file's reader
_WAIT_S: Final = 60.0  # for it, on a busy machine
_ALL_S: Final = 120.0  # for all files of a letter, fetching included: a draft has five minutes
_PDF: Final = documents.Limits(bytes=_BYTES, pages=60, characters=400_000, memory=2**29, seconds=_SECONDS)
_IMAGES: Final = {"png", "jpg", "jpeg", "gif", "bmp", "tif", "tiff", "heic", "heif", "webp", "svg", "avif", "ico"}
_MEDIA: Final = {"mp3", "mp4", "wav", "ogg", "oga", "opus", "m4a", "mov", "avi", "mkv", "webm", "3gp", "amr"}
_ARCHIVES: Final = {"zip", "rar", "7z", "gz", "tgz", "tar", "bz2", "xz", "iso"}
_KEYS: Final = {"p7s", "p7m", "asc", "sig", "vcf", "ics", "pgp"}
_OFFICE: Final = {"docx", "docm", "dotx", "odt", "ott", "ods", "odp", "xlsx", "xlsm", "pptx", "pptm"}
_PLAIN: Final = {"txt", "text", "csv", "tsv", "md", "log", "html", "htm"}


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """A file of a letter."""

    name: str
    text: str | None  # what it says; None where it was not read
    why_not: str | None = None  # German, for the agent's note


class Reader:
    """Reads the files of one letter, in turn."""

    def __init__(self, most_bytes: int = _BYTES, *, seconds: float = _ALL_S) -> None:
        self._most = min(most_bytes, _BYTES)
        self._until = time.monotonic() + seconds
        self._files = 0
        self._bytes = 0

    def refuses(self, name: str, size: int, content_type: str = "") -> str | None:
        """Why a file is not even fetched; None if it is to be read."""
        kind = _kind(name, content_type)
        if kind in _IMAGES or content_type.startswith("image/"):
            return "ist ein Bild; Bilder werden nicht gelesen"
        if kind in _MEDIA or content_type.startswith(("audio/", "video/")):
            return "ist eine Aufnahme; Ton und Film werden nicht gelesen"
        if kind in _ARCHIVES:
            return "ist ein Archiv; Archive werden nicht geöffnet"
        if kind in _KEYS:
            return "ist eine Unterschrift, ein Schlüssel, Kontakt oder Termin; nicht gelesen"
        if kind in ("doc", "xls", "ppt", "rtf", "pages"):
            return f"hat ein Format, das nicht gelesen wird (.{kind}); als PDF oder .docx wird es gelesen"
        if kind != "pdf" and kind not in _OFFICE | _PLAIN and kind != "eml":
            return "hat ein unbekanntes Format; nicht gelesen"
        if size > self._most:
            return f"ist zu groß ({size / 2**20:.0f} MB; gelesen wird bis {self._most / 2**20:.0f} MB)"
        if self._files >= _FILES:
            return f"nicht gelesen; von einem Brief werden {_FILES} Dateien gelesen"
        if self._bytes + size > _TOTAL:
            return f"nicht gelesen; von einem Brief werden {_TOTAL / 2**20:.0f} MB gelesen"
        if time.monotonic() >= self._until:
            return "nicht gelesen; die Dateien davor brauchten zu lange"
        return None

    async def read(self, name: str, content: bytes, content_type: str = "") -> File:
        """The text of a file, or why it has none.

        Raises:
            Retry: the process that reads PDF files or mails was ended from outside.
        """
        if why_not := self.refuses(name, len(content), content_type):
            return File(name=name, text=None, why_not=why_not)
        self._files += 1
        self._bytes += len(content)
        kind = _kind(name, content_type)
        try:
            async with asyncio.timeout(min(_WAIT_S, self._until - time.monotonic())):
                if kind == "pdf" or content.startswith(b"%PDF-"):
                    text = await _paged(content)
                elif kind == "eml":
                    text = await eml.read(content)
                else:
                    text = await asyncio.to_thread(_READERS.get(kind, _plain), content)
        except Reject as error:
            return File(name=name, text=None, why_not=_said(str(error)))
        except (DefusedXmlException, NotImplementedError, RuntimeError, RecursionError):
            return File(name=name, text=None, why_not="ist verschlüsselt oder gefährlich aufgebaut; nicht gelesen")
        except (zipfile.BadZipFile, zlib.error, ParseError, EOFError, KeyError, ValueError, LookupError, csv.Error):
            return File(name=name, text=None, why_not="ist beschädigt oder verschlüsselt; nicht gelesen")
        except TimeoutError:
            return File(name=name, text=None, why_not="braucht zu lange; nicht gelesen")
        text = text.strip()[:_CHARACTERS]
        return File(name=name, text=text or None, why_not=None if text else "enthält keinen Text")


def _kind(name: str, content_type: str) -> str:
    suffix = PurePosixPath(name.replace("\\", "/")).suffix.lower().lstrip(".")
    if suffix:
        return suffix
    return {"application/pdf": "pdf", "message/rfc822": "eml", "text/plain": "txt", "text/html": "html"}.get(
        content_type.partition(";")[0], ""
    )


def _said(error: str) -> str:
    """Why the reader of PDF files refuses one, in German."""
    for sign, said in (
        ("encrypted", "ist verschlüsselt; nicht gelesen"),
        ("scan", "ist eingescannt und hat keine Textebene; nicht gelesen"),
        ("more than", "ist zu groß oder zu aufwendig; nicht gelesen"),
        ("needs", "ist zu groß oder zu aufwendig; nicht gelesen"),
        ("no text", "enthält keinen Text"),
    ):
        if sign in error:
            return said
    return "ist beschädigt oder kein Text; nicht gelesen"


async def _paged(content: bytes) -> str:
    contents = await documents.read(content, "application/pdf", _PDF)
    return "\n".join(block.text for block in contents.blocks)


def _plain(content: bytes) -> str:
    text = decoded(content[: 8 * _CHARACTERS])
    return (
        text_of_html(text)[0] if text.lstrip()[:200].lower().startswith(("<!doctype html", "<html", "<body")) else text
    )


def _table(content: bytes) -> str:
    text = decoded(content[: 8 * _CHARACTERS])
    separator = max(";,\t", key=text[:2000].count)
    return "\n".join(
        "; ".join(cell.strip() for cell in row if cell.strip())
        for row in csv.reader(io.StringIO(text), delimiter=separator)
    )


def _archive(content: bytes) -> zipfile.ZipFile:
    """An office file's archive.

    Raises:
        Reject: it is encrypted, or too large unpacked.
    """
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise Reject("the file is encrypted")
    archive = zipfile.ZipFile(io.BytesIO(content))
    entries = archive.infolist()
    if len(entries) > _ENTRIES:
        raise Reject(f"the archive has more than {_ENTRIES} entries")
    if any(entry.flag_bits & 1 for entry in entries):
        raise Reject("the archive is encrypted")
    return archive


class _Bounded(io.RawIOBase):
    """A part of an archive that ends with an error where it grows too large, whatever its header says."""

    def __init__(self, part: IO[bytes]) -> None:
        self._part = part
        self._left = _UNPACKED

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._part.read(min(size, 2**16) if size > 0 else 2**16)
        self._left -= len(data)
        if self._left < 0:
            raise Reject("the file has more than its share of bytes unpacked")
        return data


def _elements(archive: zipfile.ZipFile, *names: str) -> Iterator[tuple[str, Element]]:
    """Beginnings and ends of the elements of parts, in turn; what ended is forgotten."""
    left = _ELEMENTS
    for name in names:
        with archive.open(name) as part:
            for event, element in iterparse(_Bounded(part), events=("start", "end"), forbid_dtd=True):
                yield event, element
                if event == "start":
                    continue
                left -= 1
                if not left:
                    raise Reject(f"the file has more than {_ELEMENTS} elements")
                if _local(element) in ("p", "row", "si", "h", "table-row"):
                    element.clear()


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _word(content: bytes) -> str:
    """The paragraphs of a .docx, without hidden and white text."""
    lines: list[str] = []
    run: list[str] = []
    hidden = False
    with _archive(content) as archive:
        for event, element in _elements(archive, "word/document.xml"):
            name = _local(element)
            if event == "start":
                hidden = False if name == "r" else hidden
                continue
            value = next((element.attrib[key] for key in element.attrib if key.endswith("}val")), "")
            if (name in ("vanish", "webHidden") and value not in ("0", "false")) or (
                name == "color" and value.upper() == "FFFFFF"
            ):
                hidden = True
            elif name in ("t", "tab", "br") and not hidden:
                run.append(element.text or "" if name == "t" else " " if name == "tab" else "\n")
            elif name == "p":
                lines.append("".join(run))
                run.clear()
            if _enough(lines):
                break
    return "\n".join(lines)


def _open_document(content: bytes) -> str:
    """The paragraphs of an .odt, .ods or .odp."""
    lines: list[str] = []
    with _archive(content) as archive:
        for event, element in _elements(archive, "content.xml"):
            if event == "end" and _local(element) in ("p", "h"):
                lines.append("".join(element.itertext()))
            if _enough(lines):
                break
    return "\n".join(lines)


def _texts(prefix: str, of: str) -> Callable[[bytes], str]:
    """Reads all texts of the parts of an archive whose names begin so: of slides, of a workbook's strings."""

    def read(content: bytes) -> str:
        lines: list[str] = []
        with _archive(content) as archive:
            names = sorted(name for name in archive.namelist() if name.startswith(prefix) and name.endswith(".xml"))
            for event, element in _elements(archive, *names[:100]):
                if event == "end" and _local(element) == of:
                    lines.append("".join(element.itertext()))
                if _enough(lines):
                    break
        return "\n".join(lines)

    return read


def _enough(lines: list[str]) -> bool:
    return len(lines) > _CHARACTERS or (len(lines) % 64 == 0 and sum(map(len, lines)) > _CHARACTERS)


_slides, _sheets = _texts("ppt/slides/slide", "p"), _texts("xl/sharedStrings", "si")
_READERS: Final[dict[str, Callable[[bytes], str]]] = {
    **dict.fromkeys(("docx", "docm", "dotx"), _word),
    **dict.fromkeys(("odt", "ott", "ods", "odp"), _open_document),
    **dict.fromkeys(("xlsx", "xlsm"), _sheets),
    **dict.fromkeys(("pptx", "pptm"), _slides),
    **dict.fromkeys(("csv", "tsv"), _table),
}
