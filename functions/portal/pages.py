"""The pages of the portal: the first page and the search page."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from shared.backends import Backends
from shared.catalogue import Trigger
from shared.function import http
from shared.layout import Layout

_LAYOUT = Layout(Path(__file__).parent / "templates")


@http
async def first_page(request: Request, use: Backends) -> Response:
    """What runs here, what to try, where to look."""
    catalogue = use.catalogue.enabled()
    systems = [
        (system, [(function, _starts(entry.events)) for function, entry in catalogue.of_system(name)])
        for name, system in catalogue.systems.items()
    ]
    return _LAYOUT.page(request, use, "first.html", systems=systems, portal=use.settings.portal)


@http
async def search_page(request: Request, use: Backends) -> Response:
    """The search page for citizens; the search itself is the element ``stadtfunk-search``."""
    return _LAYOUT.page(request, use, "search.html")


def _starts(triggers: list[Trigger]) -> str:
    """What starts a function, in one line: event types, schedules, paths."""
    said = []
    for trigger in triggers:
        if trigger.nats:
            said.append(trigger.nats.type or trigger.nats.subject or "")
        elif trigger.schedule:
            said.append(trigger.schedule.cron)
        elif trigger.http:
            said.append(f"{trigger.http.method} {trigger.http.path}")
        elif trigger.s3:
            said.append(f"s3://{trigger.s3.bucket}/{trigger.s3.prefix}")
    return " · ".join(said)
