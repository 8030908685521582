"""Which document answers a concern, if any does.

No nearness of a passage says whether it answers: to a question about a lost driving licence the page about exchanging
one is as near as can be. So it is weighed which of all the topics that citizens write about a concern is about, and
which of them the documents are about; how near a document's names and passages are; and, in German, whose words it
uses: "may I keep an elephant" shares "may" and "keep" with every page and "elephant" with none. Each document, and
that there is none, gets evidence, and the most decides. What these weigh was fitted by a multinomial logistic
regression to letters (tests/letters has the list), the constant so that of letters without a source one in twenty gets
a draft at most.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from functions.zammad.names import Names
from functions.zammad.topics import Topics
from functions.zammad.whitening import Floats

_PASSAGE: Final = 0.012  # as a cosine, by how much passages are farther from questions than names
_EASY: Final = 0.003  # as a cosine, how much nearer a page in easy language has to be
_BESIDE: Final = 0.5  # how much less evidence another document may have that is cited as well
_MOST: Final = 2  # documents of a concern
_LOOKED: Final = 8  # documents that are looked at
_LEAST: Final = 0.001  # a probability


@dataclass(frozen=True, slots=True)
class Weights:
    """How a concern is weighed; the evidence is the logarithm of odds, but for a constant."""

    words: float  # as a cosine, what it is worth that no topic has more of the words
    uncovered: float  # as a cosine, what it costs a document that it is not about a topic
    near: float  # twice a cosine of what is looked for and what a document is called, says and is about
    found: float  # that no document has more of the words
    shared: float  # that it has all words of the concern
    about: float  # the logarithm of how probably the concern is about what the document is about
    other: float  # for none: a cosine of what is looked for and a topic that no document is about
    sure: float  # for none: that the concern is surely about such a topic
    none: float  # for none in any case


# Concern and documents are of one language, or not.
_ALIKE: Final = Weights(
    words=0.03, uncovered=0.07, near=13.05, found=3.3, shared=2.93, about=0.95, other=25.7, sure=1.27, none=1.94
)
_FOREIGN: Final = Weights(
    words=0.02, uncovered=0.03, near=23.3, found=0.0, shared=0.0, about=1.73, other=39.8, sure=0.0, none=1.72
)


@dataclass(frozen=True, slots=True)
class Match:
    """A document that may answer a concern."""

    place: int  # of the view it was found in
    document: str
    evidence: float


@dataclass(frozen=True, slots=True)
class Looked:
    """What one view has for a concern, by document."""

    names: Names
    passages: Mapping[str, float]  # the cosine of the nearest one
    asked: Mapping[str, float]  # how much of the concern's words it has, of any scale that the views share
    letter: Mapping[str, float]  # the same of the letter's


@dataclass(frozen=True, slots=True)
class Field:
    """The documents with the most evidence for a concern, best first, and the evidence that none answers it."""

    matches: tuple[Match, ...]
    none: float


def field(concern: Floats, letter: Floats, text: str, topics: Topics, views: Sequence[Looked], *, alike: bool) -> Field:
    """What may answer a concern; ``text`` are its words, ``alike``: in the documents' language.

    ``concern`` and ``letter`` are unit vectors of it, and of what its letter is about.
    """
    weights = _ALIKE if alike else _FOREIGN
    sought = direction(concern, letter)
    likely = topics.likely(concern, letter, text)
    near = topics.by_topic(topics.vectors @ sought) + weights.words * topics.words.shares(text)
    covered = np.zeros(len(near), np.float32)
    found: list[Match] = []
    asked = max((value for view in views for value in view.asked.values()), default=0.0) or 1.0
    worded = max((value for view in views for value in view.letter.values()), default=0.0) or 1.0
    for place, view in enumerate(views):
        names = view.names
        named = names.by_document(names.vectors @ sought)
        own = np.maximum((near[:, None] - weights.uncovered * (1 - names.covers)).max(axis=0), named)
        read = _of(names, view.passages, -1.0) + np.float32(_PASSAGE)
        words = (_of(names, view.asked, 0.0) / asked + _of(names, view.letter, 0.0) / worded) / 2
        evidence = weights.near * (np.maximum(named, read) + own - _EASY * names.easy)
        evidence += weights.found * words + weights.about * np.log(_LEAST + likely @ names.covers)
        covered = np.maximum(covered, names.covers.max(axis=1))
        for number in np.argsort(-evidence)[:_LOOKED]:
            found.append(Match(place, names.documents[number], float(evidence[number])))
    found.sort(key=lambda one: -one.evidence)
    none = weights.none + weights.other * float((near - weights.uncovered * covered).max())
    return Field(tuple(found[:_LOOKED]), none + weights.sure * float(likely**2 @ (1 - covered)))


def direction(concern: Floats, letter: Floats) -> Floats:
    """What is looked for: the concern, and what its letter is about; at most of length 1."""
    found: Floats = ((concern + letter) / 2).astype(np.float32)
    return found


def answering(near: Field, shares: Sequence[float], *, alike: bool) -> list[Match]:
    """The documents that answer a concern, best first; none where more speaks for that.

    ``shares`` are how much of the concern's words each document has, 0 to 1; ``alike``: they are of one language.
    """
    if not near.matches:
        return []
    weights = _ALIKE if alike else _FOREIGN
    evidence = [one.evidence + weights.shared * share for one, share in zip(near.matches, shares, strict=True)]
    most = max(evidence)
    if most < near.none:
        return []
    order = sorted(range(len(evidence)), key=lambda place: -evidence[place])
    return [near.matches[place] for place in order[:_MOST] if evidence[place] >= most - _BESIDE]


def _of(names: Names, values: Mapping[str, float], missing: float) -> Floats:
    return np.array([values.get(document, missing) for document in names.documents], np.float32)
