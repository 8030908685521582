"""``/_stand-in/``: change a page and switch faults on. For tests and demonstrations, on this machine only.

``GET /_stand-in/state``                counts of requests, faults that are on, outcome of the last webhook
``PUT|DELETE /_stand-in/faults``        switch faults on (a JSON object of infra/cms/faults.py) or all off
``PUT /_stand-in/pages/{id}``           {name?, summary?, text?, markup?: markdown|html, public?, notify?: bool}
``DELETE /_stand-in/pages/{id}``        take the page out of list and interface
``POST /_stand-in/forget``              counts at zero
``POST /_stand-in/reset``               every page as the city has it, no faults, counts at zero
``GET|POST /_stand-in/pages/{id}/edit`` the form for people
"""

from collections.abc import Awaitable, Callable
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from infra.cms.city import City, Page
from infra.cms.faults import Faults, Trouble
from infra.cms.site import form, saved
from infra.cms.store import Store
from infra.cms.webhook import Notifier

Endpoint = Callable[[Request], Awaitable[Response]]


class Edit(BaseModel):
    """A change of a page; what is not named stays."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = None
    summary: str | None = None
    text: str | None = None
    markup: Literal["markdown", "html"] | None = None
    public: bool | None = None
    notify: bool = True  # send the webhook, where one is configured


class Control:
    """The endpoints below ``/_stand-in``."""

    def __init__(
        self, city: City, store: Store, trouble: Trouble, *, notifier: Notifier | None, search: str | None
    ) -> None:
        self._city, self._store, self._trouble = city, store, trouble
        self._notifier, self._search = notifier, search

    def routes(self) -> list[Route]:
        """For the application."""
        page = "/_stand-in/pages/{id}"
        return [
            Route("/_stand-in/state", self.state, methods=["GET"]),
            Route("/_stand-in/faults", _local(self.faults), methods=["PUT", "DELETE"]),
            Route("/_stand-in/forget", _local(self.forget), methods=["POST"]),
            Route("/_stand-in/reset", _local(self.reset), methods=["POST"]),
            Route(page, _local(self.edit), methods=["PUT"]),
            Route(page, _local(self.remove), methods=["DELETE"]),
            Route(page + "/edit", _local(self.form), methods=["GET", "POST"]),
        ]

    async def state(self, request: Request) -> Response:
        """What was asked of the interfaces since the last reset."""
        return JSONResponse(
            {
                "requests": dict(self._trouble.requests),
                "paths": [
                    {"path": path, "status": status, "conditional": conditional}
                    for path, status, conditional in self._trouble.paths
                ],
                "faults": self._trouble.faults.model_dump(),
                "webhook": self._notifier.last if self._notifier else None,
            }
        )

    async def faults(self, request: Request) -> Response:
        """Replace the faults that are on."""
        if request.method == "DELETE":
            self._trouble.faults = Faults()
        else:
            try:
                self._trouble.faults = Faults.model_validate_json(await request.body())
            except ValidationError as error:
                return _wrong(error)
        return JSONResponse(self._trouble.faults.model_dump())

    async def forget(self, _: Request) -> Response:
        """Start counting requests anew."""
        self._trouble.forget()
        return JSONResponse({})

    async def reset(self, request: Request) -> Response:
        """As after a start."""
        self._store.restore()
        self._trouble.faults = Faults()
        self._trouble.forget()
        return JSONResponse({})

    async def edit(self, request: Request) -> Response:
        """Change a page and tell it."""
        page = self._store.get(request.path_params["id"])
        if page is None:
            return _unknown(request)
        try:
            edit = Edit.model_validate_json(await request.body())
        except ValidationError as error:
            return _wrong(error)
        changes = edit.model_dump(exclude_none=True, exclude={"notify"})
        changed = self._store.edit(page.id, **changes)
        return JSONResponse(
            {
                "id": page.id,
                "lastModification": changed.modified.isoformat(),
                "webhook": await self._notify(changed) if edit.notify else None,
            }
        )

    async def remove(self, request: Request) -> Response:
        """Take a page out, as an editor who deletes it; no webhook: the crawl must find out."""
        try:
            self._store.remove(request.path_params["id"])
        except KeyError:
            return _unknown(request)
        return JSONResponse({})

    async def form(self, request: Request) -> Response:
        """Show the editor, or take what it sends."""
        page = self._store.original(request.path_params["id"])
        if page is None:
            return _unknown(request)
        if request.method == "GET":
            notice = (
                "Nach dem Speichern wird die Suche benachrichtigt; in wenigen Sekunden ist der neue Text zu finden."
                if self._notifier
                else "Kein Webhook eingerichtet: Das nächste Einlesen findet den neuen Text."
            )
            return HTMLResponse(form(page, self._city, notice, self._search))
        async with request.form(max_fields=5, max_part_size=64 * 1024) as values:
            text = values.get("text")
        if not isinstance(text, str) or not text.strip():
            return HTMLResponse(
                form(page, self._city, "Bitte geben Sie einen Text ein.", self._search), status_code=400
            )
        changed = self._store.edit(page.id, text=text.replace("\r\n", "\n"))
        return HTMLResponse(saved(changed, self._city, await self._notify(changed), self._search))

    async def _notify(self, page: Page) -> str | None:
        return await self._notifier.changed(page) if self._notifier else None


def _local(endpoint: Endpoint) -> Endpoint:
    """Refuse what another site's page sends: the stand-in listens where any page in the browser could post to."""

    async def guarded(request: Request) -> Response:
        origin = request.headers.get("origin")
        if request.method != "GET" and origin and urlsplit(origin).netloc != request.headers.get("host"):
            return JSONResponse({"error": "only from the stand-in's own pages"}, status_code=403)
        return await endpoint(request)

    return guarded


def _unknown(request: Request) -> Response:
    return JSONResponse({"error": f"there is no page {request.path_params['id']}"}, status_code=404)


def _wrong(error: ValidationError) -> Response:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "body"
    return JSONResponse({"error": f"{where}: {first['msg']}"}, status_code=400)
