"""A page's way from its event to the hit: real Milvus, S3, NATS and embedding server."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from events.cms import PageChanged, PageIndexed, PageRemoved
from functions.xnext.index import document_of, index_of, index_page, remove_page
from functions.xnext.page import Facts, Link, Page, Section
from functions.xnext.search import SearchQuery, SearchResults, search
from shared.backends import Backends
from shared.embeddings import Embeddings, Role
from shared.errors import Reject, Retry
from shared.filters import equals
from shared.knowledge.passages import passages
from shared.settings import NatsSettings, Settings
from shared.state import State


@pytest.fixture
async def use(settings: Settings) -> AsyncIterator[Backends]:
    backends = Backends(settings)
    await backends.objects.ensure_bucket(settings.xnext.bucket)
    yield backends
    if await backends.vectors.has(index_of(backends).collection):
        await backends.vectors.drop(index_of(backends).collection)
    await backends.close()


def dog(text: str = "Melden Sie Ihren Hund innerhalb von zwei Wochen beim Kassen- und Steueramt an.") -> Page:
    return Page(
        id="cms:1",
        source="cms",
        title="Hundesteuer anmelden",
        url="https://auenfurt.example/1",
        categories=("Wohnen", "Tiere"),
        sections=(Section(heading="", html=f"<p>{text}</p>"),),
        facts=Facts(fees="100 Euro im Jahr"),
    )


def passport() -> Page:
    return Page(
        id="cms:2",
        source="cms",
        title="Reisepass beantragen",
        categories=("Ausweise",),
        sections=(Section(heading="Unterlagen", html="<ul><li>biometrisches Passbild</li></ul>"),),
    )


async def changed(use: Backends, page: Page, revision: int) -> PageChanged:
    key = f"revisions/{page.content_hash()}.json"
    await use.objects.put(use.settings.xnext.bucket, key, page.content())
    return PageChanged(
        page_id=page.id,
        source=page.source,
        revision=revision,
        content_hash=page.content_hash(),
        object_key=key,
        changed_at=datetime(2026, 11, 22, tzinfo=UTC),
    )


async def asked(use: Backends, q: str, **more: object) -> SearchResults:
    result = await search(SearchQuery.model_validate({"q": q} | more), use)
    assert isinstance(result, SearchResults)
    return result


async def test_a_page_is_found_by_word_and_by_meaning(use: Backends) -> None:
    for page in (dog(), passport()):
        assert await index_page(await changed(use, page, 1), use) == PageIndexed(
            page_id=page.id, revision=1, passages=1
        )
    by_word = await asked(use, "Hund")
    assert by_word.hits[0].id == "cms:1"
    assert not by_word.degraded
    passage = by_word.hits[0].passages[0]
    assert [passage.text[start:end] for start, end in passage.highlights] == ["Hund"]
    assert by_word.hits[0].facts.fees == "100 Euro im Jahr"
    assert (await asked(use, "How do I get a document for travelling abroad?")).hits[0].id == "cms:2"


async def test_a_page_is_found_by_what_it_links_to_and_shows_no_links_as_text(use: Backends) -> None:
    link = Link(label="Befreiung für Blindenführhunde", url="https://auenfurt.example/formular")
    for page in (passport(), dog().model_copy(update={"links": (link,)})):
        await index_page(await changed(use, page, 1), use)
    for query in ("blindenführhund", "sehbehinderung"):
        (first, *_) = (await asked(use, query)).hits
        assert first.id == "cms:1"
        assert [passage.text[:12] for passage in first.passages] == ["Melden Sie I"]


class Counting:
    """The real embeddings, with a count of texts."""

    def __init__(self, use: Backends) -> None:
        self.real, self.texts = use.embeddings, 0
        self.model_id, self.dimension = self.real.model_id, self.real.dimension

    async def embed(self, texts: Sequence[str], role: Role = "passage") -> list[list[float]]:
        self.texts += len(texts)
        return await self.real.embed(texts, role)


async def rows(use: Backends, page_id: str) -> list[tuple[int, int]]:
    found = await use.vectors.query(index_of(use).collection, equals("doc", page_id), ("revision", "position"))
    return sorted((int(row["revision"]), int(row["position"])) for row in found)


async def test_a_repeat_embeds_and_writes_nothing_and_answers_alike(use: Backends, settings: Settings) -> None:
    event = await changed(use, dog(), 1)
    first = await index_page(event, use)
    counting = Counting(use)
    again = Backends(settings, objects=use.objects, state=use.state, vectors=use.vectors, embeddings=counting)
    written = await rows(use, "cms:1")
    assert await index_page(event, again) == first
    assert counting.texts == 0
    assert await rows(use, "cms:1") == written


async def test_unchanged_passages_of_a_changed_page_are_not_embedded_again(use: Backends, settings: Settings) -> None:
    page = dog()
    await index_page(await changed(use, page, 1), use)
    longer = page.model_copy(update={"sections": (*page.sections, Section(heading="Neu", html="<p>Kampfhunde.</p>"))})
    counting = Counting(use)
    again = Backends(settings, objects=use.objects, state=use.state, vectors=use.vectors, embeddings=counting)
    assert await index_page(await changed(use, longer, 2), again) is not None
    assert counting.texts == 1
    assert await rows(use, "cms:1") == [(2, -1), (2, 0), (2, 1)]


async def test_an_older_revision_never_wins(use: Backends) -> None:
    old, new = await changed(use, dog("Alte Regel."), 1), await changed(use, dog("Neue Regel."), 2)
    await index_page(new, use)
    assert await index_page(old, use) is None
    assert [passage.text for passage in (await asked(use, "Regel")).hits[0].passages] == ["Neue Regel."]


@pytest.mark.parametrize("seed", range(4))
async def test_the_newest_revision_is_shown_whatever_the_order_and_the_repeats(use: Backends, seed: int) -> None:
    events = [await changed(use, dog(f"Regel Nummer {revision}."), revision) for revision in range(1, 5)]
    shuffled = events * 2
    random.Random(seed).shuffle(shuffled)
    await asyncio.gather(*(index_page(event, use) for event in shuffled))
    assert await rows(use, "cms:1") == [(4, -1), (4, 0)]
    (hit,) = (await asked(use, "Regel")).hits
    assert [passage.text for passage in hit.passages] == ["Regel Nummer 4."]


async def test_a_removed_page_is_gone_and_stays_gone_until_it_is_newer(use: Backends) -> None:
    await index_page(await changed(use, dog(), 1), use)
    await index_page(await changed(use, passport(), 1), use)
    gone = PageRemoved(page_id="cms:1", source="cms", revision=2, reason="missing")
    for _ in range(2):
        await remove_page(gone, use)
    assert await index_page(await changed(use, dog(), 1), use) is None
    assert [hit.id for hit in (await asked(use, "Hund")).hits] == ["cms:2"]
    await index_page(await changed(use, dog("Wieder da."), 3), use)
    await remove_page(gone, use)
    assert (await asked(use, "Hundesteuer")).hits[0].id == "cms:1"


async def test_what_a_stopped_writer_left_is_never_shown_and_swept(use: Backends) -> None:
    await index_page(await changed(use, dog("Neue Regel."), 2), use)
    index = index_of(use)
    old = document_of(dog("Alte Regel."), 1)
    await index.first._put(old, passages(old))  # a writer that stopped before it asked the record
    assert len(await rows(use, "cms:1")) == 4
    (hit,) = (await asked(use, "Alte Regel")).hits
    assert [passage.text for passage in hit.passages] == ["Neue Regel."]
    assert await index.sweep() == 1
    assert await rows(use, "cms:1") == [(2, -1), (2, 0)]
    assert await index.sweep() == 0


async def test_filters_hold_and_cannot_be_broken_out_of(use: Backends) -> None:
    page = passport().model_copy(update={"easy": True, "categories": ('Au"s\\weise',), "language": "en"})
    for one in (dog(), page):
        await index_page(await changed(use, one, 1), use)

    async def ids(**filters: object) -> list[str]:
        return [hit.id for hit in (await asked(use, "beantragen", **filters)).hits]

    assert await ids(category="Tiere") == ["cms:1"]
    assert await ids(category='Au"s\\weise') == ["cms:2"]
    assert await ids(language="en") == ["cms:2"]
    assert await ids(language="EN") == ["cms:2"]
    for hostile in ('" or "" == "', '\\" or true or "', "Tiere') or true", 'x"]) or (doc != "'):
        nothing = await asked(use, "beantragen", category=hostile)
        assert (nothing.hits, nothing.reason) == ([], "filters")


async def test_easy_language_comes_first_where_it_fits_and_hides_nothing(use: Backends) -> None:
    easy = {"easy": True, "title": "Hund anmelden in Leichter Sprache", "id": "cms:9"}
    version = dog("Sie haben einen Hund? Dann melden Sie ihn an.").model_copy(update=easy)
    other = passport().model_copy(update={"easy": True})
    for one in (dog(), version, other):
        await index_page(await changed(use, one, 1), use)

    async def ids(**more: object) -> list[str]:
        return [hit.id for hit in (await asked(use, "Hundesteuer anmelden", **more)).hits]

    assert await ids() == ["cms:1", "cms:9", "cms:2"]
    # The easy passport stays behind the dog's page, which is about the question.
    assert await ids(easy=True) == ["cms:9", "cms:1", "cms:2"]
    assert await ids(easy=True, limit=1) == ["cms:9"]
    # One version that is no longer easy is preferred no more.
    await index_page(await changed(use, version.model_copy(update={"easy": False}), 2), use)
    assert await ids(easy=True) == ["cms:1", "cms:9", "cms:2"]


async def test_before_anything_is_indexed_the_answer_says_so(use: Backends) -> None:
    nothing = await asked(use, "Hund")
    assert (nothing.hits, nothing.reason) == ([], "empty_index")


async def test_without_embeddings_words_remain_and_it_is_said(use: Backends, settings: Settings) -> None:
    await index_page(await changed(use, dog(), 1), use)
    away = Embeddings(settings.embeddings.model_copy(update={"url": "http://127.0.0.1:9/v1"}))
    result = await search(
        SearchQuery(q="Hundesteuer"), Backends(settings, vectors=use.vectors, state=use.state, embeddings=away)
    )
    assert result.degraded
    assert [hit.id for hit in result.hits] == ["cms:1"]
    await away.close()


async def test_without_the_record_of_revisions_search_goes_on(use: Backends, settings: Settings) -> None:
    await index_page(await changed(use, dog(), 1), use)
    state = State(NatsSettings(url="nats://127.0.0.1:9"))
    result = await search(
        SearchQuery(q="Hund"), Backends(settings, vectors=use.vectors, state=state, embeddings=use.embeddings)
    )
    assert [hit.id for hit in result.hits] == ["cms:1"]
    await state.close()


async def test_scripts_of_a_page_end_as_no_text_at_all(use: Backends) -> None:
    page = dog('Hund <img src=x onerror="alert(1)"><script>alert(2)</script>&lt;b&gt;')
    await index_page(await changed(use, page, 1), use)
    (hit,) = (await asked(use, "Hund")).hits
    assert hit.passages[0].text == "Hund <b>"


async def test_events_that_lie_are_told_from_storage_that_is_late(use: Backends) -> None:
    event = await changed(use, dog(), 1)
    with pytest.raises(Retry, match="no object"):
        await index_page(event.model_copy(update={"object_key": "nothing"}), use)
    with pytest.raises(Reject, match="hash"):
        await index_page(event.model_copy(update={"content_hash": "0" * 64}), use)
    with pytest.raises(Reject, match="holds page 'cms:1'"):
        await index_page(event.model_copy(update={"page_id": "cms:9"}), use)
    broken = b'{"id": 1}'
    await use.objects.put(use.settings.xnext.bucket, "broken", broken)
    lie = event.model_copy(update={"object_key": "broken", "content_hash": sha256(broken).hexdigest()})
    with pytest.raises(Reject, match="is no page"):
        await index_page(lie, use)
    assert (await asked(use, "Hund")).reason == "empty_index"


async def test_a_lost_collection_is_filled_again_and_what_was_removed_stays_so(use: Backends) -> None:
    events = [await changed(use, page, 1) for page in (dog(), passport())]
    for event in events:
        await index_page(event, use)
    await remove_page(PageRemoved(page_id="cms:2", source="cms", revision=2, reason="missing"), use)
    await use.vectors.drop(index_of(use).collection)
    assert await index_page(events[0], use) is not None
    assert await index_page(events[1], use) is None
    assert [hit.id for hit in (await asked(use, "Hund")).hits] == ["cms:1"]
