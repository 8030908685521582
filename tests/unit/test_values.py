"""Values are read alike in eight languages and however they are written."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.knowledge.notation import number
from shared.knowledge.reading import parse
from shared.knowledge.values import Key, Kind, Value, matches


def one(text: str, language: str, kind: Kind) -> Value:
    found = [value for value in parse(text, language) if value.kind == kind]
    assert len(found) == 1, found
    return found[0]


def euros(amount: str) -> Key:
    return ("EUR", Decimal(amount))


@pytest.mark.parametrize(
    ("text", "language", "key"),
    [
        ("kostet 37,00 Euro", "de", euros("37")),
        ("kostet 37,- €", "de", euros("37")),
        ("kostet EUR 37", "de", euros("37")),
        ("siebenunddreißig Euro", "de", euros("37")),
        ("1.000 Euro Bußgeld", "de", euros("1000")),
        ("1.250,50 EUR", "de", euros("1250.5")),
        ("25 Cent je Seite", "de", euros("0.25")),
        ("2 Mio. Euro", "de", euros("2000000")),
        ("costs €37.00", "en", euros("37")),
        ("a fine of €1,250.50", "en", euros("1250.5")),
        ("thirty-seven euros", "en", euros("37")),
        ("37 avrodur", "tr", euros("37")),
        ("1.250,50 avro", "tr", euros("1250.5")),
        ("стоит 37 евро", "ru", euros("37")),
        ("1 250,50 євро", "uk", euros("1250.5")),
        ("٣٧ يورو", "ar", euros("37")),
        ("٢٢٫٨٠ يورو", "ar", euros("22.8")),
        ("৩৭ euro", "en", euros("37")),
        ("1 250,50 €", "fr", euros("1250.5")),
        ("kosztuje 22,80 euro", "pl", euros("22.8")),
        ("37 Dollar", "de", ("USD", Decimal(37))),
    ],
)
def test_amounts(text: str, language: str, key: Key) -> None:
    assert one(text, language, "money").key == key


@pytest.mark.parametrize(
    ("text", "language", "key", "bound"),
    [
        ("zwei Wochen", "de", ("day", Decimal(14)), ""),
        ("14 Tage", "de", ("day", Decimal(14)), ""),
        ("eine Woche", "de", ("day", Decimal(7)), ""),
        ("14-tägig", "de", ("day", Decimal(14)), ""),
        ("48 Stunden", "de", ("day", Decimal(2)), ""),
        ("ein halbes Jahr", "de", ("month", Decimal(6)), ""),
        ("anderthalb Jahre", "de", ("month", Decimal(18)), ""),
        ("drei Werktage", "de", ("workday", Decimal(3)), ""),
        ("ab 24 Jahren", "de", ("month", Decimal(288)), "up"),
        ("nach Vollendung des 24. Lebensjahres", "de", ("month", Decimal(288)), "up"),
        ("65 Jahre oder älter", "de", ("month", Decimal(780)), "up"),
        ("nicht älter als sechs Monate", "de", ("month", Decimal(6)), "down"),
        ("innerhalb von drei Monaten", "de", ("month", Decimal(3)), "within"),
        ("within three working days", "en", ("workday", Decimal(3)), "within"),
        ("no more than two weeks", "en", ("day", Decimal(14)), "down"),
        ("iki hafta içinde", "tr", ("day", Decimal(14)), "within"),
        ("24 yaşın altındakiler", "tr", ("month", Decimal(288)), "down"),
        ("24 yaşından itibaren", "tr", ("month", Decimal(288)), "up"),
        ("в течение двух недель", "ru", ("day", Decimal(14)), "within"),
        ("протягом 14 днів", "uk", ("day", Decimal(14)), "within"),
        ("خلال أسبوعين", "ar", ("day", Decimal(14)), "within"),
        ("au moins quatre semaines", "fr", ("day", Decimal(28)), "up"),
        ("w ciągu dwóch tygodni", "pl", ("day", Decimal(14)), "within"),
    ],
)
def test_durations_and_what_bounds_them(text: str, language: str, key: Key, bound: str) -> None:
    value = one(text, language, "duration")
    assert (value.key, value.bound) == (key, bound)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("am 1. April 2026", "de"),
        ("am 1.4.2026", "de"),
        ("am 01.04.26", "de"),
        ("2026-04-01", "de"),
        ("on April 1, 2026", "en"),
        ("on 1st April 2026", "en"),
        ("1 Nisan 2026", "tr"),
        ("1 апреля 2026 года", "ru"),
        ("1 квітня 2026 року", "uk"),
        ("١ أبريل ٢٠٢٦", "ar"),
        ("le 1er avril 2026", "fr"),
        ("1 kwietnia 2026 r.", "pl"),
    ],
)
def test_dates(text: str, language: str) -> None:
    assert one(text, language, "date").key == (2026, 4, 1)


@pytest.mark.parametrize(
    ("text", "language", "minutes"),
    [
        ("um 14 Uhr", "de", 840),
        ("um 14.30 Uhr", "de", 870),
        ("14:30 Uhr", "de", 870),
        ("halb sieben Uhr", "de", 390),
        ("at 2:30 pm", "en", 870),
        ("12 a.m.", "en", 0),
        ("à 18h30", "fr", 1110),
        ("в 14:30", "ru", 870),
        ("الساعة 14:30", "ar", 870),
    ],
)
def test_times(text: str, language: str, minutes: int) -> None:
    assert ("time", (minutes,)) in one(text, language, "time").meanings()


@pytest.mark.parametrize(
    ("text", "kind", "key"),
    [
        ("gem. § 14 Abs. 2 Satz 1 BMG", "law", ("14", "2", "1", None, "bmg")),
        ("nach § 12a AufenthG", "law", ("12a", None, None, None, "aufenthg")),
        ("unter 0361 / 555-4200", "phone", ("03615554200",)),
        ("unter +49 (0) 361 5554200", "phone", ("03615554200",)),
        ("unter 0049 361 5554200", "phone", ("03615554200",)),
        ("15 %", "percent", ("%", Decimal(15))),
        ("15 Prozent", "percent", ("%", Decimal(15))),
        ("2 km", "measure", ("m", Decimal(2000))),
        ("3 m³", "measure", ("m3", Decimal(3))),
        ("dreimal", "measure", ("times", Decimal(3))),
        ("an amt@stadt.example.", "link", ("amt@stadt.example",)),
        ("unter https://www.stadt.example/a?b=1.", "link", ("stadt.example/a?b=1",)),
        ("Klasse C1E", "code", ("c1e",)),
        ("IBAN DE02 1203 0000 0000 2020 51", "code", ("de02120300000000202051",)),
        ("Zimmer 214", "number", (Decimal(214),)),
        ("pro Quartal", "rate", ("quarter",)),
    ],
)
def test_other_values(text: str, kind: Kind, key: Key) -> None:
    assert one(text, "de", kind).key == key


@pytest.mark.parametrize(
    ("text", "language", "days"),
    [
        ("Montag bis Freitag", "de", {0, 1, 2, 3, 4}),
        ("Mo–Mi und Fr 8–12 Uhr", "de", {0, 1, 2, 4}),
        ("Fr bis Mo 8 Uhr", "de", {4, 5, 6, 0}),
        ("pazartesi ve perşembe", "tr", {0, 3}),
        ("по вторникам", "ru", {1}),
        ("по середах", "uk", {2}),
        ("يوم الخميس", "ar", {3}),
        ("du lundi au mercredi", "fr", {0, 1, 2}),
        ("w środy", "pl", {2}),
        ("So geht es am besten.", "de", set()),
    ],
)
def test_weekdays(text: str, language: str, days: set[int]) -> None:
    assert {value.key[0] for value in parse(text, language) if value.kind == "weekday"} == days


def test_both_ends_of_a_range_have_its_unit() -> None:
    two, three = parse("von 2 bis 3 Wochen")
    assert (two.kind, two.key, two.bound) == ("duration", ("day", Decimal(14)), "up")
    assert (three.key, three.bound, three.range) == (("day", Decimal(21)), "down", two.range)
    opens, closes = parse("8–12.30 Uhr")
    assert (opens.kind, opens.key, closes.key) == ("time", (480,), (750,))
    assert [value.key for value in parse("zwischen 20 und 60 Euro")] == [euros("20"), euros("60")]


def test_a_less_exact_date_or_paragraph_agrees_and_a_more_exact_one_does_not() -> None:
    month, day = parse("im Mai 2026")[0], parse("am 9. Mai 2026")[0]
    assert matches(month, day)
    assert not matches(day, month)
    section, part = parse("§ 17 BMG")[0], parse("§ 17 Abs. 1 BMG")[0]
    assert matches(section, part)
    assert not matches(part, section)


def test_a_month_is_not_thirty_days() -> None:
    assert not matches(parse("ein Monat")[0], parse("30 Tage")[0])
    assert not matches(parse("3 Werktage")[0], parse("3 Tage")[0])


def test_offsets_name_the_value() -> None:
    text = "Für ۳ Kinder — ab\u00a024 Jahren — kostet es nicht mehr als 37,00\u00a0€."
    assert [text[value.start : value.end] for value in parse(text)] == ["۳", "24 Jahren", "37,00\u00a0€"]
    assert [text[value.begin : value.start] for value in parse(text)] == ["", "ab\u00a0", "nicht mehr als "]


@settings(deadline=None)
@given(st.text(max_size=200), st.sampled_from(["de", "en", "tr", "ru", "uk", "ar", "fr", "pl", "xx", ""]))
def test_any_text_can_be_read(text: str, language: str) -> None:
    for value in parse(text, language):
        assert 0 <= value.begin <= value.start < value.end <= value.last <= len(text)


@settings(deadline=None)
@given(st.integers(min_value=0, max_value=9_999_999), st.integers(min_value=0, max_value=99))
def test_an_amount_is_the_same_in_every_number_format(whole: int, cents: int) -> None:
    english = f"{whole:,}.{cents:02}"
    german = english.translate(str.maketrans(",.", ".,"))
    french = english.translate({ord(","): "\u202f", ord("."): ","})
    amount = Decimal(whole) + Decimal(cents) / 100
    assert number(english, "en") == number(german, "de") == amount
    for text, language in ((f"{german} Euro", "de"), (f"€{english}", "en"), (f"{french} €", "fr")):
        assert one(text, language, "money").key[1] == amount
