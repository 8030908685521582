"""Answers whose every statement cites a passage by a quote that stands verbatim in it.

A model's answer is read while it is written: each statement is checked as soon as it is complete, and only
what its quote backs goes on. Without a model an answer is extracted: sentences of the passages, as they stand.
"""

import json
import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from shared.chat import Chat, Message
from shared.embeddings import Embeddings, cosine
from shared.errors import BackendError, Reject
from shared.knowledge import german, quotes
from shared.knowledge.citations import ASKING, Source, Statement, states, stems
from shared.knowledge.drafts import Draft, Reader
from shared.knowledge.injection import instructs
from shared.knowledge.language import GERMAN, of_text
from shared.knowledge.verification import Verdict, best_quote, verify

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
    shown: set[str] = set()
    reader = Reader()
    async with aclosing(chat.stream(messages, max_tokens=_TOKENS)) as pieces:
        async for piece in pieces:
            for draft in reader.feed(piece):
                source = by_number.get(draft.passage)
                checked = (
                    Dropped("no passage")
                    if source is None
                    else await check(draft, source, language, embeddings, ordered)
                )
                if isinstance(checked, Statement):
                    if checked.text in shown:
                        continue
                    shown.add(checked.text)
                yield checked
                if len(shown) >= STATEMENTS:
                    return


async def check(
    draft: Draft, source: Source, language: str, embeddings: Embeddings, ordered: frozenset[str] = frozenset()
) -> Statement | Dropped:
    """Hold a model's statement against the passage it names.

    ``ordered`` are the stems of a question that gives orders: those that the page does not have may not be repeated.
    """
    text = " ".join(draft.statement.split())
    if not text or len(text) > _LONGEST:
        return Dropped("length")
    if text.endswith(ASKING) or instructs(text) or instructs(draft.quote):
        return Dropped("instruction")
    if of_text(text) != GERMAN if language.startswith(GERMAN) else _german(text):
        return Dropped("language")
    if (stems(text) & ordered) - stems(f"{source.title} {source.heading} {source.text}"):
        return Dropped("instruction")
    verdict = await _judged(text, draft.quote, source, language, embeddings)
    if verdict.reason in ("short quote", "invented quote"):
        better = best_quote(text, source.text)
        if better is not None:
            verdict = await _judged(text, better.of(source.text), source, language, embeddings)
    if not verdict.ok or verdict.quote is None:
        return Dropped(verdict.reason)
    if not states(source, verdict.quote):
        return Dropped("instruction")
    # A word by itself ("BANANA! …") says nothing that a quote could back, and is easily taken for a part of a clause.
    backed = stems(f"{source.title} {verdict.quote.of(source.text)}")
    if any(quotes.word_count(part) < _LEAST and stems(part) - backed for part in _STOP.split(text)):
        return Dropped("unrelated")
    if not set(contacts(text)) <= set(contacts(verdict.quote.of(source.text))):
        return Dropped("contact")
    return Statement(text=text, source=source, quote=verdict.quote)


async def _judged(text: str, quote: str, source: Source, language: str, embeddings: Embeddings) -> Verdict:
    verdict = verify(text, quote, source.text, language=language)
    if verdict.reason != "unrelated" or language.startswith(GERMAN):
        return verdict
    # Everything that needs no vectors holds: only now they are asked for.
    try:
        one, other = await embeddings.embed([text, quote], "query")
    except (BackendError, Reject):
        return verdict
    return verify(text, quote, source.text, language=language, similarity=cosine(one, other))


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
