"""A city page as it is stored: the canonical document between crawl and index, one JSON a revision.

The crawl writes it (whatever the source's own shape is), the index reads it. HTML stays as the source
gave it, untrusted; whoever shows or splits it cleans it.
"""

from datetime import datetime
from hashlib import sha256

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A value of the document."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Link(Frozen):
    """A link of the page's own list (not one inside its text)."""

    label: str
    url: str


class Section(Frozen):
    """One field of the page with its heading, e.g. "Voraussetzungen"."""

    heading: str  # empty for the lead text
    html: str


class Facts(Frozen):
    """What a citizen looks for first; each as the page says it, plain text, or None."""

    fees: str | None = None
    documents: str | None = None
    duration: str | None = None
    legal_basis: str | None = None
    payment: str | None = None
    online_services: tuple[Link, ...] = ()
    offices: tuple[str, ...] = ()  # names of the offices in charge


class File(Frozen):
    """What the page says beside its sections: a PDF, Markdown, HTML or plain text file in the same bucket."""

    object_key: str
    content_hash: str  # SHA-256 of its bytes, hex
    media_type: str = ""  # tells Markdown from plain text; else the bytes do


class Page(Frozen):
    """One page in one revision."""

    id: str  # "<source>:<id at the source>"
    source: str
    title: str
    summary: str = ""
    language: str = "de"  # BCP 47
    easy: bool = False  # written in easy language
    url: str | None = None  # where citizens read it
    categories: tuple[str, ...] = ()  # from the widest to the narrowest
    synonyms: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
    file: File | None = None
    facts: Facts = Facts()
    links: tuple[Link, ...] = ()
    modified: datetime | None = None  # as the source says; not part of the hash

    def content(self) -> bytes:
        """The canonical JSON: equal bytes for equal content, whenever it was modified."""
        left_out = {"modified"} if self.file else {"modified", "file"}
        return self.model_dump_json(exclude=left_out).encode()

    def content_hash(self) -> str:
        """SHA-256 of ``content()``, hex."""
        return sha256(self.content()).hexdigest()
