"""``/_stand-in/``: be a citizen or an agent, and switch faults on. For tests and demonstrations, on this machine only.

``GET    state``                     requests, faults, webhooks, how many mails were sent by the interface
``POST   mails``                     {name, email, subject, body, html?, group?, ticket_id?, auto?, message_id?,
                                     in_reply_to?, preferences?, count?,
                                     attachments?: [{name, type, text | data (base64)}]}
``POST   tickets/{id}/reply``        {body, state?}  what an agent sends to the citizen
``PUT    tickets/{id}/draft``        {body}  an agent writes the shared draft; DELETE: throws it away
``PUT    tickets/{id}``              {state?, group?, priority?, owner?: id}  as an agent; no article
``PUT    groups/{name}``             {shared_drafts: bool}
``POST   answers``                   {title, body, state, category?: id} of the knowledge base
``PUT    answers/{id}``              {title?, body?, state?}; DELETE: gone
``PUT    faults``                    [Fault, …] (infra/zammad/faults.py); DELETE: none
``POST   away``                      {seconds}: every connection is cut for so long
``PUT    webhook``                   {copies?, hold?}; POST webhook/release {backwards?}; POST webhook/repeat
``POST   forget``  ``POST reset``    counts at zero; the world as at the start, no faults, counts at zero
"""

import base64
import binascii
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.zammad.desk import Desk
from infra.zammad.faults import Fault, Trouble
from infra.zammad.store import File
from infra.zammad.webhook import Webhooks
from infra.zammad.world import Answer, add_answer, visibility

Endpoint = Callable[[Request], Awaitable[Response]]
T = TypeVar("T", bound=BaseModel)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Attachment(_Body):
    name: str
    type: str = "application/octet-stream"
    text: str | None = None
    data: str = ""  # base64

    def file(self) -> File:
        content = self.text.encode() if self.text is not None else base64.b64decode(self.data, validate=True)
        return File(name=self.name, type=self.type, data=content)


class _Mail(_Body):
    name: str = ""
    email: str
    subject: str = ""
    body: str = ""
    html: bool = False
    group: str | None = None
    ticket_id: int | None = None
    auto: bool = False
    message_id: str = ""
    in_reply_to: str = ""
    preferences: dict[str, Any] = {}
    attachments: list[_Attachment] = []
    count: int = Field(default=1, ge=1, le=20_000)


class _Reply(_Body):
    body: str
    state: str | None = None


class _Change(_Body):
    state: str | None = None
    priority: str | None = None
    group: str | None = None
    owner: int | None = None


class _NewAnswer(_Body):
    answer: Answer
    category: int = 1


class _AnswerChange(_Body):
    title: str | None = None
    body: str | None = None
    state: str | None = None


class _Webhook(_Body):
    copies: int = Field(default=1, ge=0, le=20)
    hold: bool = False


