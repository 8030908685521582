"""Zammad over its REST interface, with the rights of the bot: it reads, and writes drafts, internal notes and tags.

There is no method that could send a mail, close a ticket or delete anything. Addresses are built from the own base
URL and ids, never from what Zammad or a citizen says.

Outcomes: what is not there is None; 401, 429, 5xx, a timeout or a cut connection raises BackendError (the event
waits); 403 raises Forbidden and 422 Reject, with words that say what to mend and hold nothing of a letter.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from functions.zammad.tickets import Article, Group, SharedDraft, TextModule, Ticket, User
from shared.backends import Backends
from shared.errors import BackendError, Reject, SettingsError
from shared.rest import Method, Reply, Rest
from shared.settings import ZammadSettings

T = TypeVar("T", bound=BaseModel)
_API: Final = "/api/v1"
_PAGE: Final = 100  # tickets of one request
_PAGES: Final = 500  # of one search
_DONE: Final = frozenset({"closed", "merged", "removed"})
_EMAIL, _AGENT = 1, 1  # ids that every Zammad is set up with: article type "email", sender "Agent"
_OURS: Final = frozenset({"article body", "body", "group", "item", "object", "priority", "state", "ticket_id", "type"})
_FIELD = re.compile(r"'([a-z_ ]{2,20})'")


class Forbidden(Reject):
    """The bot may not see or change this; its token, role or group rights say so."""


class Zammad:
    """One Zammad, as the bot sees it."""

    def __init__(self, rest: Rest, settings: ZammadSettings, token: str) -> None:
        self._rest = rest
        self._settings = settings
        self._authorization = f"Token token={token}"

    async def me(self) -> User:
        """The bot's own user; raises BackendError when the token is wrong."""
        return _told(User, (await self._done("GET", "/users/me", call="me")).json())

    async def user(self, id: int) -> User | None:
        """A user by id."""
        return _read(User, await self._found(f"/users/{id:d}", call="user"))

    async def customer(self, id: int) -> User | None:
        """The citizen of a ticket, by id."""
        return await self.user(id)

    async def ticket(self, id: int) -> Ticket | None:
        """A ticket with the names of its group, state and priority."""
        return _read(Ticket, await self._found(f"/tickets/{id:d}", {"expand": "true"}, call="ticket"))

    async def articles(self, ticket_id: int) -> list[Article]:
        """All articles of a ticket, oldest first, internal ones included; none where there is no such ticket."""
        found = await self._found(f"/ticket_articles/by_ticket/{ticket_id:d}", call="articles")
        return [_told(Article, one) for one in _list(found)]

    async def attachment(self, ticket_id: int, article_id: int, id: int) -> bytes:
        """The bytes of a file.

        Raises:
            Reject: larger than ``STADTFUNK_ZAMMAD__MAX_BYTES``, gone, or (Forbidden) of another article.
        """
        reply = await self._ask("GET", f"/ticket_attachment/{ticket_id:d}/{article_id:d}/{id:d}", call="attachment")
        if not reply.ok:
            raise Reject("zammad: there is no such attachment")
        return reply.body

    async def draft(self, ticket_id: int) -> SharedDraft | None:
        """The ticket's shared draft, whoever wrote it."""
        found = await self._found(f"/tickets/{ticket_id:d}/shared_draft", call="draft")
        return None if found is None or not found.get("shared_draft_id") else _draft(found)

    async def put_draft(
        self, ticket_id: int, body_html: str, *, to: str, subject: str, in_reply_to: str, cc: str = ""
    ) -> SharedDraft:
        """Write the ticket's shared draft, an answer by mail that only an agent can send.

        Zammad overwrites whatever draft is there and sanitises nothing: look first, and hand in clean HTML.
        """
        article = {
            "body": body_html,
            "content_type": "text/html",
            "type": "email",
            "type_id": _EMAIL,
            "sender_id": _AGENT,
            "internal": False,
            "subtype": "reply",
            "to": to,
            "cc": cc,
            "subject": subject,
            "in_reply_to": in_reply_to,
            "ticket_id": ticket_id,
            "from": "",  # Zammad sets it when an agent sends
        }
        body = {"new_article": article, "ticket_attributes": {}}
        return _draft((await self._done("PUT", f"/tickets/{ticket_id:d}/shared_draft", body, call="put_draft")).json())

    async def add_note(self, ticket_id: int, subject: str, body_html: str) -> Article:
        """Write an internal note, which agents see and citizens do not. No other article can be written here."""
        note = {
            "ticket_id": ticket_id,
            "subject": subject,
            "body": body_html,
            "content_type": "text/html",
            "type": "note",
            "internal": True,
        }
        return _told(Article, (await self._done("POST", "/ticket_articles", note, call="add_note")).json())

    async def tags(self, ticket_id: int) -> list[str]:
        """The tags of a ticket."""
        found = await self._found("/tags", {"object": "Ticket", "o_id": str(ticket_id)}, call="tags")
        return [str(tag) for tag in _list((found or {}).get("tags"))]

    async def add_tag(self, ticket_id: int, tag: str) -> None:
        """Put a tag on a ticket; one that is there stays."""
        body = {"object": "Ticket", "o_id": ticket_id, "item": tag}
        await self._done("POST", "/tags/add", body, call="add_tag")

    async def changed_since(self, when: datetime, groups: Iterable[str]) -> list[Ticket]:
        """Tickets of these groups that changed after ``when``, by id; out of the database, not the search index."""
        after = when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        wanted = set(groups)
        found = await self._search({"ticket.updated_at": ("after (absolute)", after)})
        return [ticket for ticket in found if ticket.group in wanted]

    async def open_tickets_of(self, customer_id: int) -> list[Ticket]:
        """Tickets of a citizen that are not closed, by id; those the bot may see."""
        found = await self._search({"ticket.customer_id": ("is", str(customer_id))})
        return [ticket for ticket in found if ticket.state not in _DONE]

    async def group(self, name: str) -> Group | None:
        """A group the bot has rights in. ``GET /groups`` is for administrators, so it is read beside one's own user."""
        told = (await self._done("GET", "/users/me", query={"full": "true"}, call="group")).json()
        found = (_told(Group, one) for one in _assets(told).get("Group", {}).values())
        return next((group for group in found if group.name == name), None)

    async def text_modules(self) -> list[TextModule]:
        """All text modules the bot may see."""
        return [_told(TextModule, one) for one in _list(await self._found("/text_modules", call="text_modules"))]

    async def knowledge_outline(self) -> dict[str, Any]:
        """The knowledge base without its texts: records by kind ("KnowledgeBaseAnswer", …) and id (a string).

        An answer the bot may see is published (``published_at`` in the past) or internal; drafts and archived ones are
        not in it.
        """
        return _assets({"assets": (await self._knowledge({})).json()})

    async def knowledge_contents(self, ids: Iterable[int]) -> dict[str, Any]:
        """The outline with the texts of these contents (``content_id`` of a translation) as well."""
        body = {"answer_translation_content_ids": list(ids)}
        return _assets({"assets": (await self._knowledge(body)).json()})

    async def _knowledge(self, body: object) -> Reply:
        return await self._done("POST", "/knowledge_bases/init", body, call="knowledge")

    async def _search(self, conditions: Mapping[str, tuple[str, str]]) -> list[Ticket]:
        query = {"expand": "true", "sort_by": "id", "order_by": "asc", "per_page": str(_PAGE)}
        for field, (operator, value) in conditions.items():
            query |= {f"condition[{field}][operator]": operator, f"condition[{field}][value]": value}
        tickets: dict[int, Ticket] = {}
        for page in range(1, _PAGES + 1):
            reply = await self._done("GET", "/tickets/search", query={**query, "page": str(page)}, call="search")
            found = [_told(Ticket, one) for one in _list(reply.json())]
            tickets |= {ticket.id: ticket for ticket in found}
            if len(found) < _PAGE:
                return [tickets[id] for id in sorted(tickets)]
        # A part would be the oldest tickets: who took it for all would never look at the newest.
        raise BackendError("zammad", f"a search finds more than {_PAGES * _PAGE} tickets")

    async def _found(self, path: str, query: Mapping[str, str] | None = None, *, call: str) -> Any:
        """The JSON value; None where there is no such thing."""
        reply = await self._ask("GET", path, query=query, call=call)
        return reply.json() if reply.ok else None

    async def _done(
        self, method: Method, path: str, body: object = None, *, call: str, query: Mapping[str, str] | None = None
    ) -> Reply:
        reply = await self._ask(method, path, body, query=query, call=call)
        if not reply.ok:
            raise Reject(f"zammad: {call}: there is no such ticket (status {reply.status})")
        return reply

    async def _ask(
        self, method: Method, path: str, body: object = None, *, call: str, query: Mapping[str, str] | None = None
    ) -> Reply:
        """A reply of 2xx, 404 or 410."""
        reply = await self._rest.call(
            method, _API + path, call=call, authorization=self._authorization, query=query, body=body
        )
        if reply.ok or reply.status in (404, 410):
            return reply
        if reply.status == 403:
            raise Forbidden(
                f"zammad: {call}: status 403; give the bot the permissions ticket.agent and knowledge_base.reader, and "
                "in the ticket's group the rights read, change and create"
            )
        raise Reject(f"zammad: {call}: status {reply.status}{_fields(reply)}")


