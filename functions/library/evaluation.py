"""How well the library's recommendations find: loans held back, the model beside five yardsticks, in one run.

Every method trains and ranks in a process of its own, so CPU time and peak memory are its own. The yardsticks run
without the rule of five readers; ours with it, and once more without, to show what the rule costs. What is judged
of ours are the truncated lists that are served.
"""

import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from functions.library.model.blend import train
from functions.library.model.content import Texts
from functions.library.model.ease import ease_scores
from functions.library.model.interactions import Interactions, Matrix, without
from functions.library.model.knn import item_knn, user_knn
from functions.library.model.measures import figures, hits, ranked
from functions.library.model.neighbours import LEAST_READERS
from functions.library.model.validation import How, judged, split
from functions.library.parquet import read_items, read_loans
from shared.errors import StadtfunkError
from shared.memory import peak_memory

Figures = dict[str, Any]
Score = Callable[[Matrix], np.ndarray[Any, Any]]
"""From baskets to scores, dense."""

METHODS = ("ours", "ours_without_rule", "popularity", "itemknn", "userknn", "ease", "content")
_BLOCK = 500
_NEVER = 2**31  # readers no pair has
_HIDDEN = 0.1  # of the titles, where a split leaves too few cold ones
_ENOUGH = 100  # held back loans of cold titles


def compare(loans: Path, items: Path, how: How, seed: int = 1, said: Callable[[str], None] = lambda _: None) -> Figures:
    """Figures of every method, of cold titles, and what was judged.

    Raises:
        StadtfunkError: a file cannot be read, a column is missing, or the split leaves nobody to judge.
    """
    found: Figures = {}
    for method in (*METHODS, "cold", "data"):
        said(method)
        # A process each, started afresh: nothing of one method counts for another.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as one:
            try:
                found[method] = one.submit(run, method, loans, items, how, seed).result()
            except BrokenProcessPool:
                raise StadtfunkError(f"{method}: the process ended; there may be too little memory") from None
    return found


def run(method: str, loans: Path, items: Path, how: How, seed: int) -> Figures:
    """One method's figures, with its CPU seconds and this process's peak memory in MB."""
    known, texts = read_items(items)
    whole = read_loans(loans, also=known)
    if how == "time" and whole.days is None:
        raise StadtfunkError(f"{loans}: has no column timestamp; a split by time needs one")
    columns = {name: _ordered(known, values, whole.titles) for name, values in texts.items()}
    train_on, held = split(whole, how, seed)
    rows = judged(train_on, held)
    if not len(rows):
        raise StadtfunkError(f"{loans}: no reader has loans on both sides of the split")
    given = whole.part(train_on)
    if method == "data":
        return {"split": how, "seed": seed} | _described(whole, given, held[rows])
    if method == "cold":
        return cold(given, columns, train_on[rows], held[rows], how=how, seed=seed)
    start = time.process_time()
    baskets, score = _scorer(method, given, columns, how, seed)
    found = np.vstack([ranked(score(baskets[part]), train_on[part]) for part in _parts(rows)])
    cpu = time.process_time() - start
    return figures(found, held[rows], given.loans) | {"cpu_s": round(cpu, 1), "peak_mb": round(peak_memory() / 2**20)}


def cold(given: Interactions, texts: Texts, baskets: Matrix, held: Matrix, *, how: How, seed: int) -> Figures:
    """hit@10 among titles without a loan in training: by content, by popularity (all are equal), at random.

    Where a split holds back fewer than 100 such loans, a tenth of the titles is hidden from training.
    """
    is_cold = given.loans == 0
    hidden = int(np.isin(held.indices, np.flatnonzero(is_cold)).sum()) < _ENOUGH
    if hidden:
        is_cold = is_cold | (np.random.default_rng(seed).random(len(is_cold)) < _HIDDEN)
        given = given.part(without(given.matrix, ~is_cold[given.matrix.indices]))
        baskets = without(baskets, ~is_cold[baskets.indices])
    wanted = without(held, is_cold[held.indices])
    rows = judged(baskets, wanted)
    titles = np.flatnonzero(is_cold)
    said: Figures = {"titles": len(titles), "readers": len(rows), "hidden": hidden}
    if not len(rows) or len(titles) <= 10:
        return said
    model, _ = train(given, texts, how=how, seed=seed)
    baskets, wanted = baskets[rows], wanted[rows][:, titles].tocsr()

    def hit(scores: np.ndarray[Any, Any]) -> float:
        # Equal scores in an order that says nothing: of titles nobody borrowed, popularity knows nothing.
        shuffled = np.random.default_rng(seed).permutation(len(titles))
        nothing_seen = type(wanted)(wanted.shape)
        found = shuffled[ranked(scores[:, shuffled], nothing_seen)]
        return round(float(hits(found[:, :10], wanted).any(1).mean()), 4)

    sizes = np.diff(wanted.indptr)
    by_content = np.asarray((baskets @ model.by_content[:, titles]).todense())
    missed = np.prod([(len(titles) - sizes - place).clip(0) / (len(titles) - place) for place in range(10)], axis=0)
    return said | {
        "content": {"hit@10": hit(by_content)},
        "popularity": {"hit@10": hit(np.zeros_like(by_content))},
        "random": {"hit@10": round(float(1 - missed.mean()), 4)},
    }


def _scorer(method: str, given: Interactions, texts: Texts, how: How, seed: int) -> tuple[Matrix, Score]:
    """The readers' baskets, and what scores them."""
    matrix = given.matrix
    if method.startswith("ours"):
        model, _ = train(given, texts, how=how, least=LEAST_READERS if method == "ours" else 1, seed=seed)
        return given.baskets(model.fading), model.score
    return matrix, _yardstick(method, given, texts, how, seed)


def _yardstick(method: str, given: Interactions, texts: Texts, how: How, seed: int) -> Score:
    matrix = given.matrix
    if method == "popularity":
        return lambda rows: np.repeat(given.loans[None].astype(np.float32), rows.shape[0], axis=0)
    if method == "itemknn":
        nearest = item_knn(matrix, neighbours=20)
        return lambda rows: np.asarray((rows @ nearest).todense())
    if method == "userknn":
        return lambda rows: np.asarray(user_knn(matrix, rows, neighbours=50).todense())
    if method == "ease":
        return ease_scores(matrix, 100.0)
    if method == "content":
        alone = train(given, texts, how=how, least=_NEVER, seed=seed)[0].by_content
        return lambda rows: np.asarray((rows @ alone).todense())
    raise ValueError(f"no method '{method}'")


def _described(whole: Interactions, given: Interactions, held: Matrix) -> Figures:
    return {
        "readers": int(whole.matrix.shape[0]),
        "titles": len(whole.titles),
        "loans": int(whole.matrix.nnz),
        "training_loans": int(given.matrix.nnz),
        "judged_readers": int(held.shape[0]),
        "judged_loans": int(held.nnz),
        "cold_titles": int((given.loans == 0).sum()),
    }


def _parts(rows: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    return [rows[start : start + _BLOCK] for start in range(0, len(rows), _BLOCK)]


def _ordered(known: list[str], values: list[str], titles: np.ndarray[Any, Any]) -> list[str]:
    at = dict(zip(known, values, strict=True))
    return [at.get(title, "") for title in titles.tolist()]
