"""German words as Milvus gets them, highlights and the language of a query."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.knowledge import german
from shared.knowledge.highlight import spans
from shared.knowledge.language import of_query


def test_forms_of_a_word_share_a_stem() -> None:
    assert german.stems("Ausweise Ausweises") == german.stems("Ausweis Ausweis")
    assert german.stems("Häuser") == german.stems("haus")


def test_a_query_loses_words_that_say_nothing_unless_it_has_no_other() -> None:
    assert german.stems("Wo kann ich meinen Pass verlängern?", query=True) == german.stems("Pass verlängern")
    assert german.stems("Wer bin ich?", query=True) == "wer bin ich"


def test_a_compound_shares_grams_with_its_parts() -> None:
    compound, part = set(german.grams("Wohngeldantrag").split()), set(german.grams("Antrag").split())
    assert len(compound & part) >= len(part) // 2
    assert german.grams("Öl") == german.EDGE + "ol" + german.EDGE


@given(st.text(max_size=100))
def test_terms_are_letters_and_digits_only(text: str) -> None:
    """Milvus' standard analyzer splits at anything else, and would make other terms of them."""
    for terms in (german.stems(text), german.grams(text)):
        assert all(term.isalnum() for term in terms.split(" ") if term)


@pytest.mark.parametrize(
    ("query", "text", "marked"),
    [
        ("Hunde anmelden", "Melden Sie den Hund an: Hundesteuer!", ["Melden", "Hund", "Hund"]),
        ("Führerschein", "Der Führerscheinverlust", ["Führerschein"]),
        ("Wohngeldantrag", "Ihr Antrag auf Wohngeld", ["Antrag", "Wohngeld"]),
        ("die der das", "die der das", []),
        ("Pass", "<b>Pass</b>", ["Pass"]),
        ("straße", "STRASSE İstanbul Straße", ["STRASSE", "Straße"]),
        ("🐕 Hund", "🐕🐕 Hund", ["Hund"]),
    ],
)
def test_what_matched_is_marked(query: str, text: str, marked: list[str]) -> None:
    assert [text[span.start : span.end] for span in spans(query, text)] == marked


@given(st.text(max_size=60), st.text(max_size=120))
def test_marks_are_ordered_and_inside_the_text(query: str, text: str) -> None:
    end = 0
    for span in spans(query, text):
        assert end <= span.start < span.end <= len(text)
        end = span.end


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("Führerschein verlängern", "de"),
        ("parken", "de"),
        ("bus", "de"),
        ("Wie melde ich meinen Hund an?", "de"),
        ("How do I renew my driving licence?", "en"),
        ("Ehliyetimi nasıl yenilerim?", "tr"),
        ("Как получить паспорт?", "ru"),
        ("Hund für Ausländer registration", "de"),
        ("123", "de"),
        ("", "de"),
    ],
)
def test_a_query_is_german_unless_it_clearly_is_not(query: str, expected: str) -> None:
    assert of_query(query) == expected


def test_another_script_is_foreign_even_in_one_word() -> None:
    assert of_query("паспорт") != "de"


def test_a_german_word_within_makes_no_german() -> None:
    assert of_query("Мій номерний знак AUF-K 212, де я можу переоформити машину?") == "uk"
    assert of_query("أين يمكنني تجديد رخصة القيادة؟ لوحة السيارة AUF-M 88") == "ar"
    turkish = "Merhaba, Am Alten Hafen 3 adresine taşındım ve yeni ehliyet için hangi belgeler gerekiyor, yazın lütfen?"
    assert of_query(turkish) == "tr"
