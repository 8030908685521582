"""An answer without a model: sentences and lists of the passages, as they stand."""

import re
from collections.abc import Sequence

from shared.embeddings import Embeddings, cosine
from shared.errors import BackendError, Reject
from shared.knowledge import quotes
from shared.knowledge.citations import ASKING, Source, Statement, states, stems
from shared.knowledge.quotes import LEAST_WORDS, Span, sentence_spans
from shared.knowledge.verification import verify

_EXTRACTS = 3  # statements of an answer without a model
_UNITS = 24  # sentences that are looked at for them
_BLOCK = 420  # characters of a list that is quoted as one
_LATER = 0.015  # what each further document costs, as a cosine: the first hit is more often the right one
_WORDS = 0.04  # what all of the question's words in a sentence are worth, as a cosine
_BEHIND = 0.025  # as a cosine, how far behind the best an extract may be
_ELSEWHERE = 0.01  # the same for one from another document
_HEADING = 8  # words of a line that names what stands below it
# A sentence that begins so says nothing without the one before it.
_LEANING = re.compile(
    r"(?:er|es|dies\w*|jene\w*|dort|da(?:nn|zu|für|mit|bei|rin|nach|gegen|durch)?|hier\w*|deshalb"
    r"|deren|dessen|denn|aber|sonst|auch|außerdem|zudem|beide\w*|ja|nein)\s",
    re.IGNORECASE,
)
_ITEM = re.compile(r"(?:[-–•*]|\d+\.)\s")


async def extracted(
    question: str, given: Sequence[Source], embeddings: Embeddings, *, most: int = _EXTRACTS
) -> list[Statement]:
    """The sentences of the passages that are nearest to a question, best first, as they stand.

    Without the embedding server those that share most words with it.
    """
    units = [
        (source, span)
        for source in given
        for span in _units(source.text)
        if states(source, span) and not _laws(span.of(source.text))
    ][:_UNITS]
    if not units:
        return []
    documents = list(dict.fromkeys(source.document for source, _ in units))
    scores = await _nearness(question, units, embeddings)
    ranked = sorted(
        (
            (score - _LATER * documents.index(source.document), source, span)
            for score, (source, span) in zip(scores, units, strict=True)
        ),
        key=lambda one: (-one[0], one[1].number, one[2].start),
    )
    found: list[Statement] = []
    best, first, _ = ranked[0]
    for score, source, span in ranked:
        if len(found) == most:
            break
        if score < best - (_BEHIND if source.document == first.document else _ELSEWHERE):
            continue
        text = span.of(source.text)
        verdict = verify(text, text, source.text, language=source.language, similarity=1.0)
        if verdict.ok:
            found.append(Statement(text=_led(source, span), source=source, quote=span, verbatim=True))
    return found


def _laws(text: str) -> bool:
    """Whether a text is a list of paragraphs of laws, which answers nobody's question."""
    lines = text.split("\n")
    return _ITEM.match(text) is not None and 2 * sum("§" in line for line in lines) >= len(lines)


def _led(source: Source, span: Span) -> str:
    """What is quoted; a list, or what is no sentence, below the heading without which it says little."""
    text = span.of(source.text)
    item = _ITEM.match(text) is not None
    if not item and text.rstrip('"”“») ').endswith((".", "!", ":", "…")):
        return text
    before = source.text[: span.start].rstrip().rpartition("\n")[2].strip()
    heading = before if before else source.heading.rpartition(" › ")[2]
    if not heading or _ITEM.match(heading) or quotes.word_count(heading) > _HEADING or heading.endswith((".", "?")):
        return text
    return f"{heading.rstrip(':')}:{chr(10) if item else ' '}{text}"


async def _nearness(question: str, units: Sequence[tuple[Source, Span]], embeddings: Embeddings) -> list[float]:
    texts = [f"{source.title} – {source.heading}\n{span.of(source.text)}" for source, span in units]
    words = stems(question)
    shares = [
        len(words & stems(f"{source.heading} {span.of(source.text)}")) / max(1, len(words)) for source, span in units
    ]
    try:
        (asked,), known = await embeddings.embed([question], "query"), await embeddings.embed(texts, "passage")
    except (BackendError, Reject):
        return shares
    return [cosine(asked, vector) + _WORDS * share for vector, share in zip(known, shares, strict=True)]


def _units(text: str) -> list[Span]:
    """Sentences that can be quoted, with what they lean on, and lists as one, in order."""
    found: list[Span] = []
    for span in sentence_spans(text):
        item = _ITEM.match(span.of(text)) is not None
        short = quotes.word_count(span.of(text)) < LEAST_WORDS
        goes_on = ((item or short) and _list(text, found[-1])) or _LEANING.match(span.of(text)) if found else None
        if goes_on and not found[-1].of(text).endswith(ASKING) and span.end - found[-1].start <= _BLOCK:
            found[-1] = Span(found[-1].start, span.end)
        else:
            found.append(span)
    return [span for span in found if quotes.word_count(span.of(text)) >= LEAST_WORDS]


def _list(text: str, span: Span) -> bool:
    """Whether a list goes on, or begins, after this."""
    said = span.of(text)
    return said.endswith(":") or _ITEM.match(said.rpartition("\n")[2]) is not None
