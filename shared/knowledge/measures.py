"""How well rankings found what was judged to fit: hit@k, MRR@10 and nDCG@10 with binary relevance."""

import math
from collections.abc import Collection, Iterable, Sequence
from statistics import fmean

DEPTH = 10
Measures = dict[str, float | int]


def measures(rows: Iterable[tuple[Collection[str], Sequence[str]]]) -> Measures:
    """Means over queries, each (ids that fit, ids found best first); a doubled id counts at its first place.

    Returns ``hit@1``, ``hit@3``, ``hit@5``, ``hit@10``, ``mrr@10``, ``ndcg@10`` (0 to 1) and ``n``; of no query
    ``n`` alone.
    """
    judged = [(frozenset(fitting), list(dict.fromkeys(found))[:DEPTH]) for fitting, found in rows]
    if not judged:
        return {"n": 0}
    ranks = [next((rank for rank, id in enumerate(found, 1) if id in fitting), None) for fitting, found in judged]
    said: Measures = {f"hit@{k}": _mean(rank is not None and rank <= k for rank in ranks) for k in (1, 3, 5, 10)}
    said["mrr@10"] = _mean(1 / rank if rank else 0.0 for rank in ranks)
    said["ndcg@10"] = _mean(_ndcg(fitting, found) for fitting, found in judged)
    return said | {"n": len(judged)}


def _ndcg(fitting: frozenset[str], found: Sequence[str]) -> float:
    gain = sum(1 / math.log2(rank + 1) for rank, id in enumerate(found, 1) if id in fitting)
    return gain / sum(1 / math.log2(rank + 1) for rank in range(1, min(len(fitting), DEPTH) + 1))


def _mean(values: Iterable[float]) -> float:
    return round(fmean(values), 4)
