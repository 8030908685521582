"""How well the retrieval core itself finds, by the language of the question: judged questions over documents.

Two JSONL files, a line an object. Documents: ``doc`` (or ``id``), ``text``, and ``title`` if there is one.
Questions: ``question`` (or ``query``), ``doc`` (or a list, ``docs``), ``lang`` and ``qid`` (which picks samples).
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any, TypeVar

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, field_validator

from shared.errors import BackendError, StadtfunkError
from shared.knowledge.index import Index
from shared.knowledge.measures import DEPTH, Measures, measures
from shared.knowledge.passages import Document, Section
from shared.knowledge.search import search

Said = Callable[[str, int, int], None]
"""Told how far it is: what is being done, how many are done, of how many."""
_AT_ONCE = 4  # enough to keep the embedding server at work


class Text(BaseModel):
    """A document to search."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str = Field(min_length=1, validation_alias=AliasChoices("doc", "id"))
    title: str = Field(default="", validation_alias=AliasChoices("title", "name"))
    text: str

    def document(self) -> Document:
        """As the core takes it; blank lines part its paragraphs."""
        parts = [part for part in self.text.split("\n\n") if part.strip()]
        html = "".join(f"<p>{escape(part)}</p>" for part in parts)
        # Titles of an encyclopedia are written as in its addresses, with "_" for a blank.
        title = self.title.replace("_", " ")
        return Document(id=self.id, revision=1, title=title, sections=(Section(html=html),))


class Question(BaseModel):
    """A judged question."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    question: str = Field(min_length=1, validation_alias=AliasChoices("question", "query"))
    docs: frozenset[str] = Field(min_length=1, validation_alias=AliasChoices("docs", "doc"))
    language: str = Field(default="de", validation_alias=AliasChoices("lang", "language"))
    id: str = Field(default="", validation_alias=AliasChoices("qid", "id"))

    @field_validator("docs", mode="before")
    @classmethod
    def _one(cls, docs: Any) -> Any:
        return [docs] if isinstance(docs, str) else docs


Line = TypeVar("Line", bound=BaseModel)


def read(file: Path, model: type[Line]) -> list[Line]:
    """The lines of a JSONL file.

    Raises:
        StadtfunkError: the file cannot be read, is empty, or a line is wrong; names file, line and field.
    """
    found: list[Line] = []
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise StadtfunkError(f"{file}: cannot be read ({type(error).__name__})") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found.append(model.model_validate_json(line))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "line"
            raise StadtfunkError(f"{file}:{number}: {where}: {first['msg']}") from None
    if not found:
        raise StadtfunkError(f"{file}: is empty; a line is a JSON object")
    return found


def sampled(questions: Sequence[Question], most: int | None) -> list[Question]:
    """At most ``most`` questions a language, always the same ones: those whose ids have the lowest digests.

    Translations of one question share its id, so the languages are asked the same.
    """
    by_language: dict[str, list[Question]] = defaultdict(list)
    for question in questions:
        by_language[question.language].append(question)
    ordered = {
        language: sorted(asked, key=lambda one: sha256((one.id or one.question).encode()).digest())
        for language, asked in sorted(by_language.items())
    }
    return [question for asked in ordered.values() for question in asked[:most]]


async def fill(index: Index, documents: Sequence[Text], said: Said) -> int:
    """Make documents findable in an index with nothing else in it; returns the number of their passages."""
    written = 0
    for number, one in enumerate(documents, 1):
        written += await index.write(one.document()) or 0
        said("documents findable", number, len(documents))
    await index.vectors.flush(index.collection)
    return written


async def evaluate(index: Index, questions: Sequence[Question], said: Said) -> dict[str, Measures]:
    """Ask every question as a function asks the core; measures of the first ten documents by language.

    Raises:
        BackendError: a backend is away; a question answered by words alone counts as that.
    """
    left = iter(list(enumerate(questions)))
    found: dict[int, list[str]] = {}

    async def ask() -> None:
        for number, one in left:
            answer = await search(index, one.question, limit=DEPTH)
            if answer.degraded:
                raise BackendError("embeddings", "a question was answered by words alone; figures would be of no model")
            found[number] = [str(hit.row["doc"]) for hit in answer.hits]
            said("questions asked", len(found), len(questions))

    await asyncio.gather(*(ask() for _ in range(_AT_ONCE)))
    rows: dict[str, list[tuple[frozenset[str], list[str]]]] = defaultdict(list)
    for number, one in enumerate(questions):
        rows[one.language].append((one.docs, found[number]))
    return {language: measures(judged) for language, judged in sorted(rows.items())}
