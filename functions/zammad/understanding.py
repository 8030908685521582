"""What a letter asks: its language, each question and wish in it, what it is about, and what an agent must know.

By rules (``wishes.yaml``) and nearness (``topics.yaml``), so that it works without a language model. It takes a letter
without personal data, as the nearness comes from a model, too.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from functions.zammad.concerns import NOTHING, Concern, concerns_of, unmarked
from functions.zammad.mail import Mail
from functions.zammad.phrases import known
from functions.zammad.topics import topics_of
from functions.zammad.whitening import Floats, unit
from functions.zammad.wording import wording
from shared.backends import Backends
from shared.embeddings import Embeddings
from shared.knowledge import language
from shared.privacy import Harmless

__all__ = ["OTHER", "Concern", "Flag", "Understanding", "about", "understand"]

Flag = Literal["deadline", "complaint", "threat", "wants_human", "case_number"]
OTHER: Final = "sonstiges"
_LETTER: Final = 500  # characters of a letter that say what it is about
_PLACEHOLDER: Final = re.compile(r"\[[A-ZÄÖÜ][\w-]*\]")
_UKRAINIAN: Final = re.compile(r"[іїєґ]", re.IGNORECASE)
_MOODS: Final[tuple[tuple[str, Flag], ...]] = (
    ("human", "wants_human"),
    ("complaint", "complaint"),
    ("threat", "threat"),
    ("deadline", "deadline"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Understanding:
    """What a letter asks."""

    language: str  # ISO 639
    concerns: tuple[Concern, ...] = ()  # in the letter's order; none: it asks for nothing
    category: str = OTHER
    flags: frozenset[Flag] = field(default_factory=frozenset)

    @property
    def asks(self) -> bool:
        """Whether anything is asked or wanted."""
        return bool(self.concerns)


async def understand(mail: Mail, model: Embeddings, harmless: Harmless, use: Backends) -> Understanding:
    """What a letter without personal data asks; ``model`` is the index's, and sees what is ``harmless``.

    Raises:
        BackendError: the embedding server is away.
    """
    tongue = language_of(mail)
    words = wording(tongue)
    concerns = await asyncio.to_thread(concerns_of, mail, words)  # seconds for the longest letters
    if concerns and tongue not in known():
        # A line in a foreign script is soon the letter's language; who asks in ours is answered in ours.
        asked_in = _tongue("\n".join(concern.text for concern in concerns))
        tongue = asked_in if asked_in in known() else tongue
    text = f"{mail.subject}\n{mail.body}"
    flags: set[Flag] = set()
    if not words.has("away", text):
        flags = {flag for mood, flag in _MOODS if words.has(mood, text)}
    if "[Aktenzeichen]" in text:
        flags.add("case_number")
    category = OTHER
    if concerns:
        shown = await asyncio.to_thread(lambda: [one.shown(harmless, tongue) for one in concerns])
        letter, asked = await about(mail, shown, model, harmless, tongue)
        topics = await topics_of(model, use)
        texts = [text[:_LETTER], *(concern.query for concern in shown)]
        found = await asyncio.to_thread(topics.category, list(zip([letter, *asked], texts, strict=True)))
        category = found or OTHER
    return Understanding(language=tongue, concerns=concerns, category=category, flags=frozenset(flags))


async def about(
    mail: Mail, concerns: Sequence[Concern], model: Embeddings, harmless: Harmless, tongue: str
) -> tuple[Floats, list[Floats]]:
    """Unit vectors of a letter and of its concerns as they are shown.

    Parts of a question are asked where a page's sentences are held against them; many a letter has no such page.

    Raises:
        BackendError: the embedding server is away.
    """
    letter = harmless.text(f"{mail.subject}\n{mail.body}"[:_LETTER], tongue) or NOTHING
    texts = [unmarked(text).strip() or NOTHING for text in (letter, *(concern.query for concern in concerns))]
    vectors = unit(np.array(await model.embed(texts, "query"), np.float32))
    return vectors[0], list(vectors[1:])


def language_of(mail: Mail) -> str:
    """ISO 639 code of what the sender wrote; "de" where nothing says otherwise."""
    return _tongue(_PLACEHOLDER.sub("", mail.body).strip() or _PLACEHOLDER.sub("", mail.subject))


def _tongue(text: str) -> str:
    found = language.of_text(text).partition("-")[0].lower()
    if found == "ru" and _UKRAINIAN.search(text):
        return "uk"
    return found if found != "und" else language.GERMAN
