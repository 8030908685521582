"""Changing the embedding model while citizens search: real Milvus, S3, NATS, and two embedding servers."""

import asyncio
import json
import math
import sys
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from events.cms import PageChanged, PageRemoved
from functions.xnext.index import index_of, index_page, remove_page
from functions.xnext.page import Page, Section
from functions.xnext.reindex import Revisions, _target
from functions.xnext.search import SearchQuery, SearchResults, search
from infra.stack.ports import free_port
from infra.stack.servers import QUIET, Server, inherited
from shared.backends import Backends
from shared.errors import BackendError, StadtfunkError
from shared.filters import both as both_of
from shared.filters import equals
from shared.knowledge import reindex as machinery
from shared.knowledge.reindex import Incomplete, Outcome, drop_previous, previous, reindex
from shared.settings import NextEmbeddingSettings, Settings
from shared.vectors import Row, Vectors
from tests.conftest import Launched
from tests.integration.programs.embeddings import DIMENSION, MODEL
from tests.integration.replicas import ROOT, variables
from tests.polling import eventually

WHAT = ("Ausweis", "Führerschein", "Gewerbe", "Hundesteuer", "Wohngeld", "Parkausweis", "Fahrradbox", "Baumschutz")
COLLECTIONS: ContextVar[list[str] | None] = ContextVar("collections", default=None)


@pytest.fixture
def second(launch: Callable[[Server], Launched], tmp_path: Path) -> str:
    """The second model's address, ending in /v1."""
    port = free_port()

    async def ready() -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()

    launch(
        Server(
            name="second",
            command=(
                *(sys.executable, "-m", "tests.integration.programs.embeddings"),
                *("--port", str(port), "--delay", "0.15"),
            ),
            environment={**QUIET, "PYTHONPATH": str(ROOT)},
            folder=tmp_path,
            ports=(port,),
            ready=ready,
            provides={},
        )
    )
    return f"http://127.0.0.1:{port}/v1"


@pytest.fixture
def both(settings: Settings, second: str) -> Settings:
    """What every process is given before the change."""
    later = NextEmbeddingSettings(url=second, model=MODEL, dimension=DIMENSION, prefixes="e5", near=0.3, batch=4)
    return settings.model_copy(update={"embeddings_next": later})


@pytest.fixture
async def use(both: Settings) -> AsyncIterator[Backends]:
    backends = Backends(both)
    await backends.objects.ensure_bucket(both.xnext.bucket)
    yield backends
    for collection in index_of(backends).collections.values():
        if await collection.exists():
            await backends.vectors.drop(collection.name)
    await backends.close()


class Watched(Vectors):
    """Notes which collections a request reads."""

    async def search(self, collection: str, *rest: Any, **more: Any) -> list[Row]:
        _read(collection)
        return await super().search(collection, *rest, **more)

    async def query(self, collection: str, *rest: Any, **more: Any) -> list[Row]:
        _read(collection)
        return await super().query(collection, *rest, **more)


def _read(collection: str) -> None:
    seen = COLLECTIONS.get()
    if seen is not None:
        seen.append(collection)


class Citizen:
    """Asks and asks; everything must be answered, each time out of one collection."""

    def __init__(self, settings: Settings, number: int) -> None:
        self.use = Backends(settings, vectors=Watched(settings.vectors))
        self.indexes: list[str] = []
        self.stop = False
        self._number = number

    async def ask(self) -> None:
        number = self._number
        try:
            while not self.stop:
                number += 1
                title = f"{WHAT[number % 2 + 2]} beantragen"  # two that stay as they are
                seen: list[str] = []
                COLLECTIONS.set(seen)
                found = await asked(self.use, title)
                assert found.index is not None
                assert not found.degraded
                assert set(seen) == {found.index}
                assert found.hits[0].title == title
                self.indexes.append(found.index)
                await asyncio.sleep(0.1)
        finally:
            await self.use.vectors.close()
            await self.use.close()


async def asked(use: Backends, q: str) -> SearchResults:
    result = await search(SearchQuery(q=q), use)
    assert isinstance(result, SearchResults)
    return result


def page(number: int, text: str = "Bringen Sie Ihren Pass mit.") -> Page:
    title = f"{WHAT[number]} beantragen"
    return Page(
        id=f"cms:{number}",
        source="cms",
        title=title,
        sections=tuple(Section(heading=f"Teil {part}", html=f"<p>{title}, Teil {part}. {text}</p>") for part in "ab"),
    )


