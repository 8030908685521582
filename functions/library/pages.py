"""The catalogue's pages: find a title, read its record, see what goes with it. What is sought is not kept."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from functions.library.titles import Title, Titles
from shared.backends import Backends
from shared.errors import Retry
from shared.function import http
from shared.http import Problem
from shared.layout import Layout, language_of

_LAYOUT = Layout(Path(__file__).parent / "templates")
_FOUND = 24
_LONGEST = 200  # characters of a query
_GERMAN = {
    "book": "Buch",
    "audiobook": "Hörbuch",
    "ebook": "E-Book",
    "film": "Film",
    "music": "Musik",
    "game": "Spiel",
    "magazine": "Zeitschrift",
    "adults": "Erwachsene",
    "teens": "Jugendliche",
    "children": "Kinder",
}  # what many catalogues call by an English word


@http
async def catalogue_page(request: Request, use: Backends) -> Response:
    """The catalogue: a search, the titles kept in this window, and what goes with them."""
    query = request.query_params.get("q", "").strip()[:_LONGEST]
    found: list[Title] = []
    degraded = False
    if query:
        try:
            found = await find(query, use)
        except Retry:
            degraded = True
    return _page(request, use, "catalogue.html", q=query, found=found, degraded=degraded)


@http
async def title_page(request: Request, use: Backends) -> Response:
    """A title's record, and similar titles."""
    id = request.query_params.get("id", "")
    title = (await Titles(use).get([id])).get(id) if id else None
    if title is None:
        raise Problem(404, "There is no such title in this library.")
    return _page(request, use, "title.html", title=title)


async def find(query: str, use: Backends) -> list[Title]:
    """Titles nearest to a query in meaning; those that have all its words in title, author or series come first."""
    (vector,) = await use.embeddings.embed([query], "query")
    near = [title for title, _ in await Titles(use).nearest(vector, _FOUND * 3)]
    words = query.casefold().split()

    def named(title: Title) -> bool:
        text = f"{title.title} {title.author} {title.series}".casefold()
        return all(word in text for word in words)

    return sorted(near, key=lambda title: not named(title))[:_FOUND]


def _page(request: Request, use: Backends, template: str, **values: object) -> Response:
    english = language_of(request) == "en"

    def word(value: str) -> str:
        """A catalogue's word as people say it."""
        return value if english else _GERMAN.get(value, value)

    values["word"] = word
    return _LAYOUT.page(
        request, use, template, title_link=f"/library/title?id={{id}}{'&lang=en' if english else ''}", **values
    )
