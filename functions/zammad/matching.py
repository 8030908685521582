"""Which document answers a concern, if any does.

No nearness of a passage says whether it answers: to a question about a lost driving licence the page about exchanging
one is as near as can be. So it is weighed what the concern is about, among all the topics that citizens write about
(by a model and by their words), and whether the document is about that; how far it stands out from documents about
another matter; and, in German, whose words it uses: "may I keep an elephant" shares "may" and "keep" with every page
and "elephant" with none. What these weigh was fitted by a logistic regression to letters (tests/letters: tuned, fourth,
fifth, sixth, and to another city's pages munich), and the least evidence chosen so that of letters without a source
one in twenty gets a draft at most.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from functions.zammad.names import Names
from functions.zammad.topics import Floats, Topics

_PASSAGE: Final = 0.012  # as a cosine, by how much passages are farther from questions than names
_EASY: Final = 0.003  # as a cosine, how much nearer a page in easy language has to be
_FOUND: Final = 0.1  # as twice a cosine, what it is worth that no document has more of the words
_SHARED: Final = 0.1  # as twice a cosine, what it is worth that a document has all words of a concern
_BESIDE: Final = 0.012  # how far behind the best another document may be that is cited as well
_MOST: Final = 2  # documents of a concern
_LOOKED: Final = 6  # documents that are looked at
_ABOUT: Final = 0.5  # from which a document is about a topic
_MOST_APART: Final = 0.15  # in a small index all are
_MOST_AHEAD: Final = 0.3
_MOST_FOUND: Final = 0.5


@dataclass(frozen=True, slots=True)
class Weights:
    """How a concern is weighed; the evidence is the logarithm of odds, but for a constant."""

    words: float  # as a cosine, what it is worth that no topic has more of the words
    uncovered: float  # as a cosine, what it costs a document that it is not about a topic
    own: float  # a cosine's difference of what the document and what another topic is to the concern
    apart: float  # how far the best stands out
    ahead: float  # all words of the concern, of which the others have none
    found: float  # the same of rare ones, the letter's among them
    about: float  # that the document is about a topic at all
    least: float  # what all have to come to


# Concern and documents are of one language, or not.
_ALIKE: Final = Weights(
    words=0.03, uncovered=0.07, own=78.1, apart=16.2, ahead=1.13, found=3.28, about=-3.46, least=-3.67
)
_FOREIGN: Final = Weights(
    words=0.02, uncovered=0.03, own=39.3, apart=157.0, ahead=0.0, found=0.0, about=0.0, least=1.415
)


@dataclass(frozen=True, slots=True)
class Match:
    """A document that may answer a concern."""

    place: int  # of the view it was found in
    document: str
    score: float  # twice a cosine
    own: float  # as a cosine, how near the concern is to what it is about
    found: float  # how many of its words and of its letter's it has, beside the document that has most; 0 to 1
    about: frozenset[int]  # topics


@dataclass(frozen=True, slots=True)
class Looked:
    """What one view has for a concern, by document."""

    names: Names
    passages: Mapping[str, float]  # the cosine of the nearest one
    asked: Mapping[str, float]  # how much of the concern's words it has, of any scale that the views share
    letter: Mapping[str, float]  # the same of the letter's


@dataclass(frozen=True, slots=True)
class Field:
    """The documents that are nearest to a concern, best first, and how near it is to a topic of none."""

    matches: tuple[Match, ...]
    other: float


def direction(concern: Floats, letter: Floats) -> Floats:
    """What is looked for: the concern, and what its letter is about; at most of length 1."""
    found: Floats = ((concern + letter) / 2).astype(np.float32)
    return found


def field(sought: Floats, text: str, topics: Topics, views: Sequence[Looked], *, alike: bool) -> Field:
    """The documents nearest to a concern; ``text`` are its words, ``alike``: in the documents' language."""
    weights = _ALIKE if alike else _FOREIGN
    by_topic = topics.by_topic(topics.vectors @ sought) + weights.words * topics.words.shares(text)
    covered = np.zeros(len(by_topic), np.float32)
    found: list[Match] = []
    asked = max((value for view in views for value in view.asked.values()), default=0.0) or 1.0
    letter = max((value for view in views for value in view.letter.values()), default=0.0) or 1.0
    for place, view in enumerate(views):
        names = view.names
        named = names.by_document(names.vectors @ sought)
        own = np.maximum((by_topic[:, None] - weights.uncovered * (1 - names.covers)).max(axis=0), named)
        read = _of(names, view.passages, -1.0) + np.float32(_PASSAGE)
        words = (_of(names, view.asked, 0.0) / asked + _of(names, view.letter, 0.0) / letter) / 2
        scores = np.maximum(named, read) + own + _FOUND * words - _EASY * names.easy
        covered = np.maximum(covered, names.covers.max(axis=1))
        for number in np.argsort(-scores)[:_LOOKED]:
            found.append(
                Match(
                    place=place,
                    document=names.documents[number],
                    score=float(scores[number]),
                    own=float(own[number]),
                    found=float(words[number]),
                    about=frozenset(np.flatnonzero(names.covers[:, number] >= _ABOUT).tolist()),
                )
            )
    found.sort(key=lambda one: -one.score)
    return Field(tuple(found[:_LOOKED]), float((by_topic - weights.uncovered * covered).max()))


def answering(near: Field, shares: Sequence[float], *, alike: bool) -> list[Match]:
    """The documents that answer a concern, best first; none where it is about something else.

    ``shares`` are how much of the concern's words each document has, 0 to 1; ``alike``: they are of one language.
    """
    if not near.matches:
        return []
    scores = [one.score + alike * _SHARED * share for one, share in zip(near.matches, shares, strict=True)]
    order = sorted(range(len(scores)), key=lambda place: -scores[place])
    best = order[0]
    weights = _ALIKE if alike else _FOREIGN
    first = near.matches[best]
    # The same matter in easy language, or as an answer of the knowledge base, is no other one.
    others = [place for place in order[1:] if not near.matches[place].about & first.about]
    apart = scores[best] - max((scores[place] for place in others), default=scores[order[-1]])
    ahead = shares[best] - max((shares[place] for place in others), default=0.0)
    more = first.found - max((near.matches[place].found for place in others), default=0.0)
    evidence = weights.own * (first.own - near.other) + weights.apart * min(apart, _MOST_APART)
    evidence += weights.ahead * _within(ahead, _MOST_AHEAD) + weights.found * _within(more, _MOST_FOUND)
    if evidence + weights.about * bool(first.about) < weights.least:
        return []
    return [near.matches[place] for place in order[:_MOST] if scores[place] >= scores[best] - _BESIDE]


def _of(names: Names, values: Mapping[str, float], missing: float) -> Floats:
    return np.array([values.get(document, missing) for document in names.documents], np.float32)


def _within(value: float, most: float) -> float:
    return max(-most, min(most, value))