async def changed(use: Backends, page: Page, revision: int) -> PageChanged:
    key = f"pages/{page.content_hash()}.json"
    await use.objects.put(use.settings.xnext.bucket, key, page.content())
    return PageChanged(
        page_id=page.id,
        source=page.source,
        revision=revision,
        content_hash=page.content_hash(),
        object_key=key,
        changed_at=datetime(2026, 11, 22, tzinfo=UTC),
    )


def removed(number: int, revision: int) -> PageRemoved:
    return PageRemoved(page_id=f"cms:{number}", source="cms", revision=revision, reason="gone")


async def rebuilt(use: Backends) -> Outcome:
    index = index_of(use)
    return await reindex(index, index.next, Revisions(use), use.state, lambda _done, _of: None)


async def command(settings: Settings, *options: str) -> asyncio.subprocess.Process:
    groups = ("nats", "vectors", "objects", "embeddings", "embeddings_next", "xnext")
    environment = {
        name: value for group in groups for name, value in variables(group.upper(), getattr(settings, group)).items()
    }
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "infra.cli", "xnext", "reindex", "--json", *options),
        env={**inherited(), **QUIET, **environment},
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def finished(process: asyncio.subprocess.Process) -> dict[str, Any]:
    said, wrong = await process.communicate()
    assert process.returncode == 0, wrong.decode()
    outcome: dict[str, Any] = json.loads(said)
    return outcome


