"""A search over 400 passages beyond the embedding call, beside one raw hybrid search of pymilvus in the same run.

Real Milvus Lite and NATS (the record of revisions), the demo city's texts repeated under other names until
there are 400 passages. The vectors are drawn by digest, so that no embedding server takes part in the time:
language, terms, four rankings, fusion, the record of revisions and highlights are all in it.
"""

import asyncio
import json
import os
import random
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Any, Final

from infra.cms.city import load_city
from infra.stack import servers
from infra.stack.ports import free_port
from infra.stack.process import Process
from shared.embeddings import Embeddings, Role, Vector
from shared.knowledge import german
from shared.knowledge.index import Index
from shared.knowledge.passages import Document, Section, passages
from shared.knowledge.search import search
from shared.settings import EmbeddingSettings, NatsSettings, VectorSettings
from shared.state import State
from shared.vectors import Vectors

_PASSAGES: Final = 400
_BAR_MS: Final = 40.0
_QUERIES: Final = Path(__file__).parent.parent / "cms" / "city" / "queries.jsonl"


def run(quick: bool = False) -> dict[str, object]:
    """Figures: ``p50_ms`` and ``p99_ms`` of a search, ``raw_p50_ms`` of pymilvus' hybrid search, their ratio."""
    return asyncio.run(_run(60 if quick else 300))


class _Drawn(Embeddings):
    """Unit vectors drawn by the text's digest, at once."""

    async def embed(self, texts: Sequence[str], role: Role = "passage") -> list[Vector]:
        return [_vector(text, self.dimension) for text in texts]


def _vector(text: str, dimension: int) -> Vector:
    draw = random.Random(sha256(text.encode()).digest())
    numbers = [draw.gauss(0, 1) for _ in range(dimension)]
    length = sum(number * number for number in numbers) ** 0.5
    return [number / length for number in numbers]


async def _run(count: int) -> dict[str, object]:
    queries = [json.loads(line)["query"] for line in _QUERIES.read_text(encoding="utf-8").splitlines() if line]
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="stadtfunk-bench-")))
        ports: dict[str, int] = {}
        settings: dict[str, str] = {}
        for make in (servers.nats_server, servers.milvus):
            server = make(folder / make.__name__, lambda name: ports.setdefault(name, free_port()))
            process = Process(server, folder / f"{server.name}.log")
            stack.callback(process.stop)
            await process.start()
            settings |= server.provides
        vectors = Vectors(VectorSettings(uri=settings["STADTFUNK_VECTORS__URI"]))
        stack.push_async_callback(vectors.close)
        state = State(NatsSettings(url=settings["STADTFUNK_NATS__URL"]))
        stack.push_async_callback(state.close)
        embeddings = _Drawn(EmbeddingSettings())
        index = Index("bench", vectors, embeddings, state)
        written = await _fill(index)
        await vectors.flush(index.collection)

        async def ours(query: str) -> object:
            return await search(index, query, limit=10)

        raw = await _raw(settings["STADTFUNK_VECTORS__URI"], index.collection, embeddings.dimension, stack)
        taken: dict[str, list[float]] = {"ours": [], "raw": []}
        asked = [queries[number % len(queries)] for number in range(count)]
        for number, query in enumerate(asked[:10] + asked):  # the first ten warm up; then turn by turn
            for name, work in (("ours", ours), ("raw", raw)):
                seconds = await _timed(work, query)
                if number >= 10:
                    taken[name].append(seconds * 1000)
    found = sorted(taken["ours"])
    return {
        "p50_ms": round(median(found), 2),
        "p99_ms": round(found[int(len(found) * 0.99)], 2),
        "raw_p50_ms": round(median(taken["raw"]), 2),
        "ratio_to_raw": round(median(found) / median(taken["raw"]), 2),
        "bar_p50_ms": _BAR_MS,
        "passages": written,
        "searches": count,
        "cores": os.cpu_count() or 0,
        "load_1min": round(os.getloadavg()[0], 2),
    }


async def _fill(index: Index) -> int:
    pages = [page for page in load_city().pages if page.text]
    written = turn = 0
    while written < _PASSAGES:
        for page in pages:
            if written >= _PASSAGES:
                break
            html = "".join(f"<p>{part}</p>" for part in page.text.split("\n\n"))
            title = f"{page.name} {turn}" if turn else page.name
            document = Document(id=f"{page.id}-{turn}", revision=1, title=title, sections=(Section(html=html),))
            if len(passages(document)) > _PASSAGES - written + 5:
                continue
            written += await index.write(document) or 0
        turn += 1
    return written


async def _raw(uri: str, collection: str, dimension: int, stack: AsyncExitStack) -> Callable[[str], Awaitable[object]]:
    """One hybrid search of dense, stems and grams, fused by the server, as pymilvus offers it."""
    from pymilvus import AnnSearchRequest, AsyncMilvusClient, RRFRanker

    client = AsyncMilvusClient(uri=uri, dedicated=True)
    stack.push_async_callback(client.close)

    async def ask(query: str) -> object:
        parts: list[tuple[str, Any]] = [
            ("dense", _vector(query, dimension)),
            ("stems_bm25", german.stems(query, query=True)),
            ("grams_bm25", german.grams(query, query=True)),
        ]
        requests = [AnnSearchRequest(data=[data], anns_field=field, param={}, limit=60) for field, data in parts]
        return await client.hybrid_search(
            collection, requests, RRFRanker(), limit=10, output_fields=["doc", "title", "text"]
        )

    return ask


async def _timed(work: Callable[[str], Awaitable[object]], query: str) -> float:
    start = time.perf_counter()
    await work(query)
    return time.perf_counter() - start
