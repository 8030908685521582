"""A proposal for an answer to a letter: per concern the statements that a published source backs."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from functions.zammad.concerns import unmarked
from functions.zammad.mail import Mail, without_personal_data
from functions.zammad.matching import Looked, Match, answering, direction, field
from functions.zammad.phrases import known
from functions.zammad.places import elsewhere, without_places
from functions.zammad.shares import share
from functions.zammad.shelves import Shelf, harmless_of, internal, model_of, published
from functions.zammad.statements import Mode, Sentences, stated
from functions.zammad.topics import Topics, topics_of
from functions.zammad.understanding import Concern, Understanding, about, understand
from functions.zammad.whitening import Floats
from shared.backends import Backends
from shared.embeddings import Embeddings
from shared.knowledge import quotes
from shared.knowledge.citations import SOURCES, Source, Statement
from shared.knowledge.extracts import extracted
from shared.knowledge.injection import instructs
from shared.knowledge.language import GERMAN, of_query
from shared.privacy import Harmless
from shared.recent import Recent
from shared.settings import ZammadGroup

__all__ = ["Answered", "Concern", "Mode", "Proposal", "Reason", "propose"]

SENTENCES_S: Final = 24 * 3600.0  # for which vectors of the pages' sentences are kept
_LETTER: Final = 1500  # characters whose words are looked for
_SURE: Final = 4  # words
_SENTENCES: Final = 20_000  # of them, some 40 MB
Reason = Literal["no_source", "elsewhere", "unsupported", "language", "category"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """A concern with what answers it, or with why nothing does."""

    concern: Concern
    statements: tuple[Statement, ...] = ()
    reason: Reason | None = None  # why there is no statement


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """What may be proposed to the agent."""

    mail: Mail  # without personal data; for the triage, too
    understanding: Understanding
    language: str  # of the draft
    answers: tuple[Answered, ...] = ()
    informing: tuple[Statement, ...] = ()  # of internal knowledge: for the note, never for the draft
    injection: bool = False  # the letter or a file of it speaks to a language model
    mode: Mode = "extractive"
    model: str = ""  # that wrote or chose

    @property
    def abstains(self) -> bool:
        """Whether there is nothing to draft."""
        return not any(answer.statements for answer in self.answers)


async def propose(
    mail: Mail, group: ZammadGroup, use: Backends, *, names: Iterable[str] = (), emails: Iterable[str] = ()
) -> Proposal:
    """Understand a letter and answer each of its concerns from published sources.

    ``names`` and ``emails`` are what else the ticket knows of people: nothing of them reaches a model, nor do the
    sender's, nor what ``shared.privacy`` finds.

    Raises:
        BackendError: the index or the embedding server is away.
    """
    # Of a long letter with files it takes seconds, in which others are waiting.
    safe = await asyncio.to_thread(without_personal_data, mail, names=names, emails=emails)
    model = await model_of(use)
    public, inside = await published(group, model, use), await internal(model, use)
    harmless = await harmless_of((*public, *inside), use)
    found = await understand(safe, model, harmless, use)
    texts = (safe.subject, safe.body, safe.quoted, safe.signature, *(file.text or file.name for file in safe.files))
    speaks = await asyncio.to_thread(lambda: any(map(instructs, texts)))
    proposal = Proposal(mail=safe, understanding=found, language=found.language, injection=speaks)
    reason: Reason | None = None
    if found.language not in (group.languages or known()):
        reason = "language"
    elif group.categories and found.category not in group.categories:
        reason = "category"
    if reason is not None or not found.asks:
        return replace(proposal, answers=tuple(Answered(concern=one, reason=reason) for one in found.concerns))
    return await _answered(proposal, (public, inside), harmless, model, use)


async def _answered(
    proposal: Proposal,
    shelves: tuple[Sequence[Shelf], Sequence[Shelf]],
    harmless: Harmless,
    model: Embeddings,
    use: Backends,
) -> Proposal:
    public, inside = shelves
    concerns, language = proposal.understanding.concerns, proposal.language
    shown = await asyncio.to_thread(lambda: {concern: concern.shown(harmless, language) for concern in concerns})
    letter, asked = await about(proposal.mail, list(shown.values()), model, harmless, language)
    topics = await topics_of(model, use)
    search = _Search(
        mail=proposal.mail,
        letter=letter,
        words=await _worded(proposal.mail, language, (*public, *inside)),
        topics=topics,
        home=use.settings.portal.city,
        language=language,
    )
    sentences = await sentences_of(model, use)

    async def answer(concern: Concern, vector: Floats) -> tuple[Answered, Mode]:
        given = await search.sources(concern, vector, public)
        if isinstance(given, str):
            return Answered(concern=concern, reason=given), "extractive"
        found, mode = await stated(shown[concern], given, language, sentences, use)
        return Answered(concern=concern, statements=tuple(found), reason=None if found else "unsupported"), mode

    async def inform(concern: Concern, vector: Floats) -> list[Statement]:
        given = await search.sources(concern, vector, inside)
        return [] if isinstance(given, str) else await extracted(shown[concern].text, given, sentences)

    pairs = list(zip(concerns, asked, strict=True))
    made, told = await asyncio.gather(
        asyncio.gather(*(answer(concern, vector) for concern, vector in pairs)),
        asyncio.gather(*(inform(concern, vector) for concern, vector in pairs if inside)),
    )
    generated = any(mode == "generated" and answered.statements for answered, mode in made)
    return replace(
        proposal,
        answers=tuple(answered for answered, _ in made),
        informing=tuple({(one.source.document, one.quoted): one for found in told for one in found}.values()),
        mode="generated" if generated else "extractive",
        model=use.chat.model_id if generated else model.model_id,
    )


async def _worded(mail: Mail, language: str, shelves: Sequence[Shelf]) -> dict[Shelf, dict[str, float]]:
    if language != GERMAN:  # words of another language only add noise
        return {}
    letter = unmarked(f"{mail.subject}\n{mail.body}"[:_LETTER])
    return dict(zip(shelves, await asyncio.gather(*(shelf.worded(letter) for shelf in shelves)), strict=True))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Search:
    """What all concerns of a letter are looked for with."""

    mail: Mail
    letter: Floats
    words: Mapping[Shelf, Mapping[str, float]]  # how much of the letter's words documents have
    topics: Topics
    home: str  # the city's name
    language: str  # of the letter

    async def sources(
        self, concern: Concern, vector: Floats, shelves: Sequence[Shelf]
    ) -> list[Source] | Literal["no_source", "elsewhere"]:
        """The passages that answer a concern, numbered; or why none does."""
        sought = direction(vector, self.letter)
        asked = unmarked(concern.query)
        # A German question in a letter that is English for the most part is weighed as a German one.
        alike = self.language == GERMAN or _german(concern.text)
        views = await asyncio.gather(*(self._looked(shelf, sought, asked, alike=alike) for shelf in shelves))
        around = field(vector, self.letter, asked, self.topics, views, alike=alike)
        shares = await self._shares(concern, around.matches, shelves) if alike else [0.0 for _ in around.matches]
        matching = answering(around, shares, alike=alike)
        read = await asyncio.gather(*(shelves[one.place].passages(one.document, sought) for one in matching))
        found = [source for sources in read for source in sources]
        if not found:
            return "no_source"
        # The nearest document only: one that is cited beside it may name the neighbours for reasons of its own.
        said = "\n".join(f"{one.title} {one.text}" for one in found if one.document == found[0].document)
        if elsewhere(concern.text, self.mail.subject, self.mail.body, said, self.home):
            return "elsewhere"
        return [replace(source, number=number) for number, source in enumerate(found[:SOURCES], 1)]

    async def _looked(self, shelf: Shelf, sought: Floats, asked: str, *, alike: bool) -> Looked:
        if not alike:  # words of another language only add noise
            return Looked(shelf.names, await shelf.nearest(sought), {}, {})
        passages, words = await asyncio.gather(shelf.nearest(sought), shelf.worded(asked))
        return Looked(shelf.names, passages, words, self.words.get(shelf, {}))

    async def _shares(self, concern: Concern, matches: Sequence[Match], shelves: Sequence[Shelf]) -> list[float]:
        """How much of a concern's words each of some documents has."""
        of = [[match.document for match in matches if match.place == place] for place in range(len(shelves))]
        said = await asyncio.gather(*(shelf.said(some) for shelf, some in zip(shelves, of, strict=True) if some))
        texts = {document: text for one in said for document, text in one.items()}

        def counted() -> list[float]:
            asked = without_places(concern.query)
            return [share(asked, texts.get(match.document, "")) for match in matches]

        return await asyncio.to_thread(counted)


def _german(text: str) -> bool:
    """Whether a text is surely German: of a few words it would be believed."""
    return of_query(text) == GERMAN and quotes.word_count(text) >= _SURE


async def sentences_of(model: Embeddings, use: Backends) -> Sentences:
    """The model, with the vectors of the pages' sentences that this process knows."""

    async def made() -> Recent:
        return Recent(_SENTENCES, SENTENCES_S)

    return Sentences(model, await use.snapshots.get(f"zammad-sentences-{model.model_id}", float("inf"), made))