async def embedded(url: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(url.removesuffix("/v1") + "/texts") as answer:
        return int((await answer.json())["texts"])


async def at_most(url: str, texts: float) -> None:
    """Let the second model read so many passages, and the others wait."""
    most = url.removesuffix("/v1") + "/most"
    async with aiohttp.ClientSession() as session, session.put(most, data=str(texts)) as answer:
        answer.raise_for_status()


async def test_another_model_takes_over_while_citizens_search(use: Backends, both: Settings, second: str) -> None:
    before, after = index_of(use).first, index_of(use).next
    for number in range(7):
        await index_page(await changed(use, page(number), 1), use)
    await use.vectors.flush(before.name)
    citizens = [Citizen(both, number) for number in range(3)]
    async with asyncio.TaskGroup() as asking:
        for citizen in citizens:
            asking.create_task(citizen.ask())

        await at_most(second, 8)  # of 14: the command cannot be done before it is killed
        killed = await command(both)

        async def some() -> bool:
            return len([1 for record in (await after.records.all()).values() if record.found]) >= 3

        await eventually(some, "three pages in the new index")
        killed.kill()
        await killed.communicate()
        assert await use.vectors.alias(both.xnext.collection) == before.name
        assert await embedded(second) < 14
        await at_most(second, math.inf)

        run = await command(both)
        await index_page(await changed(use, page(0, "Neu gefasst."), 2), use)
        await remove_page(removed(1, 2), use)
        assert await index_page(await changed(use, page(1), 1), use) is None  # late
        await index_page(await changed(use, page(7), 1), use)
        outcome = await finished(run)

        async def moved() -> bool:
            return all(after.name in citizen.indexes for citizen in citizens)

        await eventually(moved, "every citizen is answered out of the new index")
        for citizen in citizens:
            citizen.stop = True

    assert (outcome["collection"], outcome["switched_from"], outcome["documents"]) == (after.name, before.name, 7)
    # Nothing but what was in hand at the kill, and what was changed by two at once, was embedded twice.
    assert await embedded(second) <= 2 * 9 + 2 * 4 + 2
    for citizen in citizens:
        assert citizen.indexes.count(before.name) > 3
        assert citizen.indexes == sorted(citizen.indexes, key=lambda name: name == after.name)
    for number in (0, *range(2, 8)):
        found = await asked(use, page(number).title)
        assert (found.index, found.hits[0].id) == (after.name, f"cms:{number}")
    assert "Neu gefasst" in (await asked(use, page(0).title)).hits[0].passages[0].text
    assert "cms:1" not in [hit.id for hit in (await asked(use, page(1).title)).hits]


async def test_the_old_index_is_kept_up_to_date_until_it_is_dropped(
    use: Backends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machinery, "ALIAS_S", 0.0)
    monkeypatch.setattr(machinery, "_FINISHED_S", 0.0)
    index = index_of(use)
    before, after = index.first, index.next
    for number in (0, 1):
        await index_page(await changed(use, page(number), 1), use)
    assert (await rebuilt(use)).switched_from == before.name
    assert (await rebuilt(use)).written == 0
    await index_page(await changed(use, page(0, "Nach dem Wechsel."), 2), use)
    await remove_page(removed(1, 2), use)

    switch = await previous(index, use.state)
    assert switch is not None
    assert switch.previous == before.name
    assert await _target(index, use) is after
    back = await reindex(index, before, Revisions(use), use.state, lambda _done, _of: None)
    assert (back.switched_from, back.written, back.documents) == (after.name, 0, 1)
    assert await _target(index, use) is before
    found = await asked(use, page(0).title)
    assert found.index == before.name
    assert "Nach dem Wechsel." in found.hits[0].passages[0].text

    assert await drop_previous(index, use.state) == after.name
    assert await drop_previous(index, use.state) is None
    assert not await use.vectors.has(after.name)
    assert await after.records.all() == {}
    await index_page(await changed(use, page(0, "Nach dem Ende."), 3), use)
    assert "Nach dem Ende." in (await asked(use, page(0).title)).hits[0].passages[0].text
    assert not await use.vectors.has(after.name)


async def test_an_index_that_milvus_lost_is_built_from_what_is_stored(use: Backends, settings: Settings) -> None:
    use = Backends(settings, objects=use.objects, vectors=use.vectors, state=use.state, embeddings=use.embeddings)
    index = index_of(use)
    for number in range(3):
        await index_page(await changed(use, page(number), 1), use)
    await index_page(await changed(use, page(0, "Neu gefasst."), 2), use)
    await remove_page(removed(1, 2), use)
    await use.vectors.drop(index.collection)
    nothing = await asked(use, page(0).title)
    assert (nothing.hits, nothing.reason) == ([], "empty_index")

    outcome = await rebuilt(use)
    assert (outcome.documents, outcome.switched_from) == (2, None)
    assert {hit.id for hit in (await asked(use, page(0).title)).hits} == {"cms:0", "cms:2"}
    assert "Neu gefasst" in (await asked(use, page(0).title)).hits[0].passages[0].text

    await use.vectors.delete(index.collection, equals("doc", "cms:2"))  # the records do not know of it
    assert (await rebuilt(use)).written == 1
    assert {hit.id for hit in (await asked(use, page(0).title)).hits} == {"cms:0", "cms:2"}


async def test_pages_that_an_earlier_version_split_otherwise_are_written_again(use: Backends, second: str) -> None:
    await rebuilt(use)  # into the model whose texts are counted
    await index_page(await changed(use, page(0), 1), use)
    live = await index_of(use).live()
    assert live is not None
    (row,) = await use.vectors.query(live.name, both_of(equals("doc", "cms:0"), "position == 1"), ("*",))
    known = {name: value for name, value in row.items() if not name.endswith("_bm25")}
    await use.vectors.upsert(live.name, [{**known, "id": "old", "position": 9, "text": "Alt."}])
    texts = await embedded(second)
    await live.renew()
    assert (await asked(use, page(0).title)).hits[0].id == "cms:0"
    assert (await rebuilt(use)).written == 1
    assert await embedded(second) == texts
    rows = await use.vectors.query(live.name, equals("doc", "cms:0"), ("position",))
    assert sorted(int(row["position"]) for row in rows) == [-1, 0, 1]


async def test_a_page_that_is_not_stored_is_not_lost_by_a_switch(use: Backends) -> None:
    for number in (0, 1):
        await index_page(await changed(use, page(number), 1), use)
    await use.objects.delete(use.settings.xnext.bucket, "revisions/cms%3A1/1.json")
    with pytest.raises(Incomplete, match=r"1 documents .* cms:1; crawl"):
        await rebuilt(use)
    assert (await asked(use, page(1).title)).index == index_of(use).first.name


async def test_a_process_that_does_not_know_the_model_searches_by_words_and_writes_nothing(
    use: Backends, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machinery, "ALIAS_S", 0.0)
    await index_page(await changed(use, page(0), 1), use)
    await rebuilt(use)
    late = Backends(settings, objects=use.objects, state=use.state)
    found = await asked(late, page(0).title)
    assert (found.degraded, [hit.id for hit in found.hits]) == (True, ["cms:0"])
    with pytest.raises(BackendError, match="STADTFUNK_EMBEDDINGS_NEXT__MODEL"):
        await index_page(await changed(late, page(0, "Neu."), 2), late)
    await late.vectors.close()
    await late.embeddings.close()


async def test_there_is_no_way_back_before_a_switch(both: Settings, use: Backends) -> None:
    process = await command(both, "--back")
    _, wrong = await process.communicate()
    assert process.returncode == 1
    assert b"nothing to go back to" in wrong
    assert issubclass(Incomplete, StadtfunkError)
