"""Documents become passages that a person would cut alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.knowledge.markup import Block, blocks, clean
from shared.knowledge.passages import ENOUGH, MOST, Document, Section, passages
from shared.knowledge.rows import LINKS, SYNONYMS, TITLE, entries_of
from shared.knowledge.sentences import sentences


def document(*html: str, heading: str = "") -> Document:
    return Document(
        id="1", revision=1, title="Titel", sections=tuple(Section(heading=heading, html=part) for part in html)
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Das gilt gem. § 14 Abs. 2 Satz 1 BMG. Danach nicht.", 2),
        ("Bringen Sie z. B. den Pass mit. Er muss gültig sein.", 2),
        ("Die Frist endet am 3. Oktober 2026. Danach ist es zu spät.", 2),
        ("Formular Nr. 12 liegt aus. Bitte ausfüllen.", 2),
        ("Kosten: ca. 20 Euro inkl. MwSt. je Person", 1),
        ("Dr. Huber, Zi. 3, Tel. 089 123. Bitte anrufen.", 2),
        ("Haben Sie Fragen? Rufen Sie an! Wir helfen.", 3),
        ("Seit 2020. Die Gebühr steigt.", 2),
        ("Wege, Plätze usw. Die Stadt räumt sie.", 2),
        ("Er sagte: „Das reicht.“ Dann ging er.", 2),
        ("Mo. bis Fr. 8.30 bis 12.00 Uhr", 1),
        ("www.stadt.example/pass.html lesen", 1),
        ("eine Zeile\nnoch eine", 2),
        ("", 0),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text: str, expected: int) -> None:
    assert len(sentences(text)) == expected


@given(st.text(alphabet="Aa1 .!?\n§z„“", max_size=200))
def test_no_letter_is_lost_between_sentences(text: str) -> None:
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())


def test_headings_lists_and_tables_become_blocks() -> None:
    html = (
        "<h2>Unterlagen</h2><p>Bitte mitbringen:</p><ul><li>Pass<ul><li>Kopie</li></ul></li><li>Foto</li></ul>"
        "<ol><li>Termin</li><li>Zahlen</li></ol>"
        "<table><tr><th>Art</th><th>Preis</th></tr><tr><td>Pass</td><td>37 Euro</td></tr></table>"
    )
    assert blocks(html) == [
        Block("heading", "Unterlagen", 2),
        Block("text", "Bitte mitbringen:"),
        Block("item", "- Pass"),
        Block("item", "- Kopie"),
        Block("item", "- Foto"),
        Block("item", "1. Termin"),
        Block("item", "2. Zahlen"),
        Block("row", "Art: Pass; Preis: 37 Euro"),
    ]


def test_a_bold_line_of_its_own_is_a_heading_and_a_bold_word_is_not() -> None:
    found = blocks("<p><strong>So geht es:</strong></p><p>Erst <b>jetzt</b> kommen.</p>")
    assert found == [Block("heading", "So geht es", 7), Block("text", "Erst jetzt kommen.")]


@pytest.mark.parametrize(
    "html",
    [
        "<p>Text</p><script>alert(1)</script>",
        "<p>Text<!-- <img src=x onerror=alert(1)> --></p>",
        "<p onclick='alert(1)'>Text</p><style>p{background:url(alert)}</style>",
        "<p>Text</p><svg><script>alert(1)</script></svg>",
        "<p>Text</p><template><p>alert</p></template><iframe srcdoc='alert'></iframe>",
        "<p>Te\u200bx\u00adt</p><noscript>alert</noscript>",
    ],
)
def test_nothing_active_or_hidden_survives(html: str) -> None:
    text = " ".join(block.text for block in blocks(html))
    assert text.startswith("Text")
    assert "alert" not in text
    assert "<" not in text


def test_what_is_escaped_stays_text() -> None:
    assert blocks("<p>&lt;script&gt; ist ein Tag</p>") == [Block("text", "<script> ist ein Tag")]


@given(st.text(max_size=300))
def test_any_text_at_all_can_be_read(text: str) -> None:
    for block in blocks(text):
        assert block.text == clean(block.text)


def test_deep_nesting_ends() -> None:
    assert passages(document("<div>" * 5000 + "Text")) is not None


def test_passages_keep_to_size_and_sentences() -> None:
    sentence = "Dieser Satz über die Anmeldung nach § 17 Abs. 1 ist genau so lang, wie er eben ist. "
    found = passages(document(f"<p>{sentence * 60}</p>"))
    assert len(found) > 3
    for passage in found:
        assert len(passage.text) <= MOST
        assert passage.text.endswith("ist.")
    assert all(len(passage.text) >= ENOUGH for passage in found[:-1])


def test_short_parts_under_headings_are_joined_and_their_headings_kept_as_lines() -> None:
    (only,) = passages(document("<h3>Montag</h3><p>Acht bis zwölf.</p><h3>Dienstag</h3><p>Zu.</p>"))
    assert only.headings == ("Montag",)
    assert only.text == "Acht bis zwölf.\nDienstag\nZu."


def test_long_parts_start_anew_at_a_heading_with_its_path() -> None:
    long = "Ein Satz mit einigen Wörtern darin. " * 15
    first, second = passages(document(f"<h2>A</h2><p>{long}</p><h3>B</h3><p>{long}</p>", heading="Ablauf"))
    assert first.headings == ("Ablauf", "A")
    assert second.headings == ("Ablauf", "A", "B")
    assert second.context(document("")) == "Titel – Ablauf – A – B"


def test_sections_are_never_mixed_and_positions_count_on() -> None:
    found = passages(document("<p>Eins.</p>", "<p>Zwei.</p>"))
    assert [(passage.position, passage.text) for passage in found] == [(0, "Eins."), (1, "Zwei.")]


@given(st.lists(st.sampled_from(["<h2>Kopf</h2>", "<p>Ein Satz. Noch einer.</p>", "<ul><li>Punkt</li></ul>"])))
def test_no_word_of_the_page_is_lost(parts: list[str]) -> None:
    found = passages(document("".join(parts)))
    text = " ".join(" ".join((*passage.headings, passage.text)) for passage in found)
    assert text.count("Satz") == sum("Satz" in part for part in parts)
    assert text.count("Punkt") == sum("Punkt" in part for part in parts)


def test_an_endless_sentence_is_cut_at_a_blank() -> None:
    found = passages(document("<p>" + "wort " * 3000 + "</p>"))
    assert all(len(passage.text) <= 4000 for passage in found)
    assert sum(passage.text.count("wort") for passage in found) == 3000


def test_names_links_and_passages_become_rows() -> None:
    page = Document(
        id="1",
        revision=1,
        title="Wohnsitz anmelden",
        synonyms=("Ummelden",),
        links=("Zweitwohnungssteuer",),
        sections=(Section(html="<p>Sie ziehen um.</p>"),),
    )
    found = {entry.position: entry for entry in entries_of(page, passages(page))}
    assert sorted(found) == [LINKS, SYNONYMS, TITLE, 0]
    assert [found[at].role for at in sorted(found)] == ["passage", "query", "query", "passage"]
    assert found[LINKS].text == "Wohnsitz anmelden\nZweitwohnungssteuer"
    assert all("Ummelden" in found[at].words for at in (LINKS, 0))
    assert "Zweitwohnungssteuer" not in found[0].words
    assert LINKS not in {entry.position for entry in entries_of(document("<p>Nichts.</p>"), [])}
