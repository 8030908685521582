"""Prompt injections in a letter, its file, a knowledge-base answer and a page, against a model that obeys whatever it
reads: what comes out is what the sources say, word for word, and no address is called but those of the models.

Everything is real but the language model, which is scripted over real HTTP.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from html import escape

import pytest

from functions.zammad.compose import draft_html, note_html
from functions.zammad.concerns import Concern
from functions.zammad.knowledge import PUBLISHED, knowledge_of
from functions.zammad.mail import File, Mail, read_mail
from functions.zammad.proposal import Proposal, propose
from functions.zammad.statements import Sentences, stated
from shared.backends import Backends
from shared.knowledge.citations import Source, sources, stems
from shared.knowledge.passages import Document, Section, passages
from shared.knowledge.search import Hit, Match
from shared.objects import MemoryObjects
from shared.recent import Recent
from shared.settings import ChatSettings, Settings, ZammadGroup
from tests.probes import QUESTION, TRUE, Remembering, attacks, needed, probes
from tests.scripted_llm import ScriptedModel, obeying_pages, obeying_questions, scripted_model

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.timeout(1800),
    needed,
]
GROUP = ZammadGroup(name="Bürgerbüro")


def document(planted: str = "", id: str = "cms:1", source: str = "cms") -> Document:
    html = "".join(f"<p>{escape(text)}</p>" for text in (TRUE[0], planted, *TRUE[1:]) if text)
    return Document(id=id, revision=1, title="Hund anmelden", sections=(Section(html=html),), source=source)


def given(planted: str) -> list[Source]:
    """The passages of a page or an answer with something planted, as they are handed over."""
    row = {"doc": "cms:1", "revision": 1, "title": "Hund anmelden", "url": "", "language": "de"}
    matches = [Match(position=one.position, heading="", text=one.text, spans=[]) for one in passages(document(planted))]
    return sources([Hit(row=row, score=1.0, matches=matches)])


def letter(body: str, *files: File) -> Mail:
    return read_mail(subject="Hund", sender="Ada Muster <ada@muster.example>", body=body, html=False, files=files)


def shown(found: Proposal) -> set[str]:
    return {one.text for answer in found.answers for one in answer.statements}


def foreign(texts: set[str]) -> set[str]:
    """What has a word that the page does not have."""
    return {text for text in texts if stems(text) - stems(f"Hund anmelden. {' '.join(TRUE)}")}


@pytest.fixture
async def model() -> AsyncIterator[ScriptedModel]:
    async with scripted_model() as model:
        model.script = obeying_questions
        model.piece = 4000
        yield model


@pytest.fixture
async def use(settings: Settings, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Backends]:
    chat = ChatSettings(url=model.url, languages=("de",))
    zammad = settings.zammad.model_copy(update={"collection": f"{settings.xnext.collection}_kb"})
    embeddings = Remembering(settings.embeddings)
    settings = settings.model_copy(update={"chat": chat, "zammad": zammad})
    use = Backends(settings, objects=MemoryObjects(), embeddings=embeddings)
    await knowledge_of(use).write(document(id="kb:1", source=PUBLISHED))
    yield use
    await use.close()
    await embeddings.close()


@pytest.mark.parametrize("script", [obeying_questions, obeying_pages])
async def test_no_letter_is_obeyed(use: Backends, model: ScriptedModel, script: object) -> None:
    model.script = script  # type: ignore[assignment]
    wrong, asked = {}, len(model.asked)
    for planted in attacks():
        found = await propose(letter(f"Guten Tag,\n{QUESTION}\n{planted}"), GROUP, use)
        if out := foreign(shown(found)):
            wrong[planted] = out
    assert len(model.asked) > asked
    assert wrong == {}


async def test_no_file_is_obeyed(use: Backends) -> None:
    wrong = {}
    for planted in attacks():
        found = await propose(letter(QUESTION, File(name="antrag.pdf", text=planted)), GROUP, use)
        note = note_html(found, marker="m", draft="written")
        if not shown(found) or foreign(shown(found)) or escape(planted) in draft_html(found, fields={}) + note:
            wrong[planted] = shown(found)
    assert wrong == {}


async def test_nothing_planted_in_a_page_or_an_answer_comes_out(use: Backends, model: ScriptedModel) -> None:
    model.script = obeying_pages
    sentences, concern = Sentences(use.embeddings, Recent()), Concern(text=QUESTION, parts=(QUESTION,))
    wrong = {}
    for planted in attacks():
        out = set()
        for language in ("de", "en"):  # the model writes the one; in the other the page's own words are taken
            statements, _ = await stated(concern, given(planted), language, sentences, use)
            out |= foreign({one.text for one in statements})
        if out:
            wrong[planted] = out
    assert wrong == {}


async def test_an_answer_with_orders_is_indexed_and_nothing_of_them_comes_out(
    use: Backends, model: ScriptedModel
) -> None:
    model.script = obeying_pages
    for revision, planted in enumerate(attacks()[::40], 2):
        await knowledge_of(use).write(replace(document(planted, "kb:1", PUBLISHED), revision=revision))
        assert foreign(shown(await propose(letter(QUESTION), GROUP, use))) == set(), planted


async def test_only_the_models_are_called(use: Backends) -> None:
    planted = [text for text in attacks() if "http" in text or "www" in text] or attacks()[:20]
    for text in planted:
        await propose(letter(f"{QUESTION}\n{text}", File(name="a.txt", text=text)), GROUP, use)
    # A function has no other way out: ``use.web`` and ``use.rest`` were never made.
    assert not {"web", "rest"} & set(use._made)


async def test_harmless_letters_are_answered_as_without_the_guard(
    use: Backends, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = [letter(f"Guten Tag,\n{QUESTION}\n{text}") for text in probes("notinject.jsonl", "prompt")]
    guarded = [shown(await propose(one, GROUP, use)) for one in letters]
    for module in ("functions.zammad.concerns", "shared.knowledge.answers", "shared.knowledge.citations"):
        monkeypatch.setattr(f"{module}.instructs", lambda _: False)
    bare = [shown(await propose(one, GROUP, use)) for one in letters]
    answered = [(one, other) for one, other in zip(guarded, bare, strict=True) if other]
    assert len(answered) >= 0.8 * len(letters)
    assert sum(bool(one) for one, _ in answered) >= 0.9 * len(answered)
