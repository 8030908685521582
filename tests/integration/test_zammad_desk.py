"""The Zammad stand-in and the bot's client, against each other over real HTTP."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.zammad.client import Forbidden, Zammad, zammad_of
from infra.zammad import mailbox
from infra.zammad.webhook import EXECUTIONS
from infra.zammad.world import load_world
from shared.backends import Backends
from shared.errors import BackendError, Reject
from shared.settings import Settings
from tests.helpdesk import WEBHOOK_TOKEN, HelpDesk, helpdesk, names
from tests.polling import eventually
from tests.serving import serving, talking

GROUP = "Führerscheinstelle"


class Receiver:
    """Takes webhooks; answers with the statuses it is given, then with 202."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.statuses: list[int] = []
        self.app = Starlette(routes=[Route("/hook", self.take, methods=["POST"])])

    async def take(self, request: Request) -> Response:
        self.bodies.append(await request.body())
        self.headers.append(dict(request.headers))
        return Response(status_code=self.statuses.pop(0) if self.statuses else 202)

    @property
    def told(self) -> list[Any]:
        return [json.loads(body) for body in self.bodies]


@pytest.fixture
async def receiver() -> AsyncIterator[tuple[Receiver, str]]:
    made = Receiver()
    async with serving(made.app) as url:
        yield made, f"{url}/hook"


@pytest.fixture
async def desk(receiver: tuple[Receiver, str]) -> AsyncIterator[HelpDesk]:
    async with helpdesk(webhook=receiver[1]) as made:
        yield made


@pytest.fixture
async def zammad(desk: HelpDesk) -> AsyncIterator[Zammad]:
    async with using(desk, timeout_s=2.0, max_bytes=2**17) as made:
        yield made


class using:
    """The client of these settings, closed at the end."""

    def __init__(self, desk: HelpDesk, **more: Any) -> None:
        self._use = Backends(Settings(zammad=desk.settings(**more)))

    async def __aenter__(self) -> Zammad:
        return zammad_of(self._use)

    async def __aexit__(self, *_: object) -> None:
        await self._use.close()


async def test_a_mail_becomes_a_ticket_that_the_bot_reads(desk: HelpDesk, zammad: Zammad) -> None:
    ticket_id, article_id = await desk.mail(
        "Was kostet das?",
        name="Ada Muster",
        subject="Umtausch",
        group=GROUP,
        attachments=[{"name": "brief.txt", "type": "text/plain", "text": "Anlage"}],
    )

    ticket, (article,) = await zammad.ticket(ticket_id), await zammad.articles(ticket_id)
    assert ticket is not None
    assert (ticket.title, ticket.group, ticket.state, ticket.article_ids) == ("Umtausch", GROUP, "new", (article_id,))
    assert (article.sender, article.type, article.internal, article.html) == ("Customer", "email", False, False)
    assert article.from_ == "Ada Muster <erika@citizen.example>"
    assert article.preferences == {"send-auto-response": True, "is-auto-response": False}
    (file,) = article.attachments
    assert (file.filename, file.size, file.content_type) == ("brief.txt", 6, "text/plain")
    assert await zammad.attachment(ticket_id, article_id, file.id) == b"Anlage"
    customer = await zammad.customer(ticket.customer_id)
    assert customer is not None
    assert (customer.firstname, customer.lastname) == ("Ada", "Muster")


