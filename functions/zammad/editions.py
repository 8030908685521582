"""Answers of the knowledge base as they were: every revision is kept, so that a citation can be opened for good.

A text lies content-addressed under ``answers/``; ``revisions/<answer>/7.json`` says which one a revision is, and
``revisions/<answer>/8.removed`` that it was withdrawn then. An index can be built from these names alone.
"""

import re
from datetime import datetime
from hashlib import sha256
from typing import Final, Literal, NamedTuple
from urllib.parse import quote, unquote

from pydantic import BaseModel, ConfigDict

from functions.zammad.outline import Visibility
from shared.backends import Backends
from shared.knowledge.passages import Document, Section
from shared.knowledge.records import Record
from shared.settings import ZammadSettings

HIDDEN: Final = "hidden"
"""``source`` of an answer that vanished together with many others: nobody is shown it, its vectors are kept."""

_FOLDER: Final = "revisions/"
_KEY: Final = re.compile(rf"{_FOLDER}([^/]+)/(\d{{1,16}})\.(json|removed)")


class Edition(BaseModel):
    """One translation of an answer, as Zammad told it. ``html`` is untrusted."""

    model_config = ConfigDict(frozen=True)

    id: str  # of the document in the index
    answer_id: int
    category_id: int
    title: str
    html: str
    language: str  # ISO 639, of the text
    path: tuple[str, ...] = ()  # titles of its categories
    tags: tuple[str, ...] = ()
    visibility: Visibility | Literal["hidden"]

    def content(self) -> bytes:
        """As it is stored and compared."""
        return self.model_dump_json().encode()

    def content_hash(self) -> str:
        """SHA-256 of the content, hexadecimal."""
        return sha256(self.content()).hexdigest()


class Kept(BaseModel):
    """Where the content of a revision lies."""

    model_config = ConfigDict(frozen=True)

    object_key: str
    changed_at: datetime


class Revision(NamedTuple):
    """An answer as it was from ``changed_at`` on."""

    edition: Edition
    changed_at: datetime


def document_of(edition: Edition, revision: int, settings: ZammadSettings) -> Document:
    """An answer as the retrieval core takes it. Only a published one has an address for citizens."""
    return Document(
        id=edition.id,
        revision=revision,
        title=edition.title,
        sections=(Section(html=edition.html),),
        source=edition.visibility,
        url=address(edition, settings) if edition.visibility == "published" else "",
        language=edition.language,
        categories=edition.path,
        synonyms=edition.tags,
    )


def address(edition: Edition, settings: ZammadSettings) -> str:
    """Where citizens read it; empty where the settings do not say."""
    template = settings.knowledge_url or ""
    return template.replace("{category}", str(edition.category_id)).replace("{id}", str(edition.answer_id))


async def keep(edition: Edition, revision: int, at: datetime, use: Backends) -> None:
    """Keep a revision; a repeat writes the same."""
    bucket = use.settings.zammad.bucket
    await use.objects.ensure_bucket(bucket)
    object_key = f"answers/{edition.content_hash()}.json"
    await use.objects.put(bucket, object_key, edition.content(), "application/json")
    kept = Kept(object_key=object_key, changed_at=at).model_dump_json().encode()
    await use.objects.put(bucket, _key(edition.id, revision), kept, "application/json")


async def keep_removal(id: str, revision: int, use: Backends) -> None:
    """Note that an answer was withdrawn; a repeat writes the same."""
    bucket = use.settings.zammad.bucket
    await use.objects.ensure_bucket(bucket)
    await use.objects.put(bucket, _key(id, revision, "removed"), b"")


async def revision_of(id: str, number: int, use: Backends) -> Revision:
    """An answer in one revision, superseded or not.

    Raises:
        ObjectMissing: there never was such a revision, or it was a withdrawal.
    """
    bucket = use.settings.zammad.bucket
    kept = Kept.model_validate_json(await use.objects.get(bucket, _key(id, number)))
    return Revision(Edition.model_validate_json(await use.objects.get(bucket, kept.object_key)), kept.changed_at)


class Editions:
    """The kept answers, for a new index (``shared.knowledge.reindex``)."""

    def __init__(self, use: Backends) -> None:
        self._use = use

    async def counting(self) -> dict[str, Record]:
        """What counts of every answer there ever was: its newest revision, or its withdrawal."""
        found: dict[str, Record] = {}
        async for stored in self._use.objects.list(self._use.settings.zammad.bucket, _FOLDER):
            key = _KEY.fullmatch(stored.key)
            if key is not None:
                record = Record(revision=int(key[2]), removed=key[3] == "removed")
                id = unquote(key[1])
                if id not in found or found[id].age < record.age:
                    found[id] = record
        return found

    async def document(self, id: str, revision: int) -> Document:
        """An answer in one revision."""
        edition = (await revision_of(id, revision, self._use)).edition
        return document_of(edition, revision, self._use.settings.zammad)


def _key(id: str, number: int, kind: str = "json") -> str:
    return f"{_FOLDER}{quote(id, safe='')}/{number}.{kind}"
