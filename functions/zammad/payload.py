"""What Zammad's webhook tells, in both its forms: the default payload, or the one of ids that the README gives.

Only ids and what decides on them is read; a citizen's words, and every address in it, are passed over.
"""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import from_json


def _id(value: object) -> object:
    """Custom payloads write numbers as text, and nothing, "-" or the placeholder itself where there is none."""
    if isinstance(value, str):
        value = value.strip()
        return int(value) if value.isascii() and value.isdigit() and len(value) <= 16 else None
    return value if type(value) is int else None


def _word(value: object) -> object:
    """A name, or the record that has it."""
    if isinstance(value, dict):
        value = value.get("name")
    return value if isinstance(value, str) and value != "-" and not value.startswith("#{") else ""


def _flag(value: object) -> object:
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def _preferences(value: object) -> object:
    return value if isinstance(value, dict) else {}


Number = Annotated[int, Field(ge=1, le=2**53)]
Id = Annotated[Number, BeforeValidator(_id)]
MaybeId = Annotated[Number | None, BeforeValidator(_id)]
Word = Annotated[str, BeforeValidator(_word)]
Flag = Annotated[bool | None, BeforeValidator(_flag)]


class Told(BaseModel):
    """What may have happened. Empty or None: it is not said, so nothing follows from it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    ticket_id: Id
    article_id: MaybeId = None
    group: Word = ""
    sender: Word = ""
    type: Word = ""
    internal: Flag = None
    from_: Word = ""
    preferences: Annotated[dict[str, Any], BeforeValidator(_preferences)] = {}


class Unreadable(ValueError):
    """The body is nothing that Zammad sends with the right settings; ``field`` is what is wrong."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def read(body: bytes) -> Told | None:
    """What a request's body tells; None where it tells nothing: it is empty, or Zammad could not write it.

    Zammad sends ``{"error": …}`` where a backslash in a value breaks a custom payload: the ticket is found by
    ``reconcile_tickets``.

    Raises:
        Unreadable: no JSON, another object, or without the ticket's id.
    """
    if not body.strip():
        return None
    try:
        told = from_json(body)
    except ValueError:
        raise Unreadable("body", "is no JSON") from None
    if not isinstance(told, dict):
        raise Unreadable("body", "is no JSON object")
    if not told or (told.get("error") and "ticket" not in told):
        return None
    if "ticket_id" not in told:
        ticket, article = told.get("ticket"), told.get("article") or {}
        if not isinstance(ticket, dict) or not isinstance(article, dict):
            raise Unreadable("ticket", "is missing; use Zammad's default payload or the one of docs/zammad.md")
        said = {name: article.get(name) for name in ("sender", "type", "internal", "preferences")}
        told = {
            "ticket_id": ticket.get("id"),
            "article_id": article.get("id"),
            "group": ticket.get("group"),
            "from_": article.get("from"),
            **said,
        }
    try:
        return Told.model_validate(told)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise Unreadable(str(first["loc"][0]), first["msg"]) from None
