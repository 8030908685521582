"""``stadtfunk xnext reindex``: the index of city pages built anew from their stored revisions; nothing is crawled."""

import asyncio
import json
import sys
import time
from typing import Annotated

import typer

from functions.xnext.index import document_with_file, index_of
from functions.xnext.revisions import counting, revision
from shared.backends import Backends
from shared.errors import StadtfunkError
from shared.knowledge.collection import Collection
from shared.knowledge.index import Index
from shared.knowledge.passages import Document
from shared.knowledge.records import Record
from shared.knowledge.reindex import Outcome, drop_previous, previous, reindex
from shared.settings import Settings

app = typer.Typer(help="The index of city pages.")
_TOLD_S = 1.0  # between two lines of progress


class Revisions:
    """The stored revisions of city pages."""

    def __init__(self, use: Backends) -> None:
        self._use = use

    async def counting(self) -> dict[str, Record]:
        """What counts of every page."""
        return await counting(self._use)

    async def document(self, id: str, number: int) -> Document:
        """A page in one revision."""
        page = (await revision(id, number, self._use)).page
        return await document_with_file(page, number, self._use)


@app.command("reindex")
def reindex_pages(
    back: Annotated[bool, typer.Option("--back", help="Return to the model before the last switch.")] = False,
    drop_old: Annotated[bool, typer.Option("--drop-old", help="Remove what was searched before it.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Write what is searched again, as after an upgrade.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of lines.")] = False,
) -> None:
    """Index all pages with the next embedding model (else with the one in use), then let searches change to it.

    Searches go on meanwhile. A run that was stopped is begun again and does the rest.
    """
    if back + drop_old + again > 1:
        raise typer.BadParameter("give one of --back, --drop-old and --again")

    async def run() -> dict[str, object]:
        use = Backends(Settings())
        try:
            return await (_dropped(use) if drop_old else _reindexed(use, back=back, again=again))
        finally:
            await use.close()

    done = asyncio.run(run())
    typer.echo(json.dumps(done, indent=2) if as_json else done["said"])


async def _reindexed(use: Backends, *, back: bool, again: bool) -> dict[str, object]:
    index = index_of(use)
    if again:
        target = await index.live() or index.first
        await target.renew()
    else:
        target = await (_before if back else _target)(index, use)
    outcome = await reindex(index, target, Revisions(use), use.state, _Progress())
    return outcome.model_dump() | {"said": _said(outcome)}


async def _target(index: Index, use: Backends) -> Collection:
    """The next model's; the one that is searched where the next is what was searched before."""
    switch = await previous(index, use.state)
    if switch is None or switch.previous != index.next.name:
        return index.next
    return await index.live() or index.first


async def _before(index: Index, use: Backends) -> Collection:
    switch = await previous(index, use.state)
    if switch is None:
        raise StadtfunkError("there is nothing to go back to: no switch was made, or the old index was dropped")
    if switch.previous not in index.collections:
        raise StadtfunkError(
            f"the model of {switch.previous} is not in these settings; set STADTFUNK_EMBEDDINGS_NEXT__MODEL, __URL "
            "and __DIMENSION to it, here and for workers and hosts"
        )
    return index.collections[switch.previous]


async def _dropped(use: Backends) -> dict[str, object]:
    dropped = await drop_previous(index_of(use), use.state)
    return {"dropped": dropped, "said": f"{dropped} is removed" if dropped else "there is no old index"}


def _said(outcome: Outcome) -> str:
    found = f"{outcome.documents} pages ({outcome.passages} passages) can be found by {outcome.model}"
    did = f"{outcome.written} were written in {outcome.seconds:g} s"
    if outcome.switched_from is None:
        return f"{found}; {did}"
    return f"{found}; {did}. Searches changed from {outcome.switched_from}, which is kept: --back, or --drop-old"


class _Progress:
    """Tells on standard error how far it is, about once a second."""

    def __init__(self) -> None:
        self._told = float("-inf")

    def __call__(self, done: int, of: int) -> None:
        if done == of or time.monotonic() - self._told >= _TOLD_S:
            self._told = time.monotonic()
            print(f"{done} of {of} pages", file=sys.stderr, flush=True)  # noqa: T201
