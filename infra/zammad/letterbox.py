"""A help desk that letters are judged by: they come in as mails, and what was written for them is read back.

Everything between is the real way: the stand-in's trigger, the signed webhook, the event, the worker, the notes.
"""

import asyncio
import base64
import json
import mimetypes
import re
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any, Final

import aiohttp

from infra.cms.city import Page
from infra.stack.ports import free_port
from infra.stack.process import Process
from infra.stack.servers import HOST, QUIET, Server, program
from infra.stack.standins import answers
from infra.worker.provision import ordered_stream
from infra.zammad.files import made
from infra.zammad.world import BOT, Answer, Category, Team, World, load_world
from shared.errors import StadtfunkError
from shared.jetstream import JetStreamBus

TOKEN, HOOK = "token-of-an-evaluation", "webhook-token-of-an-evaluation"
_EVERY: Final = 10  # of the city's pages, which one is an answer of the knowledge base as well
_ANSWERS: Final = 30
_LOOK_S: Final = 0.05
_IDLE_S: Final = 1.0  # without any work in the worker, after which nothing more is written
_PATIENCE_S: Final = 300.0
_HREF: Final = re.compile(r'href="([^"]+/source\?[^"]*)"')
_WAITING: Final = "zammad.article.received"


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """What an agent finds in a ticket."""

    draft: str  # HTML; empty: none
    note: str  # the same
    seconds: float  # from the mail to the note
    sources: Mapping[str, str] = field(default_factory=dict)  # what the note's links of sources show, by address


class Letterbox:
    """A running help desk; ``pages`` are ids of the city's pages by the answer that says the same."""

    def __init__(self, url: str, pages: Mapping[int, str], session: aiohttp.ClientSession) -> None:
        self.url = url
        self.pages = pages
        self._session = session

    async def send(self, mail: Mapping[str, Any], nats: JetStreamBus) -> Written:
        """Send a mail (``infra.zammad.control``; files as pairs of name and text), and wait for what comes of it.

        Raises:
            StadtfunkError: nothing came, and the worker is still at it after minutes.
        """
        files = [
            {
                "name": name,
                "type": mimetypes.guess_type(name)[0] or "application/octet-stream",
                "data": base64.b64encode(made(name, text)).decode(),
            }
            for name, text in mail.get("files", ())
        ]
        told = {name: value for name, value in mail.items() if name != "files"} | {"attachments": files}
        start = time.perf_counter()
        ticket_id = (await self._call("POST", "/_stand-in/mails", told))["ticket_id"]
        note = await self._note(ticket_id, start, nats)
        seconds = time.perf_counter() - start
        assets = (await self._call("GET", f"/api/v1/tickets/{ticket_id}/shared_draft"))["assets"] or {}
        draft: dict[str, Any] = next(iter(assets.get("TicketSharedDraftZoom", {}).values()), {})
        # Closed, so that the next letter of this sender is not taken for a repetition.
        await self._call("PUT", f"/_stand-in/tickets/{ticket_id}", {"state": "closed"})
        links = dict.fromkeys(unescape(link) for link in _HREF.findall(note))
        return Written(
            draft=str((draft.get("new_article") or {}).get("body") or ""),
            note=note,
            seconds=seconds,
            sources={link: await self._shown(link) for link in links},
        )

    async def _note(self, ticket_id: int, start: float, nats: JetStreamBus) -> str:
        """The bot's note; empty where the worker has nothing left to do and wrote none."""
        idle: float | None = None  # since when
        looked = start + _IDLE_S
        while True:
            articles = await self._call("GET", f"/api/v1/ticket_articles/by_ticket/{ticket_id}")
            for one in articles:
                if one["created_by_id"] == BOT:
                    return str(one["body"])
            now = time.perf_counter()
            if now - start > _PATIENCE_S:
                raise StadtfunkError(f"a letter got no note within {_PATIENCE_S:.0f} s, and the worker is not idle")
            if now - looked > _IDLE_S / 4:
                looked = now
                if not (await self._told(ticket_id) and await _idle(nats)):
                    idle = None
                elif idle is None:
                    idle = now  # what was written just before is seen in the next round
                elif now - idle > _IDLE_S:
                    return ""
            await asyncio.sleep(_LOOK_S)

    async def _told(self, ticket_id: int) -> bool:
        """Whether the trigger's webhook was answered."""
        jobs = (await self._call("GET", "/_stand-in/state"))["webhooks"]
        return all(job["outcomes"] for job in jobs if job["ticket_id"] == ticket_id)

    async def _shown(self, link: str) -> str:
        async with self._session.get(link) as answer:
            return await answer.text() if answer.status == 200 else ""

    async def _call(self, method: str, path: str, body: object = None) -> Any:
        headers = {"Authorization": f"Token token={TOKEN}"}
        async with self._session.request(method, self.url + path, json=body, headers=headers) as answer:
            if answer.status >= 300:
                raise StadtfunkError(f"the help desk's stand-in answers {method} {path} with {answer.status}")
            return await answer.json()


