"""`stadtfunk search QUERY`: ask the running host, as a browser does."""

import asyncio
import json
from typing import Annotated, Any

import aiohttp
import typer

from infra.cli.output import AsJson, fail, out, show_json
from shared.settings import Settings

app = typer.Typer()


@app.command("search")
def search(
    query: Annotated[str, typer.Argument(help="What is sought, in any language.")],
    *,
    limit: Annotated[int, typer.Option(min=1, max=50)] = 10,
    category: Annotated[str | None, typer.Option(help="Pages of this category only.")] = None,
    language: Annotated[str | None, typer.Option(help="Pages in this language only, e.g. de.")] = None,
    easy: Annotated[bool, typer.Option(help="Pages in easy language first.")] = False,
    url: Annotated[str | None, typer.Option(help="Address of the host; none: as the settings say.")] = None,
    as_json: AsJson = False,
) -> None:
    """Search the city's pages."""
    host = Settings().host
    base = (url or str(host.public_url or f"http://{host.bind}:{host.port}")).rstrip("/")
    asked = {
        "q": query,
        "limit": str(limit),
        "category": category,
        "language": language,
        "easy": "true" if easy else None,
    }
    found = asyncio.run(_ask(f"{base}/api/search", {name: value for name, value in asked.items() if value is not None}))
    if as_json:
        show_json(found)
        return
    for hit in found["hits"]:
        out.print(f"{hit['rank']:>2}  ", end="")
        out.print(hit["title"], style="bold", markup=False, end="")
        out.print("   ", " › ".join(hit["categories"]), style="dim", markup=False)
        if hit["url"]:
            out.print(f"    {hit['url']}", markup=False, soft_wrap=True)
        for passage in hit["passages"][:1]:
            text = passage["text"].replace("\n", " ")
            out.print(f"    {text[:300]}{'…' if len(text) > 300 else ''}", markup=False)
    if not found["hits"]:
        said = {"empty_index": "nothing is indexed yet", "filters": "nothing within these filters"}
        out.print(said.get(found["reason"], "nothing found"))
    if found["degraded"]:
        out.print("found by words alone: the embedding server is away", style="yellow")
    out.print(f"{len(found['hits'])} pages in {found['took_ms']} ms", style="dim")


async def _ask(url: str, parameters: dict[str, str]) -> dict[str, Any]:
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session,
            session.get(url, params=parameters) as answer,
        ):
            body = await answer.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        fail(f"{url} does not answer ({type(error).__name__}); is `stadtfunk up` or `stadtfunk serve` running?")
    if answer.status != 200:
        try:
            detail = json.loads(body)["detail"]
        except (ValueError, KeyError, TypeError):
            detail = "no reason given"
        fail(f"{url} answers with status {answer.status}: {detail}")
    found: dict[str, Any] = json.loads(body)
    return found
