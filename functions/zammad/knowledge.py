"""The knowledge base into the search index: what is published may be quoted, what is internal may only inform.

Two calls a run: the outline, and the texts of what changed. A run first takes out what may not be shown any more,
and only then writes anything. An answer's revision is reserved by compare-and-set before it is written, so a run
that was stopped, or two at once, never leave an older text: what is not settled is written anew by the next run.

An answer that is not in the outline was deleted, archived or taken back; it leaves at once. Where many vanish
together, that may as well be a right that the bot lost: they are hidden at once, a person is told, and they are
removed a day later (``knowledge_grace_s``); hidden ones come back without being embedded again.
"""

from typing import Final

from pydantic import BaseModel, ConfigDict

from events.zammad import KnowledgeAlarmed, KnowledgeSyncAsked
from functions.zammad.client import zammad_of
from functions.zammad.ledger import Ledger
from functions.zammad.refresh import Refresh
from shared.backends import Backends
from shared.catalogue import Text
from shared.figures import Figures
from shared.function import http, on
from shared.knowledge.index import Index

PUBLISHED: Final = "published"  # the ``source`` of a passage that a citizen may be shown: ``Filters(source=PUBLISHED)``
INTERNAL: Final = "internal"  # of one that informs agents alone


class NoQuery(BaseModel):
    """Nothing is asked."""

    model_config = ConfigDict(extra="forbid")


@on(KnowledgeSyncAsked)
async def sync_knowledge(_asked: KnowledgeSyncAsked, use: Backends) -> KnowledgeAlarmed | None:
    """Bring the index up to date with the knowledge base; nothing to do without a help desk.

    A Zammad that does not answer, or refuses, changes nothing: the next run is minutes away. It is an alarm once
    no run was whole for a quarter of an hour.

    Raises:
        BackendError: Milvus, NATS, the object storage or the embedding server is away.
    """
    if use.settings.zammad.url is None:
        return None
    run = Refresh(zammad_of(use), knowledge_of(use), use)
    await run.run()
    if run.alarm is None:
        return None
    return KnowledgeAlarmed(reason=run.alarm, expected=run.expected, found=run.found)


def knowledge_of(use: Backends) -> Index:
    """The index of the knowledge base; each passage's ``source`` says who may see it."""
    return Index(use.settings.zammad.collection, use.vectors, use.embeddings, use.state, next=use.embeddings_next)


@http
async def knowledge_figures(_: NoQuery, use: Backends) -> Figures:
    """How many answers of the knowledge base citizens can be shown; of internal ones nothing is told in public."""
    known = (await Ledger(use).all()).values()
    published = sum(one.settled and one.visibility == PUBLISHED for one in known)
    return Figures(
        title=Text(de="Antworten der Wissensdatenbank im Index", en="Answers of the knowledge base in the index"),
        columns=[Text(de="Sichtbarkeit", en="Visibility"), Text(de="Anzahl", en="Count")],
        rows=[["veröffentlicht / published", published]] if known else [],
    )
