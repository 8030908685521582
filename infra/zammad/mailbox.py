"""The mailbox page: write as a citizen, look at a ticket as its agent does, send, close.

Whatever stands in an article or a draft is cleaned again before it is shown: Zammad stores drafts unsanitised.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from infra.zammad.control import own
from infra.zammad.desk import Desk
from infra.zammad.records import DONE, SENDERS, STATES, TYPES, Record
from infra.zammad.sanitiser import sanitised
from infra.zammad.store import File
from infra.zammad.world import BOT

Endpoint = Callable[[Request], Awaitable[Response]]
_HERE: Final = Path(__file__).parent
_ZONE: Final = ZoneInfo("Europe/Berlin")
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {"content-security-policy": _POLICY, "x-content-type-options": "nosniff", "cache-control": "no-cache"}
_LONGEST: Final = 100_000  # characters of a field
_FILES: Final = 8  # of a mail
_LARGEST: Final = 20 * 2**20  # bytes of a mail with its files
_ADDRESS: Final = re.compile(r"[^\s@<>]+@[^\s@<>]+")
_STATES: Final = {
    "new": ("neu", "new"),
    "open": ("offen", "open"),
    "pending reminder": ("wartend", "pending"),
    "pending close": ("wartend", "pending"),
    "closed": ("geschlossen", "closed"),
    "merged": ("zusammengeführt", "merged"),
    "removed": ("gelöscht", "removed"),
}


class Mailbox:
    """The pages for people."""

    def __init__(self, desk: Desk, portal: str | None) -> None:
        self._desk, self._store, self._portal = desk, desk.store, portal
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def routes(self) -> list[Route | Mount]:
        """For the application."""
        return [
            Route("/", self.inbox),
            Route("/", _own(self.write), methods=["POST"]),
            Route("/tickets/{id:int}", self.ticket),
            Route("/tickets/{id:int}", _own(self.act), methods=["POST"]),
            Route("/hilfe/{id:int}", self.answer),
            Route("/changes", self.changes),
            Route("/healthz", self.health),
            Mount("/static", StaticFiles(directory=_HERE / "static")),
        ]

    async def inbox(self, request: Request) -> Response:
        """The form for a mail, and all tickets."""
        asked = request.query_params.get("sample", "")
        samples = self._desk.world.samples
        chosen = int(asked) if asked.isdecimal() and int(asked) < len(samples) else 0
        tickets = sorted(self._store.tickets.values(), key=lambda one: one["id"], reverse=True)
        return self._page(
            request,
            "inbox.html",
            groups=[team.name for team in self._desk.world.groups],
            samples=samples,
            filled=samples[chosen].model_dump(),
            chosen=chosen,
            tickets=[self._row(one) for one in tickets[:200]],
            wrong="",
        )

    async def write(self, request: Request) -> Response:
        """Take the mail and show its ticket."""
        if int(request.headers.get("content-length") or 0) > _LARGEST:
            return PlainTextResponse("Die Dateien sind zu groß. / The files are too large.", status_code=413)
        values = await _form(request, files=_FILES)
        filled = {name: _text(values, name) for name in ("name", "email", "subject", "body", "group")}
        files = await _files(values)
        await values.close()
        known = {team.name for team in self._desk.world.groups}
        if not _ADDRESS.fullmatch(filled["email"]) or not filled["body"].strip():
            return self._page(
                request,
                "inbox.html",
                status=400,
                groups=[team.name for team in self._desk.world.groups],
                samples=self._desk.world.samples,
                filled=filled,
                chosen=None,
                tickets=[],
                wrong="email" if filled["body"].strip() else "body",
            )
        group = filled.pop("group")
        article = self._desk.receive(**filled, group=group if group in known else None, files=files)
        return _see(request, f"/tickets/{article['ticket_id']}")

    async def ticket(self, request: Request) -> Response:
        """A ticket as its agent sees it."""
        one = self._store.tickets.get(request.path_params["id"])
        if one is None:
            return self._page(request, "missing.html", status=404)
        draft = self._desk.draft(one["id"])
        articles = self._store.articles_of(one["id"])
        asked = [article for article in articles if SENDERS[article["sender_id"]] == "Customer"]
        answered = {article["created_by_id"] == BOT for article in articles if article["id"] > asked[-1]["id"]}
        return self._page(
            request,
            "ticket.html",
            ticket=self._row(one),
            articles=[self._article(article) for article in articles],
            draft=Markup(sanitised(draft[0])) if draft else "",  # noqa: S704 - sanitised in this line
            written="" if draft is None else "bot" if draft[1] else "agent",
            proposed=answered == {True},
            waiting=self._portal is not None and True not in answered and STATES[one["state_id"]] not in DONE,
            untold=self._desk.ready(asked[-1]["id"]),
            done=STATES[one["state_id"]] in DONE,
            customer=asked[-1]["from"],
            tags=self._store.tags.get(one["id"], []),
        )

    async def act(self, request: Request) -> Response:
        """What the agent, or the citizen, does in a ticket."""
        id = request.path_params["id"]
        if id not in self._store.tickets:
            return self._page(request, "missing.html", status=404)
        values = await _form(request)
        action, body = _text(values, "action"), _text(values, "body")
        if action in ("send", "send_close") and body.strip():
            self._desk.send(id, body, state="closed" if action == "send_close" else None)
        elif action == "keep":
            self._desk.keep_draft(id, sanitised(body))
        elif action == "discard":
            self._store.drop_draft(id)
        elif action == "close":
            self._desk.close(id)
        elif action == "follow_up" and body.strip():
            self._desk.follow_up(id, body)
        return _see(request, f"/tickets/{id}")

    async def answer(self, request: Request) -> Response:
        """A published answer of the knowledge base, as citizens read it."""
        id = request.path_params["id"]
        one = self._store.answers.get(id)
        now = self._store.at()
        if one is None or not one["published_at"] or one["published_at"] > now or one["archived_at"]:
            return self._page(request, "missing.html", status=404)
        title, body = self._store.answer_translations[id]["title"], self._store.contents[id]["body"]
        return self._page(request, "answer.html", title=title, body=Markup(sanitised(body)))  # noqa: S704

    async def changes(self, _: Request) -> Response:
        """A number that moves with every change."""
        return JSONResponse({"changes": self._store.changes}, headers={"cache-control": "no-store"})

    async def health(self, _: Request) -> Response:
        """That it is there."""
        return JSONResponse({"tickets": len(self._store.tickets)})

    def _row(self, one: Record) -> dict[str, Any]:
        customer = self._store.users[one["customer_id"]]
        state = STATES[one["state_id"]]
        return {
            "id": one["id"],
            "number": one["number"],
            "title": one["title"],
            "customer": f"{customer['firstname']} {customer['lastname']}".strip() or customer["email"],
            "group": self._store.groups[one["group_id"]]["name"],
            "state": _STATES[state],
            "kind": "done" if state in DONE else state,
            "draft": self._store.draft_of(one["id"]) is not None,
            "at": _at(one["updated_at"]),
        }

    def _article(self, one: Record) -> dict[str, Any]:
        html = one["content_type"] == "text/html"
        files = [file["filename"] for file in self._store.files_of(one["id"])]
        return {
            "id": one["id"],
            "sender": SENDERS[one["sender_id"]],
            "type": TYPES[one["type_id"]],
            "internal": one["internal"],
            "bot": one["created_by_id"] == BOT,
            "from": one["from"],
            "subject": one["subject"] or "",
            "at": _at(one["created_at"]),
            "html": html,
            "body": Markup(sanitised(one["body"])) if html else one["body"],  # noqa: S704 - sanitised in this line
            "files": files,
        }

    def _page(self, request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
        english = request.query_params.get("lang") == "en"

        def t(german: str, other: str) -> str:
            return other if english else german

        def link(path: str, **query: object) -> str:
            fields = {**query, **({"lang": "en"} if english else {})}
            return f"{path}?{urlencode(fields)}" if fields else path

        html = self._templates.get_template(template).render(
            t=t,
            link=link,
            lang="en" if english else "de",
            path=request.url.path,
            portal=self._portal,
            changes=self._store.changes,
            **values,
        )
        return HTMLResponse(html, status_code=status, headers=_HEADERS)


async def _form(request: Request, files: int = 0) -> FormData:
    return await request.form(max_files=files, max_fields=12, max_part_size=4 * _LONGEST)


async def _files(values: FormData) -> list[File]:
    """What was attached; a browser sends a nameless file where nothing was chosen."""
    sent = [one for one in values.getlist("files") if isinstance(one, UploadFile) and one.filename]
    return [
        File(name=str(one.filename)[:200], type=one.content_type or "application/octet-stream", data=await one.read())
        for one in sent
    ]


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name, "")
    return value[:_LONGEST].replace("\r\n", "\n") if isinstance(value, str) else ""


def _see(request: Request, path: str) -> Response:
    english = "?lang=en" if request.query_params.get("lang") == "en" else ""
    return RedirectResponse(path + english, status_code=303)


def _at(stamp: str) -> str:
    return f"{datetime.fromisoformat(stamp).astimezone(_ZONE):%d.%m.%Y, %H:%M}"


def _own(endpoint: Endpoint) -> Endpoint:
    """Refuse a form that another site's page sends."""

    async def guarded(request: Request) -> Response:
        if not own(request):
            return PlainTextResponse("Nur von den eigenen Seiten. / Only from its own pages.", status_code=403)
        return await endpoint(request)

    return guarded
