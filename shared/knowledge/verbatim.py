"""What of a passage can be shown as it stands: whole sentences, with what they lean on, and lists as one.

A half sentence can mislead as well as an invented one, so nothing is cut: neither "sofern …" from its sentence, nor
"Das gilt nicht für …" from the one before it, nor "Nein" from its question.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from shared.embeddings import Embedder, cosine
from shared.errors import BackendError, Reject
from shared.knowledge import quotes
from shared.knowledge.citations import ASKING, Source, states, stems
from shared.knowledge.injection import instructs
from shared.knowledge.quotes import LEAST_WORDS, Span, sentence_spans

_BLOCK = 420  # characters of sentences, or of a list, that are quoted as one
_WORDS = 0.04  # what all of the question's words in a sentence are worth, as a cosine
_UNITS = 24  # sentences of an answer's passages that a question is held against
_OFF = 0.06  # as a cosine, how far behind the nearest of them a quoted sentence may be
_HEADING = 8  # words of a line that names what stands below it
# A sentence that begins so says nothing without the one before it, or takes back what that says.
_LEANING = re.compile(
    r"(?:er|es|dies\w*|jene\w*|dort|da(?:nn|zu|für|mit|bei|rin|nach|gegen|durch|von)?|hier\w*|deshalb"
    r"|deren|dessen|denn|aber|sonst|auch|außerdem|zudem|beide\w*|ausgenommen|ausnahmen?|jedoch|allerdings"
    r"|(?:das|die|sie) (?:gilt|gelten) nicht|andernfalls|es sei denn"
    r"|das (?:ist|sind|war|kostet|dauert|gilt|geht|kann|können|muss|müssen|darf|wird|werden|heißt|bedeutet|betrifft"
    r"|reicht|genügt|macht|hilft))\b",
    re.IGNORECASE,
)
_ANSWERING = re.compile(r"(?:ja|nein|nur|nicht|doch|besser|etwa|meist|nie|immer)\b", re.IGNORECASE)
_ITEM = re.compile(r"(?:[-–•*]|\d+\.)\s")


def units(text: str) -> list[Span]:
    """Sentences that can be quoted, with what they lean on, and lists as one, in order."""
    return list(_units(text))


@lru_cache(maxsize=2048)  # passages, which are asked about again and again
def _units(text: str) -> tuple[Span, ...]:
    return tuple(span for span in _joined(text) if quotes.word_count(span.of(text)) >= LEAST_WORDS)


def whole(source: Source, quote: Span) -> Span | None:
    """The sentences that a quote touches, whole, with what they lean on; None where they cannot be shown."""
    touched = [span for span in _joined(source.text) if span.start < quote.end and quote.start < span.end]
    if not touched:
        return None
    span = Span(touched[0].start, touched[-1].end)
    text = span.of(source.text)
    if not any(map(str.isalpha, text)) or len(text) > 2 * _BLOCK or laws(text) or instructs(led(source, span)):
        return None
    return span if states(source, span) else None


def laws(text: str) -> bool:
    """Whether a text is a list of paragraphs of laws, which answers nobody's question."""
    lines = text.split("\n")
    return _ITEM.match(text) is not None and 2 * sum("§" in line for line in lines) >= len(lines)


def led(source: Source, span: Span) -> str:
    """What is quoted; a list, or what is no sentence, below its heading; an answer below its question."""
    text = span.of(source.text)
    item = _ITEM.match(text) is not None
    before = source.text[: span.start].rstrip().rpartition("\n")[2].strip()
    heading = before if before else source.heading.rpartition(" › ")[2]
    if _ANSWERING.match(text) and heading.endswith(ASKING):
        return f"{heading}\n{text}"
    if not item and text.rstrip('"”“») ').endswith((".", "!", ":", "…")):
        return text
    if not heading or _ITEM.match(heading) or quotes.word_count(heading) > _HEADING or heading.endswith((".", "?")):
        return text
    return f"{heading.rstrip(':')}:{chr(10) if item else ' '}{text}"


async def nearness(question: str, found: Sequence[tuple[Source, Span]], embeddings: Embedder) -> list[float]:
    """How near to a question what is quoted stands, as cosines with a share for its words; by words alone without."""
    said = [_asked(source, span) + span.of(source.text) for source, span in found]
    texts = [f"{source.title} – {source.heading}\n{text}" for (source, _), text in zip(found, said, strict=True)]
    words = stems(question)
    shares = [
        len(words & stems(f"{source.heading} {text}")) / max(1, len(words))
        for (source, _), text in zip(found, said, strict=True)
    ]
    try:
        (asked,), known = await embeddings.embed([question], "query"), await embeddings.embed(texts, "passage")
    except (BackendError, Reject):
        return shares
    return [cosine(asked, vector) + _WORDS * share for vector, share in zip(known, shares, strict=True)]


class Topic:
    """What is near enough to a question to be quoted in its answer.

    Of 122 sentences that true statements cited all were within ``_OFF`` of the nearest sentence of their page; of all
    sentences of other pages a quarter was.
    """

    def __init__(self, question: str, given: Sequence[Source], embeddings: Embedder) -> None:
        self._question, self._given, self._embeddings = question, given, embeddings
        self._known: dict[tuple[int, Span], float] = {}  # by a passage's number

    async def holds(self, source: Source, span: Span) -> bool:
        """Whether these sentences of a passage are about the question."""
        if not self._known:
            found = [(one, unit) for one in self._given for unit in units(one.text)][:_UNITS]
            await self._measure([*found, (source, span)])
        if (source.number, span) not in self._known:
            await self._measure([(source, span)])
        return self._known[source.number, span] >= max(self._known.values()) - _OFF

    async def _measure(self, found: Sequence[tuple[Source, Span]]) -> None:
        found = list(dict.fromkeys(found))
        near = await nearness(self._question, found, self._embeddings)
        self._known |= {(source.number, span): one for (source, span), one in zip(found, near, strict=True)}


def _asked(source: Source, span: Span) -> str:
    """The question of the page that this answers, with a line break; empty where the line before is none."""
    before = source.text[: span.start].rstrip().rpartition("\n")[2].strip()
    return f"{before}\n" if before.endswith(ASKING) else ""


def _joined(text: str) -> list[Span]:
    found: list[Span] = []
    for span in sentence_spans(text):
        item = _ITEM.match(span.of(text)) is not None
        short = quotes.word_count(span.of(text)) < LEAST_WORDS
        goes_on = bool(found) and bool(
            ((item or short) and _list(text, found[-1]))
            or _LEANING.match(span.of(text))
            or (_answer(found[-1].of(text)) and "\n" not in text[found[-1].end : span.start])
        )
        if goes_on and not found[-1].of(text).endswith(ASKING) and span.end - found[-1].start <= _BLOCK:
            found[-1] = Span(found[-1].start, span.end)
        else:
            found.append(span)
    return found


def _answer(said: str) -> bool:
    """Whether this is a mere "Nein.", which the sentence after it explains."""
    return _ANSWERING.match(said) is not None and quotes.word_count(said) < LEAST_WORDS


def _list(text: str, span: Span) -> bool:
    """Whether a list goes on, or begins, after this."""
    said = span.of(text)
    return said.endswith(":") or _ITEM.match(said.rpartition("\n")[2]) is not None
