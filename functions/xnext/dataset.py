"""A city's public sets (Parquet files) as pages and judged queries, so that others can repeat its benchmark.

Two shapes, told apart by their columns: questions, each with the passage or the title of the page that answers
it (LHM-Dienstleistungen-QA), and pages (munich-public-services). With pages, a question's page is the one of its
title, or the one that holds its passage; without, every passage with its title is a page, as MTEB has it.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from markdown_it import MarkdownIt

from shared.errors import StadtfunkError
from shared.knowledge import german

# What a column is for -> names it is known under, the likeliest first.
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "question": ("question", "query", "frage", "anfrage"),
    "title": ("title", "name", "titel", "document_title", "label"),
    "text": ("context", "content", "document", "text", "passage", "kontext", "html", "body", "description"),
    "id": ("id", "document_id", "doc_id"),
    "language": ("language", "lang", "sprache"),
}
_NEEDED: Final = ("title", "text")
_QUERY_CHARS: Final = 500  # the search takes no longer one
_HTML: Final = re.compile(r"</[a-z][a-z0-9]*\s*>|<br\s*/?>", re.IGNORECASE)
_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).enable("table")
_MODIFIED: Final = "2026-01-01T00:00:00"
Row = dict[str, str]  # by what a column is for; absent columns are absent


@dataclass
class Told:
    """What was taken of the files, and what not."""

    documents: int = 0
    questions: int = 0
    questions_without_text: int = 0  # or without a passage and a title
    questions_without_page: int = 0  # no page of their title or with their passage
    questions_too_long: int = 0
    documents_without_text: int = 0
    documents_in_other_languages: int = 0


@dataclass
class _Pages:
    rows: dict[str, Row] = field(default_factory=dict)  # id -> row
    by_title: dict[str, set[str]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)  # id -> text, normalised

    def add(self, id: str, row: Row) -> None:
        """Keep a page; a second one of the same id is kept under another."""
        while id in self.rows and any(self.rows[id][use] != row[use] for use in _NEEDED):
            id += "-2"
        self.rows[id] = row
        self.by_title.setdefault(_plain(row["title"]), set()).add(id)
        self.texts[id] = _plain(row["text"])

    def of(self, question: Row) -> set[str]:
        """The pages that answer a question."""
        found = self.by_title.get(_plain(question.get("title", "")), set())
        passage = _plain(question.get("text", ""))
        holding = {id for id in found or self.rows if passage and passage in self.texts[id]}
        return holding or found


def prepare(files: Sequence[Path], columns: Mapping[str, str], folder: Path) -> tuple[Path, Path, dict[str, int]]:
    """Write ``services.jsonl`` and ``queries.jsonl`` into the folder; their paths, and what was taken as counts.

    ``columns`` says which column is for what (a key of ``COLUMNS``) where its name is not a known one.

    Raises:
        StadtfunkError: a file is no Parquet file, a column is missing (names those it has), or nothing is left.
    """
    if unknown := sorted(set(columns) - set(COLUMNS)):
        raise StadtfunkError(f"--column {unknown[0]}=…: a column is for one of {', '.join(COLUMNS)}")
    names = {file: _names(file) for file in files}
    for name in columns.values():
        if not any(name in there for there in names.values()):
            all_names = ", ".join(sorted({one for there in names.values() for one in there}))
            raise StadtfunkError(f"no file has a column '{name}'; they have {all_names}")
    questions: list[Row] = []
    articles: list[Row] = []
    told = Told()
    for file in files:
        rows = list(_rows(file, _chosen(file, names[file], columns)))
        (questions if "question" in rows[0] else articles).extend(rows)
    if not questions:
        raise StadtfunkError(f"no questions in {', '.join(map(str, files))}: name a file with a question column, too")
    pages = _Pages()
    for row in articles or questions:
        if not row["title"] or not row["text"]:
            told.documents_without_text += bool(articles)
        elif row.get("language", "de").lower().split("-")[0] != "de":
            told.documents_in_other_languages += bool(articles)
        else:
            pages.add(row.get("id") or _digest(row) if articles else _digest(row), row)
    judged = _judged(questions, pages, told)
    told.documents, told.questions = len(pages.rows), len(judged)
    if not judged:
        raise StadtfunkError(
            f"none of {len(questions)} questions has a page: {told.questions_without_page} name no page of these files"
        )
    services = [
        {"id": id, "name": row["title"], "html": _html(row["text"]), "lastModification": _MODIFIED}
        for id, row in pages.rows.items()
    ]
    queries = [
        {"query": query, "docs": sorted(docs), "no_lexical_overlap": not _shares_words(query, docs, pages)}
        for query, docs in judged.items()
    ]
    return _written(folder / "services.jsonl", services), _written(folder / "queries.jsonl", queries), vars(told)


def _judged(questions: Sequence[Row], pages: _Pages, told: Told) -> dict[str, set[str]]:
    """Pages by question; a question asked of several has them all."""
    judged: dict[str, set[str]] = {}
    for row in questions:
        query = " ".join(row["question"].split())
        if not query or not (row["title"] or row["text"]):
            told.questions_without_text += 1
        elif len(query) > _QUERY_CHARS:
            told.questions_too_long += 1
        elif docs := pages.of(row):
            judged.setdefault(query, set()).update(docs)
        else:
            told.questions_without_page += 1
    return judged


def _names(file: Path) -> list[str]:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(file) as parquet:
            if not parquet.metadata.num_rows:
                raise StadtfunkError(f"{file}: holds no row")
            return list(parquet.schema_arrow.names)
    except (OSError, pyarrow.ArrowException) as error:
        raise StadtfunkError(f"{file}: is no Parquet file that can be read ({type(error).__name__})") from None


def _rows(file: Path, chosen: Mapping[str, str]) -> Iterator[Row]:
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(file) as parquet:
        # Only what is needed: an embedding of 3072 numbers a page is most of the file.
        for batch in parquet.iter_batches(columns=sorted(set(chosen.values()))):
            for row in batch.to_pylist():
                yield {use: _text(row[name]) for use, name in chosen.items()}


def _chosen(file: Path, names: Sequence[str], columns: Mapping[str, str]) -> dict[str, str]:
    """Which column of a file is for what."""
    small = {name.lower(): name for name in reversed(names)}
    chosen = {
        use: name
        for use, known in COLUMNS.items()
        if (name := columns[use] if columns.get(use) in names else next((small[k] for k in known if k in small), None))
    }
    missing = [use for use in _NEEDED if use not in chosen]
    if missing:
        raise StadtfunkError(
            f"{file}: no column is known to be the {missing[0]}; it has {', '.join(names)}: "
            f"say which it is with --column {missing[0]}=NAME"
        )
    return chosen


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _plain(text: str) -> str:
    """For comparison: letters and digits in small letters, one blank between words."""
    return " ".join(re.findall(r"\w+", text.lower()))


def _digest(row: Row) -> str:
    return sha256(f"{row['title']}\x1f{row['text']}".encode()).hexdigest()[:16]


def _html(text: str) -> str:
    return text if _HTML.search(text) else str(_MARKDOWN.render(text))


def _shares_words(query: str, docs: set[str], pages: _Pages) -> bool:
    """Whether a word of the query, function words apart, stands in one of its pages in any form."""
    asked = {german.stem(word.text) for word in german.words(query) if word.text not in german.FUNCTION_WORDS}
    texts = (f"{pages.rows[id]['title']} {pages.texts[id]}" for id in docs)
    return any(asked & {german.stem(word.text) for word in german.words(text)} for text in texts)


def _written(file: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return file
