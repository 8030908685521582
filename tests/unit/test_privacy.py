"""Personal data is taken out: of the letters, of snippets in many languages, in every spelling, in linear time."""

import json
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.zammad.letters import Letter, load
from functions.zammad.mail import File, Mail, read_mail, without_personal_data
from shared.privacy import Redactor

HERE = Path(__file__).parent
SNIPPETS = [json.loads(line) for line in (HERE / "privacy_snippets.jsonl").read_text("utf-8").splitlines()]


def mail_of(letter: Letter) -> Mail:
    return read_mail(
        subject=letter.subject,
        sender=f"{letter.sender.name} <{letter.sender.email}>",
        body=letter.body,
        html=letter.html,
        files=[File(name=file.name, text=file.text) for file in letter.attachments],
    )


def all_words(mail: Mail) -> str:
    files = [f"{file.name}\n{file.text}" for file in mail.files]
    return "\n".join(
        [mail.subject, mail.sender_name, mail.sender_email, mail.body, mail.quoted, mail.signature, *files]
    )


def left_of(letters: list[Letter]) -> Counter[str]:
    """How many of the personal data are left, by kind; figures only, no text."""
    left: Counter[str] = Counter()
    for letter in letters:
        words = all_words(without_personal_data(mail_of(letter)))
        for datum in letter.expected.personal:
            left[datum.kind] += re.search(rf"(?<!\w){re.escape(datum.text)}(?!\w)", words, re.IGNORECASE) is not None
    return +left


def test_nothing_personal_of_the_tuned_letters_is_left() -> None:
    assert left_of(load(HERE.parent / "letters" / "tuned.jsonl")) == {}


@pytest.mark.parametrize("snippet", SNIPPETS, ids=range(len(SNIPPETS)))
def test_a_snippet_loses_what_is_personal_and_keeps_what_it_is_about(snippet: dict[str, Any]) -> None:
    shown = Redactor().redact(snippet["text"]).text
    assert [one for one in snippet["vanish"] if one in shown] == []
    assert [one for one in snippet["stay"] if one not in shown] == []


@pytest.mark.parametrize(
    ("name", "email", "text"),
    [
        ("Dariusz Wnuk", "d.wnuk@x.example", "Gdzie to zgłosić?\nDarek Wnuk"),
        ("Jürgen Müller", "", "JUERGEN MUELLER, jürgens Auto, Muller, J. Müller, Müllers, Müller, J."),
        ("Sevgi Karabulut", "", "Sevgi'nin evi, Karabulut'un, SEVGİ KARABULUT, sevgi karabulut, Sevginin"),
        ("Oğuzhan Yıldırım", "", "Oguzhan Yildirim, OĞUZHAN YILDIRIM, Yıldırım'a"),
        ("Олена Ткачук", "olena.tkachuk@lyst.example", "Олени Ткачук, Оленою, Olena Tkachuk, Tkachuk"),
        ("Дмитро Бондаренко", "", "Дмитра Бондаренка, Дмитром Бондаренком, Бондаренку"),
        ("Samer Haddadin", "samer.haddadin@bareed.example", "سامر حدادين، السيد حدادين، سامر"),
        ("O'Connor, Siobhán", "", "Siobhan O'Connor, O’Connor"),
        ("Anna-Lena Groß-Weber", "", "Anna-Lena, Annalena Gross-Weber, GROẞ-WEBER, Anna Lena"),
        ("Hans Lang", "", "Hans Lang, H. Lang, HANS LANG, Herr Lang"),
        ("", "jessi.pfannmueller@fixmail.example", "lg jessi, Frau Pfannmüller"),
        ("Ada Muster", "", "AdaMuster, musterada, adamuster77, Antrag_AdaMuster"),
        ("Pia Wess\u00adelkamp", "", "Pia\u200b Wesselkamp, Ｐｉａ"),
    ],
)
def test_a_known_name_vanishes_in_every_spelling(name: str, email: str, text: str) -> None:
    shown = Redactor(names=[name], emails=[email]).redact(text).text
    assert (
        re.findall(
            r"(?i)m(?:ü|u|ue)ller|j(?:ü|u|ue)rgen|sevgi|karabulut|yıldırım|yildirim|o.uzhan|олен|ткачук|tkachuk|olena|дмитр"
            r"|бондаренк|حدادين|سامر|siobh|connor|gro(?:ß|ẞ|ss)|weber|anna|lena|hans|lang|jessi|pfannm|pia|wessel|ada|muster|darek|wnuk",
            shown,
        )
        == []
    )


