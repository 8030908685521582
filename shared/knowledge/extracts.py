"""An answer without a model: sentences and lists of the passages, as they stand."""

from collections.abc import Sequence

from shared.embeddings import Embedder
from shared.knowledge.citations import Source, Statement, states
from shared.knowledge.verbatim import laws, led, nearness, units
from shared.knowledge.verification import verify

_EXTRACTS = 3  # statements of an answer without a model
_UNITS = 24  # sentences that are looked at for them
_LATER = 0.015  # what each further document costs, as a cosine: the first hit is more often the right one
_BEHIND = 0.025  # as a cosine, how far behind the best an extract may be
_ELSEWHERE = 0.01  # the same for one from another document


async def extracted(
    question: str, given: Sequence[Source], embeddings: Embedder, *, most: int = _EXTRACTS
) -> list[Statement]:
    """The sentences of the passages that are nearest to a question, best first, as they stand.

    Without the embedding server those that share most words with it.
    """
    said = [
        (source, span)
        for source in given
        for span in units(source.text)
        if states(source, span) and not laws(span.of(source.text))
    ][:_UNITS]
    if not said:
        return []
    documents = list(dict.fromkeys(source.document for source, _ in said))
    scores = await nearness(question, said, embeddings)
    ranked = sorted(
        (
            (score - _LATER * documents.index(source.document), source, span)
            for score, (source, span) in zip(scores, said, strict=True)
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
        verdict = verify(text, text, source.text, language=source.language)
        if verdict.ok:
            found.append(Statement(text=led(source, span), source=source, quote=span, verbatim=True))
    return found
