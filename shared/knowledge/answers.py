"""Answers whose every statement cites a passage by a quote that stands verbatim in it.

A model's answer is read while it is written: each statement is checked as soon as it is complete, and goes on in its
own words where its quote backs all of them, else as the sentences that it quotes. Without a model an answer is
extracted: sentences of the passages, as they stand.
"""

import json
import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

from shared.chat import Chat, Message
from shared.embeddings import Embeddings, cosine
from shared.errors import BackendError, Reject
from shared.knowledge import german, quotes
from shared.knowledge.citations import ASKING, Source, Statement, states, stems
from shared.knowledge.clauses import sentences_of
from shared.knowledge.drafts import Draft, Reader
from shared.knowledge.injection import instructs
from shared.knowledge.language import GERMAN, of_text
from shared.knowledge.quotes import Span
from shared.knowledge.verbatim import Topic, led, whole
from shared.knowledge.verification import best_quote, verify

STATEMENTS = 5
_TOKENS = 900
_LONGEST = 600  # characters of a statement
_LEAST = 3  # words between two stops of a statement
_STOP = re.compile(r"(?<!\b\w)[.!?:;…]+\s+")  # not that of "z. B."

_ADDRESS = re.compile(
    r"(?:https?:|ftp:|mailto:|tel:|javascript:|data:|www\.)\S+|\S+@\S+|(?<![\w.])(?:[\w-]{2,}\.)+[a-z]{2,24}(?![\w])(?:/\S*)?",
    re.IGNORECASE,
)
_DIALLED = re.compile(r"\d(?:[\s()/–-]{0,2}\d){6,}")


@dataclass(frozen=True, slots=True)
class Dropped:
    """A statement that may not be shown, by the reason."""

    reason: str


def conversation(rules: str, mark: str, question: str, given: Sequence[Source]) -> list[Message]:
    """What a model is sent: the rules, then passages and question as data that cannot end the fence around them."""
    lines = [
        json.dumps(
            {"passage": source.number, "page": source.title, "heading": source.heading, "text": source.text},
            ensure_ascii=False,
        )
        for source in given
    ]
    asked = json.dumps({"question": question}, ensure_ascii=False)
    return [
        {"role": "system", "content": rules},
        {"role": "user", "content": "\n".join((mark, *lines, mark, asked))},
    ]


async def generated(
    chat: Chat,
    messages: Sequence[Message],
    given: Sequence[Source],
    *,
    question: str,
    language: str,
    embeddings: Embeddings,
) -> AsyncGenerator[Statement | Dropped, None]:
    """A model's statements, each as soon as it is checked.

    Raises:
        BackendError, Reject: the model is away, broke off, or refuses.
    """
    by_number = {source.number: source for source in given}
    ordered = stems(question) if instructs(question) else frozenset()
    topic = Topic(question, given, embeddings)
    shown: list[Statement] = []
    reader = Reader()
    async with aclosing(chat.stream(messages, max_tokens=_TOKENS)) as pieces:
        async for piece in pieces:
            for draft in reader.feed(piece):
                source = by_number.get(draft.passage)
                checked = (
                    Dropped("no passage")
                    if source is None
                    else await _checked(draft, source, language, ordered, embeddings)
                )
                if isinstance(checked, Statement):
                    if any(_repeats(checked, one) for one in shown):
                        continue
                    if checked.verbatim and not await topic.holds(checked.source, checked.quote):
                        checked = Dropped("off topic")
                    else:
                        shown.append(checked)
                yield checked
                if len(shown) >= STATEMENTS:
                    return


async def _checked(
    draft: Draft, source: Source, language: str, ordered: frozenset[str], embeddings: Embeddings
) -> Statement | Dropped:
    checked = check(draft, source, language, ordered)
    if isinstance(checked, Dropped) or not checked.verbatim or language.startswith(GERMAN):
        return checked
    # Everything that needs no vectors holds: only now they are asked for.
    try:
        one, other = await embeddings.embed([draft.statement, draft.quote], "query")
    except (BackendError, Reject):
        return checked
    return check(draft, source, language, ordered, cosine(one, other))