@asynccontextmanager
async def letterbox(
    folder: Path, portal: str, groups: Sequence[str], pages: Sequence[Page]
) -> AsyncIterator[Letterbox]:
    """Serve one with these groups until the block ends; every tenth page is a published answer as well."""
    said = [page for page in pages if page.kind == "service" and page.public and page.text][::_EVERY][:_ANSWERS]
    world = _world(groups, said)

    def prepare() -> None:
        folder.mkdir(exist_ok=True)
        file.write_text(world.model_dump_json(), encoding="utf-8")

    file, port = folder / "world.json", free_port()
    command = [program("python"), "-m", "infra.zammad", "--port", str(port), "--world", str(file)]
    server = Server(
        name="zammad",
        command=(*command, "--webhook", f"{portal}/zammad/webhook", "--retry-seconds", "1"),
        environment={**QUIET, **secrets()},
        folder=Path.cwd(),
        ports=(port,),
        ready=lambda: answers(f"http://{HOST}:{port}/healthz"),
        provides={},
        prepare=prepare,
    )
    process = Process(server, folder / "zammad.log")
    try:
        await process.start()
        async with aiohttp.ClientSession() as session:
            # Answers are numbered in the order of the world's file, in which these come first.
            yield Letterbox(f"http://{HOST}:{port}", {n: page.id for n, page in enumerate(said, 1)}, session)
    finally:
        process.stop()


def settings(box: Letterbox, groups: Sequence[str]) -> dict[str, str]:
    """What leads a stack to it."""
    told = [{"name": name, "greeting": "Anrede", "signature": "Gruß"} for name in groups]
    return {
        **secrets(),
        "STADTFUNK_ZAMMAD__URL": box.url,
        "STADTFUNK_ZAMMAD__GROUPS": json.dumps(told),
        "STADTFUNK_ZAMMAD__KNOWLEDGE_URL": f"{box.url}/hilfe/{{id}}",
    }


def secrets() -> dict[str, str]:
    """What stack and stand-in know of each other."""
    return {"STADTFUNK_SECRET_ZAMMAD_TOKEN": TOKEN, "STADTFUNK_SECRET_ZAMMAD_WEBHOOK": HOOK}


def _world(groups: Sequence[str], said: Sequence[Page]) -> World:
    """The demo help desk without tickets, with these groups; its own answers are for agents alone.

    No letter's author knows what they say, and a letter that no page answers must find no answer there either.
    """
    demo = load_world()
    known = [team.name for team in demo.groups]
    teams = [Team(name=name, email="amt@auenfurt.example") for name in groups if name not in known]
    answers_ = [Answer(title=page.name, state="published", body=_html(page)) for page in said]
    inside = [
        category.model_copy(
            update={"answers": tuple(one.model_copy(update={"state": "internal"}) for one in category.answers)}
        )
        for category in demo.categories
    ]
    pages = Category(title="Dienstleistungen", answers=tuple(answers_))
    return demo.model_copy(update={"tickets": (), "groups": (*teams, *demo.groups), "categories": (pages, *inside)})


def _html(page: Page) -> str:
    parts = [f"<p>{page.summary}</p>" if page.summary else "", page.description()]
    return "".join((*parts, *(f"<h2>{one.heading}</h2>{one.html}" for one in page.sections)))


async def _idle(bus: JetStreamBus) -> bool:
    """Whether every letter that the webhook told of was worked on to an end."""
    await bus.connect()
    lanes = ordered_stream("draft_reply")
    told = await bus.jetstream.stream_info("EVENTS", subjects_filter=f"events.*.{_WAITING}")
    if (await bus.jetstream.stream_info(lanes)).state.last_seq < sum((told.state.subjects or {}).values()):
        return False
    return not any(one.num_pending or one.num_ack_pending for one in await bus.jetstream.consumers_info(lanes))