def zammad_of(use: Backends) -> Zammad:
    """The Zammad of the settings.

    Raises:
        SettingsError: its address or its token is not set.
    """
    settings = use.settings.zammad
    if settings.url is None:
        raise SettingsError("STADTFUNK_ZAMMAD__URL", "is not set; it is the help desk's address")
    rest = use.rest("zammad", settings.url, timeout_s=settings.timeout_s, max_bytes=settings.max_bytes)
    return Zammad(rest, settings, use.secrets.get("zammad-token"))


def _read(kind: type[T], value: Any) -> T | None:
    return None if value is None else _told(kind, value)


def _told(kind: type[T], value: Any) -> T:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        # Which field, never its value: it may be a citizen's.
        field = ".".join(str(part) for part in error.errors(include_url=False, include_input=False)[0]["loc"])
        raise BackendError(
            "zammad", f"a {kind.__name__} is of another shape than expected: {field or 'whole'}"
        ) from None


def _list(value: Any) -> list[Any]:
    if value is None or isinstance(value, list):
        return value or []
    raise BackendError("zammad", "answers with something else than a list")


def _assets(value: Any) -> dict[str, Any]:
    assets = value.get("assets") if isinstance(value, dict) else None
    if not isinstance(assets, dict) or not all(isinstance(records, dict) for records in assets.values()):
        raise BackendError("zammad", "answers without records")
    return assets


def _draft(value: Any) -> SharedDraft:
    drafts = list(_assets(value).get("TicketSharedDraftZoom", {}).values())
    if len(drafts) != 1:
        raise BackendError("zammad", f"answers with {len(drafts)} shared drafts")
    return _told(SharedDraft, drafts[0])


def _fields(reply: Reply) -> str:
    """Names of our own fields that the answer complains of; what else it says may quote a letter."""
    named = sorted(set(_FIELD.findall(reply.body.decode(errors="replace"))) & _OURS)
    return f": see {', '.join(named)}" if named else ""
