"""Which document answers a concern, if any does.

No nearness of a passage says whether it answers: to a question about a lost driving licence the page about exchanging
one is as near as can be. So three things are weighed: whether what it is about, among all the topics that citizens
write about, is what the document is about; how far the document stands out from others; and, where they are of one
language, how many of the concern's own words the document has, and others have not: "may I keep an elephant" shares
"may" and "keep" with every page and "elephant" with none. What they weigh was fitted by a logistic regression to
letters (tests/letters: tuned, fourth and fifth), and the least evidence chosen so that of letters without a source
one in twenty gets a draft at most.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from functions.zammad.names import Names
from functions.zammad.topics import Floats, Topics

_LETTER: Final = 0.5  # what the whole letter counts beside the concern
_UNCOVERED: Final = 0.03  # as a cosine, what it costs a document that it is not about a topic
_PASSAGE: Final = 0.012  # as a cosine, by how much passages are farther from questions than names
_WORDS: Final = 0.02  # as a cosine, what it is worth that all words of a name are used
_EASY: Final = 0.003  # as a cosine, how much nearer a page in easy language has to be
_SHARED: Final = 0.05  # as twice a cosine, what it is worth that a document has all words of a concern
_BESIDE: Final = 0.008  # how far behind the best another document may be that is cited as well
_MOST: Final = 2  # documents of a concern
_LOOKED: Final = 5  # documents that are looked at
_MOST_SHARED: Final = 0.6  # from which on further words say no more
_MOST_AHEAD: Final = 0.3
_THIRD: Final = 2  # the one to stand out from: the second may be the same matter in easy language


@dataclass(frozen=True, slots=True)
class Weights:
    """What is weighed against the difference, as a cosine, of what a document and another topic are to a concern."""

    shared: float  # all words of the concern
    ahead: float  # all words of the concern, of which the others have none
    apart: float  # how far the best stands out
    most_apart: float  # in a small index all do
    least: float  # what all have to come to


# Concern and documents are of one language, or not.
_ALIKE: Final = Weights(shared=0.064, ahead=0.085, apart=1.04, most_apart=0.02, least=0.0496)
_FOREIGN: Final = Weights(shared=0.0, ahead=0.0, apart=1.82, most_apart=0.03, least=0.0405)


@dataclass(frozen=True, slots=True)
class Match:
    """A document that may answer a concern."""

    place: int  # of the view it was found in
    document: str
    score: float  # twice a cosine
    own: float  # as a cosine, how near the concern is to what it is about


@dataclass(frozen=True, slots=True)
class Field:
    """The documents that are nearest to a concern, best first, and how near it is to a topic of none."""

    matches: tuple[Match, ...]
    other: float


def direction(concern: Floats, letter: Floats) -> Floats:
    """What is looked for: the concern, and what its letter is about; at most of length 1."""
    found = (concern + _LETTER * letter) / (1 + _LETTER)
    return found.astype(np.float32)


def field(sought: Floats, text: str, topics: Topics, views: Sequence[tuple[Names, Mapping[str, float]]]) -> Field:
    """The documents nearest to a concern; ``text`` are its words.

    ``views`` are each view's names with the cosine of ``sought`` and the nearest passage of documents.
    """
    near = topics.vectors @ sought + _WORDS * topics.grams.shares(text)
    by_topic = topics.by_topic(near)
    covered = np.zeros(len(by_topic), np.float32)
    found: list[Match] = []
    for place, (names, passages) in enumerate(views):
        named = names.by_document(names.vectors @ sought) + _WORDS * names.titles.shares(text)
        own = np.maximum((by_topic[:, None] - _UNCOVERED * (1 - names.covers)).max(axis=0), named)
        read = np.array([passages.get(document, -1.0) + _PASSAGE for document in names.documents], np.float32)
        scores = np.maximum(named, read) + own - _EASY * names.easy
        covered = np.maximum(covered, names.covers.max(axis=1))
        for number in np.argsort(-scores)[:_LOOKED]:
            found.append(Match(place, names.documents[number], float(scores[number]), float(own[number])))
    found.sort(key=lambda one: -one.score)
    return Field(tuple(found[:_LOOKED]), float((by_topic - _UNCOVERED * covered).max()))


def answering(near: Field, shares: Sequence[float], *, alike: bool) -> list[Match]:
    """The documents that answer a concern, best first; none where it is about something else.

    ``shares`` are how much of the concern's words each document has, 0 to 1; ``alike``: they are of one language.
    """
    if not near.matches:
        return []
    weights = _ALIKE if alike else _FOREIGN
    scores = [one.score + alike * _SHARED * share for one, share in zip(near.matches, shares, strict=True)]
    order = sorted(range(len(scores)), key=lambda place: -scores[place])
    best = order[0]
    apart = scores[best] - scores[order[min(_THIRD, len(order) - 1)]]
    ahead = shares[best] - max((shares[place] for place in order[1:]), default=0.0)
    evidence = near.matches[best].own - near.other + weights.apart * min(apart, weights.most_apart)
    evidence += weights.shared * min(shares[best], _MOST_SHARED) + weights.ahead * min(ahead, _MOST_AHEAD)
    if evidence < weights.least:
        return []
    return [near.matches[place] for place in order[:_MOST] if scores[place] >= scores[best] - _BESIDE]
