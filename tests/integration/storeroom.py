"""What the tests of object triggers share: a bucket, a function that is told of it, and who tells."""

import json
from base64 import b64encode
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus
from uuid import uuid4

import aiohttp
from standardwebhooks.webhooks import Webhook

from events.storage import ObjectStored, ReconciliationAsked
from functions.storage.notification import take_notification
from functions.storage.reconcile import reconcile_objects
from functions.storage.webhook import storage_token_webhook, storage_webhook
from infra.notifications.filer import KEY, Position
from infra.worker.worker import Worker
from shared.aside import BUCKET
from shared.backends import Backends
from shared.catalogue import Catalogue, FunctionEntry
from shared.function import EventFunction, function_of, on
from shared.objects import Objects
from shared.secrets import Secrets
from shared.settings import NatsSettings, ObjectSettings
from shared.state import State
from tests.integration.hosting import hosted
from tests.integration.workbench import Bench

SECRET = "whsec_" + b64encode(b"0123456789abcdef0123456789abcdef").decode()
TOKEN = "a-token-of-twenty-four-and-more"


class Storeroom:
    """A bucket of this test alone, and a function that notes what it is told of it."""

    def __init__(self, bench: Bench, objects: Objects) -> None:
        self.bench = bench
        self.bucket = f"store-{uuid4().hex[:8]}"
        self.objects = objects
        self.seen: Counter[tuple[str, str]] = Counter()  # key and version -> runs
        self._state = State(bench.settings.nats)

    @property
    def keys(self) -> list[str]:
        """Keys of what was seen, one a run."""
        return sorted(key for key, _ in self.seen.elements())

    def catalogue(self, **limits: Any) -> Catalogue:
        """The project's functions of the system ``storage``, and ``note`` with a trigger on the bucket."""
        entry = {
            "handler": "portal.pages.note",
            "description": "-",
            "events": [{"s3": {"bucket": self.bucket, "suffix": ".jpg"}}],
            **limits,
        }
        whole = _project()
        functions = {name: one for name, one in whole.functions.items() if one.system == "storage"}
        functions["note"] = FunctionEntry.model_validate(entry)
        systems = {name: whole.systems[name] for name in ("portal", "storage")}
        return whole.model_copy(update={"systems": systems, "functions": functions})

    @asynccontextmanager
    async def worker(self, **limits: Any) -> AsyncIterator[Worker]:
        """A worker of the whole catalogue."""

        @on(ObjectStored)
        async def note(event: ObjectStored, use: Backends) -> None:
            self.seen[event.object_key, event.version] += 1

        functions: dict[str, EventFunction] = {}
        for target in (note, take_notification, reconcile_objects):
            function = function_of(target)
            assert isinstance(function, EventFunction)
            functions[function.name] = function
        catalogue, settings = self.catalogue(**limits), self.bench.settings
        use = Backends(settings, catalogue=catalogue)
        try:
            async with Worker(functions, catalogue, settings, backends=use, drain_s=5.0) as worker:
                yield worker
        finally:
            await use.close()

    async def put(self, key: str, data: bytes = b"x") -> None:
        """Write an object."""
        await self.objects.put(self.bucket, key, data)

    async def told(self) -> int:
        """How many events of objects the stream has."""
        info = await self.bench.js.stream_info("EVENTS", subjects_filter=f"events.*.{ObjectStored.type}")
        return sum((info.state.subjects or {}).values())

    async def reconcile(self) -> None:
        """Ask for a listing, and wait until it is done."""
        await self.bench.publish(ReconciliationAsked(), id=str(uuid4()))
        await self.bench.settled("reconcile_objects")

    async def position(self) -> int:
        """How far the filer was followed, nanoseconds since 1970; 0: no position is kept yet."""
        entry = await self._state.bucket(BUCKET).get(KEY)
        return 0 if entry is None else Position.model_validate_json(entry.value).upto_ns

    async def listed(self) -> bool:
        """Whether a listing of the bucket came to its end."""
        return await self._state.bucket(BUCKET).get(f"listed/{self.bucket}") is not None

    async def forget(self, *, hours: int) -> None:
        """Set the position back."""
        value = Position(upto_ns=await self.position() - hours * 3600 * 10**9)
        await self._state.bucket(BUCKET).put(KEY, value.model_dump_json().encode())

    async def moved(self, before: int) -> bool:
        """Whether the position went on; it is written with what comes next."""
        await self.put("nudge.txt")
        return await self.position() > before

    def aws(self, key: str) -> dict[str, Any]:
        """AWS' words for a written object."""
        stored = {"bucket": {"name": self.bucket}, "object": {"key": quote_plus(key, safe="/"), "size": 1}}
        return {"Records": [{"eventVersion": "2.1", "eventName": "ObjectCreated:Put", "s3": stored}]}

    def minio(self, key: str) -> dict[str, Any]:
        """MinIO's."""
        stored = {"bucket": {"name": self.bucket}, "object": {"key": quote_plus(key), "sequencer": uuid4().hex}}
        name = "s3:ObjectCreated:CompleteMultipartUpload"
        return {"EventName": name, "Key": f"{self.bucket}/{key}", "Records": [{"eventName": name, "s3": stored}]}

    def seaweedfs(self, key: str) -> dict[str, Any]:
        """SeaweedFS' own."""
        path = f"/buckets/{self.bucket}/{key}"
        parent, _, name = path.rpartition("/")
        return {
            "key": path,
            "event_type": "update",
            "message": {"new_entry": {"name": name}, "new_parent_path": parent},
        }

    async def publish(self, told: Any) -> None:
        """Say something on the raw NATS subject."""
        await self.bench.js.publish("storage.notifications", json.dumps(told).encode())


