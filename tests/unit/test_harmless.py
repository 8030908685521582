"""The last gate before a model: ordinary words and short numbers pass, whatever else a letter holds does not."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.privacy import Harmless

OFFICE = ("Führerschein umtauschen", "Haltverbot", "Bewohnerparkausweis", "Kurzzeitkennzeichen", "réserver un permis")


@pytest.fixture(scope="module")
def harmless() -> Harmless:
    return Harmless(OFFICE)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Was kostet der Führerschein, und reicht ein Mietvertrag?"),
        ("de", "hab meine alte karre verkauft und will die abmelden"),
        ("de", "Meine Klasse C1E läuft ab. Gilt die Karte von 2009 bis 65 Jahre?"),
        ("de", "In Kanada, Japan und Südafrika haben Mütter Wohnungen und Autos, meine Oma braucht ein Foto"),
        ("de", "Mein Nachbar hat Besuch, und meine Mutter Führerscheine"),
        ("de", "Sind 120.000 Euro zu viel, oder 16,30 €?"),
        ("de", "[Name] braucht ein Haltverbot"),
        ("en", "How much is a certificate, and how long does it take?"),
        ("tr", "ehliyetimi değiştirmek istiyorum, hangi belgeler lazım?"),
        ("uk", "Скільки коштує посвідчення водія?"),
        ("ar", "كم تكلف رخصة القيادة؟"),
        ("vi", "tôi muốn đăng ký"),
    ],
)
def test_what_a_letter_is_about_stays(harmless: Harmless, language: str, text: str) -> None:
    assert harmless.text(text, language) == text


@pytest.mark.parametrize(
    ("language", "text", "gone"),
    [
        ("de", "der barfknecht von oben, rettinghaus unten", "barfknecht rettinghaus"),
        ("de", "Wir haben Kesselbrink und Müller und anna gefragt", "Kesselbrink Müller anna"),
        ("de", "Jamal und Hiroshi, mit Feuchtwanger und Hjalmar", "Jamal Hiroshi Feuchtwanger Hjalmar"),
        ("de", "wir haben opa manne seine hündin, kumpel hagedorn auch", "manne hagedorn"),
        ("de", "Mein Nachbar Kranich und Onkel Rittmeister", "Kranich Rittmeister"),
        ("de", "wohnt gerberstraße 14, Lindengang 23", "14 23"),
        ("de", "Rückruf 0171 3920014 oder 0 30 / 23 12 57 07", "0171 3920014 30 23 12 57 07"),
        ("de", "seit 12-03-1938, am 4/11/79, am 9. Mai 1984", "12 03 4 11 79 9"),
        ("de", "AUF-WH 2041, DE89370400440532013000, LT04180LH3", "2041 DE89370400440532013000 LT04180LH3"),
        ("de", "siehe www.rosenbohm.example/ada oder ada@rosenbohm.example", "rosenbohm ada example"),
        ("en", "The people above us, the Featherstonehaughs, and Tom", "Featherstonehaughs Tom"),
        ("tr", "Komşum Karabulut çok gürültü yapıyor", "Karabulut"),
        ("uk", "Мій сусід Пилипишин шумить", "Пилипишин"),
    ],
)
def test_what_nobody_else_would_write_goes(harmless: Harmless, language: str, text: str, gone: str) -> None:
    shown = re.findall(r"\w+", harmless.text(text, language))
    assert [word for word in gone.split() if word in shown] == []


def test_a_misspelled_word_becomes_the_offices(harmless: Harmless) -> None:
    assert harmless.text("Mein Fürerschein", "de") == "Mein führerschein"
    assert harmless.text("der Führerscheintauschtermin", "de") == "der führerschein"


def test_the_year_of_a_date_stays(harmless: Harmless) -> None:
    assert harmless.text("ausgestellt am 17.6.2009", "de") == "ausgestellt am 2009"


@given(st.text(max_size=200))
@settings(max_examples=60, deadline=None)
def test_any_text_passes_without_a_rare_name(text: str) -> None:
    shown = Harmless(OFFICE).text(f"{text} Quellmalz-Xaverstett {text} DE89370400440532013000", "de")
    assert "Xaverstett" not in shown
    assert "DE89370400440532013000" not in shown


def test_the_longest_words_and_numbers_cost_little(harmless: Harmless) -> None:
    start = time.process_time()
    for text in ("ab" * 30_000, "1 " * 30_000, "[" * 60_000, "a@" * 30_000, "x'" * 30_000, "1-" * 30_000):
        harmless.text(text, "de")
    assert time.process_time() - start < 30