def check(
    draft: Draft,
    source: Source,
    language: str,
    ordered: frozenset[str] = frozenset(),
    similarity: float | None = None,
) -> Statement | Dropped:
    """Hold a model's statement against the passage it names; where it cannot be followed, its quote is the statement.

    ``ordered`` are the stems of a question that gives orders: those that the page does not have may not be repeated.
    ``similarity`` is that of statement and quote, needed where they are of two languages (``verify``).
    """
    text = " ".join(draft.statement.split())
    if not text or len(text) > _LONGEST:
        return Dropped("length")
    if text.endswith(ASKING) or instructs(text) or instructs(draft.quote):
        return Dropped("instruction")
    if (stems(text) & ordered) - stems(f"{source.title} {source.heading} {source.text}"):
        return Dropped("instruction")
    judged = partial(
        verify,
        text,
        passage=source.text,
        language=language,
        passage_language=source.language,
        title=source.title,
        similarity=similarity,
    )
    verdict = judged(draft.quote)
    if verdict.quote is None:
        better = _meant(text, draft.quote, source)
        if better is None:
            return Dropped(verdict.reason)
        verdict = judged(better.of(source.text))
    if verdict.outcome == "dropped" or verdict.quote is None or not states(source, verdict.quote):
        return Dropped(verdict.reason if verdict.outcome == "dropped" else "instruction")
    if not set(contacts(text)) <= set(contacts(sentences_of(source.text, verdict.quote))):
        return Dropped("contact")
    if verdict.ok and _worded(text, verdict.quote, source, language):
        return Statement(text=text, source=source, quote=verdict.quote)
    span = whole(source, verdict.quote)
    if span is None:
        return Dropped("instruction")
    return Statement(text=led(source, span), source=source, quote=span, verbatim=True)


def _worded(text: str, quote: Span, source: Source, language: str) -> bool:
    """Whether a statement that its quote backs is one in its own words, and in the answer's language."""
    if quotes.find(text, source.text) is not None:  # copied, maybe but half of a sentence
        return False
    if of_text(text) != GERMAN if language.startswith(GERMAN) else _german(text):
        return False
    # A word by itself ("BANANA! …") says nothing that a quote could back, and is easily taken for a part of a clause.
    backed = stems(f"{source.title} {quote.of(source.text)}")
    return not any(quotes.word_count(part) < _LEAST and stems(part) - backed for part in _STOP.split(text))


def _meant(text: str, quote: str, source: Source) -> Span | None:
    """What a quote that is too short or stands nowhere was to be: its only clause, or the one that backs the text."""
    if 1 < quotes.word_count(quote) < quotes.LEAST_WORDS:
        found = [clause for clause in quotes.clauses(source.text) if quotes.find(quote, clause.of(source.text))]
        if len(found) == 1:
            return found[0]
    return best_quote(text, source.text)


def _repeats(one: Statement, other: Statement) -> bool:
    """Whether a statement says what is shown already: its text, or the same part of a page where one is verbatim."""
    if one.text == other.text:
        return True
    same = (one.source.document, one.source.text) == (other.source.document, other.source.text)
    overlaps = one.quote.start < other.quote.end and other.quote.start < one.quote.end
    return same and overlaps and (one.verbatim or other.verbatim)


def contacts(text: str) -> Iterator[str]:
    """Addresses and numbers by which somebody can be reached, in one spelling."""
    for found in _ADDRESS.finditer(text):
        yield found.group().casefold().strip(".,;:!?()[]<>\"'").removeprefix("https://").removeprefix("http://")
    for found in _DIALLED.finditer(text):
        yield re.sub(r"\D", "", found.group())


def _german(text: str) -> bool:
    """Whether a text is surely German."""
    words = [word.text for word in german.words(text)]
    return of_text(text) == GERMAN and sum(word in german.FUNCTION_WORDS for word in words) * 5 >= len(words)
