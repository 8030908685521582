"""Which articles get no proposal, so that two machines never write to each other. Pure; decided before any model.

What an article says of itself never changes, so the webhook's word on it counts (``of_article``). Everything else
may have changed since, and is decided on what was read a moment ago (``judge``).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Any, Final, Literal

from functions.zammad.markers import markers_of
from functions.zammad.tickets import Article, Ticket
from shared.metrics import NOT_PROPOSED
from shared.settings import ZammadGroup, ZammadSettings

Reason = Literal[
    "no_article",  # an attribute of the ticket changed
    "sender",  # an agent or Zammad itself wrote it
    "internal",
    "own",
    "auto_response",
    "no_response",  # Zammad says that it must not be answered by itself
    "machine",  # the address of a daemon, or one that nobody reads
    "gone",  # deleted, or out of the bot's sight
    "group",  # unknown to the settings, or switched off
    "state",
    "superseded",  # the citizen wrote again
    "answered",
    "too_many",
]
_DONE: Final = frozenset({"closed", "merged", "removed"})
_HOUR: Final = timedelta(hours=1)
_MACHINE: Final = re.compile(
    r"(?:mailer-daemon|postmaster|abuse|root)(?:\+.*)?|(?:no|do[-_.]?not)[-_.]?reply.*", re.IGNORECASE | re.DOTALL
)
_LOCAL: Final = re.compile(r"([^\s<>\"'(),;:@]{1,64})@")


def of_article(*, sender: str, internal: bool, from_: str, preferences: Mapping[str, Any]) -> Reason | None:
    """Why an article like this is never answered; None where it may be."""
    if sender != "Customer":
        return "sender"
    if internal:
        return "internal"
    if _is(preferences.get("is-auto-response"), True):
        return "auto_response"
    if _is(preferences.get("send-auto-response"), False):
        return "no_response"
    address = parseaddr(from_)[1]
    # A header that is no address as it should be may have come from a machine as well.
    locals_ = [address.rpartition("@")[0]] if "@" in address else [*_LOCAL.findall(from_), address]
    return "machine" if any(_MACHINE.fullmatch(local) for local in locals_) else None


def judge(
    ticket: Ticket,
    articles: Sequence[Article],
    article_id: int,
    *,
    bot_id: int,
    group: ZammadGroup | None,
    now: datetime,
) -> Reason | None:
    """Why this article of a ticket gets no proposal; ``articles`` are all of the ticket's, oldest first."""
    place = next((place for place, one in enumerate(articles) if one.id == article_id), None)
    if place is None:
        return "gone"
    if reason := _of(articles[place], bot_id):
        return reason
    if group is None:
        return "group"
    if ticket.state in _DONE:
        return "state"
    later = articles[place + 1 :]
    if any(_of(one, bot_id) is None for one in later):
        return "superseded"
    if any(is_reply(one, bot_id) for one in later):
        return "answered"
    since = [one for one in articles if one.created_at > now - _HOUR]
    if len(markers_of(since, bot_id)) >= group.drafts_per_hour:
        return "too_many"
    return None


def newest_question(articles: Iterable[Article], bot_id: int) -> Article | None:
    """The last article that may be answered."""
    return next((one for one in reversed(list(articles)) if _of(one, bot_id) is None), None)


def is_reply(article: Article, bot_id: int) -> bool:
    """Whether an agent sent this to the citizen."""
    sent = article.sender == "Agent" and not article.internal and article.created_by_id != bot_id
    return sent and is_sent(article.type)


def is_sent(type: str) -> bool:
    """Whether articles of this type reach the citizen; notes stay, and a call was no text."""
    return type not in ("note", "phone")


def group_of(settings: ZammadSettings, name: str) -> ZammadGroup | None:
    """How a group's tickets are worked on; None: not at all."""
    return next((group for group in settings.groups if group.name == name and group.enabled), None)


def skip(reason: Reason) -> None:
    """Count an article that gets no proposal; nothing else tells of it."""
    NOT_PROPOSED.labels(reason).inc()


def _of(article: Article, bot_id: int) -> Reason | None:
    if article.created_by_id == bot_id:
        return "own"
    return of_article(
        sender=article.sender, internal=article.internal, from_=article.from_, preferences=article.preferences
    )


def _is(value: object, wanted: bool) -> bool:
    return value is wanted or (isinstance(value, str) and value.strip().lower() == str(wanted).lower())
