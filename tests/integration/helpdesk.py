"""A help desk for tests: the stand-in for Zammad in this process, the worker that serves it, and what became of it."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from events.zammad import ArticleReceived
from functions.zammad.client import Zammad
from functions.zammad.mail import Mail
from functions.zammad.markers import Marker
from functions.zammad.proposal import Answered, Proposal
from functions.zammad.tickets import Article, SharedDraft
from functions.zammad.understanding import Concern, Understanding
from infra.handlers import resolve
from infra.stack.ports import free_port
from infra.worker.provision import ordered_stream
from infra.worker.worker import Worker
from infra.zammad.app import create_app
from infra.zammad.world import load_world
from shared.backends import Backends
from shared.bus import derived_id, enveloped
from shared.catalogue import Catalogue, RetryPolicy
from shared.function import EventFunction
from shared.jetstream import JetStreamBus
from shared.knowledge.citations import Source, Statement
from shared.knowledge.quotes import Span
from shared.rest import Rest
from shared.settings import NatsSettings, Settings, ZammadGroup, ZammadSettings
from tests.polling import eventually
from tests.serving import serving

PATH = Path(__file__).parents[2] / "serverless.yaml"
WHOLE = Catalogue.load(PATH)
GROUP = "Führerscheinstelle"
BOT, AGENT = 3, 4  # users of the stand-in's world
TOKEN, HOOK = "bot-token-of-a-test", "webhook-token-of-a-test"
TEXT = "Der Umtausch des Führerscheins kostet 25,30 Euro und dauert etwa vier Wochen."
QUICK = RetryPolicy.model_validate({"attempts": 8, "initial": "50ms", "max": "500ms"})


async def scripted(mail: Mail, group: ZammadGroup, use: Backends, **_: object) -> Proposal:
    """A proposal without any model: one quoted statement, none for who writes of an elephant."""
    concern = Concern(text=mail.subject, parts=(mail.subject,))
    source = Source(
        number=1, document="city:1", revision=1, title="Umtausch", url="https://stadt.example/1", heading="",
        text=TEXT, language="de",
    )  # fmt: skip
    known = "Elefant" not in mail.body
    said = (Statement(text=TEXT, source=source, quote=Span(0, len(TEXT)), verbatim=True),) if known else ()
    answered = Answered(concern=concern, statements=said, reason=None if known else "no_source")
    understanding = Understanding(language="de", concerns=(concern,), category="fuehrerschein")
    return Proposal(mail=mail, understanding=understanding, language="de", answers=(answered,))


class HelpDesk:
    """The stand-in, seen by its people and by the bot."""

    def __init__(self, url: str, session: aiohttp.ClientSession, rest: Rest) -> None:
        self.url = url
        self._session = session
        self.bot = Zammad(rest, ZammadSettings(url=url), TOKEN)

    async def tell(self, method: str, path: str, **values: Any) -> Any:
        """Ask for something below ``/_stand-in/``; ``body`` as a keyword sends it whole."""
        sent = values.pop("whole", values)
        async with self._session.request(method, f"{self.url}/_stand-in/{path}", json=sent) as answer:
            assert answer.status < 300, (path, answer.status, await answer.text())
            return await answer.json()

    async def mail(self, subject: str = "Umtausch", body: str = "Was kostet das?", **values: Any) -> ArticleReceived:
        """A citizen writes; gives what a webhook would tell of it."""
        given = {"name": "Erika Musterfrau", "email": "erika@example.org", "group": GROUP, **values}
        return ArticleReceived.model_validate(await self.tell("POST", "mails", subject=subject, body=body, **given))

    async def faults(self, *faults: dict[str, Any]) -> None:
        """Let the interface have these faults from now on, and no others."""
        await self.tell("PUT", "faults", whole=list(faults))

    async def notes(self, ticket_id: int) -> list[Article]:
        """The bot's notes in a ticket, oldest first."""
        return [one for one in await self.bot.articles(ticket_id) if one.created_by_id == BOT]

    async def marked(self, ticket_id: int) -> list[tuple[int, int]]:
        """Article and revision of each note's reference."""
        found = [Marker.read(note.subject) for note in await self.notes(ticket_id)]
        return [(one.article_id, one.revision) for one in found if one is not None]

    async def draft(self, ticket_id: int) -> SharedDraft | None:
        """The ticket's shared draft."""
        return await self.bot.draft(ticket_id)

    async def requests(self, method: str, path: str) -> Counter[int]:
        """How often the interface was asked for this, by status (0: no answer)."""
        told = (await self.tell("GET", "state"))["requests"]
        return Counter(status for given, at, status in told if given == method and path in at)

    async def sent_nothing(self) -> bool:
        """Whether the bot wrote nothing that a citizen would get."""
        return bool((await self.tell("GET", "state"))["mails_sent_by_api"] == 0)


