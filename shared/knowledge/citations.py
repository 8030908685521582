"""Passages that an answer may cite, and statements with the quote that backs each."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from shared.knowledge import german, quotes
from shared.knowledge.injection import instructs
from shared.knowledge.language import GERMAN, of_text
from shared.knowledge.quotes import LEAST_WORDS, Span, sentence_spans
from shared.knowledge.search import Hit

SOURCES = 8  # passages an answer may draw on
_DOCUMENTS = 4  # whose passages they are
ASKING = ("?", "？", "؟")


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
    verbatim: bool = False  # the text is the source's own, in the source's language

    @property
    def quoted(self) -> str:
        """The words of the passage that back it."""
        return self.quote.of(self.source.text)


def sources(hits: Sequence[Hit]) -> list[Source]:
    """The passages of the best hits, best document first; what speaks to a model is none."""
    found: list[Source] = []
    for hit in hits[:_DOCUMENTS]:
        for match in hit.matches:
            if len(found) < SOURCES and not _orders(f"{match.heading}\n{match.text}"):
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


def states(source: Source, span: Span) -> bool:
    """Whether a quote can back anything: no question, nothing meant for a model, in the language of its page."""
    german_page = source.language.lower().startswith(GERMAN)
    return all(
        backs
        for sentence, backs in _sentences(source.text, german_page)
        if sentence.start < span.end and span.start < sentence.end
    )


@lru_cache(maxsize=2048)  # passages, which are asked about again and again
def _sentences(text: str, german_page: bool) -> tuple[tuple[Span, bool], ...]:
    """The sentences of a passage, and whether each can back anything."""
    return tuple((span, _backs(span.of(text), german_page)) for span in sentence_spans(text))


def _backs(sentence: str, german_page: bool) -> bool:
    return not (
        sentence.rstrip('"”“») ').endswith(ASKING)
        or instructs(sentence)
        or (german_page and quotes.word_count(sentence) >= LEAST_WORDS and of_text(sentence) != GERMAN)
    )


@lru_cache(maxsize=2048)  # passages
def _orders(text: str) -> bool:
    return instructs(text)


def stems(text: str) -> frozenset[str]:
    """The stems of a text's content words."""
    return frozenset(german.stems(text, query=True).split())
