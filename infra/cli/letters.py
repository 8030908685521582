"""`stadtfunk evaluate zammad`: letters go the whole way to a draft; what reaches a model is read along."""

import asyncio
import contextlib
import json
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp

from events.zammad import KnowledgeSyncAsked
from infra.cli.evaluate import commit, in_a_line, stack
from infra.cli.output import err, fail, show_json, show_table
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

# In a checkout, and where they lie in the package.
_OWN = (Path(__file__).parents[2] / "tests" / "letters", Path(__file__).parents[1] / "letters")
_HALVES = ("tuned", "unseen")
_LIES_IN = ["de"]  # languages that the lying model writes: it has the pages' sentences only
_SYSTEMS = ("zammad", "xnext")
_SYNC_S = 600.0


class Came(NamedTuple):
    """What came of a letter, and what models got and said meanwhile."""

    written: Written
    seen: list[str]
    told: list[Said]


def judged_letters(
    system: str, module: ModuleType, documents: Path | None, letters: list[Path] | None, *, as_json: bool
) -> None:
    """Judge a system's drafts and print the figures."""
    files = {file.stem: file for file in letters} if letters else _own()
    if letters and len(files) < len(letters):
        fail("two --letters have the same name; their figures could not be told apart")
    figures = asyncio.run(_judged(module, documents, files))
    figures["run"] |= {"commit": commit()}
    if as_json:
        show_json(figures)
        return
    rows = {"all": figures, **figures["files"], **figures["kinds"]}
    names = [name for name in figures if name not in ("files", "kinds", "lying_model", "latency_ms", "run")]
    show_table(f"{system}: letters", ["Letters", *names], [(row, *(rows[row][name] for name in names)) for row in rows])
    for beside in ("latency_ms", "lying_model", "run"):
        err.print(f"{beside}: {in_a_line(figures[beside])}", markup=False, soft_wrap=True)


def _own() -> dict[str, Path]:
    folder = next((one for one in _OWN if one.is_dir()), None)
    if folder is None:
        fail("the project's own letters are not installed; name some with --letters")
    return {half: folder / f"{half}.jsonl" for half in _HALVES}


async def _judged(module: ModuleType, documents: Path | None, files: Mapping[str, Path]) -> dict[str, Any]:
    letters = {name: module.load_letters(file) for name, file in files.items()}
    groups = list(dict.fromkeys(letter.group for some in letters.values() for letter in some))
    city = load_city() if documents is None else read_services(documents)
    begin, port = time.monotonic(), _port()
    async with contextlib.AsyncExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="stadtfunk-letters-")))
        embeddings, variables = await held.enter_async_context(_embeddings(folder))
        # Asked in the second pass alone: in the first no language is known that it writes.
        lies = await held.enter_async_context(liar())
        chat = await held.enter_async_context(recorder(_place(lies.url)))
        box = await held.enter_async_context(
            letterbox(folder / "zammad", f"http://{servers.HOST}:{port}", groups, city.pages)
        )
        variables |= {"STADTFUNK_CHAT__URL": f"{chat.url}/v1", **settings(box, groups)}
        passes = _Passes(box, embeddings, chat, lies)
        data = folder / "data"
        async with stack(_SYSTEMS, documents, data=data, port=port, variables=variables) as (found, pages):
            await _synced(found, box)
            async with passes.through(found) as send:
                figures = await module.evaluate_letters(letters, send, box.pages)
        variables["STADTFUNK_CHAT__LANGUAGES"] = json.dumps(_LIES_IN)
        async with (
            stack(_SYSTEMS, documents, data=data, port=port, variables=variables) as (found, _),
            passes.through(found) as send,
        ):
            figures["lying_model"] = await module.evaluate_lies(letters, send, box.pages)
    run = {"documents": pages, "answers": len(box.pages), "model": found.embeddings.model}
    return dict(figures) | {"run": run | {"seconds": round(time.monotonic() - begin)}}


class _Passes:
    """Letters through one stack after the other; a recorder stands before each model."""

    def __init__(self, box: Letterbox, embeddings: Recorder, chat: Recorder, lies: Liar) -> None:
        self._box = box
        self._recorders = (embeddings, chat)
        self._lies = lies

    @contextlib.asynccontextmanager
    async def through(self, found: Settings) -> AsyncIterator[Any]:
        """What sends a letter."""
        nats = JetStreamBus(found.nats, name="stadtfunk-evaluate")

        async def send(mail: Mapping[str, Any]) -> Came:
            self._drained()
            self._lies.drain()
            written = await self._box.send(mail, nats)
            return Came(written, self._drained(), self._lies.drain())

        try:
            yield send
        finally:
            await nats.close()

    def _drained(self) -> list[str]:
        return [text for one in self._recorders for text in one.drain()]


@contextlib.asynccontextmanager
async def _embeddings(folder: Path) -> AsyncIterator[tuple[Recorder, dict[str, str]]]:
    """An embedding server with a recorder before it, and what leads a stack there."""
    port = free_port()
    server = servers.embeddings(folder / "embeddings", lambda _: port)
    process = Process(server, folder / "embeddings.log")
    try:
        await process.start()
        variable = "STADTFUNK_EMBEDDINGS__URL"
        async with recorder(_place(server.provides[variable])) as found:
            yield found, {**server.provides, variable: f"{found.url}{urlsplit(server.provides[variable]).path}"}
    finally:
        process.stop()


def _port() -> int:
    """A port that the stack will take; ``free_port`` would keep it for this process."""
    with socket.socket() as probe:
        probe.bind((servers.HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


async def _synced(found: Settings, box: Letterbox) -> None:
    """Wait until the knowledge base's answers can be found."""
    await ask(found.nats, KnowledgeSyncAsked(), "sync_knowledge")
    url = f"{found.host.public_url}/zammad/knowledge/figures".replace("//zammad", "/zammad")
    deadline = time.monotonic() + _SYNC_S
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < deadline:
            async with session.get(url) as answer:
                rows = (await answer.json())["rows"] if answer.status == 200 else []
            if rows and rows[0][1] >= len(box.pages):
                return
            await asyncio.sleep(0.5)
    raise StadtfunkError(f"the knowledge base's answers are not findable after {_SYNC_S:.0f} s")
