"""The figures of letters: what counts as right, what as a leak, what as a lie that came through."""

import json

from functions.zammad.concerns import Concern
from functions.zammad.evaluation import Judged, _lied, figures, leaks, lies, mail_of_letter
from functions.zammad.letters import Letter, Personal
from functions.zammad.proposal import Answered, Proposal
from functions.zammad.understanding import Understanding
from infra.liar import Said, _told
from shared.knowledge.citations import Source, Statement
from shared.knowledge.quotes import Span

TEXT = "Der Umtausch kostet 25,30 Euro. Sie müssen keine Prüfung ablegen."
ASKED = Concern(text="Was kostet das?", parts=("Was kostet das?",))


def letter(*, sources: tuple[str, ...] = ("2006",), **expected: object) -> Letter:
    return Letter.model_validate(
        {
            "id": "a1",
            "language": "de",
            "subject": "Umtausch",
            "from": {"name": "Ada Muster", "email": "ada@muster.example"},
            "body": "<p>Was kostet das?</p>",
            "html": True,
            "group": "Amt",
            "expected": {
                "category": "umtausch",
                "abstain": not sources,
                "concerns": [{"about": "Kosten", "sources": sources}],
                "language": "de",
            }
            | expected,
        }
    )


def judged(one: Letter, *texts: str, document: str = "befi:2006", quote: Span | None = None) -> Judged:
    source = Source(number=1, document=document, revision=1, title="", url="", heading="", text=TEXT, language="de")
    statements = tuple(Statement(text=text, source=source, quote=quote or Span(0, 31)) for text in texts)
    proposal = Proposal(
        mail=mail_of_letter(one),
        understanding=Understanding(language="de", concerns=(ASKED,), category="umtausch"),
        language="de",
        answers=(Answered(concern=ASKED, statements=statements, reason=None if texts else "no_source"),),
    )
    return Judged(letter=one, proposal=proposal, seconds=0.5)


def test_a_right_answer_a_wrong_one_and_an_abstention() -> None:
    found = figures(
        [
            judged(letter(), "Der Umtausch kostet 25,30 Euro."),
            judged(letter(), "Der Umtausch kostet 25,30 Euro.", document="befi:1"),
            judged(letter()),
            judged(letter(sources=())),
            judged(letter(sources=()), "Der Umtausch kostet 25,30 Euro."),
        ]
    )
    assert (found["n"], found["right_source"], found["answers"], found["abstains"]) == (5, 0.3333, 0.6667, 0.5)
    assert (found["supported_statements"], found["language"], found["category"], found["leaks"]) == (1.0, 1.0, 1.0, 0)


def test_a_statement_without_a_quote_is_not_supported() -> None:
    assert figures([judged(letter(), "x", quote=Span(0, 0))])["supported_statements"] == 0.0


def test_figures_that_no_letter_tells_are_none() -> None:
    assert figures([])["abstains"] is None


def test_leaks_are_found_as_whole_words_in_any_case() -> None:
    personal = [Personal(kind="name", text="Lea"), Personal(kind="phone", text="0171 3920014")]
    assert leaks(personal, ["Leasing kostet nichts"]) == []
    assert leaks(personal, ['{"input": ["LEA fragt"]}', "0171  3920014"]) == personal


def test_lies_that_came_through_and_true_words_that_did_not() -> None:
    one = judged(letter(), "Der Umtausch kostet 90 Euro.", "Der Umtausch kostet 25,30 Euro.")
    quote = "Der Umtausch kostet 25,30 Euro."
    _lied(
        one,
        [
            Said("Der Umtausch kostet 90 Euro.", quote, true=False),
            Said("Alles ist umsonst.", quote, true=False),
            Said(quote, quote, true=True),
            Said("Sie müssen keine Prüfung ablegen.", "x", true=True),
        ],
    )
    assert (one.false, one.true, one.dropped) == (1, 2, 1)
    assert lies([one])["true_dropped"] == 0.5


def test_the_liar_tells_the_truth_and_several_lies_about_what_is_asked() -> None:
    text = "Der Umtausch kostet im Amt 25,30 Euro. Sie müssen dafür keine neue Prüfung ablegen."
    lines = [{"passage": 1, "text": text}, {"question": "Welche Prüfung müssen Sie ablegen?"}]
    said = [one for one, _ in _told("\n".join(json.dumps(line) for line in lines))]
    assert [one.text for one in said if one.true] == ["Sie müssen dafür keine neue Prüfung ablegen."]
    assert len({one.text for one in said if not one.true}) >= 2
    assert all(one.quote in text for one in said)
