"""Quotes are found whatever the letters are made of, and their offsets name the passage's own letters."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shared.knowledge.quotes import LEAST_WORDS, Span, clauses, find, sentence_spans, unify, word_count

PASSAGE = "Bitte bringen Sie gem. § 14 Abs. 2 ein „bio\u00admetrisches“ Foto mit – bei Kindern\u00a0(unter 16) nicht."
LETTERS = st.characters(codec="utf-8", categories=("L", "N", "P", "Z", "M", "S", "Cf"))


@pytest.mark.parametrize(
    "quote",
    [
        'gem. § 14 Abs. 2 ein "biometrisches" Foto',
        "ein »biometrisches« Foto mit - bei Kindern (unter 16)",
        "  Foto  mit\n— bei Kindern (unter",
        "…Foto mit – bei Kindern…",
        "»Bringen Sie gem. § 14 Abs. 2«",
        unicodedata.normalize("NFD", "ein ‚biometrisches‘ Foto mit – bei"),
    ],
)
def test_other_spellings_of_the_same_letters_are_found(quote: str) -> None:
    span = find(quote, PASSAGE)
    assert span is not None
    assert unify(span.of(PASSAGE)).text.strip('"').casefold() in unify(quote).text.casefold()


@pytest.mark.parametrize(
    "quote",
    [
        "",
        "…",
        "ein biometrisches Foto mit",  # without its quotation marks
        "bringen Sie … ein",  # two places joined
        "itte bringen Sie",  # not whole words
        "Bitte bringen S",
        "BITTE BRINGEN SIE",
        "Abs. 1 ein",
        "(unter 1",
    ],
)
def test_anything_else_is_not_found(quote: str) -> None:
    assert find(quote, PASSAGE) is None


def test_offsets_count_code_points_of_the_passage() -> None:
    passage = "😀 A\u0308mter o\ufb03ce: So\u00adfort zur Stelle sein müssen alle."
    span = find("Ämter office: Sofort zur Stelle", passage)
    assert span is not None
    assert span.of(passage) == "A\u0308mter o\ufb03ce: So\u00adfort zur Stelle"


@settings(deadline=None)
@given(st.text(LETTERS, max_size=120), st.data())
def test_any_quote_cut_at_blanks_is_found_where_its_letters_stand(passage: str, data: st.DataObject) -> None:
    words = passage.split(" ")
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, len(words) - 1))
    quote = " ".join(words[first : last + 1])
    assume(any(letter.isalnum() for letter in unify(quote).text))
    before = " ".join(words[:first]) + " " if first else ""
    # A mark that joins the letter before the cut belongs to that letter.
    assume(
        not any(unicodedata.combining(letter) for letter in (quote[0], passage[len(before) + len(quote) :][:1] or "x"))
    )
    span = find(quote, passage)
    assert span is not None
    assert 0 <= span.start < span.end <= len(passage)
    assert find(quote, span.of(passage)) is not None


@settings(deadline=None)
@given(st.text(LETTERS, max_size=120))
def test_every_letter_of_a_unified_text_knows_its_place(text: str) -> None:
    unified = unify(text)
    assert len(unified.text) == len(unified.starts) == len(unified.ends)
    assert all(0 <= start < end <= len(text) for start, end in zip(unified.starts, unified.ends, strict=True))
    assert list(unified.starts) == sorted(unified.starts)


def test_clauses_have_five_words_where_the_sentence_has() -> None:
    text = (
        "Der Personalausweis kostet ab 24 Jahren 37,00 Euro, unter 24 Jahren 22,80 Euro. Ja, sicher. "
        "Sie brauchen gem. § 14 Abs. 2 einen Antrag, ein Foto."
    )
    assert [clause.of(text) for clause in clauses(text)] == [
        "Der Personalausweis kostet ab 24 Jahren 37,00 Euro",
        "unter 24 Jahren 22,80 Euro.",
        "Ja, sicher.",
        "Sie brauchen gem. § 14 Abs. 2 einen Antrag, ein Foto.",
    ]


@settings(deadline=None)
@given(st.text(LETTERS | st.sampled_from(" .,;:()\n-"), max_size=200))
def test_clauses_are_parts_of_sentences_in_order(text: str) -> None:
    found = clauses(text)
    assert all(0 <= one.start < one.end <= len(text) for one in found)
    assert all(one.end <= two.start for one, two in pairwise(found))
    whole = sentence_spans(text)
    for clause in found:
        assert any(sentence.start <= clause.start and clause.end <= sentence.end for sentence in whole)
    for sentence in whole:
        inside = [one for one in found if sentence.start <= one.start and one.end <= sentence.end]
        assert len(inside) <= 1 or all(word_count(one.of(text)) >= LEAST_WORDS for one in inside)


def test_a_span_is_a_part_of_its_text() -> None:
    assert Span(2, 4).of("abcdef") == "cd"
