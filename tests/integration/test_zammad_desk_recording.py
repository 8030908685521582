"""The stand-in answers every recorded call of a running Zammad 5.5 with the same status and the same body.

The state is brought to what the recording says, the clock to when it was answered. What is not compared as it stands:
the random "Error ID" of two opaque faults, and times that two readings of the clock within one call made differ.
"""

import copy
import hashlib
import hmac
import json
import os
import re
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from infra.zammad.knowledge import Knowledge
from infra.zammad.records import Record, nobody, priority, user
from infra.zammad.store import Store
from infra.zammad.tickets import Tickets
from infra.zammad.webhook import Job, Trigger, Webhooks
from tests.serving import serving

REAL = Path(os.environ.get("STADTFUNK_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data")) / "zammad/real_5.5"
BOT, STRANGER, READER = "of the bot", "of an agent without groups", "of an agent who may only read"
MINUTE = "2026-11-22T19:29"
STEPS: dict[int, tuple[str | None, str]] = {
    5: (None, f"{MINUTE}:06.000Z"),
    6: ("revoked", f"{MINUTE}:06.100Z"),
    7: (STRANGER, f"{MINUTE}:06.200Z"),
    10: (BOT, f"{MINUTE}:07.834Z"),
    12: (BOT, f"{MINUTE}:08.160Z"),
    14: (BOT, f"{MINUTE}:08.313Z"),
    15: (READER, f"{MINUTE}:08.400Z"),
    18: (BOT, f"{MINUTE}:08.797Z"),
    25: (READER, f"{MINUTE}:09.700Z"),
    26: (BOT, f"{MINUTE}:09.830Z"),
}
"""Calls that another token made, and calls whose time stands in the answer."""
GAPS_S = 0.05  # between two readings of the clock within one recorded call

Call = dict[str, Any]


def recorded() -> list[Call]:
    """The 45 entries; 13 is a note about the calls before it."""
    assert REAL.is_dir(), f"{REAL} is missing: the recordings of a running Zammad"
    calls: list[Call] = json.loads((REAL / "api_log.json").read_text(encoding="utf-8"))
    assert len(calls) == 45
    return calls


class Recording:
    """The help desk as it stood when the recording began."""

    def __init__(self) -> None:
        self.calls = recorded()
        self.time = f"{MINUTE}:05.500Z"
        self.store = Store(lambda: datetime.fromisoformat(self.time))
        self._people()
        self._tickets()
        self._answers()

    def _people(self) -> None:
        found = self.calls[31]["response"]["assets"]
        store, start = self.store, "2026-11-22T19:21:30.634Z"
        store.add("users", nobody(start))
        for one in (*found["User"].values(), self.calls[35]["response"]["User"]["3"]):
            store.add("users", one)
        for one in found["Role"].values():
            store.add("roles", one)
        for id in (1, 2, 3):
            store.add("priorities", priority(id, "2026-11-22T19:21:33.809Z"))
        rights = {"2": ["create", "change", "read"]}
        for id, login, groups in (
            (4, "huber@example.org", {"2": ["full"]}),
            (9, "x@example.org", {}),
            (10, "kibot2@example.org", rights),
            (12, "stranger@example.org", {}),
            (13, "reader@example.org", {}),
        ):
            roles = [3 if id == 9 else 2]
            one = user(id, start, firstname="", lastname="", email=login, role_ids=roles, group_ids=groups)
            store.add("users", one)
        store.tokens |= {BOT: 11, STRANGER: 12, READER: 13}
        group = dict(self.calls[10]["response"]["assets"]["Group"]["2"])
        del group["user_ids"]
        store.add("groups", group)
        store.add("groups", {**group, "id": 1, "name": "Users"})

    def _tickets(self) -> None:
        store = self.store
        for one in self.calls[30]["response"]:
            store.add("tickets", copy.deepcopy(one))
            if one["id"] != 6:
                store.add("articles", self._article(one))
        store.tickets[6].clear()
        store.tickets[6] |= self.calls[2]["response"]
        first = copy.deepcopy(self.calls[4]["response"][0])
        (file,) = first.pop("attachments")
        for name in ("created_by", "updated_by", "type", "sender"):
            del first[name]
        store.add("articles", first)
        store.add("files", {**file, "article_id": 6, "data": self.calls[32]["response"].encode()})

    def _article(self, ticket: Record) -> Record:
        """What another ticket's mail may have been: of it only its subject is known."""
        like = {name: value for name, value in self.calls[4]["response"][0].items() if name != "attachments"}
        ids = {"id": ticket["id"], "ticket_id": ticket["id"], "created_by_id": ticket["customer_id"]}
        return {**like, **ids, "subject": ticket["title"], "body": "…", "from": "", "to": None}

    def _answers(self) -> None:
        store, told = self.store, self.calls[36]["response"]
        derived = {
            *("translation_ids", "kb_locale_ids", "category_ids", "answer_ids", "permission_ids", "child_ids"),
            *("permissions_effective", "knowledge_base_translation_ids", "category_translation_ids"),
            *("answer_translation_ids", "menu_item_ids", "attachments", "tags"),
        }
        for kind, table in (
            ("KnowledgeBase", "bases"),
            ("KnowledgeBaseTranslation", "base_translations"),
            ("KnowledgeBaseLocale", "locales"),
            ("KnowledgeBaseCategory", "categories"),
            ("KnowledgeBaseCategoryTranslation", "category_translations"),
            ("KnowledgeBaseAnswer", "answers"),
            ("KnowledgeBaseAnswerTranslation", "answer_translations"),
        ):
            for one in told[kind].values():
                store.add(table, {name: value for name, value in one.items() if name not in derived})
        for id, body in ((1, "<p>Jahrgang …</p>"), (4, told["KnowledgeBaseAnswerTranslationContent"]["4"]["body"])):
            store.add("contents", {"id": id, "body": body, "attachments": []})
        # A draft and an archived answer of each knowledge base, of which the reader sees only that they are there.
        for id, like, archived in ((2, 1, None), (3, 1, MINUTE), (5, 4, None), (6, 4, MINUTE)):
            times = {"internal_at": None, "internal_by_id": None, "archived_at": archived}
            store.add("answers", {**store.answers[like], **times, "published_at": archived, "id": id})
            one = {**store.answer_translations[like], "id": id, "answer_id": id, "content_id": id}
            store.add("answer_translations", one)
            store.add("contents", {"id": id, "body": "", "attachments": []})
        for table in ("answers", "answer_translations"):
            store.tables[table] = dict(sorted(store.tables[table].items()))

    def before(self, number: int) -> None:
        """What people did between the calls."""
        group = self.store.groups[2]
        if number == 14:
            group |= {"shared_drafts": False, "updated_by_id": 11, "updated_at": f"{MINUTE}:08.228Z"}
        if number == 15:
            group |= {"shared_drafts": True, "updated_at": f"{MINUTE}:08.363Z"}
        self.time = STEPS[number][1] if number in STEPS else self.time


