"""A loan's way from the library's system to the day file: real NATS, S3, host and worker."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
from standardwebhooks.webhooks import Webhook

from functions.library import dayfiles
from functions.library.loans import loans, record_loan, today
from functions.library.pseudonyms import Ring
from infra.worker.worker import Worker
from shared.backends import Backends
from shared.catalogue import Catalogue
from shared.function import EventFunction, function_of
from shared.jetstream import JetStreamBus
from shared.secrets import Secrets
from shared.settings import Settings
from tests.integration.hosting import hosted
from tests.polling import eventually

SECRET = "whsec_" + b64encode(b"0123456789abcdef0123456789abcdef").decode()
WHOLE = Catalogue.load(Path("serverless.yaml"))


class System:
    """The library's own system: it knows the secret, and its readers."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url, self._session = url, session

    async def tell(self, *rows: tuple[str, str, Any], path: str = "/library/loans") -> tuple[int, dict[str, Any]]:
        body = {"loans": [{"reader": reader, "title": title, "day": str(day)} for reader, title, day in rows]}
        return await self.send(path, body)

    async def send(self, path: str, body: Any) -> tuple[int, dict[str, Any]]:
        at, id, text = datetime.now(UTC), f"msg_{uuid4().hex}", json.dumps(body)
        headers = {
            "content-type": "application/json",
            "webhook-id": id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(SECRET).sign(id, at, text),
        }
        async with self._session.post(f"{self.url}{path}", data=text.encode(), headers=headers) as answer:
            return answer.status, await answer.json()


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    (tmp_path / "library-webhook").write_text(SECRET)
    (tmp_path / "library-master").write_text("a master secret of the tests, long enough")
    return Secrets(tmp_path)


@pytest.fixture
async def use(settings: Settings, secrets: Secrets) -> AsyncIterator[Backends]:
    backends = Backends(settings, secrets=secrets)
    await backends.objects.ensure_bucket(settings.library.bucket)
    yield backends
    await backends.close()


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


async def rows(use: Backends) -> list[dict[str, Any]]:
    return list((await dayfiles.read(use)).to_pylist())


async def test_a_loan_told_over_http_lies_in_its_day_file_under_a_pseudonym(use: Backends) -> None:
    yesterday = today() - timedelta(days=1)
    async with library(use, loans, record_loan) as system:
        assert await system.tell(("R 4711", "t1", yesterday), ("r4711", "t2", today())) == (202, {"loans": 2})

        async def there() -> list[dict[str, Any]]:
            found = await rows(use)
            return found if len(found) == 2 else []

        found = await eventually(there, "two loans in the day files")
    (reader,) = {row["reader"] for row in found}
    assert reader in await Ring(use).every("R4711")
    assert {(row["title"], row["day"]) for row in found} == {("t1", yesterday), ("t2", today())}
    assert "4711" not in json.dumps(found, default=str).replace(reader, "")
