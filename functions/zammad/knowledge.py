"""The knowledge base into the search index: what is published may be quoted, what is internal may only inform."""

from typing import Final

from events.zammad import KnowledgeSyncAsked
from shared.backends import Backends
from shared.function import on
from shared.knowledge.index import Index

PUBLISHED: Final = "published"  # the ``source`` of a passage that a citizen may be shown: ``Filters(source=PUBLISHED)``
INTERNAL: Final = "internal"  # of one that informs agents alone


@on(KnowledgeSyncAsked)
async def sync_knowledge(_asked: KnowledgeSyncAsked, use: Backends) -> None:
    """Bring the index up to date with the knowledge base."""


def knowledge_of(use: Backends) -> Index:
    """The index of the knowledge base; each passage's ``source`` says who may see it."""
    return Index(use.settings.zammad.collection, use.vectors, use.embeddings, use.state, next=use.embeddings_next)
