"""The topics' files, the vectors that come with them, and their words."""

from pathlib import Path

import numpy as np
import pytest

from functions.zammad import vectorfile
from functions.zammad.lexicon import Lexicon
from functions.zammad.shelves import everyday_words
from functions.zammad.topicfiles import read
from functions.zammad.whitening import unit
from shared.errors import StadtfunkError
from shared.privacy.dictionary import named
from shared.settings import Settings


def test_each_topic_says_how_citizens_write_about_it() -> None:
    topics = read()
    assert len(topics) > 400
    assert all(topic.names and len(topic.asked) >= 10 for topic in topics)


def test_every_wording_has_its_vector_for_the_model_of_make_up() -> None:
    known = vectorfile.load(Settings(_env_file=None).embeddings.model)
    missing = [wording for topic in read() for wording in topic.wordings if vectorfile.key(wording) not in known]
    assert missing == [], "write them with `stadtfunk zammad topics` (functions/zammad/topics.d/README.md)"


def test_vectors_are_kept_as_they_were(tmp_path: Path) -> None:
    vectors = unit(np.random.default_rng(1).normal(size=(5, 384)).astype(np.float32))
    wordings = [f"wording {number}" for number in range(5)]
    vectorfile.save("some/model", wordings, vectors, tmp_path)
    kept = vectorfile.load("some/model", tmp_path)
    assert np.allclose([kept[vectorfile.key(wording)] for wording in wordings], vectors, atol=0.001)
    assert vectorfile.load("another", tmp_path) == {}


@pytest.mark.parametrize("text", ["- asked: a", "- names: a\n  said: b", "- a; b", "- names: ''"])
def test_a_file_that_is_no_list_of_topics_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "parken.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(StadtfunkError, match=r"parken\.yaml: a topic has `names`"):
        read(tmp_path)


def test_a_part_of_a_topic_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "parken.yaml").write_text("- names: a; b\n- names: c\n  part_of: b", encoding="utf-8")
    with pytest.raises(StadtfunkError, match="'c' is part of 'b', which is the first name of no topic"):
        read(tmp_path)


def test_rare_words_say_what_a_text_is_about() -> None:
    found = Lexicon([["der Köter bellt die ganze Nacht", "Lärm"], ["die Nacht im Hotel"], ["die ganze Stadt"]])
    shares = found.shares("Was tun gegen den Köter, der nachts bellt?")
    assert shares.argmax() == 0
    assert 0 < shares[0] <= 1
    assert found.shares("zzz").tolist() == [0, 0, 0]


def test_nobody_is_called_by_an_everyday_word() -> None:
    words = everyday_words()
    assert "Knöllchen" in words
    assert not [word for word in words if named(word)]
