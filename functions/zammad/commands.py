"""What the help desk's people do at a terminal: ``stadtfunk zammad doctor | replay | reindex | sync | topics``."""

import asyncio
from uuid import uuid4

import typer

from events.zammad import KnowledgeSyncAsked
from functions.zammad.doctor import app as examination
from functions.zammad.evaluation import evaluate_letters, evaluate_lies
from functions.zammad.letters import load as load_letters
from functions.zammad.preparation import app as preparation
from functions.zammad.reindex import app as reindexing
from functions.zammad.replay import app as past
from shared.bus import enveloped
from shared.jetstream import JetStreamBus
from shared.settings import Settings

__all__ = ["app", "evaluate_letters", "evaluate_lies", "load_letters"]

app = typer.Typer(help="Drafts in the help desk.", no_args_is_help=True)
app.add_typer(examination)  # without a name: its commands stand beside the others
app.add_typer(past)
app.add_typer(reindexing)
app.add_typer(preparation)


@app.callback()
def zammad() -> None:
    """Drafts in the help desk."""


@app.command("sync")
def sync() -> None:
    """Ask for a look at the knowledge base now, instead of waiting for the schedule."""

    async def run() -> None:
        bus = JetStreamBus(Settings().nats, name="stadtfunk-zammad")
        try:
            await bus.publish(enveloped(KnowledgeSyncAsked(), id=str(uuid4()), source="stadtfunk/zammad"))
        finally:
            await bus.close()

    asyncio.run(run())
    typer.echo("a look at the knowledge base was asked for; see `stadtfunk status`")
