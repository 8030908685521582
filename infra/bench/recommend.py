"""Recommendations over HTTP on the demo library: for one title, and for a basket of ten.

One request after the other to the host's own process, each from another title, once the demo library has a model.
"""

import asyncio
import csv
import os
import random
import tempfile
import time
from datetime import date
from pathlib import Path
from statistics import quantiles
from typing import Any, Final

import aiohttp

from infra.bench._stack import stack
from infra.library.demo import write
from shared.errors import StadtfunkError

_ROUNDS: Final = 1000
_QUICK: Final = 100
_BASKET: Final = 10
_PATIENCE_S: Final = 600.0  # for the demo library's vectors and first training
_BARS: Final = {"bar_p50_ms": 15.0, "bar_p99_ms": 50.0}


def run(quick: bool = False) -> dict[str, object]:
    """Figures in ms, the whole request."""
    with tempfile.TemporaryDirectory() as folder:
        text = write(Path(folder), date.today()).titles.read_text(encoding="utf-8")
    titles = [row["id"] for row in csv.DictReader(text.splitlines())]
    # More from one client than a client may ask.
    with stack({"STADTFUNK_HOST__RATE_PER_MINUTE": "1000000"}, "library") as running:
        url = f"{running.addresses['portal']}api/library/recommendations"
        seconds = asyncio.run(_asked(url, titles, _QUICK if quick else _ROUNDS))
    found: dict[str, object] = {}
    for name, measured in seconds.items():
        cuts = quantiles(measured, n=100)
        found |= {f"{name}_p50_ms": round(cuts[49] * 1000, 1), f"{name}_p99_ms": round(cuts[98] * 1000, 1)}
    return {**found, **_BARS, "titles": len(titles), "load_1min": round(os.getloadavg()[0], 2)}


async def _asked(url: str, titles: list[str], rounds: int) -> dict[str, list[float]]:
    draw = random.Random(1)
    async with aiohttp.ClientSession(raise_for_status=True) as session:

        async def ask(*basket: str) -> dict[str, Any]:
            async with session.post(url, json={"titles": basket}) as answer:
                return dict(await answer.json())

        end = time.monotonic() + _PATIENCE_S
        while not (await ask(titles[0]))["model"]:
            if time.monotonic() > end:
                raise StadtfunkError(f"the demo library had no model after {_PATIENCE_S:.0f} s")
            await asyncio.sleep(1)
        measured: dict[str, list[float]] = {"one": [], "basket": []}
        for name, count in (("one", 1), ("basket", _BASKET)):
            for _ in range(rounds):
                basket = draw.sample(titles, count)
                start = time.perf_counter()
                await ask(*basket)
                measured[name].append(time.perf_counter() - start)
        return measured
