"""Files that an operator puts into the search, and takes out again: ``stadtfunk xnext add | remove``."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final, NamedTuple
from uuid import uuid4

import typer

from events import Event
from events.cms import PageChanged
from functions.xnext.erasure import erase
from functions.xnext.ledger import PAGES, Ledger
from functions.xnext.page import File, Page
from functions.xnext.sources import Reading, Validators, is_id, page_id
from shared.backends import Backends
from shared.bus import enveloped
from shared.errors import Reject, StadtfunkError
from shared.jetstream import JetStreamBus
from shared.knowledge import documents
from shared.knowledge.documents import Contents
from shared.settings import UPLOADS

app = typer.Typer(help="Files among the city's pages.")
_TYPES: Final = {".md": "text/markdown", ".markdown": "text/markdown", ".txt": "text/plain"}
_TITLE: Final = 200  # characters of a title that a file gives itself


class Said(NamedTuple):
    """What an operator says of a file."""

    title: str | None
    url: str | None
    categories: tuple[str, ...]
    language: str


class Upload:
    """One file as the ledger asks a source for its pages; without a page it is gone."""

    def __init__(self, page: Page | None) -> None:
        self._page = page

    async def ids(self) -> list[str]:
        """No list: what is not added again stays."""
        return []

    async def read(self, id: str, known: Validators) -> Reading:
        """The page that was made of the file."""
        return Reading(absent="gone") if self._page is None else Reading(pages=(self._page,))


@app.command("add")
def add(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="PDF, Markdown, HTML or plain text.")],
    *,
    title: Annotated[str | None, typer.Option(help="Its title, else its first heading or its name.")] = None,
    url: Annotated[str | None, typer.Option(help="Where citizens read it: https://…")] = None,
    category: Annotated[list[str] | None, typer.Option(help="To filter by; may be given several times.")] = None,
    language: Annotated[str, typer.Option(help="BCP 47.")] = "de",
    id: Annotated[str | None, typer.Option("--id", help="Name in the index, else the file's own.")] = None,
) -> None:
    """Put files into the search, or put them there anew; each is one document, its pages are cited."""
    if len(files) > 1 and (title or url or id):
        raise typer.BadParameter("--title, --url and --id are of one file; give one")
    if url is not None and not url.startswith(("https://", "http://")):
        raise typer.BadParameter(f"--url '{url}' is no address; it begins with https://")
    said = Said(title=title, url=url, categories=tuple(category or ()), language=language)
    refused = asyncio.run(_add(files, said, id))
    if refused:
        raise typer.Exit(1)


@app.command("remove")
def remove(
    ids: Annotated[list[str], typer.Argument(metavar="ID…", help="As `add` said it, e.g. files:satzung.")],
    *,
    erased: Annotated[bool, typer.Option("--erase", help="Also out of the storage, with every revision.")] = False,
) -> None:
    """Take files out of the search; with --erase out of the storage, too, also those removed before."""

    async def run() -> None:
        async with _publishing() as (use, bus):
            for id in ids:
                own = id.removeprefix(page_id(UPLOADS, ""))
                left = bool(is_id(own) and await _followed(own, None, use, bus))
                if left:
                    typer.echo(f"{page_id(UPLOADS, own)} leaves the search")
                gone = await erase(page_id(UPLOADS, own), use) if erased and is_id(own) else None
                if not left and not (gone and gone.revisions):
                    raise StadtfunkError(
                        f"'{id}' is no file in the search; `stadtfunk xnext add` says the ids it gives"
                    )
                if gone:
                    typer.echo(
                        f"{page_id(UPLOADS, own)}: {gone.revisions} revisions and {gone.objects} objects are erased"
                        + "".join(f"; its content stays for {other}" for other in gone.shared)
                    )

    asyncio.run(run())


async def _add(files: list[Path], said: Said, id: str | None) -> int:
    """How many files were refused; each of them is said with its reason, the others are added."""
    refused = 0
    async with _publishing() as (use, bus):
        bucket = use.settings.xnext.bucket
        await use.objects.ensure_bucket(bucket)
        for file in files:
            own = id or name_of(file)
            try:
                if not is_id(own):
                    raise Reject(f"'{own}' is no id: letters, digits, '.', '_' and '-', at most 88; give one by --id")
                content = await asyncio.to_thread(file.read_bytes)
                media_type = _TYPES.get(file.suffix.lower(), "")
                read = await documents.read(content, media_type)
            except (OSError, Reject) as error:
                reason = f"cannot be read ({error.strerror})" if isinstance(error, OSError) else str(error)
                typer.echo(f"{file}: {reason}", err=True)
                refused += 1
                continue
            digest = sha256(content).hexdigest()
            await use.objects.put(bucket, f"files/{digest}", content, read.media_type)
            page = Page(
                id=page_id(UPLOADS, own),
                source=UPLOADS,
                title=said.title or _title(read, file),
                language=said.language,
                url=said.url,
                categories=said.categories,
                file=File(object_key=f"files/{digest}", content_hash=digest, media_type=read.media_type),
            )
            changed = await _followed(own, page, use, bus)
            typer.echo(f"{page.id}: {_told(page, read)}" if changed else f"{page.id}: unchanged")
    return refused


def name_of(file: Path) -> str:
    """A file's name as an id: "Satzung (neu).pdf" is satzung-neu."""
    plain = file.stem.casefold().translate({228: "ae", 246: "oe", 252: "ue"})
    return re.sub(r"[^a-z0-9._]+", "-", plain).strip("-._")[:88]


def _title(read: Contents, file: Path) -> str:
    # The first heading of a letter is its letterhead: only markup says what a title is.
    marked = read.media_type != "application/pdf"
    headings = (block.text for block in read.blocks if block.kind == "heading" and marked)
    return next(headings, file.stem)[:_TITLE]


def _told(page: Page, read: Contents) -> str:
    size = f"{read.pages} pages, " if read.pages else ""
    told = f"'{page.title}', {size}{sum(len(block.text) for block in read.blocks)} characters, findable in a moment"
    scans = ", ".join(map(str, read.scans))
    return f"{told}; scans without text, not findable: page {scans}" if read.scans else told


@asynccontextmanager
async def _publishing() -> AsyncIterator[tuple[Backends, JetStreamBus]]:
    use = Backends()
    bus = JetStreamBus(use.settings.nats)
    try:
        yield use, bus
    finally:
        await bus.close()
        await use.close()


async def _followed(id: str, page: Page | None, use: Backends, bus: JetStreamBus) -> list[Event]:
    """The events that say so, each stored before the ledger notes it; none where nothing changes."""
    ledger = Ledger(UPLOADS, use.state.bucket(PAGES), use.objects, use.settings.xnext.bucket)
    source = Upload(page)
    found: list[Event] = []
    async for event in ledger.follow(await ledger.look(source, id), source):
        kind = "add" if isinstance(event, PageChanged) else "remove"
        envelope = enveloped(event, id=str(uuid4()), source=f"stadtfunk/xnext/{kind}")
        await bus.publish(envelope, key=event.key_value)
        found.append(event)
    return found
