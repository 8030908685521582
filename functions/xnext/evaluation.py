"""How well the search finds: judged queries asked over HTTP, as any citizen's browser asks.

A query file has a line a query: ``{"query": ..., "docs": [ids at the source], ...}``; a true
``no_lexical_overlap`` (or ``no_shared_word``) marks a query none of whose words is on the page.
"""

import json
import math
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import aiohttp
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from shared.errors import BackendError, SettingsError, StadtfunkError
from shared.settings import Settings

DEPTH = 10
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
    found = []
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise StadtfunkError(f"{file}: cannot be read ({error.strerror})") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found.append(Judged.model_validate_json(line))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "line"
            raise StadtfunkError(f"{file}:{number}: {where}: {first['msg']}") from None
    if not found:
        raise StadtfunkError(f"{file}: holds no query; a line is a JSON object with query and docs")
    return found


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
        "all": figures(pairs),
        "overlap": figures((one, found) for one, found in pairs if not one.no_lexical_overlap),
        "no_lexical_overlap": figures((one, found) for one, found in pairs if one.no_lexical_overlap),
        "latency_ms": {name: round(taken[min(len(taken) - 1, int(len(taken) * part))], 1) for name, part in _PARTS},
    }


def figures(pairs: Iterable[tuple[Judged, Sequence[str]]]) -> Figures:
    """hit@k, MRR@10 and nDCG@10 (binary relevance) over queries and what was found, best first."""
    rows = [(one.docs, list(dict.fromkeys(found))[:DEPTH]) for one, found in pairs]
    if not rows:
        return {"n": 0}
    ranks = [next((rank for rank, id in enumerate(found, 1) if id in docs), None) for docs, found in rows]
    said: Figures = {f"hit@{k}": _mean(rank is not None and rank <= k for rank in ranks) for k in (1, 3, 5, 10)}
    said["mrr@10"] = _mean(1 / rank if rank else 0.0 for rank in ranks)
    said["ndcg@10"] = _mean(_ndcg(docs, found) for docs, found in rows)
    return said | {"n": len(rows)}


_PARTS = (("p50", 0.5), ("p99", 0.99))


def _ndcg(docs: frozenset[str], found: Sequence[str]) -> float:
    gain = sum(1 / math.log2(rank + 1) for rank, id in enumerate(found, 1) if id in docs)
    return gain / sum(1 / math.log2(rank + 1) for rank in range(1, min(len(docs), DEPTH) + 1))


def _mean(values: Iterable[float]) -> float:
    return round(fmean(values), 4)