async def test_a_mail_that_answers_one_or_names_a_ticket_goes_on_in_that_ticket(desk: HelpDesk, zammad: Zammad) -> None:
    ticket_id, _ = await desk.mail("Erste Frage", group=GROUP, message_id="<1@mail.example>")
    await desk.reply(ticket_id, "<p>Antwort</p>")
    (sent,) = [one.message_id for one in await zammad.articles(ticket_id) if one.sender == "Agent"]
    ticket = await zammad.ticket(ticket_id)
    assert ticket is not None
    for answer in (
        {"in_reply_to": sent},
        {"in_reply_to": "<1@mail.example>"},
        {"subject": f"Re: [Ticket#{ticket.number}] Umtausch", "email": "someone.else@citizen.example"},
    ):
        assert (await desk.mail("Noch etwas", **answer))[0] == ticket_id
    assert [one.in_reply_to for one in await zammad.articles(ticket_id)][-3:-1] == [sent, "<1@mail.example>"]
    for other in ({"in_reply_to": "<2@mail.example>"}, {"subject": "[Ticket#1]"}):
        assert (await desk.mail("Etwas anderes", group=GROUP, **other))[0] != ticket_id


async def test_a_mail_of_the_page_brings_its_files(
    desk: HelpDesk, zammad: Zammad, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = aiohttp.FormData({"name": "Ada", "email": "ada@muster.example", "body": "Was kostet das?", "group": GROUP})
    form.add_field("files", b"Anlage", filename="brief.txt", content_type="text/plain")
    form.add_field("files", b"", filename="", content_type="application/octet-stream")  # nothing chosen
    async with aiohttp.ClientSession() as session:
        async with session.post(desk.url, data=form, headers={"Origin": desk.url}) as answer:
            ticket_id = int(answer.url.path.rpartition("/")[2])
            assert "brief.txt" in await answer.text()
        (article,) = await zammad.articles(ticket_id)
        (file,) = article.attachments
        assert (file.filename, file.content_type) == ("brief.txt", "text/plain")
        assert await zammad.attachment(ticket_id, article.id, file.id) == b"Anlage"
        monkeypatch.setattr(mailbox, "_LARGEST", 100)
        async with session.post(desk.url, data={"body": "x" * 200}, headers={"Origin": desk.url}) as answer:
            assert answer.status == 413


async def test_an_answer_by_mail_goes_on_in_its_ticket_and_opens_it_again(desk: HelpDesk, zammad: Zammad) -> None:
    ticket_id, _ = await desk.mail("Erste Frage", group=GROUP)
    await desk.reply(ticket_id, "<p>Antwort</p>", state="closed")
    again, _ = await desk.mail("Noch etwas", ticket_id=ticket_id)

    assert again == ticket_id
    assert names(await desk.articles(ticket_id)) == ["Customer email", "Agent email", "Customer email"]
    ticket = await zammad.ticket(ticket_id)
    assert ticket is not None
    assert ticket.state == "open"


async def test_a_mail_without_a_group_goes_where_its_words_belong(desk: HelpDesk, zammad: Zammad) -> None:
    async def group(body: str) -> str:
        ticket = await zammad.ticket((await desk.mail(body))[0])
        assert ticket is not None
        return ticket.group

    assert await group("Mein Führerschein ist alt") == GROUP
    assert await group("Ich brauche einen Bewohnerparkausweis") == "Parken"
    assert await group("Guten Tag") == "Bürgerbüro"


async def test_the_bot_writes_a_draft_a_note_and_a_tag_and_moves_the_ticket(desk: HelpDesk, zammad: Zammad) -> None:
    ticket_id, _ = await desk.mail("Frage", group=GROUP)
    before = await zammad.ticket(ticket_id)
    assert before is not None
    assert await zammad.draft(ticket_id) is None
    me = await zammad.me()

    draft = await zammad.put_draft(ticket_id, "<p>Guten Tag</p>", to="a@b.example", subject="Re: x", in_reply_to="<i>")
    assert draft.updated_by_id == me.id
    assert await zammad.draft(ticket_id) == draft
    note = await zammad.add_note(
        ticket_id, "Vorschlag", '<p id="a" class="b">1 <!-- c --><a href="https://x.example">x</a>'
    )
    await zammad.add_tag(ticket_id, "entwurf")
    await zammad.add_tag(ticket_id, "entwurf")

    assert note.internal
    assert note.body == (
        '<p>1 <a href="https://x.example" rel="nofollow noreferrer noopener" target="_blank" '
        'title="https://x.example">x</a></p>'
    )
    assert await zammad.tags(ticket_id) == ["entwurf"]
    after = await zammad.ticket(ticket_id)
    assert after is not None
    assert after.updated_at > before.updated_at
    assert (await desk.state())["mails_sent_by_api"] == 0


async def test_an_agents_draft_can_be_told_from_ours(desk: HelpDesk, zammad: Zammad) -> None:
    ticket_id, _ = await desk.mail("Frage", group=GROUP)
    await zammad.put_draft(ticket_id, "<p>unser</p>", to="", subject="", in_reply_to="")
    await desk.control("PUT", f"tickets/{ticket_id}/draft", {"body": "<p>geändert</p>"})

    draft = await zammad.draft(ticket_id)
    assert draft is not None
    assert draft.body == "<p>geändert</p>"
    assert draft.updated_by_id != draft.created_by_id == (await zammad.me()).id


async def test_groups_are_read_without_the_rights_of_an_administrator(desk: HelpDesk, zammad: Zammad) -> None:
    group = await zammad.group("Parken")
    assert group is not None
    assert group.shared_drafts
    await desk.control("PUT", "groups/Parken", {"shared_drafts": False})
    group = await zammad.group("Parken")
    assert group is not None
    assert not group.shared_drafts
    assert await zammad.group("Nirgends") is None


async def test_a_part_of_what_is_searched_is_never_taken_for_all(
    desk: HelpDesk, zammad: Zammad, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.zammad.client._PAGE", 2)
    monkeypatch.setattr("functions.zammad.client._PAGES", 2)
    before = datetime.now(UTC) - timedelta(seconds=1)
    await desk.mails(3, "Was kostet das?", group=GROUP)
    assert len(await zammad.changed_since(before, [GROUP])) == 3
    await desk.mails(1, "Was kostet das?", group=GROUP)
    with pytest.raises(BackendError, match="more than 4 tickets"):
        await zammad.changed_since(before, [GROUP])


async def test_changed_and_open_tickets_are_found(desk: HelpDesk, zammad: Zammad) -> None:
    start = datetime.now(UTC)
    first, _ = await desk.mail("Frage", group=GROUP)
    second, _ = await desk.mail("Andere Frage", group="Parken")

    assert [one.id for one in await zammad.changed_since(start - timedelta(seconds=1), [GROUP])] == [first]
    assert [one.id for one in await zammad.changed_since(start - timedelta(days=9), [GROUP, "Parken"])][-2:] == [
        first,
        second,
    ]
    ticket = await zammad.ticket(first)
    assert ticket is not None
    assert [one.id for one in await zammad.open_tickets_of(ticket.customer_id)] == [first, second]
    await desk.control("PUT", f"tickets/{first}", {"state": "closed"})
    assert [one.id for one in await zammad.open_tickets_of(ticket.customer_id)] == [second]


async def test_a_long_list_is_read_page_by_page(desk: HelpDesk, zammad: Zammad) -> None:
    made = await desk.mails(205, "Frage", group=GROUP)
    found = await zammad.changed_since(datetime.now(UTC) - timedelta(minutes=5), [GROUP])
    assert [one.id for one in found] == made


async def test_the_knowledge_base_shows_what_is_published_or_internal(desk: HelpDesk, zammad: Zammad) -> None:
    outline = await zammad.knowledge_outline()
    titles = {one["title"] for one in outline["KnowledgeBaseAnswerTranslation"].values()}
    assert "Führerschein verloren oder gestohlen" in titles
    assert "Intern: Drohungen und Beleidigungen" in titles
    assert not titles & {"Kinderreisepass verlängern", "Entwurf: Digitales Lichtbild aus dem Fotostudio"}
    assert "KnowledgeBaseAnswerTranslationContent" not in outline
    (content,) = (await zammad.knowledge_contents([1]))["KnowledgeBaseAnswerTranslationContent"].values()
    assert "38,80 Euro" in content["body"]
    modules = {one.name: one.content for one in await zammad.text_modules()}
    assert "#{ticket.customer.lastname}" in modules["Anrede"]


async def test_a_withdrawn_answer_is_gone(desk: HelpDesk, zammad: Zammad) -> None:
    await desk.control("PUT", "answers/1", {"state": "draft"})
    await desk.control("DELETE", "answers/2")
    told = await desk.control(
        "POST", "answers", {"answer": {"title": "Neu", "state": "internal", "body": "<p>x</p>"}, "category": 2}
    )
    answers = (await zammad.knowledge_outline())["KnowledgeBaseAnswer"]
    assert not {"1", "2"} & set(answers)
    assert answers[str(told["id"])]["internal_at"]
    assert answers[str(told["id"])]["published_at"] is None


async def test_what_is_not_there_is_none_and_what_is_refused_says_what_to_mend(desk: HelpDesk, zammad: Zammad) -> None:
    assert await zammad.ticket(999_999) is None
    assert await zammad.articles(999_999) == []
    assert await zammad.draft(999_999) is None
    with pytest.raises(Reject, match="no such ticket"):
        await zammad.add_note(999_999, "x", "Geheim")
    ticket_id, _ = await desk.mail("Frage", group=GROUP)
    with pytest.raises(Reject, match="status 422: see article body") as refused:
        await zammad.add_note(ticket_id, "Geheim", "")
    assert "Geheim" not in str(refused.value)
    with pytest.raises(Forbidden):
        await zammad.attachment(ticket_id, 1, 999)


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ({"kind": "status", "status": 401}, BackendError, "401: the token"),
        ({"kind": "status", "status": 403}, Forbidden, "ticket.agent"),
        ({"kind": "status", "status": 422}, Reject, "422"),
        ({"kind": "status", "status": 500}, BackendError, "500"),
        ({"kind": "hang"}, BackendError, "within 0.3 s"),
        ({"kind": "cut"}, BackendError, "ClientPayloadError"),
    ],
)
async def test_faults_have_their_outcome(
    desk: HelpDesk, fault: dict[str, Any], error: type[Exception], words: str
) -> None:
    ticket_id, _ = await desk.mail("Vertraulich", subject="Vertraulich", group=GROUP)
    async with using(desk, timeout_s=0.3) as zammad:
        await desk.faults({"times": 1, **fault})
        with pytest.raises(error, match=words) as raised:
            await zammad.ticket(ticket_id)
        assert type(raised.value) is error
        assert "Vertraulich" not in str(raised.value)
        assert await zammad.ticket(ticket_id) is not None


