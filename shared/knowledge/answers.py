"""Answers whose every statement cites a passage by a quote that stands verbatim in it.

A model's answer is read while it is written: each statement is checked as soon as it is complete, and only
what its quote backs goes on. Without a model an answer is extracted: sentences of the passages, as they stand.
"""

import json
import re
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from shared.chat import Chat, Message
from shared.embeddings import Embeddings
from shared.errors import BackendError, Reject
from shared.knowledge import german, quotes
from shared.knowledge.injection import instructs
from shared.knowledge.language import GERMAN, of_text
from shared.knowledge.quotes import LEAST_WORDS, Span, sentence_spans
from shared.knowledge.search import Hit
from shared.knowledge.verification import Verdict, best_quote, verify

SOURCES = 8  # passages an answer may draw on
STATEMENTS = 5
_DOCUMENTS = 4  # whose passages they are
_TOKENS = 900
_LONGEST = 600  # characters of a statement
_EXTRACTS = 3  # statements of an answer without a model
_UNITS = 24  # sentences that are looked at for them
_BLOCK = 420  # characters of a list that is quoted as one
_LATER = 0.008  # what each further document costs, as a cosine: the first hit is more often the right one
_WORDS = 0.04  # what all of the question's words in a sentence are worth, as a cosine
_BEHIND = 0.025  # as a cosine, how far behind the best an extract may be
# A sentence that begins so says nothing without the one before it.
_LEANING = re.compile(
    r"(?:er|es|dies\w*|jene\w*|dort|da(?:nn|zu|für|mit|bei|rin|nach|gegen|durch)?|hier\w*|deshalb"
    r"|deren|dessen|denn|aber|sonst|auch|außerdem|zudem|beide\w*|ja|nein)\s",
    re.IGNORECASE,
)
_ASKING = ("?", "？", "؟")
_LEAST = 3  # words between two stops of a statement
_STOP = re.compile(r"(?<!\b\w)[.!?:;…]+\s+")  # not that of "z. B."
_OBJECT = 4_000  # characters of one object that a model writes

