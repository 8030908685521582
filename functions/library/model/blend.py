"""Training: parts of several algorithms, weighed on loans held back, folded into one list of neighbours a title."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

import numpy as np
import scipy.sparse as sp
from scipy.sparse import csr_matrix

from functions.library.model.als import als
from functions.library.model.content import Texts, content_parts
from functions.library.model.ease import ease
from functions.library.model.interactions import Interactions, Matrix, supported
from functions.library.model.knn import bm25_knn, fewer, item_knn
from functions.library.model.neighbours import LEAST_READERS, Model, truncated
from functions.library.model.popularity import drift, popularity
from functions.library.model.validation import READERS, How, Pool, judged, split, weigh

T = TypeVar("T")
_QUICK = 750  # readers that choose the settings of one part
_FEW = 30  # readers to tune on: below, figures are chance
SERVED = 200  # neighbours a title, by both parts together
_STRENGTHS = (30.0, 100.0, 300.0)
_NEIGHBOURS = (10, 20, 50)
_DAMPINGS = (0.0, 0.5)
_PENALTIES = (0.003, 0.01, 0.03)
_FADINGS = (0.25, 0.5, 1.0)
_MIDDLE = 0.5
_AGES = (1 / 3, 1 / 8, 1 / 20)  # of the whole time, as half-lives
_DRIFTINGS = (0.5, 1.0, 1.5)
_LEANINGS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What tuning decided."""

    weights: Mapping[str, float]  # a part
    strength: float = 100.0  # of EASE
    neighbours: int = 20  # of the nearest neighbours
    damping: float = 0.5  # of readers with many loans
    penalty: float = 0.01  # of ALS
    fading: float = 0.0  # exponent by which earlier titles of a basket say less than the latest; 0: all the same
    leaning: float = 0.5  # exponent of a title's loans, by which content leans to what is borrowed
    half_life: float | None = None  # of a loan in popularity, in the unit of the days; None: it does not age
    drifting: float = 0.0  # exponent by which all leans to what is borrowed more of late than before
    quality: float = 0.0  # mean of nDCG@10 and recall@10 on what was held back; 0: there was too little

    def as_dict(self) -> dict[str, Any]:
        """For the model card."""
        return asdict(self)


def train(
    loans: Interactions,
    texts: Texts | None = None,
    vectors: np.ndarray[Any, Any] | None = None,
    *,
    how: How = "random",
    least: int = LEAST_READERS,
    seed: int = 1,
) -> tuple[Model, Choice]:
    """The model and what tuning chose; ``texts`` and ``vectors`` are in the order of ``loans.titles``.

    ``how`` is the split for tuning. ``least`` 1 switches the rule of five readers off: for comparison only.
    """
    content = content_parts(texts or {}, vectors)
    choice = tune(loans, content, how=how, least=least, seed=seed)
    return fold(loans, content, choice, least=least), choice


def tune(loans: Interactions, content: Mapping[str, Matrix], *, how: How, least: int, seed: int) -> Choice:
    """Choose everything that can be chosen, on a part of ``loans`` that is held back.

    Where too few readers are on both sides of that, the choice is a fixed one.
    """
    fit, held = split(loans, how, seed)
    rows = judged(fit, held, READERS, seed)
    if len(rows) < _FEW:
        return Choice(
            weights={"ease": 1.0, "knn": 0.5, "bm25": 0.0, "als": 0.0, "popular": 0.001} | dict.fromkeys(content, 0.05)
        )
    past = loans.part(fit)
    counts = past.recent(None, least)
    some = rows[:_QUICK]
    half_life = _half_life(past, fit[some], held[some], least)
    pairs = supported(fit, least, loans.keys)
    fading = _fading(past, held[some], some, item_knn(fit, neighbours=max(_NEIGHBOURS), damping=_MIDDLE, allowed=pairs))
    fit_rows, held_rows = past.baskets(fading)[rows], held[rows]
    quick = fit_rows[:_QUICK], held_rows[:_QUICK]

    def alone(part: Matrix) -> float:
        pool = Pool.of({"it": part}, None, *quick)
        return pool.quality(pool.scores["it"])

    strength, by_ease = max(((value, ease(fit, value, pairs)) for value in _STRENGTHS), key=lambda one: alone(one[1]))
    (neighbours, damping), by_knn = max(
        (
            ((count, damping), fewer(most, count))
            for damping in _DAMPINGS
            for most in (item_knn(fit, neighbours=max(_NEIGHBOURS), damping=damping, allowed=pairs),)
            for count in _NEIGHBOURS
        ),
        key=lambda one: alone(one[1]),
    )
    penalty, by_als = max(
        ((value, als(fit, pairs, penalty=value)) for value in _PENALTIES), key=lambda one: alone(one[1])
    )
    by_loans = {"ease": by_ease, "knn": by_knn, "bm25": bm25_knn(fit, neighbours=neighbours, allowed=pairs)}
    # Candidates are found once, with a middling leaning; then each leaning is tried on them.
    pool = Pool.of(
        by_loans | {"als": by_als} | _leaning(content, counts, _MIDDLE),
        popularity(past.recent(half_life, least)),
        fit_rows,
        held_rows,
    )
    middling = {name: pool.scores[name] for name in content}
    best = Choice(
        weights={},
        strength=strength,
        neighbours=neighbours,
        damping=damping,
        penalty=penalty,
        fading=fading,
        half_life=half_life,
        quality=-1.0,
    )
    for leaning in _LEANINGS if content else (_MIDDLE,):
        factor = _factor(counts, leaning - _MIDDLE)[pool.columns]
        leaned = replace(pool, scores=pool.scores | {name: scores * factor for name, scores in middling.items()})
        start = {name: leaned.scale(name) * (1.0 if name in by_loans else 0.3) for name in pool.scores}
        weights, quality = weigh(leaned, start | {"als": 0.0, "popular": 0.0}, fixed=("als",))
        if quality > best.quality:
            best, chosen = replace(best, leaning=leaning, weights=weights, quality=quality), leaned
    # One more way to read the same loans has to show that it adds something.
    weights, quality = weigh(chosen, best.weights)
    if _surely({one: chosen.gains(chosen.total(w)) for one, w in ((False, best.weights), (True, weights))}, False):
        best = replace(best, weights=weights, quality=quality)
    change = drift(past.recent(half_life, least), counts)[pool.columns]
    for drifting in _DRIFTINGS if half_life is not None else ():
        drifted = replace(chosen, scores={name: scores * change**drifting for name, scores in chosen.scores.items()})
        weights, quality = weigh(drifted, best.weights, fixed=() if best.weights["als"] else ("als",))
        if quality > best.quality:
            best = replace(best, drifting=drifting, weights=weights, quality=quality)
    return best


