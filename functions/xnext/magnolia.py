"""Magnolia's delivery interface: a paged list that already holds every article as a tree of nodes."""

import re
from collections.abc import Iterator
from typing import Any, Final

from functions.xnext.page import Page, Section
from functions.xnext.sources import Reading, Shape, Validators, page_id, plain
from shared.settings import CmsSource
from shared.web import Web

_REST: Final = "/.rest/"
_ENDPOINT: Final = "/.rest/delivery/InfoArticleEndpoint"
_PAGE: Final = 100  # articles an answer, whatever limit is asked for
_MOST_PAGES: Final = 1000
_DEEPEST_NODE: Final = 12
_EASY: Final = re.compile(r"leichte-?sprache|-ls$", re.IGNORECASE)
_HEADINGS: Final = ("headline", "title")
_TEXTS: Final = ("text", "teaserText", "caption")


class Magnolia:
    """One Magnolia endpoint. Articles come with the list, so a run asks once a hundred articles."""

    def __init__(self, source: CmsSource, web: Web, pace: float) -> None:
        self._source, self._web, self._pace = source, web, pace
        # A bare base address means the endpoint of articles; a city with another names it whole.
        self._url = source.url if _REST in source.url else source.url.rstrip("/") + _ENDPOINT
        self._articles: dict[str, Shape] = {}

    async def ids(self) -> list[str]:
        """The ids of all articles; the articles are kept for ``read``."""
        self._articles = {}
        total = 1
        for page in range(_MOST_PAGES):
            offset = page * _PAGE
            if offset >= total:
                break
            where = f"list from {offset}"
            joint = "&" if "?" in self._url else "?"
            answer = await self._web.get(f"{self._url}{joint}offset={offset}", pace=self._pace)
            if answer.status != 200:
                raise Shape(self._source.name, where, {}).wrong("(whole)", f"is answered with status {answer.status}")
            listing = Shape.of(self._source.name, where, answer)
            total = listing.number("total")
            for position, entry in enumerate(listing.array("results", required=True)):
                article = Shape(self._source.name, f"{where}, result {position}", entry)
                id = article.id("@id")
                self._articles[id] = Shape(self._source.name, f"page {id}", entry)
        # An article added or deleted while the list was read shifts the others past the offset.
        if len(self._articles) != total:
            whole = Shape(self._source.name, "list", {})
            raise whole.wrong("total", f"says {total}, but {len(self._articles)} articles came")
        return list(self._articles)

    async def read(self, id: str, known: Validators) -> Reading:
        """One article: of the list that was read, or (a webhook's single page) of a list read now."""
        if not self._articles:
            await self.ids()
        article = self._articles.get(id)
        if article is None:
            return Reading(absent="missing")
        # JCR leaves out a flag that was never set; only one that is set hides the article.
        if article.flag("hideArticle", default=False):
            return Reading(absent="not_public")
        return Reading(pages=(self._page(id, article),))

    def _page(self, id: str, article: Shape) -> Page:
        name = article.text("urlTitle") or article.text("@name") or id
        if self._source.page_url and not re.fullmatch(r"[\w.~-]+", name):
            raise article.wrong("urlTitle", "is no part of an address")
        category = plain(article.text("mainCategory"))
        return Page(
            id=page_id(self._source.name, id),
            source=self._source.name,
            title=article.title("title"),
            summary=plain(article.text("summary") or article.text("teaserText")),
            language=article.text("sprache") or self._source.language,
            easy=_EASY.search(name) is not None,
            url=self._source.page_url.format(id=name) if self._source.page_url else None,
            categories=(category,) if category else (),
            sections=tuple(_sections(article, 0)),
            modified=article.moment("mgnl:lastModified"),
        )


def _sections(node: Shape, depth: int) -> Iterator[Section]:
    """The texts of a node's children, in the order the source gives."""
    if depth > _DEEPEST_NODE:
        raise node.wrong("@nodes", f"are nested deeper than {_DEEPEST_NODE}")
    for child in _children(node):
        heading = next((plain(child.text(name)) for name in _HEADINGS if child.text(name)), "")
        html = "\n".join(child.text(name) for name in _TEXTS if child.text(name))
        if plain(html):
            yield Section(heading=heading, html=html)
        yield from _sections(child, depth + 1)


def _children(node: Shape) -> Iterator[Shape]:
    for name in node.array("@nodes"):
        child: Any = node.fields.get(name) if isinstance(name, str) else None
        if child is not None:
            yield Shape(node.source, node.where, child)
