"""What people do at the help desk: a citizen writes, an agent answers, keeps a draft, closes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from infra.zammad.records import DONE, SENDERS, STATES, TYPES, Record
from infra.zammad.store import File, Mail, Store
from infra.zammad.world import BOT, World, fill

AGENT: Final = BOT + 1
"""Id of the agent who sits at the mailbox page."""


class Desk:
    """A store with the world it was made from; kept in a file, where one is given."""

    def __init__(self, world: World, store: Store, file: Path | None = None) -> None:
        self.world, self.store, self.agent = world, store, AGENT
        self._file = file
        self._saved = -1
        if file is not None and file.exists():
            store.load(file)
        else:
            fill(store, world)

    def save(self) -> None:
        """Write the state into its file, where something changed."""
        if self._file is not None and self._saved != self.store.changes:
            self.store.save(self._file)
            self._saved = self.store.changes

    def reset(self) -> None:
        """The world as at the start; ids that were given out are given out again."""
        listener, self.store.listener = self.store.listener, lambda *_: None
        self.store.clear()
        fill(self.store, self.world)
        self.store.listener = listener

    def ready(self, article_id: int) -> bool:
        """Whether an article stood there at the start, so that no trigger told of it."""
        return article_id <= sum(1 + bool(one.note) + bool(one.reply) for one in self.world.tickets)

    def group_id(self, name: str) -> int:
        """A group by name; KeyError where there is none."""
        for id, one in self.store.groups.items():
            if one["name"] == name:
                return id
        raise KeyError(f"group {name}")

    def receive(self, *, group: str | None, subject: str, body: str, files: Sequence[File], **more: Any) -> Record:
        """A citizen's mail, in the group that its sender or its words chose. Gives the article."""
        name = group or self.world.route(f"{subject} {body}")
        team = next((team for team in self.world.groups if team.name == name), None)
        mail = Mail(
            group_id=self.group_id(name), to=team.email if team else "", subject=subject, body=body, files=files, **more
        )
        return self.store.receive(mail)

    def draft(self, ticket_id: int) -> tuple[str, bool] | None:
        """The shared draft's body, as stored, and whether the bot wrote it last."""
        one = self.store.draft_of(ticket_id)
        if one is None:
            return None
        return str((one.get("new_article") or {}).get("body") or ""), one["updated_by_id"] == BOT

    def keep_draft(self, ticket_id: int, body: str) -> None:
        """The agent keeps a draft for later."""
        before = self.store.draft_of(ticket_id)
        article = {**((before or {}).get("new_article") or {}), "body": body, "content_type": "text/html"}
        self.store.put_draft(ticket_id, self.agent, {"new_article": article, "ticket_attributes": {}})

    def send(self, ticket_id: int, body: str, *, state: str | None = None) -> Record:
        """The agent sends an answer to the citizen; the draft is then gone, as in Zammad. Gives the article."""
        asked = [one for one in self.store.articles_of(ticket_id) if SENDERS[one["sender_id"]] == "Customer"][-1]
        answer = {
            "body": body,
            "content_type": "text/html",
            "type": "email",
            "to": asked["from"],
            "subject": asked["subject"] if asked["subject"].startswith("Re: ") else f"Re: {asked['subject']}",
            "in_reply_to": asked["message_id"],
        }
        self.store.drop_draft(ticket_id)
        article = self.store.write(ticket_id, self.agent, answer)
        before = STATES[self.store.tickets[ticket_id]["state_id"]]
        wanted = state or ("open" if before == "new" else before)
        if wanted != before:
            self.store.update(ticket_id, self.agent, {"state": wanted})
        return article

    def follow_up(self, ticket_id: int, body: str) -> Record:
        """The citizen writes again, in the same ticket. Gives the article."""
        ticket = self.store.tickets[ticket_id]
        who = self.store.users[ticket["customer_id"]]
        sent = [one["message_id"] for one in self.store.articles_of(ticket_id) if one["message_id"]]
        return self.store.receive(
            Mail(
                name=f"{who['firstname']} {who['lastname']}".strip(),
                email=who["email"],
                subject=f"Re: {ticket['title']}",
                body=body,
                group_id=ticket["group_id"],
                ticket_id=ticket_id,
                in_reply_to=sent[-1] if sent else "",
            )
        )

    def close(self, ticket_id: int) -> None:
        """The agent closes a ticket."""
        if STATES[self.store.tickets[ticket_id]["state_id"]] not in DONE:
            self.store.update(ticket_id, self.agent, {"state": "closed"})

    def bots_articles(self) -> list[Record]:
        """What the bot wrote."""
        return [one for one in self.store.articles.values() if one["created_by_id"] == BOT]

    def mails_sent_by_bot(self) -> int:
        """Must be none: an article of type email that the interface takes is on its way to the citizen."""
        return sum(not one["internal"] or TYPES[one["type_id"]] == "email" for one in self.bots_articles())
