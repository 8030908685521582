"""What Zammad tells of tickets, articles, drafts and people: frozen, as recorded, unknown fields left out."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

NOBODY: Final = 1
"""Id of the user that stands for no owner; its login is "-"."""


def _text(value: object) -> object:
    return "" if value is None else value


Text = Annotated[str, BeforeValidator(_text)]  # Zammad says null where there is no text


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class Ticket(_Frozen):
    """A ticket with the names of what it refers to (``?expand=true``)."""

    id: int
    number: str
    title: Text = ""
    group: Text = ""  # its name
    group_id: int
    state: Text = ""  # "new", "open", "pending reminder", "pending close", "closed", "merged", "removed"
    priority: Text = ""  # "2 normal"
    owner_id: int = NOBODY
    customer_id: int
    article_ids: tuple[int, ...] = ()  # those the bot may see, oldest first
    created_at: datetime
    updated_at: datetime


class Attachment(_Frozen):
    """A file of an article; its address is built from ids, never taken from Zammad."""

    id: int
    filename: Text = ""
    size: int = 0  # bytes, as Zammad says
    content_type: str = ""  # "application/pdf", without parameters, as the sender says

    @model_validator(mode="before")
    @classmethod
    def _typed(cls, told: Any) -> Any:
        if isinstance(told, dict) and isinstance(kinds := told.get("preferences"), dict):
            kind = kinds.get("Mime-Type") or kinds.get("Content-Type") or ""
            return {"content_type": str(kind).partition(";")[0].strip().lower(), **told}
        return told


class Article(_Frozen):
    """One message or note of a ticket."""

    id: int
    ticket_id: int
    sender: Literal["Customer", "Agent", "System"]
    type: Text = ""  # "email", "note", "web", "phone"
    internal: bool
    from_: Text = Field(default="", alias="from")
    to: Text = ""
    cc: Text = ""
    reply_to: Text = ""
    subject: Text = ""
    body: Text = ""
    content_type: Text = "text/plain"  # or "text/html"
    message_id: Text = ""
    in_reply_to: Text = ""
    created_by_id: int
    created_at: datetime
    preferences: dict[str, Any] = {}  # "is-auto-response", "send-auto-response": bool
    attachments: tuple[Attachment, ...] = ()

    @property
    def html(self) -> bool:
        """Whether the body is HTML; else it is plain text."""
        return self.content_type.startswith("text/html")


class SharedDraft(_Frozen):
    """The one draft of a ticket that all its agents see. Zammad stores its body unsanitised."""

    id: int
    body: Text = ""
    created_by_id: int
    updated_by_id: int
    created_at: datetime
    updated_at: datetime

    @model_validator(mode="before")
    @classmethod
    def _opened(cls, told: Any) -> Any:
        if isinstance(told, dict) and isinstance(article := told.get("new_article"), dict):
            return {"body": article.get("body"), **told}
        return told


class User(_Frozen):
    """A citizen, an agent, or the bot itself."""

    id: int
    login: Text = ""
    email: Text = ""
    firstname: Text = ""
    lastname: Text = ""
    phone: Text = ""
    mobile: Text = ""
    street: Text = ""
    zip: Text = ""
    city: Text = ""
    active: bool = True
    group_ids: dict[int, tuple[str, ...]] = {}  # of an agent: its rights ("read", "change", …) by group


class Group(_Frozen):
    """A group of tickets."""

    id: int
    name: str
    active: bool = True
    shared_drafts: bool = False  # Zammad takes a draft without it too, but no agent would see it


class TextModule(_Frozen):
    """A text that agents insert; may hold placeholders as ``#{ticket.customer.firstname}``."""

    id: int
    name: str
    content: Text = ""  # HTML
    active: bool = True
    group_ids: tuple[int, ...] = ()  # empty: for all
