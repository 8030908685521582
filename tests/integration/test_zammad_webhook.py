"""Zammad's webhook at the door of a real host: signatures over recorded bytes, repeats, sizes, events."""

import asyncio
import hashlib
import hmac
import io
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from functions.zammad.webhook import zammad_webhook
from shared.bus import MemoryBus
from shared.catalogue import Catalogue
from shared.errors import BackendError
from shared.jetstream import JetStreamBus
from shared.secrets import Secrets
from shared.settings import NatsSettings, ZammadGroup, ZammadSettings
from shared.state import State
from tests.integration.helpdesk import WHOLE
from tests.integration.hosting import hosted, plain_settings
from tests.integration.workbench import Bench

RECORDED = Path(__file__).parents[3] / "shared/data/zammad"
TOKEN = "s3cr3t-t0k3n"  # what the recordings are signed with
SETTINGS = ZammadSettings(
    url="http://127.0.0.1:9",
    groups=(ZammadGroup(name="KVR::Fahrerlaubnisbehörde"), ZammadGroup(name="Fahrerlaubnis")),
)
ARTICLE = {"id": 17, "sender": "Customer", "type": "email", "internal": False, "from": "erika@example.org"}
PAYLOAD = {"ticket": {"id": 6, "group": {"name": "Fahrerlaubnis"}}, "article": ARTICLE}


class Zammad:
    """Whoever has the token."""

    def __init__(self, url: str, bus: Any, session: aiohttp.ClientSession) -> None:
        self.url, self.bus, self._session = f"{url}/zammad/webhook", bus, session

    async def send(
        self, body: Any, *, token: str | None = TOKEN, delivery: str | None = None, **headers: str
    ) -> tuple[int, dict[str, Any]]:
        raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        sent = {"content-type": "application/json", "x-zammad-delivery": delivery or str(uuid4()), **headers}
        if token is not None:
            sent["x-hub-signature"] = "sha1=" + hmac.new(token.encode(), raw, hashlib.sha1).hexdigest()
        async with self._session.post(self.url, data=io.BytesIO(raw), headers=sent) as answer:
            return answer.status, await answer.json()


def catalogue() -> Catalogue:
    return WHOLE.model_copy(update={"functions": {"zammad_webhook": WHOLE.functions["zammad_webhook"]}})


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    (tmp_path / "zammad-webhook").write_text(TOKEN + "\n")
    return Secrets(tmp_path)


@pytest.fixture
async def zammad(secrets: Secrets) -> AsyncIterator[Zammad]:
    bus = MemoryBus()
    async with (
        hosted(catalogue(), zammad_webhook, settings=plain_settings(zammad=SETTINGS), bus=bus, secrets=secrets) as url,
        aiohttp.ClientSession() as session,
    ):
        yield Zammad(url, bus, session)


def types(bus: MemoryBus) -> list[tuple[str, dict[str, int]]]:
    return [(event.type, json.loads(event.data)) for event in bus.events]


async def raw_post(url: str, headers: dict[bytes, bytes], body: bytes) -> bytes:
    """The status line that answers exactly these bytes: HTTP clients refuse to send what Zammad sends."""
    host, port = url.removeprefix("http://").split("/")[0].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    lines = [b"POST /zammad/webhook HTTP/1.1", b"Host: " + host.encode(), b"Content-Length: %d" % len(body)]
    lines += [name + b": " + value for name, value in headers.items()]
    writer.write(b"\r\n".join([*lines, b"Connection: close", b"", body]))
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer.split(b"\r\n", 1)[0]


@pytest.mark.skipif(
    not RECORDED.exists() and os.environ.get("CI") != "true", reason="the recordings lie in ../shared/data"
)
async def test_the_recorded_and_the_modelled_deliveries_are_taken(zammad: Zammad) -> None:
    modelled: dict[str, dict[str, str]] = json.loads((RECORDED / "headers.json").read_text())["requests"]
    assert len(modelled) == 6
    for name, headers in modelled.items():
        raw = {key.encode(): value.encode() for key, value in headers.items()}  # the trigger's name as raw UTF-8
        assert b" 20" in await raw_post(zammad.url, raw, (RECORDED / f"{name}.raw").read_bytes()), name
    real = json.loads((RECORDED / "real_5.5/hook_headers.json").read_text())["headers"]
    sent = {key.encode(): value.encode("latin-1") for key, value in real.items() if key.startswith(("X-", "User"))}
    sent[b"X-Hub-Signature"] = _signature((RECORDED / "real_5.5/hook_body.raw").read_bytes())
    assert b" 202 " in await raw_post(zammad.url, sent, (RECORDED / "real_5.5/hook_body.raw").read_bytes())
    received, sent_reply = "zammad.article.received", "zammad.reply.sent"
    assert types(zammad.bus) == [
        (received, {"ticket_id": 3720, "article_id": 9001}),
        (received, {"ticket_id": 3720, "article_id": 9010}),
        (received, {"ticket_id": 3721, "article_id": 9020}),
        (sent_reply, {"ticket_id": 3720, "article_id": 9012}),
        (received, {"ticket_id": 6, "article_id": 6}),
    ]


