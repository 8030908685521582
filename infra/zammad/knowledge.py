"""The interface's part for the knowledge base. A reader sees what is published or internal, no draft, no archive."""

from collections.abc import Iterable
from html import unescape
from typing import Final

import nh3
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.zammad.answers import Json, as_user, body_of, forbidden, missing, number
from infra.zammad.records import Record
from infra.zammad.shapes import Assets, Shapes
from infra.zammad.store import Store

TRANSLATION: Final = "KnowledgeBase::Answer::Translation"


class Knowledge:
    """The endpoints, over one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._shapes = Shapes(store)

    def routes(self) -> list[Route]:
        """Below ``/api/v1``."""
        base = "/knowledge_bases"
        return [
            Route(f"{base}/init", as_user(self._store, self.init), methods=["POST"]),
            Route(f"{base}/search", as_user(self._store, self.search), methods=["POST"]),
            Route(f"{base}/visible_ids", as_user(self._store, self.visible_ids)),
            Route(f"{base}/{{id}}", as_user(self._store, self.base)),
            Route(f"{base}/{{id}}/answers/{{answer}}", as_user(self._store, self.answer)),
        ]

    async def init(self, request: Request, who: int) -> Response:
        """Everything a reader may see; the texts of the contents that are asked for."""
        wanted = (await body_of(request)).get("answer_translation_content_ids") or []
        answers = self._visible()
        found = self._assets(list(self._store.bases), answers)
        readable = {one["content_id"] for one in found.get("KnowledgeBaseAnswerTranslation", {}).values()}
        contents = [self._store.contents[id] for id in wanted if id in readable]
        if contents:
            found["KnowledgeBaseAnswerTranslationContent"] = {str(one["id"]): one for one in contents}
        return Json(found)

    async def base(self, request: Request, who: int) -> Response:
        """One knowledge base."""
        id = number(request, "id")
        if id not in self._store.bases:
            raise missing("KnowledgeBase", request.path_params["id"])
        return Json(self._base(id))

    async def answer(self, request: Request, who: int) -> Response:
        """One answer with what belongs to it."""
        id = number(request, "answer")
        one = self._store.answers.get(id)
        if one is None:
            raise missing("KnowledgeBase::Answer", request.path_params["answer"])
        if one not in self._visible():
            raise forbidden()
        found = self._assets([number(request, "id")], [one])
        wanted = request.query_params.get("include_contents", "").split(",")
        contents = {id: one for id, one in self._contents([one]).items() if id in wanted}
        if contents:
            found["KnowledgeBaseAnswerTranslationContent"] = contents
        return Json({"id": id, "assets": found})

    async def search(self, request: Request, who: int) -> Response:
        """Answers with these words; as recorded, nothing unless index and locale are named."""
        asked = await body_of(request)
        words = str(asked.get("query", "")).lower()
        named = asked.get("index") == TRANSLATION and asked.get("locale")
        answers = self._visible(public=asked.get("flavor") == "public") if named else []
        details = []
        for one in answers:
            category = self._store.categories[one["category_id"]]
            if category["knowledge_base_id"] != asked.get("knowledge_base_id", category["knowledge_base_id"]):
                continue
            for translation in self._of("answer_translations", "answer_id", one["id"]):
                content = self._store.contents[translation["content_id"]]
                text = unescape(nh3.clean(content["body"], tags=set())).strip()
                if words in f"{translation['title']} {text}".lower():
                    details.append(self._detail(translation, category, text))
        details = details[: int(asked.get("per_page", 10))]
        result = [{name: one[name] for name in ("id", "type")} for one in details]
        return Json({"result": result, "details": details})

    async def visible_ids(self, request: Request, who: int) -> Response:
        """Ids of what a reader may see."""
        answers = self._visible()
        categories = sorted({one["category_id"] for one in answers})
        return Json({"answer_ids": [one["id"] for one in answers], "category_ids": categories})

    def _visible(self, *, public: bool = False) -> list[Record]:
        now = self._store.at()
        kinds = ("published_at",) if public else ("published_at", "internal_at")
        return [
            one
            for one in self._store.answers.values()
            if any(one[kind] and one[kind] <= now for kind in kinds)
            and not (one["archived_at"] and one["archived_at"] <= now)
        ]

    def _assets(self, bases: list[int], answers: list[Record]) -> Assets:
        categories = [one for one in self._store.categories.values() if one["knowledge_base_id"] in bases]
        found: Assets = {
            "KnowledgeBase": {str(id): self._base(id) for id in bases},
            "KnowledgeBaseTranslation": _by_id(
                one for id in bases for one in self._of("base_translations", "knowledge_base_id", id)
            ),
            "KnowledgeBaseLocale": _by_id(
                self._locale(one) for id in bases for one in self._of("locales", "knowledge_base_id", id)
            ),
            "KnowledgeBaseCategory": _by_id(self._category(one) for one in categories),
            "KnowledgeBaseCategoryTranslation": _by_id(
                translation
                for one in categories
                for translation in self._of("category_translations", "category_id", one["id"])
            ),
            "KnowledgeBaseAnswer": _by_id(self._answer(one) for one in answers),
        }
        translations = [one for answer in answers for one in self._of("answer_translations", "answer_id", answer["id"])]
        found["KnowledgeBaseAnswerTranslation"] = _by_id(translations)
        for answer in answers:
            for name in ("archived_by_id", "internal_by_id", "published_by_id"):
                if answer[name]:
                    self._shapes.user_into(found, answer[name])
        for one in translations:
            for name in ("created_by_id", "updated_by_id"):
                self._shapes.user_into(found, one[name])
        return found

    def _base(self, id: int) -> Record:
        categories = self._ids("categories", "knowledge_base_id", id)
        return {
            **self._store.bases[id],
            "translation_ids": self._ids("base_translations", "knowledge_base_id", id),
            "kb_locale_ids": self._ids("locales", "knowledge_base_id", id),
            "category_ids": categories,
            "answer_ids": [answer for one in categories for answer in self._ids("answers", "category_id", one)],
            "permission_ids": [],
            "permissions_effective": [],
        }

    def _locale(self, one: Record) -> Record:
        return {
            **one,
            "knowledge_base_translation_ids": self._ids("base_translations", "kb_locale_id", one["id"]),
            "category_translation_ids": self._ids("category_translations", "kb_locale_id", one["id"]),
            "answer_translation_ids": self._ids("answer_translations", "kb_locale_id", one["id"]),
            "menu_item_ids": [],
        }

    def _category(self, one: Record) -> Record:
        return {
            **one,
            "translation_ids": self._ids("category_translations", "category_id", one["id"]),
            "answer_ids": self._ids("answers", "category_id", one["id"]),
            "child_ids": [one["id"], *self._ids("categories", "parent_id", one["id"])],  # itself first, as recorded
            "permission_ids": [],
            "permissions_effective": [],
        }

    def _answer(self, one: Record) -> Record:
        translations = self._ids("answer_translations", "answer_id", one["id"])
        return {**one, "translation_ids": translations, "attachments": [], "tags": []}

    def _contents(self, answers: list[Record]) -> dict[str, Record]:
        translations = [one for answer in answers for one in self._of("answer_translations", "answer_id", answer["id"])]
        return _by_id(self._store.contents[one["content_id"]] for one in translations)

    def _detail(self, translation: Record, category: Record, text: str) -> Record:
        titles = self._of("category_translations", "category_id", category["id"])
        base, answer, content = category["knowledge_base_id"], translation["answer_id"], translation["content_id"]
        return {
            "id": translation["id"],
            "type": TRANSLATION,
            "icon": "knowledge-base-answer",
            "date": translation["updated_at"],
            "url": f"/api/v1/knowledge_bases/{base}/answers/{answer}?include_contents={content}",
            "title": translation["title"],
            "subtitle": titles[0]["title"] if titles else "",
            "body": text,
            "tags": [],
        }

    def _of(self, table: str, field: str, id: int) -> list[Record]:
        return [one for one in self._store.tables[table].values() if one[field] == id]

    def _ids(self, table: str, field: str, id: int) -> list[int]:
        return [one["id"] for one in self._of(table, field, id)]


def _by_id(records: Iterable[Record]) -> dict[str, Record]:
    return {str(one["id"]): one for one in records}