class Control:
    """The endpoints below ``/_stand-in``."""

    def __init__(self, desk: Desk, trouble: Trouble, webhooks: Webhooks | None) -> None:
        self._desk, self._store, self._trouble, self._webhooks = desk, desk.store, trouble, webhooks

    def routes(self) -> list[Route]:
        """For the application."""

        def route(path: str, **methods: Endpoint) -> list[Route]:
            place = f"/_stand-in/{path}"
            return [Route(place, _guarded(endpoint), methods=[method]) for method, endpoint in methods.items()]

        return [
            *route("state", GET=self.state),
            *route("mails", POST=self.mail),
            *route("tickets/{id:int}/reply", POST=self.reply),
            *route("tickets/{id:int}/draft", PUT=self.put_draft, DELETE=self.drop_draft),
            *route("tickets/{id:int}", PUT=self.change),
            *route("groups/{name}", PUT=self.group),
            *route("answers", POST=self.new_answer),
            *route("answers/{id:int}", PUT=self.change_answer, DELETE=self.drop_answer),
            *route("faults", PUT=self.faults, DELETE=self.no_faults),
            *route("away", POST=self.away),
            *route("webhook", PUT=self.webhook),
            *route("webhook/release", POST=self.release),
            *route("webhook/repeat", POST=self.repeat),
            *route("forget", POST=self.forget),
            *route("reset", POST=self.reset),
        ]

    async def state(self, _: Request) -> Response:
        """What happened since the start or the last ``forget``."""
        jobs = list(self._webhooks.jobs) if self._webhooks else []
        return JSONResponse(
            {
                "counts": dict(self._trouble.counts),
                "requests": [list(one) for one in self._trouble.requests],
                "faults": [fault.model_dump() for fault in self._trouble.faults],
                "webhooks": [job.told() for job in jobs],
                "busy": self._webhooks.busy if self._webhooks else 0,
                "mails_sent_by_api": self._desk.mails_sent_by_bot(),
                "notes": dict(Counter(str(one["ticket_id"]) for one in self._desk.bots_articles())),
                "drafts": {str(one["ticket_id"]): one["updated_by_id"] for one in self._store.drafts.values()},
            }
        )

    async def mail(self, request: Request) -> Response:
        """A citizen writes."""
        mail = await _read(request, _Mail)
        files = [one.file() for one in mail.attachments]
        values = mail.model_dump(exclude={"attachments", "count"})
        made = [self._desk.receive(**values, files=files) for _ in range(mail.count)]
        ids = {"ticket_id": made[-1]["ticket_id"], "article_id": made[-1]["id"]}
        return JSONResponse({**ids, "ticket_ids": [one["ticket_id"] for one in made]}, status_code=201)

    async def reply(self, request: Request) -> Response:
        """An agent sends."""
        reply = await _read(request, _Reply)
        article = self._desk.send(self._ticket(request), reply.body, state=reply.state)
        return JSONResponse({"article_id": article["id"]}, status_code=201)

    async def put_draft(self, request: Request) -> Response:
        """An agent writes the shared draft, over whatever is there."""
        self._desk.keep_draft(self._ticket(request), (await _read(request, _Reply)).body)
        return JSONResponse({})

    async def drop_draft(self, request: Request) -> Response:
        """An agent throws the shared draft away."""
        self._store.drop_draft(self._ticket(request))
        return JSONResponse({})

    async def change(self, request: Request) -> Response:
        """An agent changes a ticket without a word to anybody."""
        values = (await _read(request, _Change)).model_dump(exclude_none=True)
        if "group" in values:
            values["group_id"] = self._desk.group_id(values.pop("group"))
        if "owner" in values:
            values["owner_id"] = values.pop("owner")
        self._store.update(self._ticket(request), self._desk.agent, values)
        return JSONResponse({})

    async def group(self, request: Request) -> Response:
        """Change a group's flag."""
        id = self._desk.group_id(request.path_params["name"])
        self._store.groups[id]["shared_drafts"] = bool((await request.json())["shared_drafts"])
        self._store.groups[id]["updated_at"] = self._store.at()
        return JSONResponse({})

    async def new_answer(self, request: Request) -> Response:
        """A new answer of the knowledge base."""
        new = await _read(request, _NewAnswer)
        return JSONResponse({"id": add_answer(self._store, new.category, new.answer)}, status_code=201)

    async def change_answer(self, request: Request) -> Response:
        """Edit, publish, withdraw or archive an answer."""
        change = await _read(request, _AnswerChange)
        id, at = request.path_params["id"], self._store.at()
        answer, translation = self._store.answers[id], self._store.answer_translations[id]
        if change.title is not None:
            translation["title"] = change.title
        if change.body is not None:
            self._store.contents[translation["content_id"]]["body"] = change.body
        if change.state is not None:
            answer |= visibility(change.state, at, self._desk.agent)
            answer["updated_at"] = at
        if change.title is not None or change.body is not None:
            translation["updated_at"] = answer["updated_at"] = at
        return JSONResponse({})

    async def drop_answer(self, request: Request) -> Response:
        """Delete an answer."""
        id = request.path_params["id"]
        for table in ("answers", "answer_translations", "contents"):
            self._store.remove(table, id)
        return JSONResponse({})

    async def faults(self, request: Request) -> Response:
        """Replace the faults that are on."""
        self._trouble.faults = TypeAdapter(list[Fault]).validate_json(await request.body())
        return JSONResponse({})

    async def no_faults(self, _: Request) -> Response:
        """As if nothing had been."""
        self._trouble.faults = []
        self._trouble.away_until = 0.0
        return JSONResponse({})

    async def away(self, request: Request) -> Response:
        """Gone for a while."""
        self._trouble.away(float((await request.json())["seconds"]))
        return JSONResponse({})

    async def webhook(self, request: Request) -> Response:
        """How deliveries go wrong."""
        wish = await _read(request, _Webhook)
        if self._webhooks is not None:
            self._webhooks.copies, self._webhooks.hold = wish.copies, wish.hold
        return JSONResponse({})

    async def release(self, request: Request) -> Response:
        """Send what was kept back."""
        backwards = bool(await request.body() and (await request.json()).get("backwards"))
        return JSONResponse({"sent": self._webhooks.release(backwards=backwards) if self._webhooks else 0})

    async def repeat(self, _: Request) -> Response:
        """Every webhook once more."""
        return JSONResponse({"sent": self._webhooks.repeat() if self._webhooks else 0})

    async def forget(self, _: Request) -> Response:
        """Start counting anew."""
        self._trouble.forget()
        if self._webhooks is not None:
            self._webhooks.jobs.clear()
        return JSONResponse({})

    async def reset(self, _: Request) -> Response:
        """As after a first start."""
        self._desk.reset()
        self._trouble.faults, self._trouble.away_until = [], 0.0
        self._trouble.forget()
        if self._webhooks is not None:
            self._webhooks.forget()
        return JSONResponse({})

    def _ticket(self, request: Request) -> int:
        id: int = request.path_params["id"]
        if id not in self._store.tickets:
            raise KeyError(f"ticket {id}")
        return id


async def _read(request: Request, kind: type[T]) -> T:
    return kind.model_validate_json(await request.body())


def _guarded(endpoint: Endpoint) -> Endpoint:
    """Refuse what another site's page sends, and say in words what is wrong with a request."""

    async def guarded(request: Request) -> Response:
        if not own(request):
            return JSONResponse({"error": "only from the stand-in's own pages"}, status_code=403)
        try:
            return await endpoint(request)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "body"
            return JSONResponse({"error": f"{where}: {first['msg']}"}, status_code=400)
        except (ValueError, TypeError, binascii.Error) as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        except KeyError as error:
            return JSONResponse({"error": f"there is no {error.args[0]}"}, status_code=404)

    return guarded


def own(request: Request) -> bool:
    """Whether a request comes from no foreign page: any page in the browser could post to where we listen."""
    origin = request.headers.get("origin")
    return request.method == "GET" or not origin or urlsplit(origin).netloc == request.headers.get("host")
