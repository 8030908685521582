"""From an agent's sent answer and thumb to the figures: the stand-in, a real host and worker, real NATS."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from events.zammad import DraftRated, ReplyCompared, ReplySent
from functions.zammad.comparing import FINGERPRINTS, compare_reply
from functions.zammad.figures import NoQuery, count_ratings, count_replies, draft_figures
from functions.zammad.fingerprint import fingerprint, key_of
from functions.zammad.rating import links, rate_draft
from functions.zammad.records import Record, Records
from infra.worker.worker import Worker
from shared.backends import Backends
from shared.bus import MemoryBus
from shared.jetstream import JetStreamBus
from shared.secrets import Secrets
from shared.settings import NatsSettings
from tests.helpdesk import HelpDesk, helpdesk
from tests.integration.hosting import catalogue_of, hosted, plain_settings, records
from tests.polling import eventually

PAGES = [{"http": {"path": "/zammad/rating"}}, {"http": {"method": "POST", "path": "/zammad/rating"}}]
CATALOGUE = catalogue_of(
    rate_draft={"events": PAGES, "access": "public", "secrets": ["zammad-rating"]},
    count_ratings={"events": [{"nats": {"type": "zammad.draft.rated"}}], "start": "all"},
    count_replies={"events": [{"nats": {"type": "zammad.reply.compared"}}], "start": "all"},
)
SAID = (
    "Für den Umtausch brauchen Sie ein biometrisches Foto und den alten Führerschein. "
    "Die Gebühr beträgt 25,30 Euro und ist bei der Abholung zu zahlen."
)
QUOTED = '<blockquote type="cite"><p>Was kostet der Umtausch, und was brauche ich?</p></blockquote>'


@pytest.fixture
async def desk() -> AsyncIterator[HelpDesk]:
    async with helpdesk() as desk:
        yield desk


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "zammad-rating").write_text("a secret of this test alone")
    (tmp_path / "zammad-token").write_text("token-of-the-bot")
    return tmp_path


@pytest.fixture
async def use(desk: HelpDesk, nats_settings: NatsSettings, folder: Path) -> AsyncIterator[Backends]:
    settings = plain_settings(nats=nats_settings, zammad=desk.settings())
    backends = Backends(settings, secrets=Secrets(folder))
    yield backends
    await backends.close()


async def drafted(desk: HelpDesk, use: Backends, said: str = SAID, **more: Any) -> Record:
    """A letter with a proposal as it is remembered."""
    ticket, article = await desk.mail("Was kostet der Umtausch, und was brauche ich?", group="Führerscheinstelle")
    values = {"category": "umtausch", "outcome": "drafted", "day": date(2026, 11, 23), **more}
    words = fingerprint(said, key_of(use, FINGERPRINTS))
    record = Record.model_validate(
        {"ticket_id": ticket, "article_id": article, "revision": 1, "fingerprint": words, **values}
    )
    return await Records(use).save(record)


async def compared(desk: HelpDesk, use: Backends, record: Record, body: str) -> ReplyCompared | None:
    article = await desk.reply(record.ticket_id, body)
    found: ReplyCompared | None = await compare_reply(ReplySent(ticket_id=record.ticket_id, article_id=article), use)
    return found


@pytest.mark.parametrize(
    ("body", "outcome", "shares"),
    [
        (f"<p>Guten Tag,</p><p>{SAID} [1]</p><p>Mit freundlichen Grüßen</p>{QUOTED}", "used", (1.0, 1.0)),
        (f"<p>{SAID.replace('biometrisches', 'aktuelles')}</p>{QUOTED}", "used", (0.95, 0.99)),
        (f"<p>{SAID.replace('25,30 Euro', '27 Euro')}</p>{QUOTED}", "edited", (0.8, 0.95)),
        (f"<p>{SAID.partition('.')[0]}.</p>", "edited", (0.4, 0.6)),
        (f'<p>Nein.</p><blockquote type="cite"><p>{SAID}</p></blockquote>', "discarded", (0.0, 0.0)),
        ("<p>Bitte kommen Sie in unsere Sprechstunde.</p>", "discarded", (0.0, 0.0)),
    ],
)
async def test_how_much_of_a_draft_was_sent(
    desk: HelpDesk, use: Backends, body: str, outcome: str, shares: tuple[float, float]
) -> None:
    record = await drafted(desk, use)
    found = await compared(desk, use, record, body)
    assert found is not None
    assert (found.outcome, found.category) == (outcome, "umtausch")
    assert shares[0] <= found.share <= shares[1]


async def test_only_the_first_answer_is_compared_and_only_with_a_draft(desk: HelpDesk, use: Backends) -> None:
    record = await drafted(desk, use)
    assert await compared(desk, use, record, f"<p>{SAID}</p>") is not None
    assert await compared(desk, use, record, "<p>Noch etwas: Wir haben montags zu.</p>") is None
    noted = await drafted(desk, use, outcome="noted", fingerprint=())
    assert await compared(desk, use, noted, "<p>Guten Tag</p>") is None
    (ticket, _) = await desk.mail("Ohne Vorschlag")
    article = await desk.reply(ticket, "<p>Guten Tag</p>")
    assert await compare_reply(ReplySent(ticket_id=ticket, article_id=article), use) is None
    assert await compare_reply(ReplySent(ticket_id=record.ticket_id, article_id=99_999), use) is None


async def test_a_link_looked_into_votes_for_nothing_and_a_press_counts_once(use: Backends, folder: Path) -> None:
    bus = JetStreamBus(use.settings.nats, name="test")
    await bus.connect()
    functions: Any = records(count_ratings, count_replies)
    host: dict[str, Any] = {"settings": use.settings, "bus": bus, "state": use.state, "secrets": Secrets(folder)}
    try:
        async with (
            Worker(functions, CATALOGUE, use.settings),
            hosted(CATALOGUE, rate_draft, **host) as url,
            aiohttp.ClientSession() as session,
        ):
            up, down = (url + address.partition("8080")[2] for address in links(4711, 815, "umtausch", use))

            async def shown(method: str, address: str) -> tuple[int, str]:
                async with session.request(method, address) as answer:
                    return answer.status, await answer.text()

            for _ in range(3):
                status, text = await shown("GET", up)
                assert (status, "Ja, er war hilfreich" in text) == (200, True)
            assert "Yes, it was helpful" in (await shown("GET", f"{up}&lang=en"))[1]
            assert "ist gezählt" in (await shown("POST", up))[1]
            for method, address in (("POST", up), ("POST", down), ("GET", down), ("GET", up)):
                status, text = await shown(method, address)
                assert (status, "schon bewertet" in text) == (200, True)
            assert (await shown("POST", up.replace("kind=up", "kind=down")))[0] == 403
            assert (await shown("POST", f"{url}/zammad/rating?id=1"))[0] == 403

            async def rows() -> list[Any]:
                return list((await draft_figures(NoQuery(), use)).rows)

            (row,) = await eventually(rows, "the thumb is counted")
            assert (row[1], row[7], row[8]) == ("umtausch", "< 5", 0)
    finally:
        await bus.close()


async def test_a_rating_that_was_not_told_is_told_again(use: Backends, folder: Path) -> None:
    bus = MemoryBus()
    async with hosted(CATALOGUE, rate_draft, settings=use.settings, bus=bus, secrets=Secrets(folder)) as url:
        up, down = (url + address.partition("8080")[2] for address in links(1, 2, "x", use))
        async with aiohttp.ClientSession() as session:
            for address in (up, down):
                async with session.post(address) as answer:
                    assert answer.status == 200
    told = [DraftRated.model_validate_json(one.data) for one in bus.events]
    assert [one.kind for one in told] == ["up", "up"]
    assert told[0] == told[1]


async def test_an_old_link_is_told_so(use: Backends, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with hosted(CATALOGUE, rate_draft, settings=use.settings, secrets=Secrets(folder)) as url:
        monkeypatch.setattr("functions.zammad.signing.VALID_S", -86_400)
        address = url + links(1, 2, "x", use)[0].partition("8080")[2]
        async with aiohttp.ClientSession() as session:
            for method in ("GET", "POST"):
                async with session.request(method, address) as answer:
                    assert answer.status == 410


async def test_many_at_once_are_counted_once_each(use: Backends) -> None:
    events = [
        ReplyCompared(ticket_id=n, article_id=n, outcome="used", share=1.0, category="x", day=date.today())
        for n in range(1, 13)
    ]
    await asyncio.gather(*(count_replies(event, use) for event in (*events, *events)))
    (row,) = (await draft_figures(NoQuery(), use)).rows
    assert row[4] == 12
