"""The whole way of letters on a stack of its own: help desk, webhook, bus, worker; a recorder before each model.

The language model behind the recorder lies (``infra.liar``): a stack that says which languages it writes asks it.
"""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import aiohttp

from events.zammad import KnowledgeSyncAsked
from infra.cli.evaluate import stack
from infra.cms.city import load_city
from infra.cms.services import read_services
from infra.liar import Liar, Said, liar
from infra.recorder import Recorder, recorder
from infra.stack import servers
from infra.stack.loading import ask
from infra.stack.ports import free_port
from infra.stack.process import Process
from infra.zammad.letterbox import Letterbox, Written, letterbox, settings
from shared.errors import StadtfunkError
from shared.jetstream import JetStreamBus
from shared.settings import Settings

_LIES_IN: Final = ["de"]  # languages that the lying model writes: it has the pages' sentences only
_SYSTEMS: Final = ("zammad", "xnext")
_SYNC_S: Final = 600.0


class Came(NamedTuple):
    """What came of a letter, and what models got and said meanwhile."""

    written: Written
    seen: list[str]
    told: list[Said]


class Sending:
    """A stack that letters are sent to."""

    def __init__(self, way: "Way", found: Settings, pages: int) -> None:
        self.pages = pages  # of the city
        self.model = found.embeddings.model
        self._way = way
        self._nats = JetStreamBus(found.nats, name="stadtfunk-letters")

    async def __call__(self, mail: Mapping[str, Any]) -> Came:
        """Send a letter and wait for what comes of it (``Letterbox.send``)."""
        self._way.drained()
        self._way.lies.drain()
        written = await self._way.box.send(mail, self._nats)
        return Came(written, self._way.drained(), self._way.lies.drain())

    async def close(self) -> None:
        """Close the connection."""
        await self._nats.close()


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """Help desk and models, to which stacks are started one after the other, on the same data."""

    box: Letterbox
    embeddings: Recorder
    chat: Recorder
    lies: Liar
    documents: Path | None  # None: the demo city
    data: Path
    port: int
    variables: Mapping[str, str]

    def drained(self) -> list[str]:
        """What models got since the last call."""
        return [*self.embeddings.drain(), *self.chat.drain()]

    @contextlib.asynccontextmanager
    async def sending(self, *, lying: bool = False) -> AsyncIterator[Sending]:
        """A stack with all pages and answers findable; with ``lying`` it asks the language model."""
        told = {"STADTFUNK_CHAT__LANGUAGES": json.dumps(_LIES_IN)} if lying else {}
        running = stack(_SYSTEMS, self.documents, data=self.data, port=self.port, variables={**self.variables, **told})
        async with running as (found, pages):
            await _synced(found, len(self.box.pages))
            sending = Sending(self, found, pages)
            try:
                yield sending
            finally:
                await sending.close()


@contextlib.asynccontextmanager
async def way(folder: Path, documents: Path | None, groups: Sequence[str]) -> AsyncIterator[Way]:
    """Serve help desk and models in a folder until the block ends; ``documents`` None: the demo city."""
    city = load_city() if documents is None else read_services(documents)
    port = _port()
    async with contextlib.AsyncExitStack() as held:
        embeddings, variables = await held.enter_async_context(_embeddings(folder))
        lies = await held.enter_async_context(liar())
        chat = await held.enter_async_context(recorder(_host(lies.url)))
        portal = f"http://{servers.HOST}:{port}"
        box = await held.enter_async_context(letterbox(folder / "zammad", portal, groups, city.pages))
        yield Way(
            box=box,
            embeddings=embeddings,
            chat=chat,
            lies=lies,
            documents=documents,
            data=folder / "data",
            port=port,
            variables={**variables, "STADTFUNK_CHAT__URL": f"{chat.url}/v1", **settings(box, groups)},
        )


@contextlib.asynccontextmanager
async def _embeddings(folder: Path) -> AsyncIterator[tuple[Recorder, dict[str, str]]]:
    """An embedding server with a recorder before it, and what leads a stack there."""
    port = free_port()
    server = servers.embeddings(folder / "embeddings", lambda _: port)
    process = Process(server, folder / "embeddings.log")
    try:
        await process.start()
        variable = "STADTFUNK_EMBEDDINGS__URL"
        async with recorder(_host(server.provides[variable])) as found:
            yield found, {**server.provides, variable: f"{found.url}{urlsplit(server.provides[variable]).path}"}
    finally:
        process.stop()


def _port() -> int:
    """A port that the stack will take; ``free_port`` would keep it for this process."""
    with socket.socket() as probe:
        probe.bind((servers.HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


async def _synced(found: Settings, answers: int) -> None:
    """Wait until the knowledge base's answers can be found."""
    await ask(found.nats, KnowledgeSyncAsked(), "sync_knowledge")
    url = f"{str(found.host.public_url).rstrip('/')}/zammad/knowledge/figures"
    deadline = time.monotonic() + _SYNC_S
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < deadline:
            async with session.get(url) as answer:
                rows = (await answer.json())["rows"] if answer.status == 200 else []
            if rows and rows[0][1] >= answers and await _warm(found):
                return
            await asyncio.sleep(0.5)
    raise StadtfunkError(f"the knowledge base's answers are not findable after {_SYNC_S:.0f} s")


async def _warm(found: Settings) -> bool:
    """Whether what drafts need is read ahead."""
    bus = JetStreamBus(found.nats, name="stadtfunk-letters")
    try:
        await bus.connect()
        info = await bus.jetstream.consumer_info("EVENTS", "warm_drafts")
        return not (info.num_pending or info.num_ack_pending)
    finally:
        await bus.close()
