"""A proposal for an answer to a letter: per concern the statements that a published source backs."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from functions.zammad.mail import Mail, without_personal_data
from functions.zammad.understanding import Concern, Understanding
from shared.backends import Backends
from shared.knowledge import language
from shared.knowledge.citations import Statement
from shared.settings import ZammadGroup

Reason = Literal["no_source", "unsupported", "language", "category"]
Mode = Literal["generated", "extractive"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """A concern with what answers it, or with why nothing does."""

    concern: Concern
    statements: tuple[Statement, ...] = ()
    reason: Reason | None = None  # why there is no statement


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """What may be proposed to the agent."""

    mail: Mail  # without personal data; for the triage, too
    understanding: Understanding
    language: str  # of the draft
    answers: tuple[Answered, ...] = ()
    informing: tuple[Statement, ...] = ()  # of internal knowledge: for the note, never for the draft
    injection: bool = False  # the letter or a file of it speaks to a language model
    mode: Mode = "extractive"
    model: str = ""  # that wrote or chose

    @property
    def abstains(self) -> bool:
        """Whether there is nothing to draft."""
        return not any(answer.statements for answer in self.answers)


async def propose(
    mail: Mail, group: ZammadGroup, use: Backends, *, names: Iterable[str] = (), emails: Iterable[str] = ()
) -> Proposal:
    """Understand a letter and answer each of its concerns from published sources.

    ``names`` and ``emails`` are what else the ticket knows of people: nothing of them reaches a model, nor do the
    sender's, nor what ``shared.privacy`` finds.

    Raises:
        BackendError: the index is away.
    """
    del group, use
    safe = without_personal_data(mail, names=names, emails=emails)
    tongue = language.of_text(safe.body)
    return Proposal(mail=safe, understanding=Understanding(language=tongue), language=tongue)
