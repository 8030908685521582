"""Whether a statement may be shown: its quote stands in the passage, and backs what it says."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from shared.knowledge import german, quotes
from shared.knowledge.quotes import Span

Reason = Literal[
    "supported",
    "short quote",  # fewer than five words
    "invented quote",  # stands nowhere in the passage
    "instruction",  # speaks to the model, not to the citizen
    "value",  # a number, date, amount … that the quote does not state
    "swapped",  # a value of the quote, but of another of its cases
    "contradicted",  # negation, antonym, stricter or looser than the quote
    "unrelated",  # about something else, or too little known to say
]

_RELATED = 0.5  # share of a German statement's content words that the quote must have
_SIMILAR = 0.86  # cosine from which a foreign statement is taken to be about its quote


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one statement."""

    ok: bool
    reason: Reason
    quote: Span | None = None  # where the quote stands in the passage, in code points


def verify(
    statement: str, quote: str, passage: str, *, language: str = "de", similarity: float | None = None
) -> Verdict:
    """Judge one statement of an answer by the quote it cites.

    ``language`` is the statement's (BCP 47); the passage is German. ``similarity`` is the cosine of the
    embeddings of statement and quote, needed for statements that are not German.
    """
    if quotes.word_count(quote) < quotes.LEAST_WORDS:
        return Verdict(False, "short quote")
    span = quotes.find(quote, passage)
    if span is None:
        return Verdict(False, "invented quote")
    if language.startswith("de"):
        related = _share(_content(statement), _content(span.of(passage))) >= _RELATED
    else:
        related = similarity is not None and similarity >= _SIMILAR
    return Verdict(related, "supported" if related else "unrelated", span)


def best_quote(statement: str, passage: str) -> Span | None:
    """The clause of a passage that a German statement is nearest to by its words; None when none is near."""
    wanted = _content(statement)
    ranked = [
        (_share(wanted, _content(clause.of(passage))), -clause.start, clause)
        for clause in quotes.clauses(passage)
        if quotes.word_count(clause.of(passage)) >= quotes.LEAST_WORDS
    ]
    share, _, clause = max(ranked, default=(0.0, 0, Span(0, 0)))
    return clause if share >= _RELATED else None


def _content(text: str) -> frozenset[str]:
    words = (word.text for word in german.words(unicodedata.normalize("NFKC", text)))
    return frozenset(german.stem(word) for word in words if word not in german.FUNCTION_WORDS)


def _share(wanted: Iterable[str], given: Iterable[str]) -> float:
    words, known = set(wanted), set(given)
    return sum(1 for word in words if word in known) / len(words) if words else 0.0
