"""Whether a statement may be shown: its quote stands in the passage, and backs what it says.

Strict by design: what cannot be decided is dropped, because a citizen acts on what she reads. Values are looked for
in the quoted clauses alone, never elsewhere in the passage, where the same number may belong to another case.
"""

from dataclasses import dataclass
from typing import Literal

from shared.knowledge import quotes
from shared.knowledge.cases import stated, swapped
from shared.knowledge.clauses import Text, sentences_of, support
from shared.knowledge.contradiction import turned
from shared.knowledge.injection import instructs
from shared.knowledge.quotes import Span
from shared.knowledge.subject import covered, same_subject
from shared.knowledge.terms import Terms, content

Reason = Literal[
    "supported",
    "short quote",  # fewer than five words
    "length",  # statement or quote is longer than any sentence
    "invented quote",  # stands nowhere in the passage
    "instruction",  # speaks to the model, not to the citizen
    "value",  # a number, date, amount … that the quote does not state
    "swapped",  # a value of the quote, but of another of its cases
    "contradicted",  # negation, opposite, stricter or wider than the quote
    "unrelated",  # about something else, or too little known to say
]

_LONGEST = 1500  # characters; the work grows with the square of the values stated
_SIMILAR = 0.843  # cosine from which a foreign statement is about its quote (multilingual e5, both as queries)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one statement."""

    ok: bool
    reason: Reason
    quote: Span | None = None  # where the quote stands in the passage, in code points


def verify(
    statement: str,
    quote: str,
    passage: str,
    *,
    language: str = "de",
    passage_language: str = "de",
    similarity: float | None = None,
) -> Verdict:
    """Judge one statement of an answer by the quote it cites.

    ``language`` and ``passage_language`` are BCP 47 tags. ``similarity`` is the cosine of the embeddings of
    statement and quote, both embedded as queries; it is needed unless both are German.
    """
    if quotes.word_count(quote) < quotes.LEAST_WORDS:
        return Verdict(False, "short quote")
    if max(len(statement), len(quote)) > _LONGEST:
        return Verdict(False, "length")
    span = quotes.find(quote, passage)
    if span is None:
        return Verdict(False, "invented quote")
    reason = _judged(statement, passage, span, (language[:2].lower(), passage_language[:2].lower()), similarity)
    return Verdict(reason == "supported", reason, span)


def best_quote(statement: str, passage: str) -> Span | None:
    """The clause of a passage, of five words or more, that backs a German statement; None when none does."""
    wanted = {word.stem for word in content(statement)}
    ranked = []
    for clause in quotes.clauses(passage):
        if quotes.word_count(clause.of(passage)) < quotes.LEAST_WORDS:
            continue
        given = Terms(clause.of(passage))
        share = sum(given.hold(stem) for stem in wanted)
        ranked.append((-share, clause.start, clause))
    for share, _, clause in sorted(ranked):
        if share and _judged(statement, passage, clause, ("de", "de"), None) == "supported":
            return clause
    return None


def _judged(statement: str, passage: str, span: Span, languages: tuple[str, str], similarity: float | None) -> Reason:
    language, own = languages
    text = support(passage, span).of(passage)
    if instructs(statement) or instructs(sentences_of(passage, span)):
        return "instruction"
    if quotes.find(text, statement) == Span(0, len(statement.rstrip(" .!?…"))) or quotes.unify(text) == quotes.unify(
        statement
    ):
        return "supported"
    said = Text(statement, language)
    given = Text(text, own)
    for reason in (stated(said, given), swapped(said, given), turned(said, given)):
        if reason is not None:
            return reason
    if language == own == "de":
        related = covered(said, given, passage)
    else:
        related = similarity is not None and similarity >= _SIMILAR and same_subject(said, given, passage)
    return "supported" if related else "unrelated"
