"""Reads ahead what drafts need, so that no letter waits for it."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from events.zammad import KnowledgeSyncAsked
from functions.zammad.proposal import SENTENCES_S, sentences_of
from functions.zammad.shelves import Shelf, harmless_of, internal, model_of, published
from functions.zammad.statements import Sentences
from functions.zammad.topics import topics_of
from shared.backends import Backends
from shared.function import on
from shared.knowledge.extracts import extracted
from shared.knowledge.language import GERMAN
from shared.privacy.dictionary import COMPLETE, ordinary
from shared.settings import ZammadGroup

_EVERYTHING: Final = ZammadGroup(name="*")
_RUN_S: Final = 60.0  # of the embedding server, which searches ask, too; the next run goes on
_ANY: Final = "Stadt"  # is asked of a passage for the sake of its sentences


@on(KnowledgeSyncAsked)
async def warm_drafts(_asked: KnowledgeSyncAsked, use: Backends) -> None:
    """The topics' vectors, what documents are called, and the vectors of their sentences where drafts quote these.

    Raises:
        BackendError: Milvus or the embedding server is away.
    """
    if use.settings.zammad.url is None:
        return
    model = await model_of(use)
    await topics_of(model, use)
    public, inside = await published(_EVERYTHING, model, use), await internal(model, use)
    await harmless_of((*public, *inside), use)
    for language in COMPLETE:  # its dictionary takes a second
        await asyncio.to_thread(ordinary, _ANY, language)
    if GERMAN not in use.settings.chat.languages:  # else a language model writes nearly all drafts
        await _quoted(public, await sentences_of(model, use), use)


async def _quoted(shelves: Sequence[Shelf], sentences: Sentences, use: Backends) -> None:
    async def none() -> set[tuple[str, str]]:
        return set()

    # Kept as long as the vectors; a document that has changed since is read when a letter is about it.
    done = await use.snapshots.get("zammad-warmed", SENTENCES_S, none)
    end = time.monotonic() + _RUN_S
    for shelf in shelves:
        for owner, document in enumerate(shelf.names.documents):
            if (shelf.view.name, document) in done:
                continue
            if time.monotonic() > end:
                return
            name = shelf.names.vectors[shelf.names.owners == owner][0]
            for source in await shelf.passages(document, name):
                await extracted(_ANY, [source], sentences)
            done.add((shelf.view.name, document))
