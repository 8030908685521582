"""A citizen's letter as a reader sees it: own words, what they quote, their signature, their files."""

from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import parseaddr

from functions.zammad.client import Zammad
from functions.zammad.tickets import Article, Ticket
from shared.backends import Backends
from shared.knowledge.markup import blocks
from shared.privacy import Redactor


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """A file of a letter."""

    name: str
    text: str | None  # what it says; None where it cannot be read
    why_not: str | None = None  # German, for the agent's note


@dataclass(frozen=True, kw_only=True, slots=True)
class Mail:
    """A letter in plain text; nothing that its reader does not see is in it."""

    subject: str
    sender_name: str
    sender_email: str
    body: str  # the sender's own new words, without what is quoted, forwarded or signed
    quoted: str = ""  # the thread below, or the letter that was forwarded
    signature: str = ""
    files: tuple[File, ...] = ()


def read_mail(*, subject: str, sender: str, body: str, html: bool, files: Iterable[File] = ()) -> Mail:
    """A letter from its parts; ``sender`` as its header says ("Ada Muster <ada@muster.example>")."""
    name, email = parseaddr(sender)
    plain = "\n\n".join(block.text for block in blocks(body)) if html else body
    return Mail(subject=subject, sender_name=name, sender_email=email, body=plain, files=tuple(files))


async def mail_of(article: Article, ticket: Ticket, zammad: Zammad, use: Backends) -> Mail:  # noqa: ARG001
    """The letter that an article is, with the text of its files.

    Raises:
        BackendError: Zammad does not give a file.
    """
    return read_mail(
        subject=article.subject or ticket.title, sender=article.from_, body=article.body, html=article.html
    )


def without_personal_data(mail: Mail, *, names: Iterable[str] = (), emails: Iterable[str] = ()) -> Mail:
    """The letter as a model may see it, file names too; ``names`` and ``emails`` are further ones of the ticket."""
    redactor = Redactor(names=[mail.sender_name, *names], emails=[mail.sender_email, *emails])

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
                name=redacted(file.name), text=None if file.text is None else redacted(file.text), why_not=file.why_not
            )
            for file in mail.files
        ),
    )
