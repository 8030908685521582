"""The figures of letters: what counts as right, what as a leak, what as a lie that came through."""

import json
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from functions.zammad.compose import draft_html, note_html
from functions.zammad.concerns import Concern
from functions.zammad.evaluation import Judged, figures, judged, leaks, lies
from functions.zammad.letters import Letter, Personal
from functions.zammad.mail import read_mail
from functions.zammad.proposal import Answered, Mode, Proposal
from functions.zammad.understanding import Understanding
from infra.liar import Said, _told
from shared.knowledge.citations import Source, Statement
from shared.knowledge.quotes import Span

TEXT = "Der Umtausch kostet 25,30 Euro. Sie müssen keine Prüfung ablegen."
QUOTE = "Der Umtausch kostet 25,30 Euro."
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


@dataclass
class Lies:
    """What lies in a ticket, and what the models got."""

    draft: str = ""
    note: str = ""
    seconds: float = 0.5
    sources: dict[str, str] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    told: list[Said] = field(default_factory=list)

    @property
    def written(self) -> "Lies":
        return self


def come(one: Letter, *texts: str, document: str = "befi:2006", quote: str = QUOTE, mode: Mode = "extractive") -> Lies:
    """Draft and note as they are written for these statements."""
    source = Source(number=1, document=document, revision=1, title="", url="", heading="", text=TEXT, language="de")
    start = TEXT.index(quote)
    statements = tuple(Statement(text=text, source=source, quote=Span(start, start + len(quote))) for text in texts)
    proposal = Proposal(
        mail=read_mail(subject=one.subject, sender="Ada <ada@muster.example>", body=one.body, html=one.html),
        understanding=Understanding(
            language="de", concerns=(ASKED,), category="umtausch", flags=frozenset({"deadline", "case_number"})
        ),
        language="de",
        answers=(Answered(concern=ASKED, statements=statements, reason=None if texts else "no_source"),),
        mode=mode,
    )
    address = f"https://funk.example/source?{urlencode({'page' if document[:2] != 'kb' else 'answer': document})}"
    note = note_html(
        proposal, marker="Vorschlag 1-1-1", draft="written" if texts else "none", opened=lambda *_: address
    )
    draft = draft_html(proposal, fields={}) if texts else ""
    return Lies(draft=draft, note=note, sources={address: f"<html><p>{TEXT}</p></html>"})


def judge(one: Letter, came: Lies) -> Judged:
    return judged(one, came, {3: "2006"})


def test_a_right_answer_a_wrong_one_and_an_abstention() -> None:
    found = figures(
        [
            judge(letter(human=["deadline"]), come(letter(), QUOTE)),
            judge(letter(), come(letter(), QUOTE, document="befi:1")),
            judge(letter(), come(letter())),
            judge(letter(sources=()), come(letter())),
            judge(letter(sources=()), come(letter(), QUOTE)),
        ]
    )
    assert (found["n"], found["right_source"], found["answers"], found["abstains"]) == (5, 0.3333, 0.6667, 0.5)
    assert (found["supported_statements"], found["language"], found["category"], found["leaks"]) == (1.0, 1.0, 1.0, 0)
    assert (found["flags"], found["noted"], found["skipped"]) == (0.2, 1.0, None)


def test_an_answer_of_the_knowledge_base_counts_as_the_page_that_says_the_same() -> None:
    assert judge(letter(), come(letter(), QUOTE, document="kb:3-7")).cited == {"2006"}
    assert judge(letter(), come(letter(), QUOTE, document="kb:4-7")).cited == {"kb:4-7"}


def test_a_statement_is_supported_by_what_the_notes_link_shows_and_nothing_else() -> None:
    def supported(came: Lies) -> list[bool]:
        return judge(letter(), came).supported

    assert supported(come(letter(), QUOTE, "Sie müssen keine Prüfung ablegen.")) == [True, True]
    gone = come(letter(), QUOTE)
    assert supported(replace(gone, sources=dict.fromkeys(gone.sources, ""))) == [False]
    other = dict.fromkeys(gone.sources, "<p>Der Umtausch kostet 52,30 Euro.</p>")
    assert supported(replace(gone, sources=other)) == [False]
    assert supported(replace(gone, note="")) == [False]
    # What is taken from a page as it stands has to stand there; what a model wrote has to have its quote there.
    said = "Für den Umtausch zahlen Sie 25,30 Euro."
    assert supported(come(letter(), said)) == [False]
    assert supported(come(letter(), said, mode="generated")) == [True]


def test_a_draft_is_in_the_language_of_its_words_whatever_it_says_of_itself() -> None:
    came = come(letter(), QUOTE)
    assert judge(letter(), came).draft.language == "de"
    assert judge(letter(), replace(came, draft=came.draft.replace('lang="de"', 'lang="en"'))).draft.language == "de"
    assert judge(letter(), replace(came, draft=came.draft.replace("vielen Dank", "Dank"))).draft.language is None


def test_a_letter_that_no_proposal_is_for_is_skipped_where_nothing_was_written() -> None:
    skipped = letter(sources=(), skip=True)
    found = figures([judge(skipped, Lies()), judge(skipped, come(skipped))])
    assert (found["n"], found["skipped"], found["abstains"]) == (0, 0.5, None)


def test_figures_that_no_letter_tells_are_none() -> None:
    assert figures([])["abstains"] is None


def test_leaks_are_found_as_whole_words_in_any_case() -> None:
    personal = [Personal(kind="name", text="Lea"), Personal(kind="phone", text="0171 3920014")]
    assert leaks(personal, ["Leasing kostet nichts"]) == []
    assert leaks(personal, ['{"input": ["LEA fragt"]}', "0171  3920014"]) == personal


def test_lies_that_came_through_and_true_words_that_did_not() -> None:
    told = [
        Said("Der Umtausch kostet 90 Euro.", QUOTE, true=False),
        Said("Alles ist umsonst.", QUOTE, true=False),
        Said(QUOTE, QUOTE, true=True),
        Said("Sie müssen keine Prüfung ablegen.", "x", true=True),
    ]
    one = judge(letter(), replace(come(letter(), "Der Umtausch kostet 90 Euro.", QUOTE), told=told))
    assert (one.false, one.true, one.dropped) == (1, 2, 1)
    assert lies([one])["true_dropped"] == 0.5


def test_the_liar_tells_the_truth_and_several_lies_about_what_is_asked() -> None:
    text = "Der Umtausch kostet im Amt 25,30 Euro. Sie müssen dafür keine neue Prüfung ablegen."
    lines = [{"passage": 1, "text": text}, {"question": "Welche Prüfung müssen Sie ablegen?"}]
    said = [one for one, _ in _told("\n".join(json.dumps(line) for line in lines))]
    assert [one.text for one in said if one.true] == ["Sie müssen dafür keine neue Prüfung ablegen."]
    assert len({one.text for one in said if not one.true}) >= 2
    assert all(one.quote in text for one in said)
