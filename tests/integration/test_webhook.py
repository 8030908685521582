"""A notice over HTTP: what becomes an event, and what is refused with the field that is wrong."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
from standardwebhooks.webhooks import Webhook

from functions.xnext.webhook import webhook
from shared.bus import MemoryBus
from shared.catalogue import Catalogue
from shared.secrets import Secrets
from shared.settings import CmsSource, XnextSettings
from tests.integration.hosting import hosted, plain_settings

SECRET = "whsec_" + b64encode(b"0123456789abcdef0123456789abcdef").decode()
SOURCE = CmsSource(name="befi", kind="befi", url="http://127.0.0.1:9/befi")


class Sender:
    """The CMS that knows the secret."""

    def __init__(self, url: str, bus: MemoryBus, session: aiohttp.ClientSession) -> None:
        self.url, self.bus, self._session = url, bus, session

    async def send(
        self, body: Any, *, secret: str = SECRET, age: timedelta = timedelta(), id: str | None = None
    ) -> tuple[int, dict[str, Any]]:
        at, id = datetime.now(UTC) - age, id or f"msg_{uuid4().hex}"
        text = body if isinstance(body, str) else json.dumps(body)
        headers = {
            "content-type": "application/json",
            "webhook-id": id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(secret).sign(id, at, text),
        }
        async with self._session.post(f"{self.url}/cms/webhook", data=text.encode(), headers=headers) as answer:
            return answer.status, await answer.json()


def notice(**data: Any) -> dict[str, Any]:
    return {
        "type": "page.changed",
        "timestamp": "2026-11-22T10:00:00Z",
        "data": {"source": "befi", "id": "1063", **data},
    }


@pytest.fixture
async def sender(tmp_path: Path) -> AsyncIterator[Sender]:
    (tmp_path / "cms-webhook").write_text(SECRET)
    settings = plain_settings(xnext=XnextSettings(sources=(SOURCE,)))
    whole = Catalogue.load(Path("serverless.yaml"))
    catalogue = whole.model_copy(update={"functions": {"webhook": whole.functions["webhook"]}})
    bus = MemoryBus()
    async with (
        hosted(catalogue, webhook, settings=settings, bus=bus, secrets=Secrets(tmp_path)) as url,
        aiohttp.ClientSession() as session,
    ):
        yield Sender(url, bus, session)


@pytest.mark.parametrize("id", ["1063", 1063])
async def test_a_notice_becomes_one_event(sender: Sender, id: object) -> None:
    assert await sender.send(notice(id=id, html="<script>never read</script>")) == (202, {"page_id": "befi:1063"})
    (event,) = sender.bus.events
    assert (event.type, event.subject) == ("cms.page.notified", "befi:1063")
    assert json.loads(event.data) == {"source": "befi", "page_id": "befi:1063"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("no json", "body"),
        ("[" * 60_000, "body"),
        ([], "body"),
        ({}, "type"),
        (notice() | {"type": "page.created"}, "type"),
        (notice() | {"data": None}, "data"),
        ({"type": "page.changed"}, "data"),
        (notice(source="other"), "data.source"),
        (notice(source=7), "data.source"),
        (notice(id=None), "data.id"),
        (notice(id="../../etc/passwd"), "data.id"),
        (notice(id="1 OR 1=1"), "data.id"),
        (notice(id="x" * 200), "data.id"),
        (notice(id=""), "data.id"),
    ],
)
async def test_a_wrong_notice_names_its_field_and_publishes_nothing(sender: Sender, body: Any, field: str) -> None:
    status, problem = await sender.send(body)
    assert (status, problem["errors"][0]["field"]) == (422, field)
    assert "etc/passwd" not in json.dumps(problem)
    assert sender.bus.events == []


async def test_a_wrong_signature_an_old_notice_and_a_replay_change_nothing(sender: Sender) -> None:
    stranger = "whsec_" + b64encode(b"another secret of some length...").decode()
    assert (await sender.send(notice(), secret=stranger))[0] == 401
    assert (await sender.send(notice(), age=timedelta(hours=1)))[0] == 401
    assert (await sender.send(notice(), age=timedelta(hours=-1)))[0] == 401
    assert sender.bus.events == []
    assert (await sender.send(notice(), id="msg_1"))[0] == 202
    assert (await sender.send(notice(), id="msg_1"))[0] == 409
    assert len(sender.bus.events) == 1
