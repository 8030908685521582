"""The demo help desk: groups, agents, the bot, text modules, answers and tickets, out of ``world.yaml``."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML

from infra.zammad.records import AGENT_ROLE, PRIORITIES, ROLES, Record, group, made, nobody, priority, role, user
from infra.zammad.store import Mail, Store
from infra.zammad.webhook import Trigger
from shared.errors import StadtfunkError

FILE: Final = Path(__file__).parent / "world.yaml"
BOT: Final = 3
"""Id of the bot's user in every world; 2 is left to the administrator, as in a real Zammad."""
RIGHTS: Final = ["read", "change", "create"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Person(_Frozen):
    """An agent, or the bot."""

    firstname: str
    lastname: str
    email: str


class Team(_Frozen):
    """A group; ``words`` send a mail there whose sender chose none."""

    name: str
    email: str
    words: tuple[str, ...] = ()
    shared_drafts: bool = True


class Module(_Frozen):
    """A text module."""

    name: str
    content: str


class Answer(_Frozen):
    """An answer of the knowledge base, in German."""

    title: str
    state: Literal["published", "internal", "draft", "archived"]
    body: str


class Category(_Frozen):
    """Answers to one matter."""

    title: str
    answers: tuple[Answer, ...]


class Label(_Frozen):
    """A name in both languages."""

    de: str
    en: str


class Sample(_Frozen):
    """A mail that the page offers to send."""

    label: Label
    subject: str
    body: str
    name: str = ""
    email: str = ""
    group: str = ""


class Ready(_Frozen):
    """A ticket that is there already."""

    age: float = Field(gt=0)  # hours
    group: str
    name: str
    email: str
    subject: str
    body: str
    note: str = ""
    reply: str = ""
    auto: bool = False
    state: str = "new"


class World(_Frozen):
    """A whole help desk."""

    bot: Person
    agents: tuple[Person, ...] = Field(min_length=1)
    groups: tuple[Team, ...] = Field(min_length=1)  # the last takes what fits nowhere
    triggers: tuple[Trigger, ...] = ()
    text_modules: tuple[Module, ...] = ()
    categories: tuple[Category, ...] = ()
    tickets: tuple[Ready, ...] = ()
    samples: tuple[Sample, ...] = Field(min_length=1)

    def route(self, text: str) -> str:
        """The group whose words occur most often in a mail."""
        low = text.lower()
        best = max(self.groups, key=lambda team: sum(low.count(word) for word in team.words))
        return best.name if any(word in low for word in best.words) else self.groups[-1].name


def load_world(file: Path = FILE) -> World:
    """The help desk of a file.

    Raises:
        StadtfunkError: the file is wrong; names file and field.
    """
    try:
        return World.model_validate(YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise StadtfunkError(f"{file}: {where}: {first['msg']}") from None


def fill(store: Store, world: World) -> None:
    """Make the world's records in an empty store; no trigger hears of them."""
    with _ago(store, 400):
        start = store.at()
    store.add("users", nobody(start))
    for id in ROLES:
        store.add("roles", role(id, start))
    for id in PRIORITIES:
        store.add("priorities", priority(id, start))
    for id, team in enumerate(world.groups, 2):
        store.add("groups", group(id, start, team.name, shared_drafts=team.shared_drafts))
    everywhere = {str(id): RIGHTS for id in store.groups}
    for id, person in enumerate((world.bot, *world.agents), BOT):
        one = user(id, start, **person.model_dump(), role_ids=[AGENT_ROLE])
        store.add("users", {**one, "group_ids": everywhere})
    for id, module in enumerate(world.text_modules, 1):
        more: Record = {
            "keywords": "",
            "user_id": None,
            "foreign_id": None,
            "active": True,
            "group_ids": [],
            "note": None,
        }
        store.add("text_modules", {"id": id, **module.model_dump(), **more, **made(start, BOT + 1)})
    _knowledge(store, world, start)
    for ticket in world.tickets:
        _ticket(store, ticket)


def _knowledge(store: Store, world: World, at: str) -> None:
    times = {"created_at": at, "updated_at": at}
    store.add("bases", {"id": 1, "iconset": "FontAwesome", "active": True, "custom_address": None, **times})
    titles = {"title": "Auenfurt hilft", "footer_note": "", "kb_locale_id": 1, "knowledge_base_id": 1}
    store.add("base_translations", {"id": 1, **titles, **times})
    store.add("locales", {"id": 1, "knowledge_base_id": 1, "system_locale_id": 35, "primary": True, **times})
    for id, category in enumerate(world.categories, 1):
        shelf = {"knowledge_base_id": 1, "parent_id": None, "category_icon": "f115", "position": id - 1}
        store.add("categories", {"id": id, **shelf, **times})
        named = {"title": category.title, "kb_locale_id": 1, "category_id": id}
        store.add("category_translations", {"id": id, **named, **times})
        for answer in category.answers:
            add_answer(store, id, answer)


def add_answer(store: Store, category_id: int, answer: Answer) -> int:
    """A new answer with its one translation; gives its id."""
    id, at, by = store.next("answers"), store.at(), BOT + 1
    times = {"created_at": at, "updated_at": at}
    with _ago(store, 24):
        since = store.at()
    place = {"category_id": category_id, "promoted": False, "internal_note": None, "position": 0}
    store.add("answers", {"id": id, **place, **visibility(answer.state, since, by), **times})
    named = {"title": answer.title, "kb_locale_id": 1, "answer_id": id, "content_id": id}
    people = {"created_by_id": by, "updated_by_id": by, "linked_references": []}
    store.add("answer_translations", {"id": id, **named, **people, **times})
    store.add("contents", {"id": id, "body": answer.body, "attachments": []})
    return id


def visibility(state: str, at: str, by: int) -> dict[str, object]:
    """The times that make an answer published, internal, archived, or (none) a draft."""
    times: dict[str, object] = {}
    for kind in ("archived", "internal", "published"):
        on = state == kind or (state == "archived" and kind == "published")
        times |= {f"{kind}_at": at if on else None, f"{kind}_by_id": by if on else None}
    return times


def _ticket(store: Store, ready: Ready) -> None:
    (group_id,) = (id for id, one in store.groups.items() if one["name"] == ready.group)
    agent = BOT + 1
    with _ago(store, ready.age):
        article = store.receive(
            Mail(
                name=ready.name,
                email=ready.email,
                subject=ready.subject,
                body=ready.body,
                group_id=group_id,
                auto=ready.auto,
            )
        )
        id = article["ticket_id"]
        if ready.note:
            store.write(id, agent, {"body": ready.note, "type": "note", "internal": True})
        if ready.reply:
            answer = {"to": ready.email, "subject": f"Re: {ready.subject}", "in_reply_to": article["message_id"]}
            store.write(id, agent, {"body": ready.reply, "type": "email", **answer})
        if ready.state != "new":
            store.update(id, agent, {"state": ready.state})


@contextmanager
def _ago(store: Store, hours: float) -> Iterator[None]:
    """Let the store's clock be so many hours behind."""
    clock = store.clock
    store.clock = lambda: clock() - timedelta(hours=hours)
    try:
        yield
    finally:
        store.clock = clock