@cache
def _project() -> Catalogue:
    return Catalogue.load(Path("serverless.yaml"))


class Caller:
    """Somebody who knows the webhooks' secrets, or another's."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url, self._session = url, session

    async def sign(self, told: Any, *, secret: str = SECRET) -> tuple[int, Any]:
        """Call the signed webhook."""
        at, id = datetime.now(UTC), uuid4().hex
        text = told if isinstance(told, str) else json.dumps(told)
        headers = {
            "webhook-id": id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(secret).sign(id, at, text),
        }
        return await self._post("/storage/notifications", text, headers)

    async def bear(self, told: Any, *, token: str = TOKEN) -> tuple[int, Any]:
        """Call the one that takes a token."""
        headers = {"authorization": f"Bearer {token}"}
        return await self._post("/storage/notifications/token", json.dumps(told), headers)

    async def _post(self, path: str, text: str, headers: dict[str, str]) -> tuple[int, Any]:
        async with self._session.post(self._url + path, data=text.encode(), headers=headers) as answer:
            return answer.status, await answer.json()


@asynccontextmanager
async def storeroom(nats: NatsSettings, objects: ObjectSettings) -> AsyncIterator[Storeroom]:
    """A bucket in this storage; it is removed at the end."""
    client = Objects(objects)
    async with Bench(nats) as bench:
        bench.settings = bench.settings.model_copy(update={"objects": objects})
        made = Storeroom(bench, client)
        await client.ensure_bucket(made.bucket)
        yield made
        async for row in client.list(made.bucket):
            await client.delete(made.bucket, row.key)
        await client._call("clean", lambda s3: s3.delete_bucket(Bucket=made.bucket))
        await made._state.close()
    await client.close()


@asynccontextmanager
async def calling(room: Storeroom, folder: Path) -> AsyncIterator[Caller]:
    """A host that takes the webhooks, and somebody who calls."""
    (folder / "storage-webhook").write_text(SECRET)
    (folder / "storage-token").write_text(TOKEN)
    whole = room.catalogue()
    entries = {name: entry for name, entry in whole.functions.items() if entry.access or name == "note"}
    async with (
        hosted(
            whole.model_copy(update={"functions": entries}),
            storage_webhook,
            storage_token_webhook,
            settings=room.bench.settings,
            bus=room.bench.bus,
            secrets=Secrets(folder),
        ) as url,
        aiohttp.ClientSession() as session,
    ):
        yield Caller(url, session)