def _signature(body: bytes) -> bytes:
    return b"sha1=" + hmac.new(TOKEN.encode(), body, hashlib.sha1).hexdigest().encode()


async def test_without_the_right_signature_nothing_is_read(zammad: Zammad) -> None:
    assert (await zammad.send(PAYLOAD, token=None))[0] == 401
    assert (await zammad.send(PAYLOAD, token="another-token"))[0] == 401
    signature = _signature(json.dumps(PAYLOAD).encode()).decode()
    for wrong in (signature[5:], "", "sha1=", "sha256=" + signature[5:], signature[:-1]):
        assert (await zammad.send(PAYLOAD, token=None, **{"x-hub-signature": wrong}))[0] == 401
    altered = json.dumps(PAYLOAD).encode().replace(b"17", b"18")
    assert (await zammad.send(altered, token=None, **{"x-hub-signature": signature}))[0] == 401
    standard = {"webhook-id": "a", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"}
    assert (await zammad.send(PAYLOAD, token=None, **standard))[0] == 401
    assert zammad.bus.events == []


async def test_of_two_signatures_the_first_counts(zammad: Zammad) -> None:
    """Whoever stands between cannot slip a body in by adding a header of their own."""
    body, altered = json.dumps(PAYLOAD).encode(), json.dumps(PAYLOAD).encode().replace(b"17", b"18")
    right, wrong = _signature(body), b"sha1=" + b"0" * 40
    kind = {b"Content-Type": b"application/json"}
    for first, second, sent in ((wrong, right, body), (b"", right, body), (right, right, altered)):
        headers = {**kind, b"X-Hub-Signature": first, b"x-hub-signature": second}
        assert b" 401 " in await raw_post(zammad.url, headers, sent)
    assert zammad.bus.events == []
    assert b" 202 " in await raw_post(zammad.url, {**kind, b"X-Hub-Signature": right}, body)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (202, PAYLOAD),
        (202, {"v": 1, "ticket_id": "6", "article_id": "17", "group": "Fahrerlaubnis", "sender": "Customer"}),
        (200, PAYLOAD | {"article": {}}),
        (200, {"error": "The payload is no valid JSON."}),
        (200, b""),
        (200, {}),
        (200, PAYLOAD | {"article": ARTICLE | {"internal": True}}),
        (200, PAYLOAD | {"ticket": {"id": 6, "group": {"name": "Users"}}}),
        (422, b"no json"),
        (422, b"["),
        (422, {"ticket": {"id": "x"}}),
    ],
)
async def test_what_is_answered_to_what(zammad: Zammad, status: int, body: Any) -> None:
    got, answer = await zammad.send(body)
    assert got == status
    assert len(zammad.bus.events) == (status == 202)
    assert status == 422 or answer["taken"] == (status == 202)
    assert "erika" not in json.dumps(answer)


async def test_large_payloads_up_to_the_cap(zammad: Zammad) -> None:
    largest = PAYLOAD | {"article": ARTICLE | {"body": "ä" * 1_500_000}}  # as Zammad sends at most
    assert (await zammad.send(largest))[0] == 202
    too_large = PAYLOAD | {"article": ARTICLE | {"body": "a" * (8 * 2**20)}}
    assert (await zammad.send(too_large))[0] == 413
    assert len(zammad.bus.events) == 1


async def test_a_delivery_that_was_answered_is_answered_again(zammad: Zammad) -> None:
    first = await zammad.send(PAYLOAD, delivery="one")
    assert first[0] == 202
    assert [await zammad.send(PAYLOAD, delivery="one") for _ in range(4)] == [first] * 4
    # Another trigger told of the same article, or somebody replays the request with an id of their own.
    assert (await zammad.send(PAYLOAD, delivery="two"))[0] == 202
    assert len(zammad.bus.events) == 1


