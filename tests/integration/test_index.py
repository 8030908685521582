"""A page's way from its event to the hit: real Milvus, S3, NATS and embedding server."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from events.cms import PageChanged, PageIndexed, PageRemoved
from functions.xnext.index import index_of, index_page, remove_page
from functions.xnext.page import Facts, Page, Section
from functions.xnext.search import SearchQuery, SearchResults, search
from shared.backends import Backends
from shared.errors import Reject, Retry
from shared.settings import Settings


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