_ADDRESS = re.compile(
    r"(?:https?:|ftp:|mailto:|tel:|javascript:|data:|www\.)\S+|\S+@\S+|(?<![\w.])(?:[\w-]{2,}\.)+[a-z]{2,24}(?![\w])(?:/\S*)?",
    re.IGNORECASE,
)
_DIALLED = re.compile(r"\d(?:[\s()/–-]{0,2}\d){6,}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A passage that an answer may cite."""

    number: int  # from 1
    document: str
    revision: int
    title: str
    url: str
    heading: str
    text: str
    language: str
    page: int | None = None  # of a paged document, from 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """A statement that may be shown."""

    text: str
    source: Source
    quote: Span  # in the source's text

    @property
    def quoted(self) -> str:
        """The words of the passage that back it."""
        return self.quote.of(self.source.text)


@dataclass(frozen=True, slots=True)
class Draft:
    """A statement as a model wrote it, unchecked."""

    statement: str
    passage: int
    quote: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """A statement that may not be shown, by the reason."""

    reason: str


def sources(hits: Sequence[Hit]) -> list[Source]:
    """The passages of the best hits, best document first; what speaks to a model is none."""
    found: list[Source] = []
    for hit in hits[:_DOCUMENTS]:
        for match in hit.matches:
            if len(found) < SOURCES and not instructs(f"{match.heading}\n{match.text}"):
                found.append(
                    Source(
                        number=len(found) + 1,
                        document=str(hit.row["doc"]),
                        revision=int(hit.row["revision"]),
                        title=str(hit.row["title"]),
                        url=str(hit.row["url"]),
                        heading=match.heading,
                        text=match.text,
                        language=str(hit.row["language"]),
                        page=match.page,
                    )
                )
    return found


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
    ordered = _stems(question) if instructs(question) else frozenset()
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
    if text.endswith(_ASKING) or instructs(text) or instructs(draft.quote):
        return Dropped("instruction")
    if of_text(text) != GERMAN if language.startswith(GERMAN) else _german(text):
        return Dropped("language")
    if (_stems(text) & ordered) - _stems(f"{source.title} {source.heading} {source.text}"):
        return Dropped("instruction")
    verdict = await _judged(text, draft.quote, source, language, embeddings)
    if verdict.reason in ("short quote", "invented quote"):
        better = best_quote(text, source.text)
        if better is not None:
            verdict = await _judged(text, better.of(source.text), source, language, embeddings)
    if not verdict.ok or verdict.quote is None:
        return Dropped(verdict.reason)
    if not _states(source, verdict.quote):
        return Dropped("instruction")
    # A word by itself ("BANANA! …") says nothing that a quote could back, and is easily taken for a part of a clause.
    backed = _stems(f"{source.title} {verdict.quote.of(source.text)}")
    if any(quotes.word_count(part) < _LEAST and _stems(part) - backed for part in _STOP.split(text)):
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


def _states(source: Source, span: Span) -> bool:
    """Whether a quote can back anything: no question, nothing meant for a model, in the language of its page."""
    touched = [
        sentence.of(source.text)
        for sentence in sentence_spans(source.text)
        if sentence.start < span.end and span.start < sentence.end
    ]
    german_page = source.language.lower().startswith(GERMAN)
    return not any(
        sentence.rstrip('"”“») ').endswith(_ASKING)
        or instructs(sentence)
        or (german_page and quotes.word_count(sentence) >= LEAST_WORDS and of_text(sentence) != GERMAN)
        for sentence in touched
    )


async def extracted(
    question: str, given: Sequence[Source], embeddings: Embeddings, *, most: int = _EXTRACTS
) -> list[Statement]:
    """The sentences of the passages that are nearest to a question, best first, as they stand.

    Without the embedding server those that share most words with it.
    """
    units = [(source, span) for source in given for span in _units(source.text) if _states(source, span)][:_UNITS]
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
    for score, source, span in ranked:
        if len(found) == most or score < ranked[0][0] - _BEHIND:
            break
        text = span.of(source.text)
        verdict = verify(text, text, source.text, language=source.language, similarity=1.0)
        if verdict.ok:
            found.append(Statement(text=text, source=source, quote=span))
    return found


async def _nearness(question: str, units: Sequence[tuple[Source, Span]], embeddings: Embeddings) -> list[float]:
    texts = [f"{source.title} – {source.heading}\n{span.of(source.text)}" for source, span in units]
    words = _stems(question)
    shares = [
        len(words & _stems(f"{source.heading} {span.of(source.text)}")) / max(1, len(words)) for source, span in units
    ]
    try:
        (asked,), known = await embeddings.embed([question], "query"), await embeddings.embed(texts, "passage")
    except (BackendError, Reject):
        return shares
    return [cosine(asked, vector) + _WORDS * share for vector, share in zip(known, shares, strict=True)]


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """How alike two vectors are, -1 to 1."""
    product: float = sum(a * b for a, b in zip(one, other, strict=True))
    size: float = (sum(a * a for a in one) * sum(b * b for b in other)) ** 0.5
    return product / size if size else 0.0


def _units(text: str) -> list[Span]:
    """Sentences that can be quoted, with what they lean on, and lists as one, in order."""
    found: list[Span] = []
    for span in sentence_spans(text):
        item = re.match(r"(?:[-–•*]|\d+\.)\s", span.of(text)) is not None
        short = quotes.word_count(span.of(text)) < LEAST_WORDS
        goes_on = ((item or short) and _list(text, found[-1])) or _LEANING.match(span.of(text)) if found else None
        if goes_on and not found[-1].of(text).endswith(_ASKING) and span.end - found[-1].start <= _BLOCK:
            found[-1] = Span(found[-1].start, span.end)
        else:
            found.append(span)
    return [span for span in found if quotes.word_count(span.of(text)) >= LEAST_WORDS]


def _list(text: str, span: Span) -> bool:
    """Whether a list goes on, or begins, after this."""
    said = span.of(text)
    return said.endswith(":") or re.match(r"(?:[-–•*]|\d+\.)\s", said.rpartition("\n")[2]) is not None


def _german(text: str) -> bool:
    """Whether a text is surely German."""
    words = [word.text for word in german.words(text)]
    return of_text(text) == GERMAN and sum(word in german.FUNCTION_WORDS for word in words) * 5 >= len(words)


def _stems(text: str) -> frozenset[str]:
    return frozenset(german.stems(text, query=True).split())


class Reader:
    """Reads a model's objects out of its stream, each as soon as it is closed, whatever stands around them."""

    def __init__(self) -> None:
        self._text = ""
        self._at = 0  # up to where it was read
        self._open: list[int] = []  # where the objects that are open began
        self._string = False

    def feed(self, piece: str) -> Iterable[Draft]:
        """The statements that this piece of the stream completes."""
        self._text += piece
        found: list[Draft] = []
        while self._at < len(self._text):
            letter = self._text[self._at]
            if self._string and letter == "\\":
                if self._at + 1 == len(self._text):
                    break  # what is escaped is still to come
                self._at += 1
            elif letter == '"':
                self._string = bool(self._open) and not self._string
            elif not self._string and letter == "{":
                self._open.append(self._at)
            elif not self._string and letter == "}" and self._open:
                found += _drafts(self._text[self._open.pop() : self._at + 1])
            self._at += 1
        self._forget()
        return found

    def _forget(self) -> None:
        start = self._open[0] if self._open else len(self._text)
        if self._open and self._at - self._open[-1] > _OBJECT:
            # Never closed, so no object: go on after it.
            start, self._open, self._string = self._at, [], False
        self._text, self._at = self._text[start:], self._at - start
        self._open = [place - start for place in self._open]


def _drafts(text: str) -> list[Draft]:
    try:
        found = json.loads(text, strict=False)
        statement, passage, quote = found["statement"], found["passage"], found["quote"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []
    if not isinstance(statement, str) or not isinstance(quote, str) or isinstance(passage, (bool, float)):
        return []
    number = str(passage).strip("[]() ")
    return [Draft(statement, int(number), quote)] if number.isdecimal() and len(number) < 4 else []
