"""The frame of every page for people: one template, one stylesheet, two languages.

The host forbids inline code and foreign hosts for every answer, so a page has neither. A system keeps
its templates beside its functions and extends ``frame.html``. Everything put into a template is
escaped; a text for people is written once as ``t("deutsch", "English")``.
"""

from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from shared.backends import Backends
from shared.catalogue import Text

Language = Literal["de", "en"]


class Layout:
    """Renders the templates of one folder inside the house's frame."""

    def __init__(self, folder: Path) -> None:
        self._templates = Environment(
            loader=ChoiceLoader([FileSystemLoader(folder), FileSystemLoader(Path(__file__).parent / "templates")]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def page(self, request: Request, use: Backends, template: str, **values: Any) -> HTMLResponse:
        """Answer with a template in the language the address asks for (``?lang=en``), German without."""
        language = language_of(request)
        path = request.url.path

        def t(german: str | Text, english: str = "") -> str:
            if isinstance(german, Text):
                return getattr(german, language)  # type: ignore[no-any-return]
            return english if language == "en" else german

        def link(target: str, **query: str) -> str:
            """An address of this site in the page's language."""
            fields = {**query, **({"lang": "en"} if language == "en" else {})}
            return f"{target}?{urlencode(fields)}" if fields else target

        def in_language(other: Language) -> str:
            """This page in another language, with the rest of its address kept."""
            kept = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
            return f"{path}?{urlencode([*kept, ('lang', other)])}"

        html = self._templates.get_template(template).render(
            lang=language,
            other="en" if language == "de" else "de",
            path=path,
            city=use.settings.portal.city,
            menu=use.catalogue.enabled().menu(),
            t=t,
            link=link,
            in_language=in_language,
            **values,
        )
        return HTMLResponse(html, headers={"cache-control": "no-cache", "content-language": language})


def language_of(request: Request) -> Language:
    """The page's language: what ``?lang=`` says, German for anything unknown."""
    return "en" if request.query_params.get("lang") == "en" else "de"


def moment(request: Request, at: datetime) -> str:
    """A moment as people of the page's language write it; ``at`` in their time zone."""
    return at.strftime("%Y-%m-%d, %H:%M" if language_of(request) == "en" else "%d.%m.%Y, %H:%M Uhr")
