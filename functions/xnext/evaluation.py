"""How well the search finds: judged queries asked over HTTP, as any citizen's browser asks.

A query file has a line a query: ``{"query": ..., "docs": [ids at the source], ...}``; a true
``no_lexical_overlap`` (or ``no_shared_word``) marks a query none of whose words is on the page.
"""

import json
import time
from pathlib import Path
from typing import Any

import aiohttp
from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from shared.errors import BackendError, SettingsError
from shared.knowledge.evaluation import read
from shared.knowledge.measures import DEPTH, measures
from shared.settings import Settings

Figures = dict[str, Any]


class Judged(BaseModel):
    """A query and the pages that answer it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    query: str
    docs: frozenset[str] = Field(min_length=1)
    no_lexical_overlap: bool = Field(
        default=False, validation_alias=AliasChoices("no_lexical_overlap", "no_shared_word")
    )


def read_queries(file: Path) -> list[Judged]:
    """The judged queries of a JSONL file.

    Raises:
        StadtfunkError: the file cannot be read, or a line is wrong; names file, line and field.
    """
    return read(file, Judged)


async def evaluate(settings: Settings, queries: Path) -> Figures:
    """Ask every query and judge the first ten pages.

    Returns ``{"all": {...}, "overlap": {...}, "no_lexical_overlap": {...}, "latency_ms": {"p50", "p99"}}``.
    """
    judged = read_queries(queries)
    if settings.host.public_url is None:
        raise SettingsError("STADTFUNK_HOST__PUBLIC_URL", "is not set; name the address of the host to ask")
    url = f"{str(settings.host.public_url).rstrip('/')}/api/search"
    ranked: list[list[str]] = []
    taken: list[float] = []
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
        for one in judged:
            start = time.perf_counter()
            async with session.get(url, params={"q": one.query, "limit": str(DEPTH)}) as answer:
                if answer.status != 200:
                    raise BackendError("host", f"{url} answers with status {answer.status}")
                body = json.loads(await answer.read())
            taken.append((time.perf_counter() - start) * 1000)
            if body["degraded"]:
                raise BackendError(
                    "embeddings", "a query was answered by words alone; figures would not be of this model"
                )
            ranked.append([str(hit["id"]).partition(":")[2] for hit in body["hits"]])
    pairs = list(zip(judged, ranked, strict=True))
    taken.sort()
    return {
        "all": measures((one.docs, found) for one, found in pairs),
        "overlap": measures((one.docs, found) for one, found in pairs if not one.no_lexical_overlap),
        "no_lexical_overlap": measures((one.docs, found) for one, found in pairs if one.no_lexical_overlap),
        "latency_ms": {name: round(taken[min(len(taken) - 1, int(len(taken) * part))], 1) for name, part in _PARTS},
    }


_PARTS = (("p50", 0.5), ("p99", 0.99))
