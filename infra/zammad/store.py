"""What changes the stand-in's records; every change moves ``updated_at``, and the triggers hear of it."""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal
from uuid import uuid4

from infra.zammad.records import (
    AGENT_ROLE,
    DONE,
    PRIORITIES,
    STATES,
    Record,
    article,
    id_of,
    ticket,
    user,
)
from infra.zammad.sanitiser import sanitised
from infra.zammad.tables import Clock, Tables, now

Action = Literal["create", "update"]
_TICKET: Final = re.compile(r"\[Ticket#(\d{1,12})\]")
Listener = Callable[[int, int | None, Action], None]


@dataclass(frozen=True, kw_only=True)
class File:
    """An attachment on its way in."""

    name: str
    type: str
    data: bytes


@dataclass(frozen=True, kw_only=True)
class Mail:
    """A citizen's mail as it reaches the help desk."""

    name: str
    email: str
    subject: str
    body: str
    html: bool = False
    group_id: int
    to: str = ""
    ticket_id: int | None = None  # an answer in this ticket
    message_id: str = ""
    in_reply_to: str = ""  # message id of what it answers
    files: Sequence[File] = ()
    auto: bool = False  # an auto-reply, by its headers
    preferences: Record = field(default_factory=dict)


class Store(Tables):
    """All records, users by token, and who is told of a change: ticket, its new article, whether it is new."""

    def __init__(self, clock: Clock = now) -> None:
        super().__init__(clock)
        self.tokens: dict[str, int] = {}
        self.listener: Listener = lambda *_: None
        self.agents: dict[int, Record] = {}  # few among the users, most of whom wrote a mail

    def add(self, table: str, record: Record) -> Record:
        """Keep a record under its id."""
        if table == "users" and AGENT_ROLE in record["role_ids"]:
            self.agents[record["id"]] = record
        return super().add(table, record)

    def clear(self) -> None:
        """Drop everything; ids begin anew."""
        super().clear()
        self.agents.clear()

    def may(self, user_id: int, group_id: int, right: str) -> bool:
        """Whether an agent has this right ("read", "change", "create") in a group."""
        who = self.tables["users"][user_id]
        return AGENT_ROLE in who["role_ids"] and bool({right, "full"} & set(who["group_ids"].get(str(group_id), ())))

    def articles_of(self, ticket_id: int) -> list[Record]:
        """A ticket's articles, oldest first."""
        return self.by("articles", ticket_id)

    def files_of(self, article_id: int) -> list[Record]:
        """An article's attachments."""
        return self.by("files", article_id)

    def draft_of(self, ticket_id: int) -> Record | None:
        """The ticket's shared draft."""
        return next(iter(self.by("drafts", ticket_id)), None)

    def citizen(self, name: str, email: str) -> Record:
        """The user with this address, made on the first mail."""
        for one in self.by("users", email):
            return one
        first, _, last = name.strip().partition(" ")
        return self.add(
            "users", user(self.next("users"), self.at(), firstname=first, lastname=last.strip(), email=email)
        )

    def receive(self, mail: Mail) -> Record:
        """Make an article of a mail, in its ticket or a new one. Gives the article."""
        who = self.citizen(mail.name, mail.email)
        at = self.at()
        known = self.tables["tickets"].get(mail.ticket_id or self._answered(mail) or 0)
        if known is None:
            made = ticket(
                self.next("tickets"), at, group_id=mail.group_id, title=mail.subject or "-", customer_id=who["id"]
            )
            self.add("tickets", made)
        else:
            made = known
            if STATES[made["state_id"]] in DONE:
                made["state_id"] = id_of(STATES, "open")
        message_id = mail.message_id or f"<{uuid4()}@mail.example>"
        preferences = {"send-auto-response": not mail.auto, "is-auto-response": mail.auto, **mail.preferences}
        one = article(
            self.next("articles"),
            at,
            ticket_id=made["id"],
            type="email",
            sender="Customer",
            body=sanitised(mail.body) if mail.html else mail.body,
            by=who["id"],
            **{"from": f"{mail.name} <{mail.email}>" if mail.name else mail.email},
            to=mail.to or None,
            subject=mail.subject,
            content_type="text/html" if mail.html else "text/plain",
            message_id=message_id,
            message_id_md5=_md5(message_id),
            in_reply_to=mail.in_reply_to or None,
            preferences=preferences,
        )
        self.add("articles", one)
        for file in mail.files:
            self._attach(one["id"], file)
        made |= {"last_contact_at": at, "last_contact_customer_at": at}
        self._touch(made, who["id"], one["id"], "update" if known else "create")
        return one

    def _answered(self, mail: Mail) -> int | None:
        """The ticket that a mail belongs to: by the number in its subject, or by what it answers."""
        if told := _TICKET.search(mail.subject):
            for id, one in self.tables["tickets"].items():
                if one["number"] == told[1]:
                    return id
        if mail.in_reply_to:
            for one in self.tables["articles"].values():
                if one["message_id"] == mail.in_reply_to:
                    return int(one["ticket_id"])
        return None

    def write(self, ticket_id: int, by: int, values: Record) -> Record:
        """Add an agent's article, as ``POST /ticket_articles`` does. Type, sender and body were checked."""
        who = self.tables["users"][by]
        at = self.at()
        kind = values.get("content_type") or "text/plain"
        mailed = values.get("type") == "email"
        message_id = f"<{uuid4()}@zammad.example>" if mailed else None
        body = str(values["body"])
        one = article(
            self.next("articles"),
            at,
            ticket_id=ticket_id,
            type=values.get("type") or "note",
            sender=values.get("sender") or "Agent",
            body=sanitised(body) if kind == "text/html" else body,
            by=by,
            **{"from": f"{who['firstname']} {who['lastname']}".strip()},
            **{name: values.get(name) for name in ("to", "cc", "subject", "in_reply_to")},
            content_type=kind,
            internal=bool(values.get("internal", False)),
            message_id=message_id,
            message_id_md5=_md5(message_id) if message_id else None,
        )
        self.add("articles", one)
        made = self.tables["tickets"][ticket_id]
        if mailed and not one["internal"]:
            made |= {"last_contact_at": at, "last_contact_agent_at": at}
        self._touch(made, by, one["id"])
        return one

    def update(self, ticket_id: int, by: int, values: Record) -> Record:
        """Change a ticket's state, priority, group or title; names were checked."""
        made = self.tables["tickets"][ticket_id]
        before = (made["state_id"], made["group_id"], made["owner_id"])
        at = self.at()
        for name, names in (("state", STATES), ("priority", PRIORITIES)):
            if name in values:
                made[f"{name}_id"] = id_of(names, values[name])
        for name in ("group_id", "owner_id", "title"):
            if name in values:
                made[name] = values[name]
        if (made["state_id"], made["group_id"], made["owner_id"]) != before:
            made["last_owner_update_at"] = at
        if STATES[made["state_id"]] == "closed" and before[0] != made["state_id"]:
            made |= {"close_at": made["close_at"] or at, "last_close_at": at}
        self._touch(made, by, None)
        return made

    def put_draft(self, ticket_id: int, by: int, values: Record) -> Record:
        """Write the shared draft over whatever is there, unsanitised, as Zammad does."""
        at = self.at()
        draft = self.draft_of(ticket_id)
        if draft is None:
            made = {"id": self.next("drafts"), "ticket_id": ticket_id, "created_by_id": by, "created_at": at}
            draft = self.add("drafts", made)
        for name in ("new_article", "ticket_attributes"):
            if name in values:
                draft[name] = values[name]
        draft |= {"updated_by_id": by, "updated_at": at}
        self._moved(self.tables["tickets"][ticket_id])
        return draft

    def drop_draft(self, ticket_id: int) -> Record | None:
        """Remove the shared draft; None where there is none."""
        draft = self.draft_of(ticket_id)
        if draft is not None:
            self.remove("drafts", draft["id"])
            self._moved(self.tables["tickets"][ticket_id])
        return draft

    def tag(self, ticket_id: int, item: str) -> None:
        """Put a tag on a ticket, once."""
        tags = self.tags.setdefault(ticket_id, [])
        if item not in tags:
            tags.append(item)
        self._moved(self.tables["tickets"][ticket_id])

    def untag(self, ticket_id: int, item: str) -> None:
        """Take a tag off a ticket."""
        self.tags[ticket_id] = [tag for tag in self.tags.get(ticket_id, ()) if tag != item]
        self._moved(self.tables["tickets"][ticket_id])

    def _attach(self, article_id: int, file: File) -> None:
        id = self.next("files")
        kind = f"{file.type}; name={file.name}"
        self.add(
            "files",
            {
                "id": id,
                "article_id": article_id,
                "store_file_id": id,
                "filename": file.name,
                "size": str(len(file.data)),
                "preferences": {"Content-Type": kind, "Mime-Type": file.type, "Charset": "UTF-8"},
                "data": file.data,
            },
        )

    def _touch(self, made: Record, by: int, article_id: int | None, action: Action = "update") -> None:
        """A change of the ticket itself: who, when, and the triggers."""
        made |= {"updated_by_id": by, "article_count": len(self.articles_of(made["id"]))}
        self._moved(made)
        self.listener(made["id"], article_id, action)

    def _moved(self, made: Record) -> None:
        made["updated_at"] = self.at()
        self.changes += 1


def _md5(text: str) -> str:
    """Zammad's fingerprint of a message id."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
