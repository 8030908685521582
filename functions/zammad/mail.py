"""A citizen's letter as a reader sees it: own words, what they quote, their signature, their files."""

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from functions.zammad.attachments import File, Reader
from functions.zammad.client import Zammad
from functions.zammad.seen import text_of_html
from functions.zammad.thread import parted
from functions.zammad.tickets import Article, Ticket
from shared.backends import Backends
from shared.errors import Reject
from shared.privacy import Redactor

__all__ = ["File", "Mail", "mail_of", "read_mail", "without_personal_data"]

_LONGEST: Final = 60_000  # characters of a letter, and of what it quotes; nobody writes more
_SUBJECT: Final = 300
_ADDRESS: Final = re.compile(r"\s*[\"']?(?P<name>[^<>]{0,200}?)[\"']?\s*<(?P<email>[^<>\s]{3,254})>\s*")
_MARKS: Final = re.compile(
    r"\s*(?:(?:re|aw|wg|fwd?|tr|rép|ynt|ilt|i̇lt|antw|sv|odp|rif|відп|пер|на|رد"
    r"|إعادة توجيه)\s?(?:\[\d+\])?\s?:\s?|\[?ticket#\d+\]?\s?[-:]?\s?)",
    re.I,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mail:
    """A letter in plain text; nothing that its reader does not see is in it."""

    subject: str  # without "Re:" and the ticket's number
    sender_name: str
    sender_email: str
    body: str  # the sender's own new words, without what is quoted, forwarded or signed
    quoted: str = ""  # the thread below, or the letter that was forwarded, without its headers
    signature: str = ""
    files: tuple[File, ...] = ()
    people: tuple[str, ...] = ()  # names and addresses in the headers of what is quoted


def read_mail(*, subject: str, sender: str, body: str, html: bool, files: Iterable[File] = ()) -> Mail:
    """A letter from its parts; ``sender`` as its header says ("Ada Muster <ada@muster.example>")."""
    name, email = _sender(sender)
    plain, quotes = text_of_html(body) if html else (body, "")
    parts = parted(plain[: 2 * _LONGEST])
    quoted = parted(quotes[:_LONGEST], quoted=True)
    return Mail(
        subject=_without_marks(subject[:_SUBJECT]),
        sender_name=name,
        sender_email=email,
        body=parts.body[:_LONGEST],
        quoted="\n\n".join(part for part in (parts.quoted, quoted.quoted) if part)[:_LONGEST],
        signature=parts.signature,
        files=tuple(files),
        people=(*parts.people, *quoted.people),
    )


async def mail_of(article: Article, ticket: Ticket, zammad: Zammad, use: Backends) -> Mail:
    """The letter that an article is, with the text of its files; what cannot be read says why.

    Raises:
        BackendError: Zammad does not give a file.
        Retry: the process that reads PDF files was ended from outside.
    """
    reader = Reader(use.settings.zammad.max_bytes)
    files: list[File] = []
    for attachment in article.attachments:
        if why_not := reader.refuses(attachment.filename, attachment.size, attachment.content_type):
            files.append(File(name=attachment.filename, text=None, why_not=why_not))
            continue
        try:
            content = await zammad.attachment(article.ticket_id, article.id, attachment.id)
        except Reject:
            files.append(File(name=attachment.filename, text=None, why_not="Zammad gibt die Datei nicht heraus"))
            continue
        files.append(await reader.read(attachment.filename, content, attachment.content_type))
    return await asyncio.to_thread(
        read_mail,
        subject=article.subject or ticket.title,
        sender=article.from_,
        body=article.body,
        html=article.html,
        files=files,
    )


def without_personal_data(mail: Mail, *, names: Iterable[str] = (), emails: Iterable[str] = ()) -> Mail:
    """The letter as a model may see it, file names too; ``names`` and ``emails`` are further ones of the ticket."""
    redactor = Redactor(
        names=[mail.sender_name, *names],
        emails=[mail.sender_email, *emails, *(one for one in mail.people if "@" in one)],
    )
    redactor.learn("\n".join(f"Von: {one}" for one in mail.people if "@" not in one))
    for text in (mail.body, mail.signature, mail.quoted, *(file.text or "" for file in mail.files)):
        redactor.learn(text)  # the signature tells a name that stands in the subject, too

    def redacted(text: str) -> str:
        return redactor.redact(text).text

    return Mail(
        subject=redacted(mail.subject),
        sender_name="",
        sender_email="",
        body=redacted(mail.body),
        quoted=redacted(mail.quoted),
        signature=redacted(mail.signature),
        files=tuple(
            File(
                name=redacted(file.name.replace("_", " ")),
                text=None if file.text is None else redacted(file.text),
                why_not=file.why_not,
            )
            for file in mail.files
        ),
    )


def _sender(header: str) -> tuple[str, str]:
    if found := _ADDRESS.fullmatch(header):
        return " ".join(found["name"].replace("\\", "").split()).strip("\"' "), found["email"]
    bare = header.strip().strip("<>")
    return ("", bare) if "@" in bare and " " not in bare else (bare, "")


def _without_marks(subject: str) -> str:
    subject = " ".join(subject.split())
    while found := _MARKS.match(subject):
        subject = subject[found.end() :]
    return subject
