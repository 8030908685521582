"""What an agent sent, held against the last draft: how much of it was used. No word of either is kept."""

from collections.abc import Sequence
from typing import Final, Literal
from zoneinfo import ZoneInfo

from events.zammad import ReplyCompared, ReplySent
from functions.zammad.client import zammad_of
from functions.zammad.fingerprint import fingerprint, key_of, share
from functions.zammad.loops import is_sent
from functions.zammad.mail import read_mail
from functions.zammad.records import Record, Records
from functions.zammad.tickets import Article
from shared.backends import Backends
from shared.function import on

Outcome = Literal["used", "edited", "discarded"]
FINGERPRINTS: Final = "fingerprint"  # purpose of their key
_USED: Final = 0.95  # of the draft's words; a letter is still as drafted with a slip mended
_EDITED: Final = 0.2  # less is what two letters about one thing have in common anyway
_ZONE: Final = ZoneInfo("Europe/Berlin")


@on(ReplySent)
async def compare_reply(sent: ReplySent, use: Backends) -> ReplyCompared | None:
    """Say how much of the last draft an agent's article holds; None where there is nothing to compare.

    Only the first answer after the customer's article is: what is sent later answers something else.

    Raises:
        BackendError: Zammad or NATS is away.
    """
    record = await Records(use).get(sent.ticket_id)
    if record is None or record.outcome != "drafted" or not record.fingerprint:
        return None
    article = _first_answer(await zammad_of(use).articles(sent.ticket_id), record)
    if article is None or article.id != sent.article_id:
        return None
    mail = read_mail(subject=article.subject, sender=article.from_, body=article.body, html=article.html)
    # A signature may be taken for more than it is: what stands in it was sent, too.
    words = fingerprint(f"{mail.body}\n{mail.signature}", key_of(use, FINGERPRINTS))
    kept = round(share(record.fingerprint, words), 3)
    return ReplyCompared(
        ticket_id=sent.ticket_id,
        article_id=sent.article_id,
        outcome=outcome_of(kept),
        share=kept,
        category=record.category,
        day=article.created_at.astimezone(_ZONE).date(),
    )


def outcome_of(share: float) -> Outcome:
    """What became of a draft of whose words so many were sent."""
    return "used" if share >= _USED else "edited" if share >= _EDITED else "discarded"


def _first_answer(articles: Sequence[Article], record: Record) -> Article | None:
    """The first article after the customer's that an agent sent to the outside."""
    later = (one for one in articles if one.id > record.article_id and one.sender == "Agent" and not one.internal)
    return min((one for one in later if is_sent(one.type)), key=lambda one: one.id, default=None)
