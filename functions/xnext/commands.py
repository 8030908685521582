"""What an operator does with the city's search: ``stadtfunk xnext …``, and its part of ``stadtfunk evaluate``."""

import asyncio
from typing import Annotated

import typer

from functions.xnext.dataset import prepare
from functions.xnext.evaluation import evaluate
from functions.xnext.index import index_of
from functions.xnext.operate import app as sources
from functions.xnext.reindex import app as reindexing
from functions.xnext.uploads import app as uploads
from shared.backends import Backends
from shared.settings import Settings

__all__ = ["app", "evaluate", "prepare"]

app = typer.Typer(help="The city's search.", no_args_is_help=True)


app.add_typer(sources)  # without a name: its commands stand beside the others
app.add_typer(reindexing)
app.add_typer(uploads)


@app.callback()
def xnext() -> None:
    """The city's search."""


@app.command("sweep")
def sweep(quiet: Annotated[bool, typer.Option(help="Say nothing where nothing was left.")] = False) -> None:
    """Remove passages that a stopped writer left behind; searches never show them."""

    async def run() -> int:
        use = Backends(Settings())
        try:
            return await index_of(use).sweep()
        finally:
            await use.close()

    swept = asyncio.run(run())
    if swept or not quiet:
        typer.echo(f"{swept} documents had superseded passages; they are removed")


@app.command("mcp")
def mcp(
    url: Annotated[str, typer.Argument(help="The MCP address of a running host.")] = "http://127.0.0.1:8080/mcp",
) -> None:
    """Offer search and answer to an AI assistant on this machine, over standard input and output."""
    from functions.xnext.bridge import bridge

    asyncio.run(bridge(url))
