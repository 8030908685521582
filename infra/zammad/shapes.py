"""Records as Zammad tells them: bare, with ids of what belongs to them, with names, as assets, and in a webhook."""

from collections.abc import Iterable
from typing import Final

from infra.zammad.records import PRIORITIES, ROLES, SENDERS, STATES, TYPES, Record
from infra.zammad.store import Store

Assets = dict[str, dict[str, Record]]
_RIGHTS: Final = ("read", "change", "create", "overview", "full")
_USER_HOOK: Final = frozenset({"last_login", "login_failed", "preferences", "authorization_ids", "group_ids"})


class Shapes:
    """Tells the records of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def login(self, id: int) -> str:
        """A user's name where another record refers to it."""
        return str(self._store.users[id]["login"])

    def ticket_ids(self, ticket: Record) -> Record:
        """A ticket with the ids of its articles."""
        articles = [one["id"] for one in self._store.articles_of(ticket["id"])]
        return {**ticket, "article_ids": articles, "ticket_time_accounting_ids": []}

    def ticket_names(self, ticket: Record) -> Record:
        """A ticket as ``?expand=true`` gives it."""
        return {
            **self.ticket_ids(ticket),
            "group": self._store.groups[ticket["group_id"]]["name"],
            "ticket_time_accounting": [],
            "state": STATES[ticket["state_id"]],
            "priority": PRIORITIES[ticket["priority_id"]],
            **{name: self.login(ticket[f"{name}_id"]) for name in ("owner", "customer", "created_by", "updated_by")},
            "create_article_type": TYPES[ticket["create_article_type_id"]],
            "create_article_sender": SENDERS[ticket["create_article_sender_id"]],
        }

    def article(self, article: Record) -> Record:
        """An article with names and attachments."""
        return {
            **article,
            "attachments": [self._file(one) for one in self._store.files_of(article["id"])],
            **{name: self.login(article[f"{name}_id"]) for name in ("created_by", "updated_by")},
            "type": TYPES[article["type_id"]],
            "sender": SENDERS[article["sender_id"]],
        }

    def group(self, group: Record) -> Record:
        """A group with the agents who have rights in it, each once a right."""
        return {**group, "user_ids": self._agents(group["id"])}

    def assets(
        self, *, tickets: Iterable[Record] = (), drafts: Iterable[Record] = (), users: Iterable[int] = ()
    ) -> Assets:
        """Records by kind and id, with the people, roles and groups they refer to."""
        found: Assets = {}
        for one in tickets:
            if self._new(found, "Ticket", self.ticket_ids(one)):
                self._group(found, one["group_id"])
                for name in ("owner_id", "customer_id", "created_by_id", "updated_by_id"):
                    self.user_into(found, one[name])
        for one in drafts:
            self._new(found, "TicketSharedDraftZoom", one)
            self._makers(found, one)
        for id in users:
            self.user_into(found, id)
        return found

    def user_into(self, found: Assets, id: int) -> None:
        """A user, with role and group records, and whoever made those."""
        one = self._store.users[id]
        if not self._new(found, "User", one):
            return
        for role_id in one["role_ids"]:
            role = self._store.roles[role_id]
            if self._new(found, "Role", role):
                self._makers(found, role)
        for group_id in one["group_ids"]:
            self._group(found, int(group_id))
        self._makers(found, one)

    def payload(self, ticket_id: int, article_id: int | None, base: str) -> Record:
        """The default body of a webhook: the state now, not that of the event."""
        ticket = self._store.tickets[ticket_id]
        told = {
            **self.ticket_ids(ticket),
            "ticket_time_accounting": [],
            "state": STATES[ticket["state_id"]],
            "create_article_type": TYPES[ticket["create_article_type_id"]],
            "create_article_sender": SENDERS[ticket["create_article_sender_id"]],
            "group": self._hook_group(ticket["group_id"]),
            "priority": self._hook_priority(ticket["priority_id"]),
            **{
                name: self._hook_user(ticket[f"{name}_id"])
                for name in ("owner", "customer", "created_by", "updated_by")
            },
        }
        article = self._store.articles.get(article_id) if article_id else None
        return {
            "ticket": {**dict(sorted(told.items())), "organization": {}},
            "article": self._hook_article(article, base) if article else {},
        }

    def _hook_article(self, article: Record, base: str) -> Record:
        told = self.article(article)
        for file in told["attachments"]:
            file["url"] = f"{base}/api/v1/ticket_attachment/{article['ticket_id']}/{article['id']}/{file['id']}"
        people = {name: self._hook_user(article[f"{name}_id"]) for name in ("created_by", "updated_by")}
        return {**dict(sorted({**told, **people}.items())), "accounted_time": 0.0}

    def _hook_user(self, id: int) -> Record:
        one = self._store.users[id]
        told = {
            **{name: value for name, value in one.items() if name not in _USER_HOOK},
            **{name: self.login(one[f"{name}_id"]) for name in ("created_by", "updated_by")},
            "organizations": [],
            "overview_sortings": [],
            "roles": [ROLES[role] for role in one["role_ids"]],
        }
        return dict(sorted(told.items()))

    def _hook_group(self, id: int) -> Record:
        one = self.group(self._store.groups[id])
        told = {
            **one,
            **{name: self.login(one[f"{name}_id"]) for name in ("created_by", "updated_by")},
            "users": [self.login(user) for user in one["user_ids"]],
        }
        return dict(sorted(told.items()))

    def _hook_priority(self, id: int) -> Record:
        one = self._store.priorities[id]
        people = {name: self.login(one[f"{name}_id"]) for name in ("created_by", "updated_by")}
        return dict(sorted({**one, **people}.items()))

    def _agents(self, group_id: int) -> list[int]:
        rights = [(id, one["group_ids"].get(str(group_id), ())) for id, one in self._store.agents.items()]
        return [id for id, held in sorted(rights) for right in _RIGHTS if right in held]

    def _group(self, found: Assets, id: int) -> None:
        one = self._store.groups[id]
        if self._new(found, "Group", self.group(one)):
            self._makers(found, one)

    def _makers(self, found: Assets, record: Record) -> None:
        for name in ("created_by_id", "updated_by_id"):
            self.user_into(found, record[name])

    @staticmethod
    def _file(file: Record) -> Record:
        return {name: file[name] for name in ("id", "store_file_id", "filename", "size", "preferences")}

    @staticmethod
    def _new(found: Assets, kind: str, record: Record) -> bool:
        """Put a record among its kind; False where it is there already."""
        records = found.setdefault(kind, {})
        key = str(record["id"])
        if key in records:
            return False
        records[key] = record
        return True
