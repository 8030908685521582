"""The knowledge base into the index: the stand-in's answers, real Milvus, NATS and S3."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import aiohttp
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount

from events.zammad import KnowledgeAlarmed, KnowledgeSyncAsked
from functions.zammad import refresh
from functions.zammad.client import zammad_of
from functions.zammad.editions import Editions, revision_of
from functions.zammad.knowledge import NoQuery, knowledge_figures, knowledge_of, sync_knowledge
from functions.zammad.ledger import Ledger
from functions.zammad.refresh import Refresh
from functions.zammad.source import answer_source, link
from infra.zammad.faults import Fault, Guard, Trouble
from infra.zammad.knowledge import Knowledge
from infra.zammad.store import Store
from infra.zammad.tickets import Tickets
from infra.zammad.world import BOT, Answer, Category, add_answer, fill, load_world, visibility
from shared.backends import Backends
from shared.embeddings import Embeddings, Role
from shared.errors import BackendError
from shared.knowledge.citations import sources
from shared.knowledge.reindex import reindex
from shared.knowledge.search import Filters, search
from shared.objects import ObjectMissing
from shared.secrets import Secrets
from shared.settings import EmbeddingSettings, Settings, ZammadSettings
from tests.integration.hosting import catalogue_of, hosted
from tests.serving import serving

State = Literal["published", "internal", "draft", "archived"]


class Quick(Embeddings):
    """One vector for every text, so that all that may be found is; and a count, and a switch."""

    def __init__(self) -> None:
        super().__init__(EmbeddingSettings(dimension=8))
        self.texts = 0
        self.away = False

    async def embed(self, texts: Sequence[str], role: Role = "passage") -> list[list[float]]:
        if self.away:
            raise BackendError("embeddings", "switched off")
        self.texts += len(texts) if role == "passage" else 0
        return [[1.0] + [0.0] * 7 for _ in texts]


class Desk:
    """The stand-in's interface, with its store at hand."""

    def __init__(self) -> None:
        self.store, self.trouble = Store(), Trouble()
        shelf = Category(
            title="Führerschein",
            answers=(
                answer("Umtausch", "published", "Der Umtausch kostet 25,30 Euro."),
                answer("Ersatz", "published", "Die Ersatzkarte kostet 38,80 Euro."),
                answer("Hinweis für die Schicht", "internal", "Rückfragen an Apparat 320."),
                answer("Entwurf", "draft", "Noch nicht fertig."),
                answer("Alt", "archived", "Galt bis 2019."),
            ),
        )
        world = load_world().model_copy(update={"tickets": (), "categories": (shelf,)})
        fill(self.store, world)
        self.store.tokens["secret"] = BOT

    def app(self) -> Starlette:
        routes = [*Tickets(self.store).routes(), *Knowledge(self.store).routes()]
        return Starlette(routes=[Mount("/api/v1", routes=routes)], middleware=[Middleware(Guard, trouble=self.trouble)])

    def edit(self, id: int, *, body: str | None = None, state: State | None = None) -> None:
        now = datetime.now(UTC)
        if body is not None:
            self.store.contents[id]["body"] = body
            self.store.answer_translations[id]["updated_at"] = self.store.at()
        if state is not None:
            self.store.answers[id] |= visibility(state, (now - timedelta(seconds=1)).isoformat(), BOT)
        self.store.answers[id]["updated_at"] = self.store.at()

    def drop(self, id: int) -> None:
        for table in ("answers", "answer_translations", "contents"):
            del self.store.tables[table][id]

    @property
    def asked(self) -> int:
        return sum(path.endswith("/knowledge_bases/init") for _, path, _ in self.trouble.requests)


def answer(title: str, state: State, body: str) -> Answer:
    return Answer(title=title, state=state, body=f"<p>{body}</p>")


@asynccontextmanager
async def backends(settings: Settings, url: str, folder: Path, **changes: Any) -> AsyncIterator[Backends]:
    (folder / "zammad-token").write_text("secret")
    zammad = ZammadSettings(
        url=url,
        collection=settings.xnext.collection,
        bucket=settings.xnext.bucket,
        knowledge_url="https://hilfe.example/{category}/{id}",
        **changes,
    )
    use = Backends(settings.model_copy(update={"zammad": zammad}), embeddings=Quick(), secrets=Secrets(folder))
    yield use
    if await use.vectors.has(knowledge_of(use).collection):
        await use.vectors.drop(knowledge_of(use).collection)
    await use.close()


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def use(settings: Settings, desk: Desk, tmp_path: Path) -> AsyncIterator[Backends]:
    async with serving(desk.app()) as url, backends(settings, url, tmp_path) as use:
        yield use


async def sync(use: Backends, later: timedelta = timedelta()) -> str | None:
    run = Refresh(zammad_of(use), knowledge_of(use), use, datetime.now(UTC) + later)
    await run.run()
    return run.alarm


