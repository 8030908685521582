"""The library's own system for tests: it knows the secret and its readers, and speaks to a real host and worker."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
from standardwebhooks.webhooks import Webhook

from infra.worker.worker import Worker
from shared.backends import Backends
from shared.catalogue import Catalogue
from shared.function import EventFunction, function_of
from shared.jetstream import JetStreamBus
from shared.secrets import Secrets
from tests.integration.hosting import hosted

SECRET = "whsec_" + b64encode(b"0123456789abcdef0123456789abcdef").decode()
WHOLE = Catalogue.load(Path("serverless.yaml"))


class System:
    """The library's own system: it knows the secret, and its readers."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url, self._session = url, session

    async def tell(self, *rows: tuple[str, str, Any], path: str = "/library/loans") -> tuple[int, dict[str, Any]]:
        body = {"loans": [{"reader": reader, "title": title, "day": str(day)} for reader, title, day in rows]}
        return await self.send(path, body)

    async def send(self, path: str, body: Any, *, secret: str = SECRET) -> tuple[int, dict[str, Any]]:
        text = body if isinstance(body, str) else json.dumps(body)
        headers = {"content-type": "application/json", **_signed(text, secret)}
        async with self._session.post(f"{self.url}{path}", data=text.encode(), headers=headers) as answer:
            return answer.status, await answer.json()

    async def ask(self, path: str) -> tuple[int, dict[str, Any]]:
        async with self._session.get(f"{self.url}{path}", headers=_signed("", SECRET)) as answer:
            return answer.status, await answer.json()


def _signed(text: str, secret: str) -> dict[str, str]:
    at, id = datetime.now(UTC), f"msg_{uuid4().hex}"
    return {
        "webhook-id": id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(id, at, text),
    }


def secrets_in(folder: Path) -> Secrets:
    """The library's secrets, as files."""
    folder.mkdir(exist_ok=True)
    (folder / "library-webhook").write_text(SECRET)
    (folder / "library-master").write_text("a master secret of the tests, long enough")
    return Secrets(folder)


@asynccontextmanager
async def library(use: Backends, *handlers: Any) -> AsyncIterator[System]:
    """Host and worker with these functions of the library, as the catalogue lists them."""
    found = [function_of(handler) for handler in handlers]
    names = {one.name for one in found if one is not None}
    catalogue = WHOLE.model_copy(update={"functions": {n: f for n, f in WHOLE.functions.items() if n in names}})
    events = {one.name: one for one in found if isinstance(one, EventFunction)}
    bus = JetStreamBus(use.settings.nats)
    async with (
        Worker(events, catalogue, use.settings, backends=use),
        hosted(catalogue, *handlers, settings=use.settings, bus=bus, secrets=use.secrets, state=use.state) as url,
        aiohttp.ClientSession() as session,
    ):
        yield System(url, session)
    await bus.close()
