"""The outline of the knowledge base: which answers there are now, who may see them, and what changed about them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.errors import BackendError
from shared.knowledge.markup import clean

Visibility = Literal["published", "internal"]
_RULES: Final = 1  # another number has every answer read again, as after a change of what is made of one
_DEEPEST: Final = 20  # categories within categories


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """One translation of an answer that agents may see."""

    id: str  # "kb:<answer>-<translation>", of the document in the index
    answer_id: int
    content_id: int
    category_id: int
    title: str
    path: tuple[str, ...]  # titles of its categories, the widest first
    tags: tuple[str, ...]
    visibility: Visibility
    mark: str  # equal where nothing that the outline tells has changed


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    id: int


T = TypeVar("T", bound=_Told)


class _Base(_Told):
    active: bool = True


class _Category(_Told):
    knowledge_base_id: int
    parent_id: int | None = None


class _CategoryTitle(_Told):
    title: str | None
    kb_locale_id: int
    category_id: int


class _Answer(_Told):
    category_id: int
    archived_at: datetime | None = None
    internal_at: datetime | None = None
    published_at: datetime | None = None
    updated_at: datetime
    tags: tuple[str, ...] = ()


class _Translation(_Told):
    title: str | None
    kb_locale_id: int
    answer_id: int
    content_id: int | None = None
    updated_at: datetime


def read_outline(assets: Mapping[str, Any], now: datetime) -> dict[str, Listed]:
    """The answers that agents may see at ``now``, by id of their documents.

    Dates decide, not their order of arrival: an answer can be scheduled to be published, or archived. What is
    published in a knowledge base that is switched off is internal.

    Raises:
        BackendError: a record is of another shape than known; nothing can be said of what is missing then.
    """
    bases = {one.id: one for one in _records(_Base, assets, "KnowledgeBase")}
    categories = {one.id: one for one in _records(_Category, assets, "KnowledgeBaseCategory")}
    titles = {
        (one.category_id, one.kb_locale_id): clean(one.title or "")
        for one in _records(_CategoryTitle, assets, "KnowledgeBaseCategoryTranslation")
    }
    answers = {one.id: one for one in _records(_Answer, assets, "KnowledgeBaseAnswer")}
    found: dict[str, Listed] = {}
    for translation in _records(_Translation, assets, "KnowledgeBaseAnswerTranslation"):
        answer = answers.get(translation.answer_id)
        category = None if answer is None else categories.get(answer.category_id)
        if answer is None or category is None or translation.content_id is None:
            continue  # of an answer that is not told: the bot may not see it
        base = bases.get(category.knowledge_base_id)
        visibility = _visibility(answer, now, public=base is not None and base.active)
        if visibility is None:
            continue
        title, path = clean(translation.title or ""), _path(category, categories, titles, translation.kb_locale_id)
        told = [answer.updated_at.isoformat(), translation.updated_at.isoformat(), title, *path, *answer.tags]
        id = f"kb:{answer.id}-{translation.id}"
        found[id] = Listed(
            id=id,
            answer_id=answer.id,
            content_id=translation.content_id,
            category_id=category.id,
            title=title,
            path=path,
            tags=answer.tags,
            visibility=visibility,
            mark=sha256("\x1f".join([str(_RULES), visibility, *told]).encode()).hexdigest()[:32],
        )
    return found


def _visibility(answer: _Answer, now: datetime, *, public: bool) -> Visibility | None:
    def reached(at: datetime | None) -> bool:
        return at is not None and at <= now

    if reached(answer.archived_at):
        return None
    if reached(answer.published_at):
        return "published" if public else "internal"
    return "internal" if reached(answer.internal_at) else None


def _path(
    category: _Category, categories: Mapping[int, _Category], titles: Mapping[tuple[int, int], str], locale: int
) -> tuple[str, ...]:
    path: list[str] = []
    here: _Category | None = category
    while here is not None and len(path) < _DEEPEST:
        path.insert(0, titles.get((here.id, locale), ""))
        here = None if here.parent_id is None else categories.get(here.parent_id)
    return tuple(title for title in path if title)


def _records(kind: type[T], assets: Mapping[str, Any], name: str) -> list[T]:
    try:
        return [kind.model_validate(one) for one in assets.get(name, {}).values()]
    except ValidationError as error:
        field = ".".join(str(part) for part in error.errors(include_url=False, include_input=False)[0]["loc"])
        raise BackendError("zammad", f"a record of {name} is of another shape than expected: {field}") from None
