"""The facts card of a page: what a citizen looks for first, as the page says it."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from functions.xnext.page import Link, Page


class Card(BaseModel):
    """Facts as plain text; None or empty where the page says nothing."""

    model_config = ConfigDict(frozen=True)

    fees: str | None = None
    documents: str | None = None  # what to bring
    duration: str | None = None
    legal_basis: str | None = None
    payment: str | None = None
    online_services: tuple[Link, ...] = ()
    offices: tuple[str, ...] = ()


def facts_of(page: Page) -> dict[str, Any]:
    """The card as it is stored with each passage; only what the page says."""
    return Card.model_validate(page.facts, from_attributes=True).model_dump(mode="json", exclude_defaults=True)
