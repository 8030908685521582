"""Measures by hand, the files of judged questions, and samples that are always the same."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from functions.xnext.evaluation import read_queries
from infra.cli.evaluate import app
from shared.errors import StadtfunkError
from shared.knowledge.evaluation import Question, Text, read, sampled
from shared.knowledge.measures import measures


def test_measures_by_hand() -> None:
    rows = [
        ({"1"}, ["1", "2"]),
        ({"2", "3"}, ["9", "2", "3"]),
        ({"4"}, ["1", "1"]),
        ({"5"}, [*(str(n) for n in range(100, 110)), "5"]),
    ]
    assert measures(rows) == {
        "hit@1": 0.25,
        "hit@3": 0.5,
        "hit@5": 0.5,
        "hit@10": 0.5,
        "mrr@10": 0.375,
        "ndcg@10": 0.4234,
        "n": 4,
    }
    assert measures([]) == {"n": 0}


def test_a_wrong_line_of_a_query_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "queries.jsonl"
    file.write_text('{"query": "a", "docs": ["1"], "no_shared_word": true}\n\n{"query": "b", "docs": []}\n')
    with pytest.raises(StadtfunkError, match=r"queries\.jsonl:3: docs"):
        read_queries(file)
    file.write_text('{"query": "a", "docs": ["1"], "no_shared_word": true}\n')
    assert read_queries(file)[0].no_lexical_overlap
    with pytest.raises(StadtfunkError, match="cannot be read"):
        read_queries(tmp_path / "none.jsonl")


def test_documents_and_questions_in_either_set_of_names(tmp_path: Path) -> None:
    file = tmp_path / "lines.jsonl"
    file.write_text(
        '{"doc": "a-1", "title": "Der_Fluss", "text": "1 < 2.\\n\\nNoch einer."}\n{"id": "b", "text": "B"}\n'
    )
    first, second = read(file, Text)
    assert first.document().title == "Der Fluss"
    assert first.document().sections[0].html == "<p>1 &lt; 2.</p><p>Noch einer.</p>"
    assert second.document().title == ""
    file.write_text(
        '{"lang": "tr", "qid": "7", "doc": "a-1", "question": "Nerede?"}\n{"query": "Wo?", "docs": ["b", "c"]}'
    )
    turkish, german = read(file, Question)
    assert (turkish.language, turkish.docs) == ("tr", frozenset({"a-1"}))
    assert (german.language, german.docs) == ("de", frozenset({"b", "c"}))
    file.write_text('{"doc": "a"}\n')
    with pytest.raises(StadtfunkError, match=r"lines\.jsonl:1: question"):
        read(file, Question)
    file.write_text("\n")
    with pytest.raises(StadtfunkError, match="is empty"):
        read(file, Text)


def test_samples_ask_every_language_the_same_and_a_larger_one_holds_the_smaller() -> None:
    def asked(order: int) -> list[Question]:
        rows = [(lang, str(n)) for lang in ("en", "de") for n in range(50)][::order]
        return [
            Question.model_validate({"lang": lang, "qid": id, "doc": "d", "question": f"{lang} {id}"})
            for lang, id in rows
        ]

    def ids(questions: list[Question], language: str) -> list[str]:
        return [one.id for one in questions if one.language == language]

    few, more = sampled(asked(1), 5), sampled(asked(-1), 9)
    assert len(few) == 10
    assert ids(few, "de") == ids(few, "en") == ids(more, "de")[:5]
    assert len(sampled(asked(1), None)) == 100


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("retrieval", "name what to search with --documents"),
        ("retrieval --dataset {file}", "for a system"),
        ("xnext --documents {file}", "name the judged queries"),
        ("xnext --dataset {file} --queries {file}", "in place of --documents and --queries"),
        ("xnext --dataset {file} --column question", "e.g. question=Frage"),
        ("xnext --column question=Frage", "of a --dataset"),
        ("xnext --dataset {file}", "is no Parquet file"),
        ("xnext --sample 3", "--sample is of 'retrieval'"),
        ("xnext --dataset gone.parquet", "gone.parquet: no such file"),
        ("portal", "there is xnext"),
    ],
)
def test_a_wrong_call_says_the_way_out(tmp_path: Path, options: str, said: str) -> None:
    file = tmp_path / "file"
    file.write_text("{}")
    result = CliRunner().invoke(app, options.format(file=file).split())
    assert result.exit_code == 1
    assert said in " ".join((result.stderr + str(result.exception)).split())