def test_a_name_that_one_text_tells_is_found_in_the_others() -> None:
    mail = read_mail(
        subject="Ausweis Rettinghaus",
        sender="post@muster.example",
        body="Kennen Sie Rettinghaus?\n\nViele Grüße\nMargit Rettinghaus",
        html=False,
        files=[File(name="Antrag_Rettinghaus.pdf", text="Antrag Rettinghaus")],
    )
    assert "Rettinghaus" not in all_words(without_personal_data(mail))


def test_the_sender_is_not_shown_and_kinds_are_counted() -> None:
    mail = read_mail(subject="", sender="Ada Muster <ada@muster.example>", body="Hallo", html=False)
    safe = without_personal_data(mail)
    assert (safe.sender_name, safe.sender_email) == ("", "")
    found = Redactor(names=["Ada Muster"]).redact("Ada Muster, 0171 3920014, DE41 9843 0815 0549 5654 54, Ada").found
    assert found == {"name": 2, "phone": 1, "iban": 1}


@given(st.text(max_size=300))
@settings(max_examples=60, deadline=None)
def test_any_text_is_redacted_and_a_name_in_it_is_gone(text: str) -> None:
    shown = Redactor(names=["Xaverius Quellmalz"]).redact(f"{text} Xaverius Quellmalz {text}").text
    assert "Xaverius" not in shown
    assert "Quellmalz" not in shown


_SEPARATORS = st.sampled_from([" ", "-", "/", ".", "\u00a0", "\u2009", "", " - ", "\u200b", "\n"])


@given(st.lists(_SEPARATORS, min_size=10, max_size=10))
@settings(max_examples=60, deadline=None)
def test_a_phone_number_vanishes_however_its_digits_are_parted(parts: list[str]) -> None:
    digits = "01713920014"
    written = digits[0] + "".join(part + digit for part, digit in zip(parts, digits[1:], strict=True))
    shown = Redactor().redact(f"Meine Nummer: {written} bitte").text
    assert not re.search(r"\d", shown)


ATTACKS = (
    "a", "Aa ", "1 ", "1.", "A1 ", "a.", "a@", "Am Aa 1 ", "Herr X, ", "mein Sohn ", "geb. ", "01.01.", "DE12 ",
    "Von: ",
    "شارع ", "вул. ", "Gruß\n", "Mah. ", "Az. ", "Ada Muster ", "A-1-", "O", "lI",
    "mein sohn jonas ", "frau meier ", "fahrer war ", "kennzeichen ", "m ab 1 ", "Straße: ", "wohnt jetzt ",
    "двадцять ", "weil mein sohn x ist ",
)  # fmt: skip


def cost(text: str) -> float:
    """CPU seconds that a text takes."""
    start = time.thread_time()
    Redactor(names=["Ada Muster"]).redact(text)
    return time.thread_time() - start


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_text_made_to_stop_the_rules_costs_what_its_length_says(attack: str) -> None:
    """Four times the text may cost four times the CPU, not sixteen times."""
    cost((attack * 100)[:100])
    assert cost((attack * 4_000)[:4_000]) < 10 * cost((attack * 1_000)[:1_000]) + 0.1


def test_blanks_below_a_last_word_cost_what_their_length_says() -> None:
    assert cost(f"\nabc{' ' * 40_000}x") < 10 * cost(f"\nabc{' ' * 10_000}x") + 0.1
