"""City pages into and out of the search index. An older revision never wins, whatever the order of delivery."""

from hashlib import sha256

from pydantic import ValidationError

from events.cms import PageChanged, PageIndexed, PageRemoved, SweepRequested
from functions.xnext.facts import facts_of
from functions.xnext.files import blocks_of
from functions.xnext.page import Page
from functions.xnext.revisions import keep, keep_removal
from shared.backends import Backends
from shared.errors import Reject, Retry
from shared.function import on
from shared.knowledge.index import Index
from shared.knowledge.markup import Block
from shared.knowledge.passages import Document, Section
from shared.objects import ObjectMissing


@on(PageChanged)
async def index_page(page: PageChanged, use: Backends) -> PageIndexed | None:
    """Make a changed page findable; an older revision than the one indexed is ignored."""
    try:
        content = await use.objects.get(use.settings.xnext.bucket, page.object_key)
    except ObjectMissing as error:
        raise Retry(str(error)) from None
    if sha256(content).hexdigest() != page.content_hash:
        raise Reject(f"object '{page.object_key}' is not the page that the event names: its hash is another")
    try:
        found = Page.model_validate_json(content)
    except ValidationError as error:
        raise Reject(f"object '{page.object_key}' is no page: {error.error_count()} fields are wrong") from None
    if found.id != page.page_id:
        raise Reject(f"object '{page.object_key}' holds page '{found.id}', not '{page.page_id}'")
    document = await document_with_file(found, page.revision, use)
    await keep(page, use)  # before anyone can find it, as citations open it
    written = await index_of(use).write(document)
    return None if written is None else PageIndexed(page_id=page.page_id, revision=page.revision, passages=written)


@on(PageRemoved)
async def remove_page(page: PageRemoved, use: Backends) -> None:
    """Take a page out of the index."""
    await keep_removal(page, use)
    await index_of(use).remove(page.page_id, page.revision)


@on(SweepRequested)
async def sweep_index(_request: SweepRequested, use: Backends) -> None:
    """Remove superseded passages that a stopped writer left behind; readers never saw them."""
    await index_of(use).sweep()


def index_of(use: Backends) -> Index:
    """The index of city pages."""
    return Index(use.settings.xnext.collection, use.vectors, use.embeddings, use.state, next=use.embeddings_next)


async def document_with_file(page: Page, revision: int, use: Backends) -> Document:
    """A page as the retrieval core takes it, with what its file says.

    Raises:
        Reject: the file cannot be read, or is not the one that the page names.
        Retry: it is not there (yet).
    """
    return document_of(page, revision, await blocks_of(page.file, use) if page.file else ())


def document_of(page: Page, revision: int, file: tuple[Block, ...] = ()) -> Document:
    """A page as the retrieval core takes it; what is a fact is searched under its heading, too."""
    sections = [Section(heading=section.heading, html=section.html) for section in page.sections]
    if file:
        sections.append(Section(blocks=file))
    if page.summary and not any(page.summary in section.html for section in page.sections):
        sections.insert(0, Section(html=page.summary))
    return Document(
        id=page.id,
        revision=revision,
        title=page.title,
        sections=tuple(sections),
        source=page.source,
        url=page.url or "",
        language=page.language,
        easy=page.easy,
        categories=page.categories,
        synonyms=page.synonyms,
        links=tuple(dict.fromkeys(link.label for link in (*page.facts.online_services, *page.links))),
        facts=facts_of(page),
    )
