"""The help desk's rules without any server: loops, payloads, references, what is remembered."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.zammad import ArticleReceived, ReplySent
from functions.zammad.loops import group_of, judge
from functions.zammad.markers import Marker, markers_of
from functions.zammad.payload import Told, Unreadable, read
from functions.zammad.records import Record, Records
from functions.zammad.tickets import Article, Ticket
from functions.zammad.webhook import happened
from shared.backends import Backends
from shared.errors import Retry
from shared.settings import Settings, ZammadGroup, ZammadSettings
from shared.state import MemoryState

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
BOT, CITIZEN, AGENT = 11, 7, 21
GROUP = ZammadGroup(name="KVR::Fahrerlaubnis", drafts_per_hour=2)
OFF = ZammadGroup(name="KVR::Standesamt", enabled=False)
SETTINGS = ZammadSettings(groups=(GROUP, OFF))


def article(id: int = 17, **values: Any) -> Article:
    given = {
        "id": id,
        "ticket_id": 6,
        "sender": "Customer",
        "type": "email",
        "internal": False,
        "from": "Erika Musterfrau <erika.musterfrau@example.org>",
        "subject": "Umtausch",
        "created_by_id": CITIZEN,
        "created_at": NOW - timedelta(minutes=90 - id),
        "preferences": {"send-auto-response": True, "is-auto-response": False},
    }
    return Article.model_validate(given | values)


def ticket(**values: Any) -> Ticket:
    given = {"id": 6, "number": "82006", "group": GROUP.name, "group_id": 2, "state": "open", "customer_id": CITIZEN}
    return Ticket.model_validate(given | {"created_at": NOW, "updated_at": NOW} | values)


def note(id: int, about: int, **values: Any) -> Article:
    subject = f"KI-Vorschlag: Entwurf liegt bereit (Vorschlag 6-{about}-1)"
    own = {"sender": "Agent", "type": "note", "internal": True, "created_by_id": BOT, "subject": subject}
    return article(id, **(own | values))


def reply(id: int, **values: Any) -> Article:
    return article(id, **({"sender": "Agent", "created_by_id": AGENT, "from": "Anna Huber via Amt"} | values))


def said(articles: list[Article], *, group: ZammadGroup | None = GROUP, id: int = 17, **values: Any) -> str | None:
    return judge(ticket(**values), articles, id, bot_id=BOT, group=group, now=NOW)


@pytest.mark.parametrize(
    ("reason", "changed"),
    [
        (None, {}),
        (None, {"preferences": {}}),
        (None, {"type": "web"}),
        (None, {"from": "Beetroot <beetroot@example.org>"}),
        (None, {"from": '"noreply@example.org" <erika@example.org>'}),
        ("machine", {"from": "noreply@example.org <erika@example.org>"}),
        ("machine", {"from": "Undelivered (mailer-daemon@example.org"}),
        (None, {"from": ""}),
        ("sender", {"sender": "Agent", "created_by_id": AGENT}),
        ("sender", {"sender": "System", "created_by_id": 1}),
        ("internal", {"internal": True}),
        ("own", {"created_by_id": BOT}),
        ("auto_response", {"preferences": {"is-auto-response": True, "send-auto-response": True}}),
        ("auto_response", {"preferences": {"is-auto-response": "true"}}),
        ("no_response", {"preferences": {"is-auto-response": False, "send-auto-response": False}}),
        ("machine", {"from": "MAILER-DAEMON@mx.example.org"}),
        ("machine", {"from": "Mail Delivery System <Mailer-Daemon@mx.example.org>"}),
        ("machine", {"from": "postmaster@example.org"}),
        ("machine", {"from": "abuse@example.org"}),
        ("machine", {"from": "root <root@db1.example.org>"}),
        ("machine", {"from": "noreply@example.org"}),
        ("machine", {"from": "Shop <noreply-orders.7@example.org>"}),
        ("machine", {"from": "no-reply@example.org"}),
        ("machine", {"from": "do_not_reply@example.org"}),
        ("machine", {"from": "MAILER-DAEMON (Mail Delivery System)"}),
        ("machine", {"from": '"Bank, AG" <No-Reply+x1@example.org>'}),
        ("machine", {"from": "do-not-reply@example.org"}),
    ],
)
def test_an_article_that_no_machine_should_answer(reason: str | None, changed: dict[str, Any]) -> None:
    assert said([article(**changed)]) == reason


@pytest.mark.parametrize(
    ("reason", "articles", "values"),
    [
        ("state", [article()], {"state": "closed"}),
        ("state", [article()], {"state": "merged"}),
        ("state", [article()], {"state": "removed"}),
        (None, [article()], {"state": "pending reminder"}),
        ("gone", [article(18)], {}),
        ("gone", [], {}),
        ("superseded", [article(), article(18)], {}),
        (None, [article(16), article()], {}),
        (None, [article(), article(18, preferences={"is-auto-response": True})], {}),
        (None, [article(), article(18, internal=True)], {}),
        (None, [article(), note(18, about=16)], {}),
        ("answered", [article(), reply(18)], {}),
        (None, [reply(16), article()], {}),
        (None, [article(), reply(18, type="note", internal=True)], {}),
        (None, [article(), reply(18, type="note")], {}),
        (None, [article(), article(18, sender="System", created_by_id=1)], {}),
        ("group", [article()], {"group": None}),
    ],
)
def test_a_ticket_in_which_nothing_is_to_be_proposed(
    reason: str | None, articles: list[Article], values: dict[str, Any]
) -> None:
    group = values.pop("group", GROUP)
    assert said(articles, group=group, **values) == reason


def test_more_than_so_many_proposals_an_hour_are_a_loop() -> None:
    def hour(*minutes: int) -> str | None:
        before = [note(1 + n, about=1, created_at=NOW - timedelta(minutes=ago)) for n, ago in enumerate(minutes)]
        return said([*before, article()])

    assert hour(10) is None
    assert hour(61, 62, 10) is None
    assert hour(10, 59) == "too_many"
    by_others = [note(n, about=1, created_by_id=AGENT) for n in (1, 2, 3)]
    assert said([*by_others, article()]) is None


def test_only_groups_that_are_named_and_switched_on_are_touched() -> None:
    assert group_of(SETTINGS, GROUP.name) is GROUP
    for other in (OFF.name, "Fahrerlaubnis", "", "kvr::fahrerlaubnis"):
        assert group_of(SETTINGS, other) is None


def test_a_note_is_found_by_its_reference_and_nobody_else_can_write_one() -> None:
    marker = Marker(ticket_id=6, article_id=17, revision=2)
    assert str(marker) == "Vorschlag 6-17-2"
    assert Marker.read(f"KI-Vorschlag: kein Entwurf ({marker})") == marker
    merged = note(20, about=3, subject="x (Vorschlag 5-3-1)")
    forged = [article(1, subject=f"({marker})"), note(2, 17, created_by_id=AGENT), note(3, 17, internal=False)]
    assert markers_of([*forged, note(19, about=17), merged], BOT) == [
        Marker(ticket_id=6, article_id=17, revision=1),
        Marker(ticket_id=5, article_id=3, revision=1),
    ]
    for text in (None, "", "Vorschlag 6-17", "Vorschlag 6-17-", "Gegenvorschlag", "Vorschlag -1-17-2"):
        assert Marker.read(text) is None


DEFAULT = {
    "ticket": {"id": 6, "group": {"name": GROUP.name}, "state": {"name": "closed"}},
    "article": {
        "id": 17,
        "sender": "Customer",
        "type": "email",
        "internal": False,
        "from": "Erika <erika@example.org>",
        "preferences": {"is-auto-response": False, "send-auto-response": True},
        "attachments": [{"id": 8, "size": "14", "url": "https://evil.example/x"}],
    },
}
IDS = {
    "v": 1,
    "ticket_id": "6",
    "article_id": "17",
    "number": "82006",
    "group": GROUP.name,
    "state": "new",
    "sender": "Customer",
    "type": "email",
    "internal": "false",
    "article_created_at": "2026-11-22 19:29:04 UTC",
}


def told(body: Any) -> Any:
    found = read(json.dumps(body).encode())
    return "nothing" if found is None else happened(found, SETTINGS)


def with_article(**values: Any) -> dict[str, Any]:
    return DEFAULT | {"article": DEFAULT["article"] | values}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (DEFAULT, ArticleReceived(ticket_id=6, article_id=17)),
        (IDS, ArticleReceived(ticket_id=6, article_id=17)),
        ({"ticket_id": "6", "article_id": "17"}, ArticleReceived(ticket_id=6, article_id=17)),
        (IDS | {"group": "#{ticket.group.name}"}, ArticleReceived(ticket_id=6, article_id=17)),
        (DEFAULT | {"article": {}}, "no_article"),
        (DEFAULT | {"article": None}, "no_article"),
        ({"ticket": DEFAULT["ticket"]}, "no_article"),
        (IDS | {"article_id": ""}, "no_article"),
        (IDS | {"article_id": "-"}, "no_article"),
        (IDS | {"article_id": "#{article.id}"}, "no_article"),
        (IDS | {"article_id": True}, "no_article"),
        ({"error": "invalid payload"}, "nothing"),
        ({}, "nothing"),
        (DEFAULT | {"ticket": {"id": 6, "group": {"name": OFF.name}}}, "group"),
        (IDS | {"group": "Users"}, "group"),
        (IDS | {"sender": "Agent"}, ReplySent(ticket_id=6, article_id=17)),
        (with_article(sender="Agent"), ReplySent(ticket_id=6, article_id=17)),
        (with_article(sender="Agent", type="note"), "sender"),
        (with_article(sender="Agent", internal=True, type="note"), "sender"),
        (with_article(sender="System"), "sender"),
        (IDS | {"internal": "true"}, "internal"),
        (with_article(internal=True), "internal"),
        (with_article(preferences={"is-auto-response": True}), "auto_response"),
        (with_article(preferences={"send-auto-response": False}), "no_response"),
        (with_article(preferences=None), ArticleReceived(ticket_id=6, article_id=17)),
        (with_article(**{"from": "noreply@example.org"}), "machine"),
    ],
)
def test_what_a_payload_says_for_certain(body: Any, found: object) -> None:
    assert told(body) == found


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"no json", "body"),
        (b"[]", "body"),
        (b"17", "body"),
        (b"[" * 100_000, "body"),
        (b'{"ticket": 6}', "ticket"),
        (b'{"number": "82006"}', "ticket"),
        (b'{"ticket": {}, "article": {"id": 17}}', "ticket_id"),
        (b'{"ticket": {"id": 6}, "article": [17]}', "ticket"),
        (b'{"ticket_id": "0"}', "ticket_id"),
        (b'{"ticket_id": "-6"}', "ticket_id"),
        (b'{"ticket_id": "6 OR 1=1"}', "ticket_id"),
        (b'{"ticket_id": "../6"}', "ticket_id"),
        (b'{"ticket_id": true}', "ticket_id"),
        (b'{"ticket_id": 9e99}', "ticket_id"),
    ],
)
def test_a_payload_that_is_none_names_its_field_and_no_value(body: bytes, field: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read(body)
    assert caught.value.field == field
    assert "OR 1" not in str(caught.value)


def test_an_empty_body_tells_nothing() -> None:
    assert read(b"") is None
    assert read(b" \n") is None


@given(st.binary(max_size=200) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_whatever_is_sent_is_read_or_refused(body: bytes | str) -> None:
    try:
        found = read(body.encode(errors="surrogatepass") if isinstance(body, str) else body)
    except Unreadable:
        return
    assert found is None or isinstance(found, Told)


async def test_a_record_is_written_over_the_one_that_was_read() -> None:
    records = Records(Backends(Settings(_env_file=None), state=MemoryState()))
    day = NOW.date()
    new = Record(ticket_id=6, article_id=17, revision=1, outcome="drafted", day=day)
    assert await records.get(6) is None
    first = await records.save(new)
    with pytest.raises(Retry, match="another worker"):
        await records.save(new)
    second = await records.save(first.model_copy(update={"done": True}))
    with pytest.raises(Retry):
        await records.save(first)
    assert await records.get(6) == second


def test_a_draft_is_known_by_the_hash_of_its_body() -> None:
    record = Record(ticket_id=6, article_id=17, revision=1, outcome="drafted", day=NOW.date())
    assert not record.wrote("<p>a</p>")
    for number in range(20):
        record = record.model_copy(update={"hashes": record.writing(f"<p>{number}</p>")})
        record = record.model_copy(update={"hashes": record.writing(f"<p>{number}</p>")})
    assert record.wrote("<p>19</p>")
    assert record.wrote("<p>15</p>")
    assert not record.wrote("<p>19</p> ")
    assert len(record.hashes) == 8
    assert "<p>" not in record.model_dump_json()
