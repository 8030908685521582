"""Public sets as pages and judged queries, from small Parquet files of the same shape."""

import json
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from functions.xnext.dataset import prepare
from functions.xnext.evaluation import read_queries
from infra.cms.services import read_services
from shared.errors import StadtfunkError

TAX = "Wer einen Hund hält, meldet ihn binnen zwei Wochen an. Die Steuer beträgt 100 Euro."
POOL = "# Flussbad\n\nDas Bad öffnet im Mai.\n\n* Kinder baden frei\n* Hunde bleiben draußen"
QUESTIONS: list[dict[str, Any]] = [
    {
        "id": "q1",
        "title": "Hundesteuer",
        "context": TAX,
        "question": "Was kostet ein Hund?",
        "answers": {"text": ["x"]},
    },
    {"id": "q2", "title": "Hundesteuer", "context": TAX, "question": "Wie viel Geld will die Stadt?", "answers": None},
    {"id": "q3", "title": "Flussbad", "context": "Kinder baden frei.", "question": "Zahlen Kinder?", "answers": None},
    {"id": "q4", "title": "Flussbad", "context": "Kinder baden frei.", "question": None, "answers": None},
    {"id": "q5", "title": "Verschwunden", "context": "Gibt es nicht.", "question": "Wo?", "answers": None},
    {"id": "q6", "title": "Flussbad", "context": "Kinder baden frei.", "question": "Wann? " * 100, "answers": None},
]
PAGES: list[dict[str, Any]] = [
    {"id": 7, "name": "Hundesteuer", "content": TAX, "language": "de", "keywords": ["Hund"], "embedding": [0.1, 0.2]},
    {"id": 8, "name": "Flussbad", "content": POOL, "language": "de", "keywords": [], "embedding": [0.1, 0.2]},
    {"id": 9, "name": "Dog tax", "content": "Register your dog.", "language": "en", "keywords": [], "embedding": []},
    {"id": 10, "name": "Leer", "content": "", "language": "de", "keywords": [], "embedding": []},
]


def parquet(file: Path, rows: list[dict[str, Any]]) -> Path:
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), file)
    return file


def test_questions_find_their_pages_by_title_and_what_is_left_out_is_counted(tmp_path: Path) -> None:
    files = [parquet(tmp_path / "qa.parquet", QUESTIONS), parquet(tmp_path / "pages.parquet", PAGES)]
    services, queries, told = prepare(files, {}, tmp_path)
    pages = read_services(services).pages
    assert [(page.id, page.name) for page in pages] == [("7", "Hundesteuer"), ("8", "Flussbad")]
    assert "<li>Kinder baden frei</li>" in pages[1].text
    assert [(one.query, set(one.docs), one.no_lexical_overlap) for one in read_queries(queries)] == [
        ("Was kostet ein Hund?", {"7"}, False),
        ("Wie viel Geld will die Stadt?", {"7"}, True),
        ("Zahlen Kinder?", {"8"}, False),
    ]
    assert told == {
        "documents": 2,
        "questions": 3,
        "questions_without_text": 1,
        "questions_without_page": 1,
        "questions_too_long": 1,
        "documents_without_text": 1,
        "documents_in_other_languages": 1,
    }


def test_questions_alone_bring_their_passages_as_pages(tmp_path: Path) -> None:
    services, queries, told = prepare([parquet(tmp_path / "qa.parquet", QUESTIONS)], {}, tmp_path)
    assert [page.name for page in read_services(services).pages] == ["Hundesteuer", "Flussbad", "Verschwunden"]
    assert [len(one.docs) for one in read_queries(queries)] == [1, 1, 1, 1]
    assert told["questions_without_page"] == 0


def test_a_passage_chooses_among_pages_of_one_title_and_finds_its_page_without(tmp_path: Path) -> None:
    pages = [{"id": n, "name": "Parken", "content": f"Zone {n} ist grün."} for n in (1, 2)]
    asked = [
        {"title": "Parken", "context": "Zone 2 ist grün.", "question": "Wo ist Zone 2?"},
        {"title": "Parkzonen", "context": "Zone 1 ist grün.", "question": "Wo ist Zone 1?"},
        {"title": "Parken", "context": "Steht so nirgends.", "question": "Welche Zonen gibt es?"},
    ]
    files = [parquet(tmp_path / "pages.parquet", pages), parquet(tmp_path / "qa.parquet", asked)]
    queries = read_queries(prepare(files, {}, tmp_path)[1])
    assert [set(one.docs) for one in queries] == [{"2"}, {"1"}, {"1", "2"}]


def test_html_stays_and_raw_html_in_markdown_is_text(tmp_path: Path) -> None:
    rows = [
        {"title": "Seite A", "text": "<p>Eins</p>", "question": "Eins?"},
        {"title": "Seite B", "text": "1 < 2 & 3", "question": "Zwei?"},
    ]
    services, *_ = prepare([parquet(tmp_path / "qa.parquet", rows)], {}, tmp_path)
    assert [page.text.strip() for page in read_services(services).pages] == ["<p>Eins</p>", "<p>1 &lt; 2 &amp; 3</p>"]


def test_other_column_names_are_told_or_asked_for(tmp_path: Path) -> None:
    rows = [{"Anliegen": "Was kostet ein Hund?", "Artikel": "Hundesteuer", "Absatz": TAX}]
    file = parquet(tmp_path / "qa.parquet", rows)
    with pytest.raises(StadtfunkError, match=r"no column is known to be the title; it has Anliegen, Artikel, Absatz"):
        prepare([file], {}, tmp_path)
    with pytest.raises(StadtfunkError, match="--column text=NAME"):
        prepare([file], {"title": "Artikel"}, tmp_path)
    with pytest.raises(StadtfunkError, match="no questions in"):
        prepare([file], {"title": "Artikel", "text": "Absatz"}, tmp_path)
    named = {"title": "Artikel", "text": "Absatz", "question": "Anliegen"}
    assert prepare([file], named, tmp_path)[2]["questions"] == 1
    with pytest.raises(StadtfunkError, match="a column is for one of question, title"):
        prepare([file], {"frage": "Anliegen"}, tmp_path)
    with pytest.raises(StadtfunkError, match="no file has a column 'Antwort'; they have Absatz, Anliegen, Artikel"):
        prepare([file], named | {"text": "Antwort"}, tmp_path)


def test_a_file_that_is_none_is_said(tmp_path: Path) -> None:
    file = tmp_path / "qa.parquet"
    file.write_text(json.dumps(QUESTIONS[0]))
    with pytest.raises(StadtfunkError, match="is no Parquet file"):
        prepare([file], {}, tmp_path)
    with pytest.raises(StadtfunkError, match="is no Parquet file"):
        prepare([tmp_path / "none.parquet"], {}, tmp_path)
    with pytest.raises(StadtfunkError, match="holds no row"):
        prepare([parquet(file, QUESTIONS[:1]), _empty(tmp_path)], {}, tmp_path)


def _empty(folder: Path) -> Path:
    file = folder / "empty.parquet"
    schema = pyarrow.schema([("title", pyarrow.string()), ("context", pyarrow.string())])
    pyarrow.parquet.write_table(schema.empty_table(), file)
    return file
