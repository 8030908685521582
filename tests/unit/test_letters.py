"""The test letters: they load, hold together, and a mistake in a file is named by line."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any, get_args

import eldc
import pytest

from functions.zammad.letters import Flag, Letter, PersonalKind, load
from infra.cms.city import load_city
from shared.errors import StadtfunkError
from shared.knowledge.markup import blocks

FOLDER = Path(__file__).parents[1] / "letters"
HALVES = {name: load(FOLDER / f"{name}.jsonl") for name in ("tuned", "unseen")}
LETTERS = [letter for half in HALVES.values() for letter in half]
LANGUAGES = {"de", "en", "tr", "uk", "ar", "fr"}


def ids(letter: Letter) -> str:
    return letter.id


def kinds(letters: list[Letter]) -> Counter[str]:
    return Counter(kind for letter in letters for kind in letter.kinds)


def test_there_are_enough_in_each_half_and_no_id_twice() -> None:
    assert len(LETTERS) >= 160
    assert len(HALVES["tuned"]) == len(HALVES["unseen"])
    assert not [id for id, number in Counter(letter.id for letter in LETTERS).items() if number > 1]
    assert not [text for text, number in Counter(letter.body for letter in LETTERS).items() if number > 1]


@pytest.mark.parametrize("half", HALVES)
def test_a_half_has_every_kind(half: str) -> None:
    letters = HALVES[half]
    assert set(kinds(letters)) == set(kinds(LETTERS))
    assert {letter.language for letter in letters} == LANGUAGES
    assert len({letter.expected.category for letter in letters} - {"sonstiges"}) == 10
    assert {one.kind for letter in letters for one in letter.expected.personal} == set(get_args(PersonalKind))
    assert {flag for letter in letters for flag in letter.expected.human} == set(get_args(Flag))
    assert kinds(letters)["no_source"] >= 16
    assert sum(not letter.expected.abstain for letter in letters) >= 45
    assert len({letter.language for letter in letters if "no_source" in letter.kinds}) >= 5


def test_the_halves_are_alike() -> None:
    tuned, unseen = (kinds(half) for half in HALVES.values())
    assert {kind for kind in tuned if abs(tuned[kind] - unseen[kind]) > 1} == set()


@pytest.mark.parametrize("letter", LETTERS, ids=ids)
def test_a_source_is_a_public_page_of_the_demo_city(letter: Letter) -> None:
    pages = {page.id for page in load_city().pages if page.public}
    assert letter.expected.sources <= pages
    assert ("no_source" in letter.kinds) <= letter.expected.abstain
    assert ("partly" in letter.kinds) == (
        not letter.expected.abstain and any(not concern.sources for concern in letter.expected.concerns)
    )


@pytest.mark.parametrize("letter", LETTERS, ids=ids)
def test_the_language_is_what_a_detector_takes_it_for(letter: Letter) -> None:
    text = " ".join(block.text for block in blocks(letter.body))
    eldc.init()
    assert eldc.detect_details(text).language == letter.language == letter.expected.language


@pytest.mark.parametrize("letter", LETTERS, ids=ids)
def test_what_is_personal_by_its_shape_is_listed(letter: Letter) -> None:
    words = letter.words()
    for one in letter.expected.personal:
        words = words.replace(one.text, " ")
    assert re.findall(r"\S+@\S+\.\w+|\b[A-Z]{2} ?\d{2}(?: ?[\dA-Z]{4}){3,}|\bAUF ?-? ?[A-Z]{2}|\+\d{2}", words) == []
    assert letter.sender.email in {one.text for one in letter.expected.personal}


@pytest.mark.parametrize("letter", LETTERS, ids=ids)
def test_numbers_are_well_formed(letter: Letter) -> None:
    for one in letter.expected.personal:
        plain = re.sub(r"\s", "", one.text)
        if one.kind == "iban":
            assert int("".join(str(int(sign, 36)) for sign in plain[4:] + plain[:4])) % 97 == 1
        if one.kind == "tax_id":
            assert re.fullmatch(r"[1-9]\d{10}", plain)
            product = 10
            for digit in map(int, plain[:10]):
                product = ((digit + product) % 10 or 10) * 2 % 11
            assert (11 - product) % 10 == int(plain[10])
        if one.kind == "id_card":
            assert re.fullmatch(r"[LC][0-9CFGHJKLMNPRTVWXYZ]{8}\d?", plain)


def line(**changed: Any) -> str:
    letter: dict[str, Any] = {
        "id": "a1", "language": "de", "subject": "Umtausch",
        "from": {"name": "Ada Muster", "email": "ada@muster.example"}, "body": "Was kostet der Umtausch? Ada Muster",
        "group": "Führerscheinstelle",
        "expected": {
            "category": "fuehrerschein-umtausch", "abstain": False, "language": "de",
            "concerns": [{"about": "Kosten des Umtauschs", "sources": ["2006"]}],
            "personal": [{"kind": "name", "text": "Ada Muster"}],
        },
    }  # fmt: skip
    expected = letter["expected"] | changed.pop("expected", {})
    return json.dumps(letter | {"expected": expected} | changed, ensure_ascii=False)


def test_the_least_letter_loads_and_empty_lines_are_skipped(tmp_path: Path) -> None:
    file = tmp_path / "letters.jsonl"
    file.write_text(f"\n{line()}\n\n", encoding="utf-8")
    (letter,) = load(file)
    assert letter.sender.email == "ada@muster.example"
    assert letter.expected.sources == {"2006"}
    assert not letter.expected.skip


def test_what_a_reader_of_html_does_not_see_is_not_in_its_words(tmp_path: Path) -> None:
    file = tmp_path / "letters.jsonl"
    file.write_text(
        line(html=True, body="<p>Ada <b>Muster</b></p><!-- Vera --><script>Vera</script>"), encoding="utf-8"
    )
    (letter,) = load(file)
    assert "Ada Muster" in letter.words()
    assert "Vera" not in letter.words()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("{", "Invalid JSON"),
        (line(id="a b"), "2: id: "),
        (line(group=""), "2: group: "),
        (line(colour="red"), "2: colour: "),
        (line(language="Deutsch"), "2: language: "),
        (line(expected={"abstain": True}), "2: expected: .*'abstain' is true, but a concern has sources"),
        (line(expected={"concerns": []}), "2: expected: .*'abstain' is false, but no concern has a source"),
        (line(expected={"concerns": [], "abstain": True, "skip": False, "human": ["rage"]}), "2: expected.human"),
        (line(expected={"skip": True}), "2: expected: .*'abstain' must be true"),
        (line(expected={"personal": [{"kind": "iban", "text": "DE00"}]}), r"personal.0 \(iban\) does not stand"),
        (line(), "2: id: 'a1' is taken"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_by_file_line_and_field(tmp_path: Path, wrong: str, message: str) -> None:
    file = tmp_path / "letters.jsonl"
    file.write_text(f"{line()}\n{wrong}\n", encoding="utf-8")
    with pytest.raises(StadtfunkError, match=f"letters.jsonl:{message}" if message.startswith("2") else message):
        load(file)


def test_a_file_without_letters_or_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    empty, binary = tmp_path / "empty.jsonl", tmp_path / "binary.jsonl"
    empty.write_text("\n")
    binary.write_bytes(b"\xff\xfe")
    for file, message in ((empty, "holds no letter"), (binary, "not UTF-8"), (tmp_path / "none", "cannot be read")):
        with pytest.raises(StadtfunkError, match=message):
            load(file)
