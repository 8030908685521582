"""The facts card of a page: what a citizen looks for first, as the page says it.

The card travels with each passage and each hit, so it has a size that no page can exceed.
"""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict

from functions.xnext.page import Link, Page

_LONGEST: Final = 2000  # characters of one fact, its "…" included
_LABEL: Final = 200  # characters of a link's label or an office's name
_MOST: Final = 20  # links, and offices
_ADDRESS: Final = 2000  # characters of a link's address; a longer one is left out, as half an address leads nowhere


def _cut(text: str, longest: int = _LONGEST) -> str:
    """At most so many characters, ended after a word."""
    if len(text) <= longest:
        return text
    kept = text[: longest - 1]  # one character more than fits: it says whether the last word is whole
    end = kept.rfind(" ")
    return kept[: end if end > 0 else longest - 2].rstrip() + " …"


def _links(links: tuple[Link, ...]) -> tuple[Link, ...]:
    short = (link for link in links if len(link.url) <= _ADDRESS)
    return tuple(Link(label=_cut(link.label, _LABEL), url=link.url) for link in short)[:_MOST]


def _offices(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_cut(name, _LABEL) for name in names[:_MOST])


Fact = Annotated[str, AfterValidator(_cut)]


class Card(BaseModel):
    """Facts as plain text; None or empty where the page says nothing, cut where it says too much."""

    model_config = ConfigDict(frozen=True)

    fees: Fact | None = None
    documents: Fact | None = None  # what to bring
    duration: Fact | None = None
    legal_basis: Fact | None = None
    payment: Fact | None = None
    online_services: Annotated[tuple[Link, ...], AfterValidator(_links)] = ()
    offices: Annotated[tuple[str, ...], AfterValidator(_offices)] = ()


def facts_of(page: Page) -> dict[str, Any]:
    """The card as it is stored with each passage; only what the page says."""
    return Card.model_validate(page.facts, from_attributes=True).model_dump(mode="json", exclude_defaults=True)
