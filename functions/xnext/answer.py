"""GET /api/answer: statements about a citizen's question, each with the quote that backs it, as server-sent events.

Written by the language model where it writes the question's language; what it says in words that cannot be followed to
the page stands there in the page's own (``verbatim``). Without the model, or while it is away, all of it does. The
question is neither stored nor logged.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from secrets import token_hex
from typing import Annotated, Final, Literal
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, StringConstraints

from functions.xnext.index import index_of
from functions.xnext.search import Short
from shared.backends import Backends
from shared.errors import BackendError, Reject
from shared.function import Stream, http
from shared.knowledge.answers import STATEMENTS, Dropped, conversation, generated
from shared.knowledge.citations import Source, Statement, sources
from shared.knowledge.extracts import extracted
from shared.knowledge.search import Filters, Found
from shared.knowledge.search import search as find

_RULES: Final = Path(__file__).with_name("answer.md").read_text(encoding="utf-8")
_HITS: Final = 6
_EASIER: Final = 0.03  # as a cosine, how much farther off a page in easy language may be
Mode = Literal["generated", "extractive"]


class AnswerQuery(BaseModel):
    """What is asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    q: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
    category: Short | None = None
    language: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$")] | None = (
        None  # of pages
    )
    easy: bool = False  # true: from pages in easy language where they have the answer


class Meta(BaseModel):
    """How the statements that follow are made; sent again when that changes."""

    produced_by_ai: Literal[True] = True
    mode: Mode
    model: str  # that wrote or chose
    language: str  # of the question


class Citation(BaseModel):
    """Where a statement comes from."""

    number: int  # from 1, in the order of the answer
    page_id: str
    revision: int
    title: str
    url: str | None  # the live page
    page: int | None = None  # of a PDF, where the quote stands
    quote: str
    href: str  # the revision as it was, with the quote marked


class StatementShown(BaseModel):
    """One statement, plain text."""

    text: str
    language: str  # of the text: that of the question, or of the page where it is verbatim
    verbatim: bool  # whole sentences of the page as they stand, not the model's words
    citations: list[Citation]


class Abstained(BaseModel):
    """Why there is no answer, and what to ask or open instead."""

    reason: Literal["empty_index", "filters", "no_match", "unsupported"]
    suggestions: list[str]  # titles of the nearest pages


class Done(BaseModel):
    """The end of the answer."""

    statements: int
    verbatim: int  # of these, such as stand in the page's own words
    dropped: int  # statements of the model without a quote that could be shown in their place


Message = tuple[str, BaseModel]


@http
async def answer(query: AnswerQuery, use: Backends) -> Stream:
    """Answer a question by statements that can each be opened at their source."""
    found = await _find(query, use)
    return Stream(_answered(query.q, found, use))


async def _find(query: AnswerQuery, use: Backends) -> Found:
    index = index_of(use)
    filters = Filters(category=query.category, language=query.language)
    found = await find(index, query.q, limit=_HITS, filters=filters, rerank=use.rerank)
    if query.easy:
        easy = await find(index, query.q, limit=_HITS, filters=replace(filters, easy=True), rerank=use.rerank)
        if easy.fits and easy.nearness >= found.nearness - _EASIER:
            return easy
    return found


async def _answered(question: str, found: Found, use: Backends) -> AsyncGenerator[Message, None]:
    writes = found.language.partition("-")[0] in use.settings.chat.languages
    mode: Mode = "generated" if writes else "extractive"
    yield "meta", _meta(mode, found, use)
    given = sources(found.hits) if found.fits else []
    if not given:
        yield "abstained", Abstained(reason=found.reason or "no_match", suggestions=found.suggestions)
        yield "done", Done(statements=0, verbatim=0, dropped=0)
        return
    shown = quoted = dropped = 0
    away = False
    if writes:
        mark = f"=== {token_hex(8)} ==="
        rules = _RULES.format(mark=mark, language=found.language, most=STATEMENTS)
        messages = conversation(rules, mark, question, given)
        try:
            statements = generated(
                use.chat, messages, given, question=question, language=found.language, embeddings=use.embeddings
            )
            async with aclosing(statements) as written:
                async for one in written:
                    if isinstance(one, Dropped):
                        dropped += 1
                        continue
                    shown += 1
                    quoted += one.verbatim
                    yield "statement", _statement(one, found.language, shown)
        except (BackendError, Reject):
            away = True
    if not writes or (away and not shown):
        if writes:
            yield "meta", _meta("extractive", found, use)
        for one in await extracted(question, given, use.embeddings):
            shown += 1
            quoted += one.verbatim
            yield "statement", _statement(one, found.language, shown)
    if not shown:
        titles = list(dict.fromkeys(source.title for source in given))
        yield "abstained", Abstained(reason="unsupported", suggestions=titles[:3])
    yield "done", Done(statements=shown, verbatim=quoted, dropped=dropped)


def _meta(mode: Mode, found: Found, use: Backends) -> Meta:
    model = use.chat.model_id if mode == "generated" else use.embeddings.model_id
    return Meta(mode=mode, model=model, language=found.language)


def _statement(statement: Statement, language: str, number: int) -> StatementShown:
    return StatementShown(
        text=statement.text,
        language=statement.source.language if statement.verbatim else language,
        verbatim=statement.verbatim,
        citations=[_citation(statement.source, statement.quoted, number)],
    )


def _citation(source: Source, quote: str, number: int) -> Citation:
    where = {"page": source.document, "revision": source.revision, "quote": quote}
    return Citation(
        number=number,
        page_id=source.document,
        revision=source.revision,
        title=source.title,
        url=source.url or None,
        page=source.page,
        quote=quote,
        href=f"/source?{urlencode(where)}",
    )