async def test_a_busy_server_is_asked_again_when_it_says(desk: HelpDesk, zammad: Zammad) -> None:
    await desk.faults({"kind": "status", "status": 429, "retry_after": 7, "times": 1})
    with pytest.raises(BackendError) as raised:
        await zammad.me()
    assert raised.value.after == 7


async def test_a_lost_answer_is_no_lost_effect(desk: HelpDesk, zammad: Zammad) -> None:
    ticket_id, _ = await desk.mail("Frage", group=GROUP)
    await desk.faults({"kind": "cut", "times": 1, "after": True, "methods": ["POST"]})
    with pytest.raises(BackendError):
        await zammad.add_note(ticket_id, "Vorschlag", "<p>x</p>")
    assert names(await desk.articles(ticket_id)) == ["Customer email", "Agent note internal"]


async def test_the_server_can_be_away_and_comes_back(desk: HelpDesk, zammad: Zammad) -> None:
    await desk.control("POST", "away", {"seconds": 600})
    with pytest.raises(BackendError):
        await zammad.me()
    await desk.control("DELETE", "faults")
    assert (await zammad.me()).login == "stadtfunk-bot@auenfurt.example"


async def test_too_large_an_answer_is_given_up_while_it_comes(desk: HelpDesk, zammad: Zammad) -> None:
    ticket_id, _ = await desk.mail("x" * 2**18, group=GROUP)
    with pytest.raises(Reject, match="larger than 131072 bytes"):
        await zammad.articles(ticket_id)