@pytest.fixture
async def recording() -> AsyncIterator[tuple[Recording, str]]:
    made = Recording()
    routes = [*Tickets(made.store).routes(), *Knowledge(made.store).routes()]
    async with serving(Starlette(routes=[Mount("/api/v1", routes=routes)])) as url:
        yield made, url


async def test_every_recorded_call_is_answered_alike(recording: tuple[Recording, str]) -> None:
    state, url = recording
    compared = 0
    async with aiohttp.ClientSession() as session:
        for number, call in enumerate(state.calls):
            if "req" not in call:
                _draft_moved_the_ticket(call, state)
                continue
            state.before(number)
            token = STEPS[number][0] if number in STEPS else BOT
            method, _, path = call["req"].partition(" ")
            headers = {} if token is None else {"Authorization": f"Token token={token}"}
            body = None if call["body"] is None else json.dumps(call["body"])
            async with session.request(method, url + path, data=body, headers=headers) as answer:
                said = await answer.read()
                where = f"call {number}: {call['req']}"
                assert answer.status == call["status"], where
                if not isinstance(call["response"], str):
                    assert _comparable(json.loads(said), number) == _comparable(call["response"], number), where
                else:
                    assert said == call["response"].encode(), where
                assert answer.headers["content-type"] == call["ctype"], where
                compared += 1
    assert compared == 44


def _comparable(value: Any, number: int) -> Any:
    """Without what differs in each run of Zammad, too."""
    value = copy.deepcopy(value)
    if number in (17, 28):
        value["error"] = re.sub(r"Error ID \S+:", "Error ID x:", value["error"])
    if number in (26, 30, 31):
        for ticket in [value] if number == 26 else value if number == 30 else value["assets"]["Ticket"].values():
            if ticket["id"] == 6 and ticket["last_owner_update_at"] is not None:
                assert _apart(ticket["last_owner_update_at"], ticket["updated_at"]) < GAPS_S
                del ticket["last_owner_update_at"]
    return value


def _apart(one: str, other: str) -> float:
    return abs((datetime.fromisoformat(one) - datetime.fromisoformat(other)).total_seconds())


def _draft_moved_the_ticket(note: Call, state: Recording) -> None:
    before = datetime.fromisoformat(state.calls[2]["response"]["updated_at"]).timestamp()
    assert note["before"] == pytest.approx(before)
    after = datetime.fromisoformat(state.store.tickets[6]["updated_at"]).timestamp()
    assert note["after"] == pytest.approx(after, abs=GAPS_S)


def test_the_webhook_is_the_recorded_one_byte_for_byte() -> None:
    state = Recording()
    # As it stood two seconds before: nobody had looked at the group again.
    trigger = Trigger(name="AI: neue Bürgeranfrage cc7424")
    webhooks = Webhooks(state.store, [trigger], url="", token=None, base="https://zammad.example.org", unit_s=1)
    state.store.users[1] |= {"created_at": "2026-11-22T19:21:30.634Z", "updated_at": "2026-11-22T19:21:30.634Z"}
    assert webhooks.body(Job(trigger, 6, 6)) == (REAL / "hook_body.raw").read_bytes()


def test_the_recorded_signature_is_made_as_ours_is() -> None:
    raw, headers = (REAL / "hook_body.raw").read_bytes(), json.loads((REAL / "hook_headers.json").read_text())
    signature = headers["headers"]["X-Hub-Signature"]
    assert signature == headers["expected_sig"]
    assert re.fullmatch(r"sha1=[0-9a-f]{40}", signature)
    told = json.loads((REAL.parent / "headers.json").read_text(encoding="utf-8"))
    for name, request in told["requests"].items():
        body = (REAL.parent / f"{name}.raw").read_bytes()
        made_here = hmac.new(told["secret"].encode(), body, hashlib.sha1).hexdigest()
        assert request["X-Hub-Signature"] == f"sha1={made_here}"
    assert raw
    assert urlsplit(headers["path"]).path == "/hook"
