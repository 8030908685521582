"""The "befi" interface: a list of service ids, and for each a description with numbered fields."""

from collections.abc import Iterator
from typing import Any, Final

from functions.xnext.page import Facts, Link, Page, Section
from functions.xnext.sources import EASY, Reading, Shape, Validators, link, listed, page_id, plain
from shared.settings import CmsSource
from shared.web import Web

_HEADINGS: Final = {
    "sf6": "Benötigte Unterlagen",
    "sf7": "Besonderheiten",
    "sf12": "Voraussetzungen",
    "sf13": "Zu beachten",
    "sf14": "Wichtiger Hinweis",
    "sf16": "Gebühren",
    "sf17": "Zahlungsarten",
    "sf18": "Bearbeitungszeit",
    "sf19": "Rechtliche Grundlagen",
    "sf20": "Fragen und Antworten",
}
_FACTS: Final = {"sf6": "documents", "sf16": "fees", "sf17": "payment", "sf18": "duration", "sf19": "legal_basis"}
_SUMMARY, _DEPARTMENT, _EASY_LANGUAGE = "sf1", "sf2", "sf23"
_UNPUBLISHED: Final = frozenset({"sf21", "sf24"})  # id of a sign-language video; a note among editors
_ONLINE: Final = "ONLINE_SERVICE"
_ENGLISH: Final = frozenset({"Citizen service", "Town hall"})  # first categories of the English tree
_DEEPEST_CATEGORY: Final = 10


class Befi:
    """One befi source."""

    def __init__(self, source: CmsSource, web: Web, pace: float) -> None:
        self._source, self._web, self._pace = source, web, pace
        self._url = source.url.rstrip("/")

    async def ids(self) -> list[str]:
        """The ids of ``services/list``."""
        answer = await self._web.get(f"{self._url}/services/list", pace=self._pace)
        name = self._source.name
        if answer.status != 200:
            raise Shape(name, "list", {}).wrong("(whole)", f"is answered with status {answer.status}")
        found: dict[str, None] = {}
        for position, entry in enumerate(Shape.of(name, "list", answer).array("ids", required=True)):
            shape = Shape(name, f"list entry {position}", entry)
            found[shape.id("id")] = None
        return list(found)

    async def read(self, id: str, known: Validators) -> Reading:
        """The page of one id, by conditional request."""
        answer = await self._web.get(
            f"{self._url}/services/{id}/description/",
            etag=known.etag,
            last_modified=known.last_modified,
            pace=self._pace,
        )
        if answer.status == 304:
            return Reading(unchanged=True, validators=known)
        if answer.status in (404, 410):
            return Reading(absent="gone" if answer.status == 410 else "missing")
        shape = Shape.of(self._source.name, f"page {id}", answer)
        validators = Validators(etag=answer.etag, last_modified=answer.last_modified)
        # The flag is required: without it neither publishing nor removing the page would be safe.
        if not shape.flag("public"):
            return Reading(absent="not_public", validators=validators)
        return Reading(pages=self._pages(id, shape), validators=validators)

    def _pages(self, id: str, shape: Shape) -> tuple[Page, ...]:
        if "id" in shape.fields and shape.id("id") != id:
            raise shape.wrong("id", "is another page's")
        title = shape.title("name")
        categories = tuple(_categories(shape))
        language = "en" if categories and categories[0] in _ENGLISH else self._source.language
        description = shape.text("description")
        sections = [Section(heading="", html=description)] if plain(description) else []
        summary, easy = "", ""
        facts: dict[str, Any] = {}
        offices = [plain(office) for office in _offices(shape)]
        links: list[Link] = []
        online: list[Link] = []
        for position, entry in enumerate(shape.array("fields")):
            field = Shape(shape.source, f"{shape.where}, field {position}", entry)
            number, kind = field.text("id", required=True), field.text("type", required=True)
            if number in _UNPUBLISHED:
                continue
            if kind == "LINK":
                (online if field.text("name") == _ONLINE else links).extend(_links(field))
                continue
            html = field.text("value")
            text = plain(html)
            if not text:
                continue
            if number == _SUMMARY:
                summary = text
            elif number == _DEPARTMENT:
                offices.append(text)
            elif number == _EASY_LANGUAGE:
                easy = html
            else:
                heading = _HEADINGS.get(number) or plain(field.text("label") or field.text("name"))
                sections.append(Section(heading=heading, html=html))
                if number in _FACTS:
                    facts[_FACTS[number]] = listed(html)
        url = link(title, shape.fields.get("publicUrl"))
        page = Page(
            id=page_id(self._source.name, id),
            source=self._source.name,
            title=title,
            summary=summary,
            language=language,
            easy=shape.flag("easyLanguage", default=False),
            url=url.url if url else (self._source.page_url.format(id=id) if self._source.page_url else None),
            categories=categories,
            synonyms=tuple(dict.fromkeys((*shape.texts("synonyms"), *shape.texts("nameEnglish")))),
            sections=tuple(sections),
            facts=Facts(**facts, online_services=tuple(online), offices=tuple(dict.fromkeys(offices))),
            links=tuple(links),
            modified=shape.moment("lastModification"),
        )
        if not easy:
            return (page,)
        # Easy language is a text of its own for other readers: a page that a search can show or leave out.
        version = page.model_copy(
            update={
                "id": page.id + EASY,
                "easy": True,
                "summary": "",
                "sections": (Section(heading="", html=easy),),
            }
        )
        return (version, page)


def _categories(shape: Shape) -> Iterator[str]:
    level = shape.fields.get("categryPath")  # spelt so by the interface
    for _ in range(_DEEPEST_CATEGORY):
        if level is None:
            return
        node = Shape(shape.source, f"{shape.where}, categryPath", level)
        if name := plain(node.text("name")):
            yield name
        level = node.fields.get("nextLevel")


def _links(field: Shape) -> Iterator[Link]:
    for entry in field.array("values"):
        value = Shape(field.source, field.where, entry)
        made = link(value.text("label"), value.fields.get("uri"))
        if made is not None:
            yield made


def _offices(shape: Shape) -> Iterator[str]:
    """Names of the offices in charge, where the source has them: texts, or objects with a name."""
    for entry in shape.array("offices"):
        yield entry if isinstance(entry, str) else Shape(shape.source, f"{shape.where}, offices", entry).text("name")