async def test_a_changed_ticket_tells_nothing_new_of_its_article(zammad: Zammad) -> None:
    """Zammad tells again when a ticket changes, as it is then: an article's event is the same one for ever."""
    assert (await zammad.send(PAYLOAD | {"article": ARTICLE | {"internal": True}}))[0] == 200  # nothing to do yet
    assert zammad.bus.events == []
    assert (await zammad.send(PAYLOAD, delivery="one"))[0] == 202
    ticket = {**PAYLOAD["ticket"], "state": {"name": "open"}, "title": "changed", "article_count": 2}
    changed = {"ticket": ticket, "article": ARTICLE | {"body": "changed", "updated_at": "2026-11-23T12:00:00Z"}}
    ids = {"v": 1, "ticket_id": "6", "article_id": "17", "group": "Fahrerlaubnis", "sender": "Customer"}
    for number, body in enumerate((changed, ids, changed | {"ticket": {"id": 6}}, changed)):
        assert (await zammad.send(body, delivery=f"again-{number}"))[0] == 202
    # The same delivery id with another article, which Zammad never sends, is not taken for the first.
    assert (await zammad.send(PAYLOAD | {"article": ARTICLE | {"id": 18}}, delivery="one"))[0] == 202
    assert [told["article_id"] for _, told in types(zammad.bus)] == [17, 18]


async def test_more_than_the_rate_limit_from_one_zammad_is_taken(secrets: Secrets) -> None:
    bus, settings = MemoryBus(), plain_settings(zammad=SETTINGS, host={"rate_per_minute": 5})
    async with (
        hosted(catalogue(), zammad_webhook, settings=settings, bus=bus, secrets=secrets) as url,
        aiohttp.ClientSession() as session,
    ):
        zammad = Zammad(url, bus, session)
        for id in range(30):
            assert (await zammad.send(PAYLOAD | {"article": ARTICLE | {"id": id + 1}}))[0] == 202
        guesses = [(await zammad.send(PAYLOAD, token="a-wrong-token"))[0] for _ in range(10)]
    assert guesses.count(401) == 5
    assert guesses.count(429) == 5
    assert len(bus.events) == 30


async def test_its_signature_stands_in_the_openapi_document(zammad: Zammad) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(zammad.url.replace("zammad/webhook", "openapi.json")) as a,
    ):
        document = await a.json()
    operation = document["paths"]["/zammad/webhook"]["post"]
    assert operation["security"] == [{"hub": []}]
    assert document["components"]["securitySchemes"]["hub"]["name"] == "x-hub-signature"


async def test_it_is_stored_before_it_is_answered(secrets: Secrets) -> None:
    class Away(MemoryBus):
        async def publish(self, event: Any, *, key: str | None = None) -> None:
            raise BackendError("nats", "away")

    settings = plain_settings(zammad=SETTINGS)
    async with (
        hosted(catalogue(), zammad_webhook, settings=settings, bus=Away(), secrets=secrets) as url,
        aiohttp.ClientSession() as session,
    ):
        assert (await Zammad(url, None, session).send(PAYLOAD))[0] == 503


async def test_one_event_of_copies_at_the_same_moment_at_two_hosts(
    secrets: Secrets, nats_settings: NatsSettings
) -> None:
    settings = plain_settings(zammad=SETTINGS, nats=nats_settings)
    first, second = JetStreamBus(nats_settings), JetStreamBus(nats_settings)
    state = State(nats_settings)
    async with (
        Bench(nats_settings) as bench,
        aiohttp.ClientSession() as session,
    ):
        from functions.zammad.draft import draft_reply

        await bench.provision(draft_reply)
        more: Any = {"settings": settings, "secrets": secrets, "state": state}
        async with (
            hosted(catalogue(), zammad_webhook, bus=first, **more) as one,
            hosted(catalogue(), zammad_webhook, bus=second, **more) as two,
        ):
            bodies = [PAYLOAD | {"article": ARTICLE | {"id": id}} for id in range(1, 21)]
            sent = [
                Zammad(url, None, session).send(body, delivery=f"job-{number}")
                for number, body in enumerate(bodies)
                for url in (one, two, one, two, one)
            ]
            assert {status for status, _ in await asyncio.gather(*sent)} == {202}
        assert await bench.count("EVENTS") == len(bodies)
    await first.close()
    await second.close()
    await state.close()
