"""What an agent sorts a ticket by: category, urgency, responsible group, similar open tickets. Suggestions only."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from functions.zammad.client import Zammad
from functions.zammad.concerns import NOTHING
from functions.zammad.mail import Mail, read_mail, without_personal_data
from functions.zammad.people import people_of
from functions.zammad.shelves import everyday_words, topic_names
from functions.zammad.tickets import Ticket
from functions.zammad.understanding import OTHER, Flag, Understanding
from shared.backends import Backends
from shared.embeddings import Vector
from shared.errors import BackendError, Reject
from shared.knowledge import german, language
from shared.privacy import Harmless

Urgency = Literal["high", "normal"]
_URGENT: Final[frozenset[Flag]] = frozenset({"deadline", "threat"})
_OTHERS: Final = 5  # newest open tickets of a sender that are looked at
_LETTER: Final = 400  # characters compared: what a letter wants stands in its first lines
# From here on two letters ask much the same, be it by words or by meaning. Of 3,094 pairs of the tuned letters that
# ask different things 3 are that near, none by words; of seven that were asked again in other words all are.
_ALIKE: Final = 0.4


@dataclass(frozen=True, kw_only=True, slots=True)
class Duplicate:
    """An open ticket of the same sender that asks much the same."""

    ticket_id: int
    number: str
    similarity: float  # 0 to 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Triage:
    """How a ticket may be sorted."""

    category: str
    urgency: Urgency = "normal"
    reasons: tuple[Flag, ...] = ()  # of the letter's flags those that make it urgent
    group: str | None = None  # responsible by category, where that is another group than the ticket's
    duplicates: tuple[Duplicate, ...] = ()  # the most similar first

    @property
    def tags(self) -> tuple[str, ...]:
        """The same as tags of the ticket, for groups that want them."""
        found = [] if self.category == OTHER else [self.category]
        found += ["dringend"] if self.urgency == "high" else []
        return (*found, "mögliches duplikat") if self.duplicates else tuple(found)


async def triage(ticket: Ticket, mail: Mail, understanding: Understanding, zammad: Zammad, use: Backends) -> Triage:
    """Sort a ticket by its letter, which holds no personal data any more (``Proposal.mail``).

    Raises:
        BackendError: Zammad is away.
    """
    reasons = tuple(sorted(understanding.flags & _URGENT))
    group = use.settings.zammad.responsible.get(understanding.category)
    return Triage(
        category=understanding.category,
        urgency="high" if reasons else "normal",
        reasons=reasons,
        group=None if group == ticket.group else group,
        duplicates=await _duplicates(ticket, mail, zammad, use),
    )


async def _duplicates(ticket: Ticket, mail: Mail, zammad: Zammad, use: Backends) -> tuple[Duplicate, ...]:
    found = [one for one in await zammad.open_tickets_of(ticket.customer_id) if one.id != ticket.id]
    others = sorted(found, key=lambda one: one.id)[-_OTHERS:]
    letters = await asyncio.gather(*(_letter(one, zammad) for one in others))
    pairs = [(one, letter) for one, letter in zip(others, letters, strict=True) if letter]
    if not pairs:
        return ()
    alike = await _similarities(_words(mail), [letter for _, letter in pairs], use)
    duplicates = [
        Duplicate(ticket_id=one.id, number=one.number, similarity=round(share, 2))
        for (one, _), share in zip(pairs, alike, strict=True)
        if share >= _ALIKE
    ]
    return tuple(sorted(duplicates, key=lambda one: -one.similarity))


async def _letter(ticket: Ticket, zammad: Zammad) -> str:
    """What a ticket began with, without personal data; empty where the bot may not see it."""
    try:
        articles = await zammad.articles(ticket.id)
    except Reject:
        return ""  # or it is too large to be read: no reason to leave the new letter without a proposal
    for article in articles:
        if article.sender == "Customer" and not article.internal:
            mail = read_mail(
                subject=article.subject or ticket.title, sender=article.from_, body=article.body, html=article.html
            )
            names, emails = await people_of(ticket, articles, zammad)
            return _words(await asyncio.to_thread(without_personal_data, mail, names=names, emails=emails))
    return ""


def _words(mail: Mail) -> str:
    return f"{mail.subject}\n{mail.body}"[:_LETTER]


async def _similarities(letter: str, others: Sequence[str], use: Backends) -> list[float]:
    """How alike letters are: by words, else by meaning, from what the model calls near (0) to equal (1)."""
    mine = frozenset(german.stems(letter).split())
    alike = [_overlap(mine, frozenset(german.stems(other).split())) for other in others]
    open_ = [place for place, share in enumerate(alike) if share < _ALIKE]
    if not open_:
        return alike
    try:
        shown = await asyncio.to_thread(
            lambda: [_shown(text) for text in (letter, *(others[place] for place in open_))]
        )
        first, *rest = await use.embeddings.embed(shown, "query")
    except (BackendError, Reject):
        return alike  # a suggestion is worth no wait
    near = use.embeddings.near
    for place, vector in zip(open_, rest, strict=True):
        alike[place] = max(alike[place], (_cosine(first, vector) - near) / (1 - near))
    return alike


def _shown(text: str) -> str:
    """What a model may see of a letter."""
    return _harmless().text(text, language.of_text(text).partition("-")[0]) or NOTHING


@cache
def _harmless() -> Harmless:
    return Harmless(topic_names(), everyday_words())


def _overlap(mine: frozenset[str], other: frozenset[str]) -> float:
    return len(mine & other) / len(mine | other) if mine or other else 0.0


def _cosine(one: Vector, other: Vector) -> float:
    product = sum(a * b for a, b in zip(one, other, strict=True))
    lengths = sum(a * a for a in one) * sum(b * b for b in other)
    return float(product / lengths**0.5) if lengths else 0.0
