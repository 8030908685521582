"""What of a query is embedded, and the direction between vectors."""

import math

import pytest

from shared.embeddings import mean
from shared.knowledge.wordings import wordings


@pytest.mark.parametrize(
    ("query", "tongue", "texts"),
    [
        ("hund", "de", ["hund", "Hund", "Was ist Hund?"]),
        (" Reisepass? ", "de", ["Reisepass", "Reisepass", "Was ist Reisepass?"]),
        ("kfz-zulassung", "de", ["kfz-zulassung", "Kfz-zulassung", "Was ist Kfz-zulassung?"]),
        ("Hund anmelden", "de", ["Hund anmelden"]),
        ("паспорт", "ru", ["паспорт"]),
        ("?!", "de", ["?!"]),
        ("", "de", [""]),
    ],
)
def test_one_german_word_is_asked_in_three_ways(query: str, tongue: str, texts: list[str]) -> None:
    assert wordings(query, tongue) == texts


def test_a_mean_is_a_unit_vector_between_the_others() -> None:
    assert mean([[1.0, 0.0], [0.0, 1.0]]) == pytest.approx([math.sqrt(0.5)] * 2)
    assert mean([[3.0, 4.0]]) == [3.0, 4.0]
    assert mean([[1.0, 0.0], [-1.0, 0.0]]) == [0.0, 0.0]
