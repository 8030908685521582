"""A letter with files, fetched from the help desk; PDF is read by a process of its own."""

import base64
import io
import zipfile

import pytest

from functions.zammad import eml
from functions.zammad.attachments import Reader
from functions.zammad.client import zammad_of
from functions.zammad.mail import Mail, mail_of, without_personal_data
from infra.zammad.files import made
from shared.backends import Backends
from shared.errors import Reject
from shared.settings import Settings
from tests.helpdesk import helpdesk
from tests.papers import column, pdf

GROUP = "Führerscheinstelle"
WORD = '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:p><w:t>{}</w:t></w:p></w:document>'


def docx(text: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("word/document.xml", WORD.format(text))
    return packed.getvalue()


def file(name: str, content: bytes, kind: str) -> dict[str, str]:
    return {"name": name, "type": kind, "data": base64.b64encode(content).decode()}


async def arrived(body: str, *files: dict[str, str]) -> Mail:
    async with helpdesk() as desk:
        ticket, article = await desk.mail(body, group=GROUP, attachments=list(files), html=True)
        use = Backends(Settings(zammad=desk.settings(GROUP)))
        try:
            zammad = zammad_of(use)
            told = await zammad.ticket(ticket)
            assert told is not None
            (written,) = [one for one in await zammad.articles(ticket) if one.id == article]
            return await mail_of(written, told, zammad, use)
        finally:
            await use.close()


async def test_a_letter_arrives_with_the_words_of_its_files() -> None:
    mail = await arrived(
        "<p>Was kostet es?</p><p>Mit freundlichen Grüßen<br>Erika Beispiel</p>",
        file("Antrag.docx", docx("Antrag von Erika Beispiel"), "application/octet-stream"),
        file("Bescheid.pdf", pdf(column(["Aktenzeichen 33-FE-2026-004711"])), "application/pdf"),
        file("foto.png", b"\x89PNG", "image/png"),
    )
    assert mail.body == "Was kostet es?"
    assert [(one.name, one.text) for one in mail.files] == [
        ("Antrag.docx", "Antrag von Erika Beispiel"),
        ("Bescheid.pdf", "Aktenzeichen 33-FE-2026-004711"),
        ("foto.png", None),
    ]
    assert "Bild" in (mail.files[2].why_not or "")
    safe = without_personal_data(mail)
    assert "Erika" not in repr(safe)
    assert "004711" not in repr(safe)


@pytest.mark.parametrize(
    ("content", "why_not"),
    [(pdf([], image=True), "eingescannt"), (b"%PDF-1.7 broken", "beschädigt"), (b"no PDF", "beschädigt")],
)
async def test_a_pdf_that_cannot_be_read_says_why(content: bytes, why_not: str) -> None:
    read = await Reader().read("a.pdf", content, "application/pdf")
    assert read.text is None
    assert why_not in (read.why_not or "")


async def test_a_mail_within_the_mail_is_read_and_one_made_to_take_for_ever_is_given_up() -> None:
    mail = b"From: a@b.example\nSubject: Was kostet\n\nder Umtausch?\n"
    assert (await Reader().read("a.eml", mail)).text == "Was kostet\nder Umtausch?"
    # Python's parser of such a header takes minutes, in which a thread could not be ended.
    with pytest.raises(Reject, match="too long"):
        await eml.read(b"Content-Type: text/plain; " + b'a*="x";' * 60_000 + b"\n\nx", seconds=1)


@pytest.mark.parametrize("name", ["a.pdf", "a.eml", "a.docx", "a.odt", "a.xlsx", "a.pptx", "a.txt"])
async def test_files_of_judged_letters_say_what_they_are_made_of(name: str) -> None:
    text = "Müller, 01.02.1990 (Ökçe) \\ – Заява про обмін"
    read = (await Reader().read(name, made(name, text))).text or ""
    assert text in read
