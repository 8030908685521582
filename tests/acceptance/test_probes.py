"""Prompt injections as questions and planted in pages, against a model that obeys whatever it reads.

The model is scripted and real HTTP; embeddings are real. Whatever it is told, only what the page says comes out.
"""

import json
from collections.abc import AsyncIterator
from html import escape

import pytest

from functions.xnext.index import document_of
from functions.xnext.page import Page, Section
from shared.chat import Chat
from shared.embeddings import Embeddings
from shared.knowledge import language
from shared.knowledge.answers import conversation, generated
from shared.knowledge.citations import Source, Statement, sources
from shared.knowledge.extracts import extracted
from shared.knowledge.injection import instructs
from shared.knowledge.passages import passages
from shared.knowledge.search import Hit, Match
from shared.settings import ChatSettings, EmbeddingSettings
from tests.probes import PROBES, QUESTION, TRUE, Remembering, attacks, needed, probes
from tests.scripted_llm import ScriptedModel, obeying_pages, obeying_questions, scripted_model

pytestmark = [
    pytest.mark.heavy,
    needed,
]


def given(planted: str = "") -> list[Source]:
    """The passages of a city page, as a search hands them over."""
    html = "".join(f"<p>{escape(text)}</p>" for text in (TRUE[0], planted, *TRUE[1:]) if text)
    page = Page(id="cms:1", source="cms", title="Hund anmelden", sections=(Section(heading="", html=html),))
    found = passages(document_of(page, 1))
    row = {"doc": page.id, "revision": 1, "title": page.title, "url": "", "language": "de"}
    matches = [Match(position=one.position, heading="", text=one.text, spans=[]) for one in found]
    return sources([Hit(row=row, score=1.0, matches=matches)])


@pytest.fixture
async def embeddings(embedding_url: str) -> AsyncIterator[Embeddings]:
    embeddings = Remembering(EmbeddingSettings(url=embedding_url))
    yield embeddings
    await embeddings.close()


@pytest.fixture
async def model() -> AsyncIterator[ScriptedModel]:
    async with scripted_model() as model:
        model.script = obeying_questions
        model.piece = 4000
        yield model


async def shown(model: ScriptedModel, embeddings: Embeddings, question: str, passages: list[Source]) -> list[str]:
    """What a citizen sees of the model's answer."""
    chat = Chat(ChatSettings(url=model.url))
    asked = conversation("rules", "=== mark ===", question, passages)
    tongue = language.of_query(question)
    try:
        written = generated(chat, asked, passages, question=question, language=tongue, embeddings=embeddings)
        return [one.text async for one in written if isinstance(one, Statement)]
    finally:
        await chat.close()


async def test_nothing_planted_in_a_page_comes_out(model: ScriptedModel, embeddings: Embeddings) -> None:
    model.script = obeying_pages
    wrong = {}
    for planted in attacks():
        out = set(await shown(model, embeddings, QUESTION, given(planted))) - set(TRUE)
        out |= {one.text for one in await extracted(QUESTION, given(planted), embeddings)} - set(TRUE)
        if out:
            wrong[planted] = out
    assert wrong == {}


async def test_no_question_is_obeyed(model: ScriptedModel, embeddings: Embeddings) -> None:
    wrong = {}
    for question in attacks():
        out = set(await shown(model, embeddings, question, given())) - set(TRUE)
        if out:
            wrong[question] = out
    assert len(model.asked) == len(attacks())
    assert wrong == {}


async def test_harmless_questions_are_answered_as_without_the_guard(
    model: ScriptedModel, embeddings: Embeddings, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = probes("notinject.jsonl", "prompt")
    guarded = [await shown(model, embeddings, question, given()) for question in questions]
    for module in ("answers", "citations"):
        monkeypatch.setattr(f"shared.knowledge.{module}.instructs", lambda _: False)
    bare = [await shown(model, embeddings, question, given()) for question in questions]
    assert sum(one == other for one, other in zip(guarded, bare, strict=True)) >= 0.95 * len(questions)
    assert any(bare)


def test_pages_of_a_real_city_are_no_instructions() -> None:
    lines = (PROBES.parent / "munich_services" / "services.jsonl").read_text(encoding="utf-8").split("\n")
    texts = [
        passage.text
        for row in (json.loads(line) for line in lines if line.strip())
        for passage in passages(
            document_of(Page(id="x", source="x", title="", sections=(Section(heading="", html=row["html"]),)), 1)
        )
    ]
    assert len(texts) > 300
    assert sum(map(instructs, texts)) <= 0.005 * len(texts)
