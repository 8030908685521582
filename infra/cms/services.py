"""A city from a ``services.jsonl``, as another city exported it: rows of id, name, html, fees, duration, links, …

The file's ``public`` says whether an appointment can be booked by the public, not whether the page is published
(the pages that people ask for are half of them false): every row is served as a public page. Rows without text
are served too, as their source does; whether a title alone is worth finding is the crawl's business.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from infra.cms.city import ZONE, City, CityError, Link, Page


class _Row(BaseModel):
    """What is taken of a row; other keys are left alone."""

    model_config = ConfigDict(extra="ignore")

    id: str
    name: str
    html: str = ""
    fees: str | None = None
    duration: str | None = None
    links: list[dict[str, Any]] | None = None
    leika: str | None = None
    lastModification: datetime


def read_services(file: Path) -> City:
    """The pages of the file as a city without offices and info articles.

    Raises:
        CityError: the file is missing, or a line is not a row; names file and line.
    """
    try:
        lines = file.read_text(encoding="utf-8").split("\n")  # a text may hold U+2028, which ends no row
    except OSError as error:
        raise CityError(f"{file}: cannot be read ({error.strerror}); name a services.jsonl") from None
    pages: dict[str, Page] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            page = _page(_Row.model_validate_json(line))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "row"
            raise CityError(f"{file}:{number}: {where}: {first['msg']}") from None
        if page.id in pages:
            raise CityError(f"{file}:{number}: the id {page.id} stands in the file twice")
        pages[page.id] = page
    if not pages:
        raise CityError(f"{file}: holds no row; a line is a JSON object with id, name, html")
    return City(name=file.stem, categories={}, offices=(), pages=tuple(pages.values()))


def _page(row: _Row) -> Page:
    links = tuple(
        Link(label=str(link.get("label") or link["uri"]), url=str(link["uri"]))
        for link in row.links or []
        if str(link.get("uri", "")).startswith(("http://", "https://"))
    )
    at = row.lastModification
    return Page.model_validate(
        {
            "id": row.id,
            "name": row.name,
            "fees": tuple(line.strip() for line in (row.fees or "").splitlines() if line.strip()),
            "duration": row.duration or "",
            "links": links,
            "leika": row.leika,
            # The file's times carry no zone: they are the city's.
            "modified": at if at.tzinfo else at.replace(tzinfo=ZONE),
            "text": row.html,
            "markup": "html",
        }
    )