async def found(use: Backends, source: str) -> dict[str, str]:
    """Text by id of all that a search with this filter can find."""
    answers = await search(
        knowledge_of(use), "Führerschein kostet Euro Apparat", limit=50, filters=Filters(source=source)
    )
    return {str(hit.row["doc"]): " ".join(match.text for match in hit.matches) for hit in answers.hits}


async def test_who_may_see_what_stands_on_every_passage(use: Backends, desk: Desk) -> None:
    assert await sync_knowledge(KnowledgeSyncAsked(), use) is None
    assert desk.asked == 2
    assert await found(use, "published") == {
        "kb:1-1": "Der Umtausch kostet 25,30 Euro.",
        "kb:2-2": "Die Ersatzkarte kostet 38,80 Euro.",
    }
    assert await found(use, "internal") == {"kb:3-3": "Rückfragen an Apparat 320."}
    hits = (await search(knowledge_of(use), "Umtausch", filters=Filters(source="published"))).hits
    assert {str(hit.row["url"]) for hit in hits} == {"https://hilfe.example/1/1", "https://hilfe.example/1/2"}
    assert [row[1] for row in (await knowledge_figures(NoQuery(), use)).rows] == [2]


async def test_a_run_without_a_change_is_one_call_and_a_change_is_two(use: Backends, desk: Desk) -> None:
    await sync(use)
    embedded = use.embeddings.texts  # type: ignore[attr-defined]
    before = await Ledger(use).all()
    await sync(use)
    assert desk.asked == 3
    assert await Ledger(use).all() == before
    desk.edit(1, body="<p>Der Umtausch kostet jetzt 27 Euro.</p><script>alert(1)</script>")
    desk.edit(2)  # touched, and no word is another
    await sync(use)
    assert desk.asked == 5
    assert (await found(use, "published"))["kb:1-1"] == "Der Umtausch kostet jetzt 27 Euro."
    after = await Ledger(use).all()
    assert after["kb:1-1"].revision == before["kb:1-1"].revision + 1
    assert after["kb:2-2"].revision == before["kb:2-2"].revision
    assert use.embeddings.texts == embedded + 1  # type: ignore[attr-defined]
    # A citation of the earlier text can be opened for good.
    old = await revision_of("kb:1-1", before["kb:1-1"].revision, use)
    assert "25,30" in old.edition.html
    await sync(use)
    assert desk.asked == 6


async def test_what_is_taken_back_leaves_in_the_same_run_before_anything_is_written(use: Backends, desk: Desk) -> None:
    ids = {how: add_answer(desk.store, 1, answer(how, "published", how)) for how in ("internal", "archived", "draft")}
    await sync(use)
    assert {f"kb:{id}-{id}" for id in (1, 2, *ids.values())} == set(await found(use, "published"))
    for how, id in ids.items():
        desk.edit(id, state=how)  # type: ignore[arg-type]
    desk.drop(1)
    desk.edit(2, body="<p>Neu.</p>")
    use.embeddings.away = True  # type: ignore[attr-defined]
    with pytest.raises(BackendError, match="embeddings"):
        await sync(use)
    use.embeddings.away = False  # type: ignore[attr-defined]
    assert set(await found(use, "published")) == {"kb:2-2"}
    await sync(use)
    assert await found(use, "published") == {"kb:2-2": "Neu."}
    internal = f"kb:{ids['internal']}-{ids['internal']}"
    assert set(await found(use, "internal")) == {"kb:3-3", internal}
    with pytest.raises(ObjectMissing):
        await revision_of("kb:1-1", (await Ledger(use).all())["kb:1-1"].revision, use)


async def test_what_was_interrupted_is_written_anew_with_what_holds_then(use: Backends, desk: Desk) -> None:
    use.embeddings.away = True  # type: ignore[attr-defined]
    with pytest.raises(BackendError):
        await sync(use)
    assert not await found(use, "published")
    use.embeddings.away = False  # type: ignore[attr-defined]
    desk.edit(1, body="<p>Der Umtausch kostet 30 Euro.</p>")
    await asyncio.gather(*(sync(use) for _ in range(3)))
    await sync(use)
    assert (await found(use, "published"))["kb:1-1"] == "Der Umtausch kostet 30 Euro."
    assert all(known.settled for known in (await Ledger(use).all()).values())


async def test_a_lost_index_and_a_lost_ledger_are_made_good(use: Backends, desk: Desk) -> None:
    await sync(use)
    index = knowledge_of(use)
    await index.discard(index.collection)
    await sync(use)
    assert len(await found(use, "published")) == 2
    bucket = use.state.bucket("zammad-answers")
    for key in await bucket.keys():
        await bucket.delete(key)
    desk.edit(1, body="<p>Der Umtausch kostet 31 Euro.</p>")
    await sync(use)
    assert (await found(use, "published"))["kb:1-1"] == "Der Umtausch kostet 31 Euro."
    # And out of the kept revisions alone, as for another model: what was withdrawn stays so.
    desk.drop(2)
    await sync(use)
    await index.discard(index.collection)
    await reindex(index, index.first, Editions(use), use.state, lambda done, of: None)
    assert await found(use, "published") == {"kb:1-1": "Der Umtausch kostet 31 Euro."}


