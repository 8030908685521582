"""The text of a letter's files, and the words that say why there is none; bombs, macros and entities do no harm."""

import io
import re
import zipfile

import pytest

from functions.zammad import attachments
from functions.zammad.attachments import File, Reader

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
T = "urn:oasis:names:tc:opendocument:xmlns:text:1.0"


def archive(**parts: str | bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name.replace("__", "/").replace("_xml", ".xml"), content)
    return packed.getvalue()


def docx(body: str, head: str = "") -> bytes:
    return archive(word__document_xml=f'{head}<w:document xmlns:w="{W}"><w:body>{body}</w:body></w:document>')


def odt(body: str, head: str = "") -> bytes:
    return archive(content_xml=f'{head}<o xmlns:text="{T}">{body}</o>')


def words(text: str, style: str = "") -> str:
    return f"<w:p><w:r><w:rPr>{style}</w:rPr><w:t>{text}</w:t></w:r></w:p>"


async def read(name: str, content: bytes, content_type: str = "") -> File:
    return await Reader().read(name, content, content_type)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.docx", docx(words("Was kostet") + words("der Umtausch?"))),
        ("a.docm", docx(words("Was kostet") + words("der Umtausch?"))),
        ("a.odt", odt("<text:h>Was kostet</text:h><text:p>der <text:span>Umtausch</text:span>?</text:p>")),
        ("a.ods", odt("<row><text:p>Was kostet</text:p><text:p>der Umtausch?</text:p></row>")),
        ("a.xlsx", archive(xl__sharedStrings_xml="<sst><si><t>Was kostet</t></si><si><t>der Umtausch?</t></si></sst>")),
        ("a.pptx", archive(ppt__slides__slide1_xml="<s><p><t>Was kostet</t></p><p><t>der Umtausch?</t></p></s>")),
        ("a.txt", b"Was kostet\nder Umtausch?"),
        ("A.TXT", "Was kostet\nder Umtausch?".encode("utf-16")),
        ("a.html", b"<html><p>Was kostet<br>der Umtausch?</p><p hidden>x</p></html>"),
        ("a.csv", b"Was kostet\nder Umtausch?\n"),
    ],
)  # fmt: skip
async def test_the_words_of_a_file_are_read(name: str, content: bytes) -> None:
    file = await read(name, content)
    assert (file.text, file.why_not) == ("Was kostet\nder Umtausch?", None)


async def test_a_table_reads_as_rows() -> None:
    assert (await read("a.csv", "Name;Betrag\nAda;12,50\n".encode("cp1252"))).text == "Name; Betrag\nAda; 12,50"


async def test_text_that_a_reader_of_the_document_does_not_see_is_left_out() -> None:
    hidden = words("GEHEIM", "<w:vanish/>") + words("GEHEIM", '<w:color w:val="FFFFFF"/>')
    content = docx(words("sichtbar") + hidden + words("auch"))
    text = (await read("a.docx", content)).text or ""
    assert "GEHEIM" not in text
    assert text.split() == ["sichtbar", "auch"]


ENTITY = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'


def encrypted() -> bytes:
    content = bytearray(docx(words("x")))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + at] |= 1
    return bytes(content)


@pytest.mark.parametrize(
    ("name", "content", "why_not"),
    [
        ("foto.JPG", b"\xff\xd8\xff", "Bild"),
        ("a.docx", b"PK\x03\x04broken", "beschädigt"),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "verschlüsselt"),
        ("a.docx", encrypted(), "verschlüsselt"),
        ("a.docx", docx(words("&e;"), ENTITY), "gefährlich"),
        ("a.odt", odt("<text:p>&b;</text:p>", LAUGHS), "gefährlich"),
        ("a.docx", archive(other_xml="<x/>"), "beschädigt"),
        ("a.docx", docx(""), "keinen Text"),
        ("a.docx", docx("<w:p>" + " " * (13 * 2**20) + "</w:p>"), "zu groß"),
        ("a.txt", bytes(range(32)) * 40, "kein Text"),
        ("alt.doc", b"\xd0\xcf\x11\xe0", r"\.doc"),
        ("a.rtf", b"{\\rtf1 x}", r"\.rtf"),
        ("a.zip", archive(a="x"), "Archiv"),
        ("ton.mp3", b"ID3", "Aufnahme"),
        ("signature.asc", b"-----BEGIN", "Unterschrift"),
        ("virus.exe", b"MZ", "unbekannt"),
        ("ohne", b"x", "unbekannt"),
        ("groß.pdf", b"x" * (10 * 2**20 + 1), "zu groß"),
    ],
)  # fmt: skip
async def test_what_is_not_read_says_why(name: str, content: bytes, why_not: str) -> None:
    file = await read(name, content)
    assert file.text is None
    assert file.why_not is not None
    assert re.search(why_not, file.why_not)


async def test_a_letters_files_are_bounded_together(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader()
    for _ in range(8):
        assert (await reader.read("a.txt", b"Hallo")).text == "Hallo"
    assert "8 Dateien" in (reader.refuses("a.txt", 5) or "")
    monkeypatch.setattr(attachments, "_TOTAL", 100)
    assert "MB gelesen" in (Reader().refuses("a.txt", 101) or "")
    assert "zu groß" in (Reader(50).refuses("a.txt", 51) or "")


async def test_files_that_took_all_the_time_of_a_letter_leave_none_for_the_next() -> None:
    file = await Reader(seconds=0).read("a.txt", b"Hallo")
    assert (file.text, file.why_not) == (None, "nicht gelesen; die Dateien davor brauchten zu lange")


async def test_a_long_file_is_cut() -> None:
    file = await read("a.txt", b"Hallo Amt. " * 50_000)
    assert file.text is not None
    assert len(file.text) == 30_000
    many = await read("a.docx", docx(words("Hallo Amt") * 20_000))
    assert len(many.text or "") <= 30_000


async def test_a_header_that_lies_about_its_size_does_not_help() -> None:
    content = bytearray(docx("<w:p>" + " " * (13 * 2**20) + "</w:p>"))
    central = content.index(b"PK\x01\x02")
    content[central + 24 : central + 28] = (1000).to_bytes(4, "little")  # the size unpacked
    file = await read("a.docx", bytes(content))
    assert file.text is None


@pytest.mark.parametrize("kind", ["docx", "pptx"])
async def test_a_file_of_countless_elements_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(attachments, "_ELEMENTS", 1_000)
    slides = {f"ppt__slides__slide{number}_xml": f"<a>{'<b/>' * 300}</a>" for number in range(4)}
    file = await read(f"x.{kind}", docx("<a/>" * 1_100) if kind == "docx" else archive(**slides))
    assert file.text is None
    assert file.why_not == "ist zu groß oder zu aufwendig; nicht gelesen"
