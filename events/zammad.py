"""The help desk: what arrived, what was proposed and how it was used. Ids and figures only, no word of a letter."""

from datetime import date
from typing import ClassVar, Literal

from pydantic import Field

from events.event import Event


class ArticleReceived(Event):
    """A citizen's article may stand in a ticket; what it says is read from Zammad when it is worked on."""

    type: ClassVar[str] = "zammad.article.received"
    key: ClassVar[str | None] = "ticket_id"
    identity: ClassVar[tuple[str, ...]] = ("ticket_id", "article_id")
    once: ClassVar[bool] = True

    ticket_id: int = Field(ge=1)
    article_id: int = Field(ge=1)


class ReplySent(Event):
    """An agent sent an article to the citizen."""

    type: ClassVar[str] = "zammad.reply.sent"
    key: ClassVar[str | None] = "ticket_id"
    identity: ClassVar[tuple[str, ...]] = ("ticket_id", "article_id")
    once: ClassVar[bool] = True

    ticket_id: int = Field(ge=1)
    article_id: int = Field(ge=1)


class DraftProposed(Event):
    """A citizen's article was worked on to the end: a draft with its note, or a note that says why there is none."""

    type: ClassVar[str] = "zammad.draft.proposed"
    key: ClassVar[str | None] = "ticket_id"
    identity: ClassVar[tuple[str, ...]] = ("ticket_id", "article_id")

    ticket_id: int = Field(ge=1)
    article_id: int = Field(ge=1)
    outcome: Literal["drafted", "noted", "reported"]  # reported: a dry run wrote to its report instead of Zammad
    category: str = Field(default="", max_length=64)
    statements: int = Field(ge=0)  # in the draft, each with its quote


class ReplyCompared(Event):
    """How much of the last draft an agent's sent article holds."""

    type: ClassVar[str] = "zammad.reply.compared"
    key: ClassVar[str | None] = "ticket_id"
    identity: ClassVar[tuple[str, ...]] = ("ticket_id", "article_id")

    ticket_id: int = Field(ge=1)
    article_id: int = Field(ge=1)  # the agent's
    outcome: Literal["used", "edited", "discarded"]
    share: float = Field(ge=0, le=1)  # of the draft's words that were sent
    category: str = Field(default="", max_length=64)
    day: date  # Europe/Berlin


class DraftRated(Event):
    """An agent's thumb on a proposal. It does not say whose thumb."""

    type: ClassVar[str] = "zammad.draft.rated"
    key: ClassVar[str | None] = "rating_id"
    identity: ClassVar[tuple[str, ...]] = ("rating_id",)

    rating_id: str = Field(pattern=r"^[0-9a-f]{32}$")  # of the note's link, which counts once
    kind: Literal["up", "down"]
    category: str = Field(default="", max_length=64)
    day: date  # Europe/Berlin


class KnowledgeSyncAsked(Event):
    """Bring the index of the knowledge base up to date. Fired by schedule, or by hand."""

    type: ClassVar[str] = "zammad.knowledge.asked"


class KnowledgeAlarmed(Event):
    """The knowledge base could not be read for long, or lost many answers at once; a person must look."""

    type: ClassVar[str] = "zammad.knowledge.alarmed"
    identity: ClassVar[tuple[str, ...]] = ("reason",)  # a run that is tried again alarms once

    reason: Literal["not_read", "shrunk"]
    expected: int = Field(ge=0)  # answers that could be found before the run
    found: int = Field(ge=0)  # and after it


class ReconciliationAsked(Event):
    """Look for tickets whose webhook was lost. Fired by schedule, or by hand."""

    type: ClassVar[str] = "zammad.reconciliation.asked"
