"""Whether a statement may be shown: its quote stands in the passage, and backs what it says.

A statement has one of three outcomes. It is **stated** in the model's words only where every one of them can be
followed to the quote; one in another language where its values agree, nothing conflicts and both are alike. It is
**quoted** where the quote stands but the statement cannot be followed, or even conflicts with it: then whole sentences
of the page take its place (verbatim.py), never the model's words. It is **dropped** where there is no such quote, or
where it speaks to a model.

A statement that conflicts is replaced as well, not dropped, for two reasons. Measured: of true statements in a model's
free wording the rules take two in five for conflicts (other words for "nicht" and "nur", "zu zweit" for "zwei"), which
would be lost. And safe: what is shown is what the page says. A model that wants to mislead by the choice of sentences
can copy them outright, so nothing is gained by a false statement in front of one; against both stand whole sentences
with what limits them, and nearness to the question (``Topic``).

Values are looked for in the quoted clauses alone, never elsewhere in the passage, where the same number may belong to
another case.
"""

from dataclasses import dataclass
from typing import Literal

from shared.knowledge import quotes
from shared.knowledge.cases import stated, swapped
from shared.knowledge.clauses import Text, sentences_of, support
from shared.knowledge.contradiction import turned
from shared.knowledge.following import followed
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
    "unfollowed",  # no conflict is known, but not every word stands in the quote
]
Outcome = Literal["stated", "quoted", "dropped"]
_DROPPED: tuple[Reason, ...] = ("short quote", "length", "invented quote", "instruction")

_LONGEST = 1500  # characters; the work grows with the square of the values stated
# Cosines (multilingual e5, both as queries) from which a foreign statement says what its German quote says. Of 215
# true ones 152 are stated by them, of 156 false ones none; one without a value has only its likeness to show.
_VALUED = 0.85
_FREE = 0.905


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one statement."""

    reason: Reason
    quote: Span | None = None  # where the quote stands in the passage, in code points

    @property
    def outcome(self) -> Outcome:
        """Whether the statement is shown, the sentences of its quote instead, or nothing."""
        if self.reason in _DROPPED:
            return "dropped"
        return "stated" if self.reason == "supported" else "quoted"

    @property
    def ok(self) -> bool:
        """Whether the statement may be shown in its own words."""
        return self.outcome == "stated"


def verify(
    statement: str,
    quote: str,
    passage: str,
    *,
    language: str = "de",
    passage_language: str = "de",
    title: str = "",
    similarity: float | None = None,
) -> Verdict:
    """Judge one statement of an answer by the quote it cites.

    ``language`` and ``passage_language`` are BCP 47 tags. ``title`` is that of the passage's page. ``similarity`` is
    the cosine of the embeddings of statement and quote, both as queries: without it no foreign statement is stated.
    """
    if quotes.word_count(quote) < quotes.LEAST_WORDS:
        return Verdict("short quote")
    if max(len(statement), len(quote)) > _LONGEST:
        return Verdict("length")
    span = quotes.find(quote, passage)
    if span is None:
        return Verdict("invented quote")
    languages = (language[:2].lower(), passage_language[:2].lower())
    reason = _judged(statement, passage, span, languages=languages, title=title, similarity=similarity)
    return Verdict(reason, span)


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
        if share and _judged(statement, passage, clause) in ("supported", "unfollowed"):
            return clause
    return None


def _judged(
    statement: str,
    passage: str,
    span: Span,
    *,
    languages: tuple[str, str] = ("de", "de"),
    title: str = "",
    similarity: float | None = None,
) -> Reason:
    language, own = languages
    text, whole = support(passage, span).of(passage), sentences_of(passage, span)
    if instructs(statement) or instructs(whole):
        return "instruction"
    if _alike(statement, whole):
        return "supported"
    said = Text(statement, language)
    given = Text(text, own)
    for reason in (stated(said, given), swapped(said, given), turned(said, given)):
        if reason is not None:
            return reason
    german = language == own == "de"
    if not (covered(said, given, passage) if german else same_subject(said, given, passage)):
        return "unrelated"
    if german:
        return "supported" if followed(statement, passage, span, title) else "unfollowed"
    # Words of two languages cannot be followed. Its values are compared and nothing conflicts; beside them it must be
    # alike as a whole, and more so where it states none.
    return "supported" if (similarity or 0.0) >= (_VALUED if said.values else _FREE) else "unfollowed"


def _alike(one: str, other: str) -> bool:
    """Whether two texts differ in spelling only, or in the stop at their end."""
    return quotes.unify(one).text.strip(" .!…") == quotes.unify(other).text.strip(" .!…")
