"""`stadtfunk evaluate zammad`: some letters go the whole way through a running city, and their drafts are judged."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CARD = (
    "<p>Der Umtausch des Führerscheins kostet 25,30 Euro. Bringen Sie bitte ein biometrisches Lichtbild und Ihren "
    "Personalausweis mit. Die Karte liegt nach etwa vier Wochen bereit.</p>"
)
DOG = (
    "<p>Melden Sie Ihren Hund innerhalb von zwei Wochen beim Steueramt an. Die Hundesteuer beträgt 100 Euro im Jahr, "
    "und Sie erhalten eine Marke.</p>"
)
ADA = {"kind": "name", "text": "Ada Muster"}


def page(id: str, name: str, html: str) -> dict[str, str]:
    return {"id": id, "name": name, "html": html, "lastModification": "2026-05-04T09:00:00+02:00"}


def letter(id: str, body: str, *sources: str, **more: Any) -> dict[str, Any]:
    expected = {
        "category": "fuehrerschein-umtausch",
        "abstain": not sources,
        "concerns": [{"about": "Frage", "sources": sources}],
        "language": "de",
        "personal": [ADA],
    } | more.pop("expected", {})
    sender = {"name": "Ada Muster", "email": f"{id}@muster.example"}
    return {"id": id, "language": "de", "from": sender, "body": body, "group": "Amt 7", "expected": expected, **more}


@pytest.mark.heavy
def test_letters_go_the_whole_way_and_back(tmp_path: Path) -> None:
    pages = [page("1", "Führerschein umtauschen", CARD), page("2", "Hund anmelden", DOG)]
    file = {
        "name": "Bescheid.pdf",
        "text": "Was kostet der Umtausch meines Führerscheins?\nIBAN DE41984308150549565454",
    }
    iban = {"personal": [{"kind": "iban", "text": "DE41984308150549565454"}]}
    # Is no personal datum, and so no rule takes it out: it must be found where a model got it.
    word = {"personal": [{"kind": "name", "text": "Hundesteuer"}]}
    letters = [
        letter("asks", "Was kostet der Umtausch meines Führerscheins? Ada Muster", "1"),
        letter("file", "Meine Frage steht im Anhang. Ada Muster", "1", attachments=[file], expected=iban),
        letter("dog", "Was kostet die Hundesteuer? Ada Muster", "2", expected={"category": "buergerservice"}),
        letter("none", "Wann hat das Hallenbad geöffnet? Ada Muster"),
        letter("leak", "Wie hoch ist die Hundesteuer?", "2", expected=word),
        letter("away", "Ich bin nicht im Büro.", auto_response=True, expected={"skip": True, "personal": []}),
    ]  # fmt: skip
    for name, rows in (("pages", pages), ("mine", letters)):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    command = [sys.executable, "-c", "from infra.cli import main; main()", "evaluate", "zammad", "--json"]
    command += ["--letters", str(tmp_path / "mine.jsonl"), "--documents", str(tmp_path / "pages.jsonl")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1100, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert (found["n"], found["noted"], found["skipped"]) == (5, 1.0, 1.0)
    for figure in ("supported_statements", "right_source", "abstains", "answers", "language"):
        assert found[figure] == 1.0, figure
    assert (found["leaks"], found["personal"]) == (1, 5)
    lies = found["lying_model"]
    assert (lies["supported_statements"], lies["false_through"], lies["true_dropped"]) == (1.0, 0, 0.0)
    assert lies["true"] > 0
    assert (found["run"]["documents"], found["run"]["answers"]) == (2, 1)