async def test_a_redirect_is_not_followed_with_the_token(desk: HelpDesk) -> None:
    asked: list[str] = []

    async def elsewhere(request: Request) -> Response:
        asked.append(request.headers.get("authorization", ""))
        return Response(b"{}")

    async with serving(Starlette(routes=[Route("/{path:path}", elsewhere)])) as other:

        async def redirect(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(f"HTTP/1.1 301 Moved\r\nLocation: {other}/api\r\nContent-Length: 0\r\n\r\n".encode())

        async with talking(redirect) as url:
            use = Backends(Settings(zammad=desk.settings().model_copy(update={"url": url})))
            with pytest.raises(BackendError, match="redirects"):
                await zammad_of(use).me()
            await use.close()
    assert not asked


async def test_another_program_at_the_address_is_said(desk: HelpDesk) -> None:
    async def page(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>")

    async with talking(page) as url:
        use = Backends(Settings(zammad=desk.settings().model_copy(update={"url": url})))
        with pytest.raises(BackendError, match="without JSON; check its address"):
            await zammad_of(use).me()
        await use.close()


async def test_webhooks_are_signed_and_say_ids_only(desk: HelpDesk, receiver: tuple[Receiver, str]) -> None:
    ticket_id, article_id = await desk.mail("Vertraulich", name="Ada Muster", group=GROUP)
    answer_id = await desk.reply(ticket_id, "<p>Antwort</p>")
    await eventually(lambda: _done(desk, 2), "two webhooks")

    taken = receiver[0]
    assert {(one["ticket_id"], one["article_id"], one["sender"], one["type"]) for one in taken.told} == {
        (str(ticket_id), str(article_id), "Customer", "email"),
        (str(ticket_id), str(answer_id), "Agent", "email"),
    }
    assert {one["group"] for one in taken.told} == {GROUP}
    for body, headers in zip(taken.bodies, taken.headers, strict=True):
        made = hmac.new(WEBHOOK_TOKEN.encode(), body, hashlib.sha1).hexdigest()
        assert headers["x-hub-signature"] == f"sha1={made}"
        assert b"Vertraulich" not in body
        assert b"Muster" not in body
    assert len({headers["x-zammad-delivery"] for headers in taken.headers}) == 2


async def test_a_bots_note_or_draft_starts_no_webhook(
    desk: HelpDesk, zammad: Zammad, receiver: tuple[Receiver, str]
) -> None:
    ticket_id, _ = await desk.mail("Frage", group=GROUP)
    await zammad.add_note(ticket_id, "Vorschlag", "<p>x</p>")
    await zammad.put_draft(ticket_id, "<p>x</p>", to="", subject="", in_reply_to="")
    await desk.mail("Ende", group=GROUP)
    await eventually(lambda: _done(desk, 2), "the webhooks of both mails")
    assert {one["sender"] for one in receiver[0].told} == {"Customer"}


async def test_the_default_payload_has_everything(receiver: tuple[Receiver, str]) -> None:
    world = load_world()
    (first, *_) = world.triggers
    plain = world.model_copy(update={"triggers": (first.model_copy(update={"payload": None}),)})
    async with helpdesk(webhook=receiver[1], world=plain) as desk:
        ticket_id, article_id = await desk.mail("Frage & mehr", group=GROUP)
        await eventually(lambda: _done(desk, 1), "the webhook")
    (told,), (body,) = receiver[0].told, receiver[0].bodies
    assert (told["ticket"]["id"], told["article"]["id"]) == (ticket_id, article_id)
    assert told["article"]["body"] == "Frage & mehr"
    assert rb"Frage \u0026 mehr" in body
    assert told["ticket"]["owner"]["login"] == "-"


async def test_a_refused_webhook_is_repeated_with_the_same_id_and_then_lost(
    desk: HelpDesk, receiver: tuple[Receiver, str]
) -> None:
    receiver[0].statuses = [500, 403, 202]
    await desk.mail("Frage", group=GROUP)
    await eventually(lambda: _done(desk, 1), "it arrives")
    (job,) = (await desk.state())["webhooks"]
    assert job["outcomes"] == ["500", "403", "202"]
    assert len({headers["x-zammad-delivery"] for headers in receiver[0].headers}) == 1

    receiver[0].statuses = [503] * (EXECUTIONS + 1)
    await desk.mail("Noch eine", group=GROUP)
    await eventually(lambda: _done(desk, 2), "it is lost")
    assert (await desk.state())["webhooks"][1]["outcomes"] == ["503"] * EXECUTIONS


async def test_webhooks_come_doubled_and_out_of_order_on_demand(desk: HelpDesk, receiver: tuple[Receiver, str]) -> None:
    await desk.control("PUT", "webhook", {"copies": 5, "hold": True})
    sent = [(await desk.mail(str(number), group=GROUP))[1] for number in range(3)]
    assert not receiver[0].bodies
    assert (await desk.control("POST", "webhook/release", {"backwards": True}))["sent"] == 15
    await eventually(lambda: _done(desk, 3), "all arrive")
    arrived = [int(one["article_id"]) for one in receiver[0].told]
    assert sorted(arrived) == sorted(sent * 5)
    assert arrived[0] == sent[-1]
    await desk.control("POST", "webhook/repeat")
    await eventually(lambda: _done(desk, 3), "all arrive again")
    assert len(receiver[0].bodies) == 18


async def test_tickets_outlive_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    async with helpdesk(state=file) as first:
        text = {"name": "ä.txt", "type": "text/plain", "text": "ä"}
        ticket_id, article_id = await first.mail("Frage", group=GROUP, attachments=[text])
        await first.reply(ticket_id, "<p>Antwort</p>")
        before = await first.articles(ticket_id)
    async with helpdesk(state=file) as second, using(second) as zammad:
        assert await second.articles(ticket_id) == before
        assert await zammad.attachment(ticket_id, article_id, before[0]["attachments"][0]["id"]) == "ä".encode()
        assert (await second.mail("Neu", group=GROUP))[0] == ticket_id + 1


async def test_a_reset_brings_the_world_back_and_tells_nobody(desk: HelpDesk, receiver: tuple[Receiver, str]) -> None:
    fresh = await desk.api("GET", "tickets?per_page=500")
    await desk.control("PUT", "webhook", {"hold": True})
    await desk.mail("Frage", group=GROUP)
    await desk.faults({"kind": "cut"})
    await desk.control("POST", "reset")
    assert [one["title"] for one in await desk.api("GET", "tickets?per_page=500")] == [one["title"] for one in fresh]
    assert (await desk.state())["webhooks"] == []
    await desk.mail("Neue Frage", group=GROUP)
    await eventually(lambda: _done(desk, 1), "only what came after it is told")
    assert len(receiver[0].bodies) == 1


async def test_foreign_pages_cannot_use_the_control_interface(desk: HelpDesk) -> None:
    async with aiohttp.ClientSession() as session:
        origin = {"Origin": "https://elsewhere.example"}
        async with session.post(f"{desk.url}/_stand-in/reset", headers=origin) as answer:
            assert answer.status == 403
        async with session.get(f"{desk.url}/_stand-in/state", headers={"Host": "elsewhere.example"}) as answer:
            assert answer.status == 400


async def _done(desk: HelpDesk, count: int) -> bool:
    state = await desk.state()
    return len(state["webhooks"]) == count and state["busy"] == 0


@pytest.fixture(autouse=True)
def _no_token_in_errors(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    yield
    written = "".join(capfd.readouterr())
    assert "token-of-the-bot" not in written
    assert "Vertraulich" not in written
