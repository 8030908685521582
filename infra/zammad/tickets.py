"""The interface's part for tickets: articles, attachments, shared drafts, tags, people, text modules."""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.zammad.answers import AsUser, Json, Refused, as_user, body_of, forbidden, missing, number, opaque, unknown
from infra.zammad.records import PRIORITIES, SENDERS, STATES, TYPES, Record
from infra.zammad.shapes import Shapes
from infra.zammad.store import Store

_MOST: Final = 200  # tickets of one search
_OPERATORS: Final[dict[str, Callable[[Any, list[str]], bool]]] = {
    "is": lambda value, wanted: str(value) in wanted,
    "is not": lambda value, wanted: str(value) not in wanted,
    "after (absolute)": lambda value, wanted: value is not None and str(value) > wanted[0],
    "before (absolute)": lambda value, wanted: value is not None and str(value) < wanted[0],
}


class Tickets:
    """The endpoints, over one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._shapes = Shapes(store)

    def routes(self) -> list[Route]:
        """Below ``/api/v1``."""

        def route(path: str, **methods: AsUser) -> list[Route]:
            return [
                Route(path, as_user(self._store, endpoint), methods=[method]) for method, endpoint in methods.items()
            ]

        return [
            *route("/users/me", GET=self.me),
            *route("/users/{id}", GET=self.user),
            *route("/groups", GET=self.administrators),
            *route("/text_modules", GET=self.text_modules),
            *route("/tickets", GET=self.list),
            *route("/tickets/search", GET=self.search),
            *route("/tickets/{id}", GET=self.ticket, PUT=self.change),
            *route("/tickets/{id}/shared_draft", GET=self.draft, PUT=self.put_draft, DELETE=self.drop_draft),
            *route("/ticket_articles/by_ticket/{id}", GET=self.articles),
            *route("/ticket_articles", POST=self.write),
            *route("/ticket_attachment/{ticket}/{article}/{id}", GET=self.attachment),
            *route("/tags", GET=self.tags),
            *route("/tags/add", POST=self.tag),
            *route("/tags/remove", DELETE=self.untag),
        ]

    async def me(self, request: Request, who: int) -> Response:
        """Whose token it is; with ``full`` and the records that belong to it."""
        if request.query_params.get("full") == "true":
            return Json({"id": who, "assets": self._shapes.assets(users=[who])})
        return Json(self._store.users[who])

    async def user(self, request: Request, who: int) -> Response:
        """A person."""
        id = number(request, "id")
        if id not in self._store.users:
            raise missing("User", request.path_params["id"])
        return Json(self._store.users[id])

    async def administrators(self, request: Request, who: int) -> Response:
        """What an agent may not see."""
        raise forbidden()

    async def text_modules(self, request: Request, who: int) -> Response:
        """All of them."""
        return Json(list(self._store.text_modules.values()))

    async def list(self, request: Request, who: int) -> Response:
        """Tickets that may be read, by id, bare."""
        page, size = _page(request, 500)
        mine = [one for _, one in sorted(self._store.tickets.items()) if self._may(who, one, "read")]
        return Json(mine[(page - 1) * size : page * size])

    async def search(self, request: Request, who: int) -> Response:
        """Tickets by words in title and articles, or by conditions on their attributes."""
        page, size = _page(request, _MOST)
        words = request.query_params.get("query", "").replace("*", "").lower()
        conditions = _conditions(request)
        found = [
            one
            for one in self._store.tickets.values()
            if self._may(who, one, "read")
            and (not words or words in self._words(one))
            and all(_OPERATORS[operator](one[field], wanted) for field, operator, wanted in conditions)
        ]
        by = request.query_params.get("sort_by", "updated_at")
        descending = request.query_params.get("order_by", "desc") == "desc"
        found.sort(key=lambda one: one["id"] if by == "id" else one["updated_at"], reverse=descending)
        found = found[(page - 1) * size : page * size]
        if request.query_params.get("expand") == "true":
            return Json([self._shapes.ticket_names(one) for one in found])
        ids = [one["id"] for one in found]
        return Json({"tickets": ids, "tickets_count": len(ids), "assets": self._shapes.assets(tickets=found)})

    async def ticket(self, request: Request, who: int) -> Response:
        """A ticket, bare or with names."""
        one = self._ticket(request.path_params["id"], who, "read")
        return Json(self._shapes.ticket_names(one) if request.query_params.get("expand") == "true" else one)

    async def change(self, request: Request, who: int) -> Response:
        """State, priority, group, title; with an article it is written, too."""
        one = self._ticket(request.path_params["id"], who, "change")
        values = await body_of(request)
        for name, names in (("state", STATES), ("priority", PRIORITIES)):
            if name in values and values[name] not in names.values():
                raise unknown(name, values[name])
        if "group" in values:
            ids = [id for id, group in self._store.groups.items() if group["name"] == values["group"]]
            if not ids:
                raise unknown("group", values["group"])
            if not self._store.may(who, ids[0], "change"):
                raise opaque(422)
            values = {**values, "group_id": ids[0]}
        self._store.update(one["id"], who, values)
        if isinstance(values.get("article"), dict):
            self._written(one["id"], who, values["article"])
        return Json(self._shapes.ticket_ids(one))

    async def articles(self, request: Request, who: int) -> Response:
        """All articles of a ticket, oldest first."""
        one = self._ticket(request.path_params["id"], who, "read")
        return Json([self._shapes.article(article) for article in self._store.articles_of(one["id"])])

    async def write(self, request: Request, who: int) -> Response:
        """A note, or whatever else: an article of type email would be sent at once."""
        values = await body_of(request)
        one = self._ticket(values.get("ticket_id"), who, "change")
        return Json(self._written(one["id"], who, values), status_code=201)

    async def attachment(self, request: Request, who: int) -> Response:
        """The bytes of a file."""
        one = self._ticket(request.path_params["ticket"], who, "read")
        article = self._store.articles.get(number(request, "article"))
        file = self._store.files.get(number(request, "id"))
        if article is None or article["ticket_id"] != one["id"] or file is None or file["article_id"] != article["id"]:
            raise Refused(403, "The file does not belong to the specified article.")
        headers = {
            "content-type": file["preferences"]["Content-Type"],
            "content-disposition": f"attachment; filename*=UTF-8''{quote(file['filename'])}",
        }
        return Response(file["data"], headers=headers)

    async def draft(self, request: Request, who: int) -> Response:
        """The shared draft, or nulls."""
        one = self._ticket(request.path_params["id"], who, "read")
        return self._drafted(self._store.draft_of(one["id"]))

    async def put_draft(self, request: Request, who: int) -> Response:
        """Write the shared draft; nobody looks whose is overwritten, or whether the group has drafts."""
        one = self._ticket(request.path_params["id"], who, "change")
        return self._drafted(self._store.put_draft(one["id"], who, await body_of(request)))

    async def drop_draft(self, request: Request, who: int) -> Response:
        """Remove the shared draft; where there is none Zammad stumbles."""
        one = self._ticket(request.path_params["id"], who, "change")
        draft = self._store.drop_draft(one["id"])
        if draft is None:
            raise opaque(500)
        return Json({"shared_draft_id": draft["id"]})

    async def tags(self, request: Request, who: int) -> Response:
        """The tags of a ticket."""
        one = self._ticket(request.query_params.get("o_id"), who, "read")
        return Json({"tags": self._store.tags.get(one["id"], [])})

    async def tag(self, request: Request, who: int) -> Response:
        """Put a tag on a ticket."""
        values = await body_of(request)
        one = self._ticket(values.get("o_id"), who, "change")
        self._store.tag(one["id"], str(values.get("item")))
        return Json(True, status_code=201)

    async def untag(self, request: Request, who: int) -> Response:
        """Take a tag off."""
        values = await body_of(request)
        one = self._ticket(values.get("o_id"), who, "change")
        self._store.untag(one["id"], str(values.get("item")))
        return Json(True)

    def _ticket(self, id: object, who: int, right: str) -> Record:
        one = self._store.tickets.get(int(str(id)) if str(id).isdecimal() else 0)
        if one is None:
            raise missing("Ticket", id)
        if not self._may(who, one, right):
            raise forbidden()
        return one

    def _may(self, who: int, ticket: Record, right: str) -> bool:
        return self._store.may(who, ticket["group_id"], right)

    def _words(self, ticket: Record) -> str:
        parts = [ticket["title"], ticket["number"]]
        for one in self._store.articles_of(ticket["id"]):
            parts += [one["subject"] or "", one["from"] or "", one["to"] or "", one["body"]]
        return " ".join(parts).lower()

    def _written(self, ticket_id: int, who: int, values: Record) -> Record:
        for name, names in (("type", TYPES), ("sender", SENDERS)):
            if name in values and values[name] not in names.values():
                raise unknown(name, values[name])
        if not values.get("body"):
            raise Refused(422, "Need at least an 'article body' field.")
        return self._shapes.article(self._store.write(ticket_id, who, values))

    def _drafted(self, draft: Record | None) -> Response:
        if draft is None:
            return Json({"shared_draft_id": None, "assets": None})
        return Json({"shared_draft_id": draft["id"], "assets": self._shapes.assets(drafts=[draft])})


def _page(request: Request, most: int) -> tuple[int, int]:
    asked = request.query_params
    size, page = asked.get("per_page") or asked.get("limit") or "50", asked.get("page") or "1"
    if not (size.isdecimal() and page.isdecimal()):
        raise opaque(500)
    return max(1, int(page)), min(int(size), most)


def _conditions(request: Request) -> list[tuple[str, str, list[str]]]:
    """``condition[ticket.<field>][operator]`` and ``…[value]``, as (field, operator, values)."""
    found: dict[str, Record] = {}
    for key, value in request.query_params.multi_items():
        if key.startswith("condition[ticket."):
            field, _, part = key.removeprefix("condition[ticket.").partition("][")
            if part == "operator]":
                found.setdefault(field, {})["operator"] = value
            else:
                found.setdefault(field, {}).setdefault("value", []).append(value)
    known = {"id", "updated_at", "created_at", "customer_id", "group_id", "state_id", "owner_id"}
    if any(field not in known or one.get("operator") not in _OPERATORS for field, one in found.items()):
        raise opaque(422)
    return [(field, one["operator"], one.get("value", [""])) for field, one in found.items()]
