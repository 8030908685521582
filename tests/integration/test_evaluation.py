"""The judge of the retrieval core, on real servers."""

from uuid import uuid4

import pytest

from shared.backends import Backends
from shared.errors import BackendError
from shared.knowledge.evaluation import Question, Text, evaluate, fill
from shared.knowledge.index import Index
from shared.settings import EmbeddingSettings, Settings

TEXTS = {
    "hund": ("Hundesteuer", "Wer in der Stadt einen Hund hält, meldet ihn binnen eines Monats beim Steueramt an."),
    "pass": ("Reisepass", "Einen neuen Reisepass beantragen Sie persönlich im Bürgerbüro. Er gilt zehn Jahre."),
    "bad": ("Flussbad", "Das Flussbad öffnet im Mai. Kinder baden frei, Erwachsene zahlen vier Euro."),
}


def question(language: str, text: str, doc: str) -> Question:
    return Question.model_validate({"lang": language, "question": text, "doc": doc})


async def test_questions_are_judged_by_language(settings: Settings) -> None:
    use = Backends(settings)
    said: list[tuple[str, int, int]] = []
    try:
        index = Index(f"evaluation_{uuid4().hex[:8]}", use.vectors, use.embeddings, use.state)
        texts = [Text.model_validate({"doc": id, "title": title, "text": text}) for id, (title, text) in TEXTS.items()]
        passages = await fill(index, texts, lambda *now: said.append(now))
        figures = await evaluate(
            index,
            [
                question("de", "Wo melde ich meinen Hund an?", "hund"),
                question("de", "Was kostet das Baden?", "bad"),
                question("en", "Where do I get a new passport?", "pass"),
                question("en", "Where do I get a passport for my dog?", "of-another-set"),
            ],
            lambda *now: said.append(now),
        )
    finally:
        await use.close()
    assert passages == 3
    assert said[2] == ("documents findable", 3, 3)
    assert said[-1] == ("questions asked", 4, 4)
    assert list(figures) == ["de", "en"]
    assert (figures["de"]["mrr@10"], figures["de"]["n"]) == (1.0, 2)
    assert (figures["en"]["mrr@10"], figures["en"]["n"]) == (0.5, 2)


async def test_figures_without_the_model_are_none(settings: Settings) -> None:
    use = Backends(settings)
    away = Backends(settings.model_copy(update={"embeddings": EmbeddingSettings(url="http://127.0.0.1:9/v1")}))
    try:
        name = f"evaluation_{uuid4().hex[:8]}"
        index = Index(name, use.vectors, use.embeddings, use.state)
        await fill(index, [Text(doc="a", text="Ein Text.")], lambda *_: None)
        alone = Index(name, use.vectors, away.embeddings, use.state)
        with pytest.raises(BackendError, match="by words alone"):
            await evaluate(alone, [question("de", "Wo steht ein Text?", "a")], lambda *_: None)
    finally:
        await use.close()
        await away.close()