async def test_a_zammad_that_does_not_answer_changes_nothing_and_is_told_once(use: Backends, desk: Desk) -> None:
    await sync(use)
    before = await Ledger(use).all()
    for fault in (Fault(kind="status", status=401), Fault(kind="status", status=403), Fault(kind="cut")):
        desk.trouble.faults = [fault]
        assert await sync(use) is None
    assert await sync(use, timedelta(minutes=16)) == "not_read"
    assert await sync(use, timedelta(minutes=18)) is None
    assert await sync(use, timedelta(hours=7)) == "not_read"
    assert await Ledger(use).all() == before
    assert len(await found(use, "published")) == 2
    desk.trouble.faults = []
    assert await sync(use) is None


async def test_where_many_vanish_they_are_hidden_and_come_back_as_they_were(
    use: Backends, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refresh, "_FEW", 1)
    await sync(use)
    before, embedded = await found(use, "published"), use.embeddings.texts  # type: ignore[attr-defined]
    answers = dict(desk.store.answers)
    desk.store.answers.clear()
    assert await sync_knowledge(KnowledgeSyncAsked(), use) == KnowledgeAlarmed(reason="shrunk", expected=3, found=3)
    assert not await found(use, "published")
    assert not await found(use, "internal")
    assert [row[1] for row in (await knowledge_figures(NoQuery(), use)).rows] == [0]
    assert await sync(use) is None
    desk.store.answers.update(answers)
    await sync(use)
    assert await found(use, "published") == before
    assert use.embeddings.texts == embedded  # type: ignore[attr-defined]
    desk.store.answers.clear()
    await sync(use)
    await sync(use, timedelta(hours=25))
    assert all(known.visibility is None for known in (await Ledger(use).all()).values())
    assert not await found(use, "hidden")


async def test_without_a_help_desk_there_is_nothing_to_do(settings: Settings) -> None:
    use = Backends(settings)
    assert await sync_knowledge(KnowledgeSyncAsked(), use) is None
    assert (await knowledge_figures(NoQuery(), use)).rows == []
    await use.close()


async def test_a_citation_opens_the_answer_as_it_was_by_a_signed_link_alone(
    use: Backends, desk: Desk, tmp_path: Path
) -> None:
    (tmp_path / "zammad-rating").write_text("a secret of this test alone")
    desk.edit(3, body="<p>Rückfragen an Apparat 320.</p><script>alert(1)</script><p>&lt;b&gt;Nur intern.</p>")
    await sync(use)
    (hit,) = (await search(knowledge_of(use), "Apparat", filters=Filters(source="internal"))).hits
    (cited, *_) = sources([hit])
    desk.edit(3, body="<p>Rückfragen an niemanden.</p>")
    await sync(use)
    entry = {"events": [{"http": {"path": "/zammad/source"}}], "access": "public", "secrets": ["zammad-rating"]}
    given: dict[str, Any] = {"settings": use.settings, "state": use.state, "objects": use.objects}
    catalogue = catalogue_of(answer_source=entry)
    async with (
        hosted(catalogue, answer_source, secrets=Secrets(tmp_path), **given) as url,
        aiohttp.ClientSession() as session,
    ):
        address = url + link(cited, "Rückfragen an Apparat 320.", use).partition("8080")[2]

        async def shown(address: str) -> tuple[int, str]:
            async with session.get(address) as answer:
                return answer.status, await answer.text()

        status, page = await shown(address)
        assert status == 200
        assert '<mark id="quote">Rückfragen an Apparat 320.</mark>' in page
        assert "&lt;b&gt;Nur intern." in page
        assert "alert(1)" not in page
        assert "Inzwischen wurde sie geändert." in page
        assert "Sie ist nur intern." in page
        assert "It is internal only." in (await shown(f"{address}&lang=en"))[1]
        desk.drop(3)
        await sync(use)
        assert "Inzwischen wurde sie zurückgezogen." in (await shown(address))[1]
        for forged in ("answer=kb%3A1-1", "revision=9", "until=9999999999"):
            name = forged.partition("=")[0]
            status, page = await shown(re.sub(rf"{name}=[^&]+", forged, address))
            assert (status, "nicht gültig" in page) == (403, True)
        assert (await shown(f"{url}/zammad/source"))[0] == 403
        page_of_city = replace(cited, document="cms:7")
        assert "/source?page=cms%3A7&revision=" in link(page_of_city, "x", use)