@asynccontextmanager
async def help_desk(*, webhook: str | None = None, unit_s: float = 0.05) -> AsyncIterator[HelpDesk]:
    """A stand-in without tickets."""
    world, port = load_world().model_copy(update={"tickets": ()}), free_port()
    base = f"http://127.0.0.1:{port}"
    app = create_app(world, base, token=TOKEN, webhook=webhook, webhook_token=HOOK, unit_s=unit_s)
    rest = Rest("zammad", base, timeout_s=10, max_bytes=2**24)
    async with serving(app, port) as url, aiohttp.ClientSession() as session:
        yield HelpDesk(url, session, rest)
        await rest.close()


def secrets_in(folder: Path) -> Path:
    """The secrets of the help desk's functions."""
    folder.mkdir(exist_ok=True)
    for name, value in (("token", TOKEN), ("webhook", HOOK), ("rating", "a-master-of-a-test, long enough")):
        (folder / f"zammad-{name}").write_text(value)
    return folder


def desk_settings(url: str, nats: NatsSettings, folder: Path, *groups: ZammadGroup, **zammad: Any) -> Settings:
    """Settings that lead to a stand-in."""
    given: dict[str, Any] = {"url": url, "groups": groups or (ZammadGroup(name=GROUP),), **zammad}
    return Settings(
        _env_file=None, nats=nats, zammad=ZammadSettings.model_validate(given), secrets_dir=secrets_in(folder)
    )


def functions_of(*names: str, retry: RetryPolicy = QUICK, **changes: Any) -> tuple[dict[str, EventFunction], Catalogue]:
    """Functions by name with their entries of the project's catalogue, tried again quickly."""
    entries = {name: WHOLE.functions[name].model_copy(update={"retry": retry, **changes}) for name in names}
    catalogue = WHOLE.model_copy(update={"functions": entries})
    found = {name: one for name, one in resolve(catalogue, PATH).items() if isinstance(one, EventFunction)}
    return found, catalogue


def desk_worker(settings: Settings, *names: str, **changes: Any) -> Worker:
    """A worker of these functions (``draft_reply`` where none is named)."""
    functions, catalogue = functions_of(*(names or ("draft_reply",)), **changes)
    return Worker(functions, catalogue, settings, drain_s=5.0)


async def publish(bus: JetStreamBus, events: Sequence[ArticleReceived], *, fresh: bool = False) -> None:
    """Store events as the webhook does; ``fresh``: as if the stream knew none of them any more."""
    for number, event in enumerate(events):
        id = f"copy-{number}-{id_of(event)}" if fresh else id_of(event)
        await bus.publish(enveloped(event, id=id, source="/tests"), key=event.key_value)


async def worked_off(bus: JetStreamBus, *, deadline_s: float = 30.0) -> None:
    """Wait until every article's event has been worked on to an end."""
    lanes = ordered_stream("draft_reply")

    async def quiet() -> bool:
        # Counts of a consumer come a moment late. What is acknowledged is removed here.
        waiting = (await bus.jetstream.stream_info(lanes)).state
        if waiting.messages:
            return False
        info = await bus.jetstream.stream_info("EVENTS", subjects_filter="events.*.zammad.article.received")
        return waiting.last_seq >= sum((info.state.subjects or {}).values())

    await eventually(quiet, "all events are worked on", deadline_s=deadline_s)


def id_of(event: ArticleReceived) -> str:
    """Its id, whoever tells of it."""
    return derived_id("", "", event, 0)


async def proposed(bus: JetStreamBus) -> Counter[str]:
    """How often each proposal was told of, by its data."""
    subject, found = "events.*.zammad.draft.proposed", Counter[str]()
    info = await bus.jetstream.stream_info("EVENTS", subjects_filter=subject)
    told = await bus.jetstream.subscribe(subject, stream="EVENTS", ordered_consumer=True)
    for _ in range(sum((info.state.subjects or {}).values())):
        found[(await told.next_msg(timeout=30)).data.decode()] += 1
    await told.unsubscribe()
    return found
