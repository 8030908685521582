"""The pages: citizens have photos anonymised, staff look at what was held."""

from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from shared.backends import Backends
from shared.function import http
from shared.layout import Layout

_LAYOUT: Final = Layout(Path(__file__).parent / "templates")
# A photo that was chosen or fetched is shown from the browser's own memory.
_POLICY: Final = (
    "default-src 'self'; img-src 'self' blob:; base-uri 'none'; form-action 'self'; object-src 'none'; "
    "frame-ancestors 'none'"
)


@http
async def photos_page(request: Request, use: Backends) -> Response:
    """Have photos anonymised; the work is the element ``stadtfunk-photos``."""
    return _page(request, use, "photos.html")


@http
async def review_page(request: Request, use: Backends) -> Response:
    """Look at held photos and samples; the work is the element ``stadtfunk-photo-review``."""
    return _page(request, use, "review.html")


def _page(request: Request, use: Backends, template: str) -> Response:
    answer = _LAYOUT.page(request, use, template, photos=use.settings.photos)
    answer.headers["content-security-policy"] = _POLICY
    return answer
