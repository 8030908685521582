"""The reference by which a note of ours is found again: ``Vorschlag 6-17-2`` is ticket, article and draft revision.

It stands in the note's subject, which holds nothing but our own words (a text may quote a citizen who writes
such a reference), and in the text for readers. Plain letters and digits: Zammad's sanitiser leaves them alone.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol, Self

_REFERENCE: Final = re.compile(r"\bVorschlag (\d{1,18})-(\d{1,18})-(\d{1,9})\b")


class Noted(Protocol):
    """What is looked at of an article; ``functions.zammad.tickets.Article`` has it."""

    @property
    def subject(self) -> str | None:
        """As Zammad keeps it."""

    @property
    def internal(self) -> bool:
        """Whether agents alone see it."""

    @property
    def created_by_id(self) -> int:
        """Who wrote it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Marker:
    """Which article of which ticket a note is about, and which draft of the ticket it goes with, from 1."""

    ticket_id: int
    article_id: int
    revision: int

    def __str__(self) -> str:
        return f"Vorschlag {self.ticket_id}-{self.article_id}-{self.revision}"

    @classmethod
    def read(cls, text: str | None) -> Self | None:
        """The first reference in a text."""
        match = _REFERENCE.search(text or "")
        return None if match is None else cls(ticket_id=int(match[1]), article_id=int(match[2]), revision=int(match[3]))


def markers_of(articles: Iterable[Noted], bot_id: int) -> list[Marker]:
    """The references of our own notes in a ticket, oldest first; of a ticket that was merged into it, too."""
    found = (Marker.read(one.subject) for one in articles if one.internal and one.created_by_id == bot_id)
    return [marker for marker in found if marker is not None]
