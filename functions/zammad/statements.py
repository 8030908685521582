"""Statements that answer a concern, each with its verified quote: written by the language model, or as they stand."""

from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from secrets import token_hex
from typing import Final, Literal

from functions.zammad.concerns import Concern
from shared.backends import Backends
from shared.embeddings import Embedder, Role, Vector
from shared.errors import BackendError, Reject
from shared.knowledge import german
from shared.knowledge.answers import STATEMENTS, conversation, generated
from shared.knowledge.citations import Source, Statement
from shared.knowledge.extracts import extracted
from shared.recent import Recent

Mode = Literal["generated", "extractive"]
_RULES: Final = Path(__file__).with_name("draft.md").read_text(encoding="utf-8")
_EACH: Final = 2  # extracts a question
_MOST: Final = 4  # extracts a concern
_LONG: Final = 4  # letters of a word that may say what a question is about
_TELLING: Final = 2  # such words of a question that says it


class Sentences:
    """An embedding model that keeps the vectors of sentences of published pages, which many letters ask about."""

    def __init__(self, model: Embedder, kept: Recent) -> None:
        self._model = model
        self._kept = kept

    async def embed(self, texts: Sequence[str], role: Role = "passage") -> list[Vector]:
        """As the model does; passages that were asked for within the last hour cost nothing."""
        if role == "query":
            return await self._model.embed(texts, role)
        found = {text: vector for text in texts if (vector := self._kept.get(text)) is not None}
        missing = list(dict.fromkeys(text for text in texts if text not in found))
        for text, vector in zip(missing, await self._model.embed(missing, role) if missing else (), strict=True):
            self._kept.put(text, vector)
            found[text] = vector
        return [found[text] for text in texts]


async def stated(
    concern: Concern, given: Sequence[Source], language: str, sentences: Sentences, use: Backends
) -> tuple[list[Statement], Mode]:
    """What the passages say about a concern, without repetitions, and how it was made.

    The model is asked where it writes the language; while it is away the pages' own words are taken.
    """
    if not given:
        return [], "extractive"
    if language in use.settings.chat.languages:
        found = await _written(concern, given, language, use)
        if found is not None:
            return found, "generated"
    chosen: dict[tuple[str, str], Statement] = {}
    for part in concern.parts:
        for one in await extracted(_asked(part, concern), given, sentences, most=_EACH):
            chosen.setdefault((one.source.document, one.quoted), one)
    return list(chosen.values())[:_MOST], "extractive"


def _asked(part: str, concern: Concern) -> str:
    """A question that says what it is about; "ab wann darf er das denn?" does with what stands before it only."""
    words = {word.text for word in german.words(part) if len(word.text) >= _LONG} - german.FUNCTION_WORDS
    return part if len(words) >= _TELLING else concern.query


async def _written(concern: Concern, given: Sequence[Source], language: str, use: Backends) -> list[Statement] | None:
    """None: the model is away and said nothing before."""
    mark = f"=== {token_hex(8)} ==="
    question = "\n".join(part for part in (concern.subject, concern.context, concern.text) if part)
    messages = conversation(_RULES.format(mark=mark, language=language, most=STATEMENTS), mark, question, given)
    found: list[Statement] = []
    written = generated(use.chat, messages, given, question=question, language=language, embeddings=use.embeddings)
    try:
        async with aclosing(written):
            found = [one async for one in written if isinstance(one, Statement)]
    except (BackendError, Reject):
        return found or None
    return found
