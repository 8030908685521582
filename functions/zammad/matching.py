"""Which document answers a concern, if any does.

No nearness of a passage says whether it answers: to a question about a lost driving licence the page about exchanging
one is as near as can be. So it is asked what the question is about, among all the topics that citizens write about.
Where the nearest is one that no document is about, none answers.
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
_BESIDE: Final = 0.006  # how far behind the best another document may be that is cited as well
_MOST: Final = 2  # documents of a concern
_OTHER: Final = 0.0  # from which difference on the concern is about a topic of no document


@dataclass(frozen=True, slots=True)
class Match:
    """A document that answers a concern."""

    place: int  # of the view it was found in
    document: str


def direction(concern: Floats, letter: Floats) -> Floats:
    """What is looked for: the concern, and what its letter is about; at most of length 1."""
    found = (concern + _LETTER * letter) / (1 + _LETTER)
    return found.astype(np.float32)


def matches(
    sought: Floats, text: str, topics: Topics, views: Sequence[tuple[Names, Mapping[str, float]]]
) -> list[Match]:
    """The documents that answer a concern, best first; none where it is about something else.

    ``views`` are each view's names with the cosine of ``sought`` and the nearest passage of documents.
    """
    near = topics.vectors @ sought + _WORDS * topics.grams.shares(text)
    by_topic = topics.by_topic(near)
    covered = np.zeros(len(by_topic), np.float32)
    found: list[tuple[float, float, Match]] = []
    for place, (names, passages) in enumerate(views):
        named = names.by_document(names.vectors @ sought) + _WORDS * names.titles.shares(text)
        own = np.maximum((by_topic[:, None] - _UNCOVERED * (1 - names.covers)).max(axis=0), named)
        read = np.array([passages.get(document, -1.0) + _PASSAGE for document in names.documents], np.float32)
        scores = np.maximum(named, read) + own - _EASY * names.easy
        covered = np.maximum(covered, names.covers.max(axis=1))
        for number in np.argsort(-scores)[:_MOST]:
            found.append((float(scores[number]), float(own[number]), Match(place, names.documents[number])))
    foil = float((by_topic - _UNCOVERED * covered).max())
    found.sort(key=lambda one: -one[0])
    return [match for score, own, match in found[:_MOST] if score >= found[0][0] - _BESIDE and foil - own < _OTHER]
