"""One training from loans and records to a model with its card, and whether it may go live. Pure; runs anywhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from functions.library.model.blend import Choice, fold, tune
from functions.library.model.card import Card
from functions.library.model.content import Texts, content_parts
from functions.library.model.ease import ease_scores
from functions.library.model.interactions import Interactions, Matrix, without
from functions.library.model.knn import item_knn
from functions.library.model.measures import figures, gains, hits, ranked
from functions.library.model.neighbours import LEAST_READERS, Model
from functions.library.model.validation import READERS, How, judged, split

_EPOCH = date(1970, 1, 1)
_ENOUGH = 100  # readers that tell two models apart
_SHRUNK = 0.5  # of the running model's loans: fewer are a fault of the data, not a model


@dataclass(frozen=True)
class Learned:
    """A new model, and whether it is at least as good as the running one."""

    model: Model
    card: Card
    better: bool


def learn(loans: Interactions, texts: Texts, vectors: np.ndarray[Any, Any] | None, running: Model | None) -> Learned:
    """Tune on loans before the last fifth, judge on that fifth, fit to all, compare with the running model.

    ``loans.days`` are days since 1970; ``texts`` and ``vectors`` are in the order of ``loans.titles``.
    """
    if loans.days is None:
        raise ValueError("loans need their days")
    content = content_parts(texts, vectors)
    how, past, held = _held_back(loans)
    choice = tune(past, content, how=how, least=LEAST_READERS, seed=1)
    rows = judged(past.matrix, held)
    model = fold(loans, content, choice, least=LEAST_READERS)
    card = Card(
        first_day=_EPOCH + timedelta(days=int(loans.days.min())),
        last_day=_EPOCH + timedelta(days=int(loans.days.max())),
        readers=loans.matrix.shape[0],
        titles=int((loans.loans > 0).sum()),
        loans=int(loans.matrix.nnz),
        pairs=int(model.readers.nnz),
        content=tuple(content),
        figures=_figures(past, content, choice, held, rows) if len(rows) else {},
        held_back=f"{int(held[rows].nnz)} loans of {len(rows)} readers, new titles to each, held back by {how}",
        choice=choice.as_dict(),
    )
    if running is None:
        return Learned(model, card, better=True)
    better, why = _beside(running, loans, content, choice, (past, held))
    return Learned(model, card.model_copy(update={"beside_running": why}), better)


def _held_back(loans: Interactions) -> tuple[How, Interactions, Matrix]:
    """By time where that leaves readers to judge, else at random."""
    how: How = "time"
    past, held = split(loans, how)
    if len(judged(past, held)) < _ENOUGH:
        how = "random"
        past, held = split(loans, how)
    return how, loans.part(past), held


def _figures(
    past: Interactions, content: Mapping[str, Matrix], choice: Choice, held: Matrix, rows: np.ndarray[Any, Any]
) -> dict[str, dict[str, float]]:
    ours = fold(past, content, choice, least=LEAST_READERS)
    nearest = item_knn(past.matrix, neighbours=20)
    by_ease = ease_scores(past.matrix, choice.strength)
    methods = {
        "popularity": lambda some: np.repeat(past.loans[None].astype(np.float32), some.shape[0], axis=0),
        "itemknn": lambda some: np.asarray((some @ nearest).todense()),
        "ease": by_ease,
        "content": lambda some: np.asarray((some @ ours.by_content).todense()),
    }
    found = {"ours": _ours(ours, past, rows)}
    found |= {name: _ranked(score, past.matrix[rows], past.matrix[rows]) for name, score in methods.items()}
    return {name: figures(one, held[rows], past.loans) for name, one in found.items()}


def _beside(
    running: Model,
    loans: Interactions,
    content: Mapping[str, Matrix],
    choice: Choice,
    split_: tuple[Interactions, Matrix],
) -> tuple[bool, dict[str, float | int | str]]:
    """Whether the new one is not worse, and the figures of that, on readers that neither has seen.

    Both are asked for what was borrowed since the running model's last day, the new one fitted to what came before.
    Where that is too little, the running model's choice is fitted to the same past as the new one's. A difference
    within one standard error is no difference.
    """
    last = (date.fromisoformat(running.card["last_day"]) - _EPOCH).days
    if loans.matrix.nnz < _SHRUNK * running.card["loans"]:
        return False, {"reason": "less than half of the loans that the running model had"}
    days = np.asarray(loans.days)
    past, held = loans.part(without(loans.matrix, days <= last)), without(loans.matrix, days > last)
    rows = judged(past.matrix, held, READERS)
    if len(rows) >= _ENOUGH:
        on = "loans since the running model"
        ours = fold(past, content, choice, least=LEAST_READERS)
        theirs = _translated(running, loans.titles)
    else:
        on = "the running model's choice, fitted to the same loans"
        past, held = split_
        rows = judged(past.matrix, held, READERS)
        ours = fold(past, content, choice, least=LEAST_READERS)
        theirs = fold(past, content, Choice(**running.card["choice"]), least=LEAST_READERS)
    if not len(rows):
        return True, {"reason": "nobody to compare on"}
    sizes = np.diff(held[rows].indptr)
    new, old = (gains(hits(_ours(model, past, rows), held[rows]), sizes) for model in (ours, theirs))
    slack = float((new - old).std() / np.sqrt(len(rows)))
    return bool(new.mean() >= old.mean() - slack), {
        "on": on,
        "readers": len(rows),
        "new": round(float(new.mean()), 4),
        "running": round(float(old.mean()), 4),
    }


def _translated(model: Model, titles: np.ndarray[Any, Any]) -> Model:
    """A model in the columns of other titles; what they do not have is dropped."""
    at = {id: column for column, id in enumerate(titles.tolist())}
    known = [(old, at[id]) for old, id in enumerate(model.titles.tolist()) if id in at]
    old, new = (np.asarray(side, np.int64) for side in zip(*known, strict=True)) if known else (np.zeros(0, int),) * 2

    def moved(matrix: Matrix) -> Matrix:
        cells = matrix[old][:, old].tocoo()
        return type(matrix)((cells.data, (new[cells.row], new[cells.col])), shape=(len(titles),) * 2)

    loans = np.zeros(len(titles), np.int64)
    loans[new] = model.loans[old]
    prior = np.zeros(len(titles), np.float32)
    prior[new] = model.prior[old]
    return Model(
        version=model.version,
        titles=titles,
        loans=loans,
        prior=prior,
        by_loans=moved(model.by_loans),
        by_content=moved(model.by_content),
        readers=moved(model.readers),
        popular=model.popular,
        fading=model.fading,
    )


def _ours(model: Model, past: Interactions, rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return _ranked(model.score, past.baskets(model.fading)[rows], past.matrix[rows])


def _ranked(score: Any, baskets: Matrix, seen: Matrix) -> np.ndarray[Any, Any]:
    parts = [slice(at, at + 500) for at in range(0, baskets.shape[0], 500)]
    return np.vstack([ranked(score(baskets[part]), seen[part]) for part in parts])
