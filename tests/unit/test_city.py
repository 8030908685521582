"""The demo city: its files are right, worth reading, and a mistake in one is named."""

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
from Stemmer import Stemmer

from infra.cms.city import FOLDER, CityError, Page, load_city, read_city

CITY = load_city()
SERVICES = [page for page in CITY.pages if page.kind == "service"]
STANDARD = [page for page in SERVICES if not page.easy]
EASY = [page for page in SERVICES if page.easy]

# Words that say nothing of what a question is about.
FUNCTION_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        ab als am an auf aus bei beim bin da das dem den der des die dies diese drin du durch ein eine einem einen
        einer er es für fürs haben hat ich ihr im in ist kein können man mehr mein meine meinem meinen mich mir mit
        muss nicht oder ob sie sind so um und uns von vor war was wem wen wenn wer wie wir wo wohin zu zum zur darf
        """,
    )
)


def stems(text: str) -> set[str]:
    words = {word for word in re.findall(r"[^\W\d_]+", text.lower()) if word not in FUNCTION_WORDS}
    return set(Stemmer("german").stemWords(sorted(words)))


def test_the_city_is_as_large_as_it_should_be() -> None:
    assert CITY.name == "Auenfurt"
    assert len(CITY.offices) == 8
    assert len(CITY.categories) == 5
    assert len(STANDARD) >= 46
    assert len(EASY) == 5
    assert len(CITY.pages) - len(SERVICES) == 6
    spread = Counter(page.category for page in STANDARD)
    assert set(spread) == set(CITY.categories)
    assert min(spread.values()) >= 8


@pytest.mark.parametrize("page", CITY.pages, ids=lambda page: page.id)
def test_a_page_has_a_readable_length_and_an_english_title(page: Page) -> None:
    assert 150 <= len(page.words().split()) <= 500
    assert page.english
    assert page.summary
    assert page.text


@pytest.mark.parametrize("page", SERVICES, ids=lambda page: page.id)
def test_a_service_carries_its_facts(page: Page) -> None:
    assert page.offices
    assert page.fees
    assert any(re.search(r"\d|gebührenfrei|kostet nichts", fee) for fee in page.fees)
    assert page.duration
    assert page.legal_basis
    assert page.department


def test_facts_are_spread_as_in_a_real_city() -> None:
    assert sum(any("§" in basis for basis in page.legal_basis) for page in STANDARD) >= 30
    assert sum(bool(page.online) for page in STANDARD) >= 30
    assert sum(any(section.id == "sf6" for section in page.sections) for page in STANDARD) >= 30
    assert sum(any(section.id == "sf20" for section in page.sections) for page in STANDARD) >= 40
    assert len({tuple(section.id for section in page.sections) for page in STANDARD}) >= 6  # no single template


def test_every_office_is_in_charge_of_something_and_its_number_is_reserved_for_fiction() -> None:
    assert {office for page in SERVICES for office in page.offices} == {office.id for office in CITY.offices}
    reserved = re.compile(r"030 23125 \d{3}|0171 39200 \d{2}|040 66969 \d{3}|069 90009 \d{3}|089 99998 \d{3}")
    assert all(reserved.fullmatch(office.phone) for office in CITY.offices)
    assert all(office.email.endswith("@auenfurt.example") for office in CITY.offices)
    told = " ".join(page.words() for page in CITY.pages)
    assert all(reserved.fullmatch(number) for number in re.findall(r"\b0\d{2,4} \d{4,6} \d+\b", told))


def test_links_lead_to_no_real_host() -> None:
    links = [link.url for page in CITY.pages for link in (*page.online, *page.links)]
    assert links
    assert all(re.match(r"https://[a-z.]+\.example(/|$)", url) for url in links)


def test_easy_pages_are_linked_and_speak_in_short_sentences() -> None:
    linked = {page.easy_page for page in STANDARD if page.easy_page}
    assert linked == {page.id for page in EASY}
    for page in EASY:
        assert "Leichte Sprache" in page.name
        text = re.sub(r"<[^>]+>", "\n", page.description() + "".join(section.html for section in page.sections))
        sentences = [sentence.split() for sentence in re.split(r"[.?!:\n]+", text) if sentence.strip()]
        assert max(len(sentence) for sentence in sentences) <= 16, page.id
        assert sum(map(len, sentences)) / len(sentences) < 8, page.id


def test_near_duplicates_name_each_other_and_are_asked_for() -> None:
    near = {page.id: set(page.near) for page in SERVICES}
    for one, other in (("2001", "2002"), ("1003", "1004")):
        assert other in near[one]
        assert one in near[other]
        assert {one, other} <= {doc for query in CITY.queries for doc in query.docs}
        assert not any({one, other} <= set(query.docs) for query in CITY.queries)


def test_one_page_changes_by_itself() -> None:
    assert [page.id for page in CITY.pages if page.live] == ["2009"]


def test_the_judged_queries_are_those_of_citizens() -> None:
    languages = Counter(query.language for query in CITY.queries)
    assert len(CITY.queries) == 30
    assert languages["de"] == 20
    assert languages["en"] == 5
    assert len(languages) == 7
    assert len({query.query for query in CITY.queries}) == 30
    assert sum(query.no_shared_word for query in CITY.queries) == 10
    assert all(query.language == "de" for query in CITY.queries if query.no_shared_word)
    assert sum("typo" in query.note for query in CITY.queries) >= 3


@pytest.mark.parametrize("query", [query for query in CITY.queries if query.language == "de"], ids=lambda q: q.query)
def test_a_query_without_a_shared_word_shares_none(query) -> None:  # type: ignore[no-untyped-def]
    pages = {page.id: page for page in CITY.pages}
    shared = {
        doc: stems(query.query) & stems(f"{pages[doc].words()} {' '.join(pages[doc].synonyms)}") for doc in query.docs
    }
    if query.no_shared_word:
        assert not any(shared.values()), shared
    else:
        assert any(shared.values()) or "typo" in query.note or "spelling" in query.note


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the city that a test may spoil."""
    return Path(shutil.copytree(FOLDER, tmp_path / "city", ignore=shutil.ignore_patterns("__pycache__")))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("offices: [verkehrsamt, buergerbuero-mitte]", "offices: [verkehramt]", "unknown office 'verkehramt'"),
        ("category: verkehr", "category: verker", "unknown category 'verker'"),
        ('near: ["2002"]', 'near: ["2222"]', "unknown page '2222'"),
        ('id: "2001"', 'id: "2003"', "the id 2003 is taken by another page"),
        ("## Unterlagen", "## Unterlage", "bewohnerparkausweis.md:32: unknown heading 'Unterlage'"),
        ("english:", "englisch:", "bewohnerparkausweis.md: englisch: Extra inputs are not permitted"),
        ("name: Bewohner", "name: a: Bewohner", "bewohnerparkausweis.md:3: not YAML: mapping values"),
        ("---\nid", "id", "bewohnerparkausweis.md:1: a page starts with its facts"),
        ("https://dienste.auenfurt", "javascript://dienste.auenfurt", "online.0.url"),
    ],
)
def test_a_mistake_in_a_page_is_named(folder: Path, old: str, new: str, message: str) -> None:
    file = folder / "pages" / "bewohnerparkausweis.md"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(CityError, match=re.escape(message)):
        read_city(folder)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "queries.jsonl:31: not a judged query"),
        ('{"query": "Was kostet das?", "docs": [], "language": "de", "note": ""}', "queries.jsonl:31"),
        ('{"query": "Was kostet das?", "docs": ["7777"], "language": "de", "note": ""}', "unknown page 7777"),
    ],
)
def test_a_mistake_in_the_queries_is_named(folder: Path, line: str, message: str) -> None:
    with (folder / "queries.jsonl").open("a", encoding="utf-8") as queries:
        queries.write(line + "\n")
    with pytest.raises(CityError, match=re.escape(message)):
        read_city(folder)


def test_html_in_an_editors_text_stays_text(folder: Path) -> None:
    file = folder / "pages" / "bewohnerparkausweis.md"
    file.write_text(
        file.read_text(encoding="utf-8").replace("Der Ausweis gibt", "<script>alert(1)</script> Der Ausweis gibt"),
        encoding="utf-8",
    )
    page = next(page for page in read_city(folder).pages if page.id == "2001")
    assert "<script>" not in page.description()
    assert "&lt;script&gt;" in page.description()
