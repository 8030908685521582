"""What an agent sorts a ticket by: category, urgency, responsible group, similar open tickets. Suggestions only."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from shared.backends import Backends

if TYPE_CHECKING:
    from functions.zammad.client import Zammad
    from functions.zammad.mail import Mail
    from functions.zammad.tickets import Ticket
    from functions.zammad.understanding import Understanding

Urgency = Literal["high", "normal"]


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
    reasons: tuple[str, ...] = ()  # flags of the letter that make it urgent: "deadline", "threat"
    group: str | None = None  # responsible by category, where that is another group than the ticket's
    duplicates: tuple[Duplicate, ...] = ()  # the most similar first


async def triage(
    ticket: "Ticket", mail: "Mail", understanding: "Understanding", zammad: "Zammad", use: Backends
) -> Triage:
    """Sort a ticket by its letter, which holds no personal data any more (``Proposal.mail``).

    Raises:
        BackendError: Zammad is away.
    """
    del ticket, mail, zammad, use
    return Triage(category=understanding.category)
