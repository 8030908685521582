"""What a letter asks: its language, each question and wish in it, what it is about, and what an agent must know.

By rules and nearness alone, so that it works without a language model and in every language of ``wishes.yaml``.
"""

from dataclasses import dataclass, field
from typing import Literal

Flag = Literal["deadline", "complaint", "threat", "wants_human", "case_number"]
OTHER = "sonstiges"


@dataclass(frozen=True, kw_only=True, slots=True)
class Concern:
    """One thing that is asked or wanted, in the citizen's words without personal data."""

    text: str  # the sentence, as the agent reads it in the note
    query: str  # with what it is about where the sentence alone does not say so: what is searched


@dataclass(frozen=True, kw_only=True, slots=True)
class Understanding:
    """What a letter asks."""

    language: str  # ISO 639
    concerns: tuple[Concern, ...] = ()  # in the letter's order; none: it asks for nothing
    category: str = OTHER
    flags: frozenset[Flag] = field(default_factory=frozenset)

    @property
    def asks(self) -> bool:
        """Whether anything is asked or wanted."""
        return bool(self.concerns)
