"""Which page answers a concern: topics in another language, pages that are about them, and evidence for none."""

from collections.abc import Sequence

import numpy as np
import pytest

from functions.zammad.lexicon import Lexicon
from functions.zammad.matching import Field, Looked, Match, answering, field
from functions.zammad.names import Names, covers
from functions.zammad.topics import Topics, centred
from functions.zammad.whitening import Floats, unit


def near(*evidence: float, none: float) -> Field:
    return Field(tuple(Match(0, str(place), one) for place, one in enumerate(evidence)), none)


def cited(field: Field, shares: list[float], *, alike: bool = True) -> list[str]:
    return [one.document for one in answering(field, shares, alike=alike)]


def test_the_page_with_the_most_evidence_answers_unless_more_speaks_for_none() -> None:
    few, own_words = [0.1, 0.1, 0.1], [0.8, 0.2, 0.1]
    assert cited(near(20, 17, 16, none=19), few) == ["0"]
    assert cited(near(20, 17, 16, none=21), few) == []
    assert cited(near(20, 17, 16, none=21), own_words) == ["0"]
    # Words count in the pages' language alone.
    assert cited(near(20, 17, 16, none=20.5), own_words, alike=False) == []
    assert cited(Field((), 0.0), []) == []


def test_words_choose_between_pages_that_are_equally_near() -> None:
    assert cited(near(20, 19.5, 12, none=18), [0.1, 0.7, 0.0]) == ["1"]
    assert cited(near(20, 19.9, 12, none=18), [0.5, 0.5, 0.0]) == ["0", "1"]


TOPICS = ("passport", "passport lost", "dog")
LANGUAGES = 3


def vector(topic: int, language: int, noise: int = 0) -> Floats:
    """As a model's: most of it is the language, the topic the least, and no two sentences are the same."""
    found = np.random.default_rng([topic, language, noise]).normal(scale=0.1, size=16)
    found[language] += 3
    found[8 + topic] += 0.5
    return unit(found.astype(np.float32))


def topics(part_of: Sequence[int] = (0, 1, 2)) -> Topics:
    rows = [(topic, language, noise) for topic in range(3) for language in range(LANGUAGES) for noise in range(5)]
    vectors = np.array([vector(*row) for row in rows])
    names = np.array([noise == 0 for *_, noise in rows])
    number = np.array([topic for topic, *_ in rows])
    change, centres = centred(vectors, names, number)
    return Topics(
        wordings=tuple(str(row) for row in rows),
        names=names,
        topic_of=number,
        categories=TOPICS,
        vectors=vectors,
        words=Lexicon([["passport"], ["lost"], ["dog"]]),
        whitening=change,
        centres=centres,
        part_of=np.array(part_of),
    )


def looked(known: Topics, *pages: int) -> Looked:
    """Documents called as topics are, in the first language, by their numbers."""
    vectors = np.array([vector(page, 0, 9) for page in pages])
    owners = np.arange(len(pages))
    found = Names(
        documents=tuple(TOPICS[page] for page in pages),
        easy=np.zeros(len(pages), np.bool_),
        owners=owners,
        vectors=vectors,
        called=frozenset(),
        covers=covers(known, vectors, owners, len(pages)),
    )
    return Looked(found, {}, {}, {})


def test_a_topic_is_known_in_another_language_than_its_page() -> None:
    known = topics()
    for topic in range(3):
        asked = vector(topic, 2, 7)
        assert known.likely(asked, asked, "").argmax() == topic
        assert known.category([(asked, "")]) == TOPICS[topic]
        # A plain cosine takes the language for the matter.
        assert (known.vectors @ asked).argsort()[-15:].tolist() != np.flatnonzero(known.topic_of == topic).tolist()


def test_a_page_covers_the_topic_that_it_is_called_by_and_not_its_neighbour() -> None:
    known = topics()
    found = looked(known, 0, 2).names.covers
    assert (found >= 0.5).tolist() == [[True, False], [False, False], [False, True]]


def test_a_part_of_a_matter_is_covered_by_the_pages_about_the_whole() -> None:
    known = topics(part_of=(0, 0, 2))
    assert (looked(known, 0, 2).names.covers >= 0.5).tolist() == [[True, False], [True, False], [False, True]]


@pytest.mark.parametrize("alike", [True, False])
def test_a_matter_that_no_page_is_about_gets_no_answer(alike: bool) -> None:
    known = topics()
    views = [looked(known, 0, 2)]
    for topic, answered in ((0, ["passport"]), (1, []), (2, ["dog"])):
        asked = vector(topic, 0, 7)
        around = field(asked, asked, "", known, views, alike=alike)
        assert cited(around, [1.0 if alike and answered else 0.0 for _ in around.matches], alike=alike) == answered
