"""Reads ahead what every draft needs, so that no letter waits for it."""

from events.zammad import KnowledgeSyncAsked
from functions.zammad.shelves import internal, model_of, published
from functions.zammad.topics import topics_of
from shared.backends import Backends
from shared.function import on
from shared.settings import ZammadGroup

_EVERYTHING = ZammadGroup(name="*")


@on(KnowledgeSyncAsked)
async def warm_drafts(_asked: KnowledgeSyncAsked, use: Backends) -> None:
    """The topics' vectors, which are computed once for a model, and what pages and answers are called.

    Raises:
        BackendError: Milvus or the embedding server is away.
    """
    if use.settings.zammad.url is None:
        return
    model = await model_of(use)
    await topics_of(model, use)
    await published(_EVERYTHING, model, use)
    await internal(model, use)
