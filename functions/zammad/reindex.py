"""``stadtfunk zammad reindex``: the knowledge base's index built anew from the kept answers; Zammad is not asked."""

import asyncio
import json
import sys
from typing import Annotated

import typer

from functions.zammad.editions import Editions
from functions.zammad.knowledge import knowledge_of
from shared.backends import Backends
from shared.knowledge.reindex import Outcome, drop_previous, previous, reindex
from shared.settings import Settings

app = typer.Typer(help="The index of the knowledge base.")


@app.command("reindex")
def reindex_answers(
    drop_old: Annotated[bool, typer.Option("--drop-old", help="Remove what was searched before the switch.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of lines.")] = False,
) -> None:
    """Index all answers with the next embedding model (else with the one in use), then let searches change to it."""

    async def run() -> dict[str, object]:
        use = Backends(Settings())
        try:
            return await (_dropped(use) if drop_old else _reindexed(use))
        finally:
            await use.close()

    done = asyncio.run(run())
    typer.echo(json.dumps(done, indent=2) if as_json else done["said"])


async def _reindexed(use: Backends) -> dict[str, object]:
    index = knowledge_of(use)
    switch = await previous(index, use.state)
    # What was searched before is no target, though the settings may still name its model as another one.
    target = index.next if switch is None or switch.previous != index.next.name else await index.live() or index.first
    outcome = await reindex(index, target, Editions(use), use.state, _tell)
    return outcome.model_dump() | {"said": _said(outcome)}


async def _dropped(use: Backends) -> dict[str, object]:
    dropped = await drop_previous(knowledge_of(use), use.state)
    return {"dropped": dropped, "said": f"{dropped} is removed" if dropped else "there is no old index"}


def _said(outcome: Outcome) -> str:
    found = f"{outcome.documents} answers ({outcome.passages} passages) can be found by {outcome.model}"
    switched = f"; searches changed from {outcome.switched_from}" if outcome.switched_from else ""
    return f"{found}; {outcome.written} were written in {outcome.seconds:g} s{switched}"


def _tell(done: int, of: int) -> None:
    if done == of or done % 50 == 0:
        print(f"{done} of {of} answers", file=sys.stderr, flush=True)  # noqa: T201