def _half_life(past: Interactions, fit: Matrix, held: Matrix, least: int) -> float | None:
    """The age at which a loan counts half for popularity; None where older loans say as much as newer ones."""
    span = 0.0 if past.days is None or not len(past.days) else float(np.ptp(past.days))
    found: dict[float | None, np.ndarray[Any, Any]] = {}
    for age in (None, *(span * part for part in _AGES if span > 0)):
        pool = Pool.of({}, popularity(past.recent(age, least)), fit, held)
        found[age] = pool.gains(pool.scores["popular"])
    return _surely(found, None)


def _fading(past: Interactions, held: Matrix, rows: np.ndarray[Any, Any], nearest: Matrix) -> float:
    """How much less the earlier titles of a basket say than the latest; 0 where no more than chance speaks for it."""
    if past.days is None:
        return 0.0
    found: dict[float, np.ndarray[Any, Any]] = {}
    for fading in (0.0, *_FADINGS):
        pool = Pool.of({"it": nearest}, None, past.baskets(fading)[rows], held)
        found[fading] = pool.gains(pool.scores["it"])
    return _surely(found, 0.0)


def _surely(found: Mapping[T, np.ndarray[Any, Any]], usual: T) -> T:
    """The value with the best gains; the usual one unless they lead it by two standard errors, or it is chance."""
    best = max(found, key=lambda value: found[value].mean())
    more = found[best] - found[usual]
    return best if more.mean() > 2 * more.std() / np.sqrt(len(more)) else usual


def fold(loans: Interactions, content: Mapping[str, Matrix], choice: Choice, *, least: int) -> Model:
    """Fit the chosen parts on all loans and fold them into truncated lists."""
    counts = loans.recent(None, least)
    pairs = supported(loans.matrix, least, loans.keys)
    weights = choice.weights
    width = len(loans.titles)
    by_loans = csr_matrix((width, width), dtype=np.float32)
    if weights.get("ease"):
        by_loans = by_loans + weights["ease"] * ease(loans.matrix, choice.strength, pairs)
    if weights.get("knn"):
        by_loans = by_loans + weights["knn"] * item_knn(
            loans.matrix, neighbours=choice.neighbours, damping=choice.damping, allowed=pairs
        )
    if weights.get("bm25"):
        by_loans = by_loans + weights["bm25"] * bm25_knn(loans.matrix, neighbours=choice.neighbours, allowed=pairs)
    if weights.get("als"):
        by_loans = by_loans + weights["als"] * als(loans.matrix, pairs, penalty=choice.penalty)
    by_content = csr_matrix((width, width), dtype=np.float32)
    for name, part in _leaning(content, counts, choice.leaning).items():
        if weights.get(name):
            by_content = by_content + weights[name] * part
    recent = loans.recent(choice.half_life, least)
    change = drift(recent, counts) ** choice.drifting
    by_loans, by_content = (csr_matrix(one @ sp.diags(change)) for one in (by_loans, by_content))
    by_loans, by_content = truncated(by_loans, by_content, SERVED)
    shown = by_loans.copy()
    shown.data[:] = 1
    # Counts grow in steps: most loans change none of them.
    pairs.data = pairs.data // least * least
    return Model(
        version="",
        titles=loans.titles,
        loans=loans.people // least * least,  # below five it orders nothing: a dial would tell one loan from two
        prior=popularity(recent) * change,
        by_loans=by_loans,
        by_content=by_content,
        readers=csr_matrix(pairs.multiply(shown)),
        popular=float(weights.get("popular", 0.0)),
        fading=choice.fading,
    )


def _leaning(content: Mapping[str, Matrix], counts: np.ndarray[Any, Any], leaning: float) -> dict[str, Matrix]:
    """Content parts, each target weighed by its loans: among equals, the one that more have borrowed."""
    scale = sp.diags(_factor(counts, leaning))
    return {name: csr_matrix(part @ scale) for name, part in content.items()}


def _factor(counts: np.ndarray[Any, Any], leaning: float) -> np.ndarray[Any, Any]:
    return np.asarray(((counts + 1) / (counts.mean() + 1)) ** leaning, np.float32)
