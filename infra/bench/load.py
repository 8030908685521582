"""More searches than the machine can do: 200 a second offered for a minute, on the whole local stack.

An open loop over HTTP against the host's own process, each search from another of 1000 addresses (so that
no client is beyond its own rate) and no two alike (so that no cache answers). What cannot be served in time
is to be refused at once, with 429 and Retry-After; whatever else comes back is an error.
"""

import os
import random
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import psutil
import uvloop

from infra.bench._offer import TRUSTED, Outcome, offer
from infra.bench._stack import stack
from infra.cms.city import load_city

PER_SECOND: Final = 200.0
_SECONDS: Final = 60.0
_QUICK_S: Final = 10.0
_PARTS: Final = ("host", "vectors", "embeddings")
_LOOK_S: Final = 0.5
_BARS: Final = {"bar_served_p99_s": 1.0, "bar_errors": 0}


def run(quick: bool = False, seconds: float | None = None) -> dict[str, object]:
    """Figures: what was served, refused and failed; seconds from when a search was due; MB of each process."""
    seconds = seconds or (_QUICK_S if quick else _SECONDS)
    queries = distinct_queries(round(PER_SECOND * seconds) + 50)
    with stack(TRUSTED) as running:
        url = f"{running.addresses['portal']}api/search"
        uvloop.run(offer(url, queries[:50], 5.0, 10.0))  # the first searches of a process load what later ones have
        with _memory({part: running.pids[part] for part in _PARTS}) as megabytes:
            outcome = uvloop.run(offer(url, queries[50:], PER_SECOND, seconds))
    return {
        **figures(outcome, seconds),
        **{f"{part}_mb": dict(zip(("before", "most", "after"), seen, strict=True)) for part, seen in megabytes.items()},
        **_BARS,
        "cores": os.cpu_count() or 0,
        "load_1min": round(os.getloadavg()[0], 2),
    }


def figures(outcome: Outcome, seconds: float) -> dict[str, object]:
    """An outcome as figures."""
    return {
        "offered": outcome.offered,
        "seconds": seconds,
        "served": len(outcome.served),
        "served_per_s": round(len(outcome.served) / seconds, 1),
        "refused": len(outcome.shed),
        "errors": dict(outcome.errors),
        "degraded": outcome.degraded,
        "served_p50_s": _part(outcome.served, 0.5),
        "served_p99_s": _part(outcome.served, 0.99),
        "served_max_s": _part(outcome.served, 1.0),
        "refused_p50_s": _part(outcome.shed, 0.5),
        "refused_p99_s": _part(outcome.shed, 0.99),
        "sent_late_max_s": round(outcome.late, 3),
    }


def distinct_queries(count: int) -> list[str]:
    """Queries of two to six words that stand one after the other in the demo city's pages, no two alike."""
    draw = random.Random(count)
    texts = [re.findall(r"[^\W\d_]{2,}", page.words()) for page in load_city().pages]
    found: dict[str, None] = {}
    while len(found) < count:
        words = draw.choice(texts)
        begin, length = draw.randrange(len(words)), draw.randint(2, 6)
        found[" ".join(words[begin : begin + length])] = None
    return list(found)


@contextmanager
def _memory(pids: Mapping[str, int]) -> Iterator[dict[str, list[int]]]:
    """Resident megabytes of each process with its children: before, most and after, whole when the block ends."""
    seen: dict[str, list[int]] = {part: [megabytes(pid)] * 3 for part, pid in pids.items()}
    over = threading.Event()

    def look() -> None:
        while not over.wait(_LOOK_S):
            for part, pid in pids.items():
                now = megabytes(pid)
                seen[part] = [seen[part][0], max(seen[part][1], now), now]

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield seen
    finally:
        over.set()
        looking.join()


def megabytes(pid: int) -> int:
    """What a process and its children hold in memory; raises psutil.NoSuchProcess where it ended."""
    process = psutil.Process(pid)
    return sum(one.memory_info().rss for one in (process, *process.children(recursive=True))) // 2**20


def _part(seconds: list[float], part: float) -> float | None:
    ordered = sorted(seconds)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * part))], 3) if ordered else None
