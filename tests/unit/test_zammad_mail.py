"""A letter's parts: own words, what is quoted or forwarded, the signature; what nobody sees is not in it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.zammad.concerns import concerns_of
from functions.zammad.mail import Mail, read_mail
from functions.zammad.wording import wording


def plain(body: str, subject: str = "", sender: str = "Ada Muster <ada@muster.example>") -> Mail:
    return read_mail(subject=subject, sender=sender, body=body, html=False)


def html(body: str) -> Mail:
    return read_mail(subject="", sender="Ada Muster <ada@muster.example>", body=body, html=True)


@pytest.mark.parametrize(
    ("header", "name", "email"),
    [
        ("Ada Muster <ada@muster.example>", "Ada Muster", "ada@muster.example"),
        ('"Muster, Ada" <ada@muster.example>', "Muster, Ada", "ada@muster.example"),
        ("Muster, Ada <ada@muster.example>", "Muster, Ada", "ada@muster.example"),
        ("ada@muster.example", "", "ada@muster.example"),
        ("<ada@muster.example>", "", "ada@muster.example"),
        ("Олена Ткачук <olena@lyst.example>", "Олена Ткачук", "olena@lyst.example"),
        ("Ada", "Ada", ""),
        ("", "", ""),
    ],
)
def test_the_sender_is_read(header: str, name: str, email: str) -> None:
    mail = plain("Hallo", sender=header)
    assert (mail.sender_name, mail.sender_email) == (name, email)


@pytest.mark.parametrize(
    "subject",
    ["AW: Re: Umtausch", "WG: Umtausch", "Fwd: FW: Umtausch", "YNT: Umtausch", "TR : Umtausch",
    "[Ticket#2026111244000017] Umtausch", "AW: Ticket#2026111244000017 Umtausch"],
)  # fmt: skip
def test_marks_of_replies_are_no_part_of_the_subject(subject: str) -> None:
    assert plain("", subject=subject).subject == "Umtausch"


THREADS = [
    "Am 18.11.2026 um 09:12 schrieb Führerscheinstelle Auenfurt:\n> Bitte bringen Sie ein Passbild mit.",
    "Am Mi., 18. Nov. 2026 um 09:12 Uhr schrieb Stadt Auenfurt <\namt@auenfurt.example>:\n\n> Bitte bringen "
    "Sie ein Passbild mit.",
    "On Wed, Nov 18, 2026 at 9:12 AM City Office <office@auenfurt.example> wrote:\n> Bitte bringen Sie ein "
    "Passbild mit.",
    "Le mer. 18 nov. 2026 à 09:12, Mairie <mairie@auenfurt.example> a écrit :\n> Bitte bringen Sie ein Passbild mit.",
    "Stadt Auenfurt <amt@auenfurt.example>, 18 Kas 2026 Çar, 09:12 tarihinde şunu yazdı:\n> Bitte bringen Sie "
    "ein Passbild mit.",
    "ср, 18 лист. 2026 р. о 09:12 Bürgerbüro <amt@auenfurt.example> пише:\n> Bitte bringen Sie ein Passbild mit.",
    "في الأربعاء، 18 نوفمبر 2026 في 9:12 ص كتب Bürgerbüro:\n> Bitte bringen Sie ein Passbild mit.",
    "-----Ursprüngliche Nachricht-----\nVon: Stadt Auenfurt\nGesendet: Mittwoch, 18. November 2026 09:12\nAn: "
    "Ada Muster\nBetreff: Ihr Termin\n\nBitte bringen Sie ein Passbild mit.",
    "________________________________\nVon: Stadt Auenfurt <amt@auenfurt.example>\nGesendet: Mittwoch\nAn: "
    "ada@muster.example\nBetreff: Ihr Termin\n\nBitte bringen Sie ein Passbild mit.",
    "From: Office\nSent: Wednesday\nTo: Ada Muster\nSubject: Ihr Termin\n\nBitte bringen Sie ein Passbild mit.",
    "De : Mairie\nEnvoyé : mercredi\nÀ : Ada\nObjet : Ihr Termin\n\nBitte bringen Sie ein Passbild mit.",
    "Kimden: Belediye\nGönderildi: Çarşamba\nKime: Ada\nKonu: Ihr Termin\n\nBitte bringen Sie ein Passbild mit.",
    "Від: Бюро\nНадіслано: середа\nКому: Ada\nТема: Ihr Termin\n\nBitte bringen Sie ein Passbild mit.",
    "من: المكتب\nالتاريخ: الأربعاء\nإلى: Ada\nالموضوع: Ihr Termin\n\nBitte bringen Sie ein Passbild mit.",
    "---------- Forwarded message ---------\nFrom: Office <office@auenfurt.example>\nDate: Wed\nSubject: Ihr "
    "Termin\n\nBitte bringen Sie ein Passbild mit.",
    "-------- Weitergeleitete Nachricht --------\nVon: Stadt\nDatum: 18.11.2026\nAn: Ada\nBetreff: Ihr Termin\n"
    "\nBitte bringen Sie ein Passbild mit.",
    "> Bitte bringen Sie ein Passbild mit.",
]  # fmt: skip


@pytest.mark.parametrize("thread", THREADS)
def test_a_thread_below_is_no_part_of_the_new_words(thread: str) -> None:
    mail = plain(f"Gilt das auch in Japan?\n\n{thread}\n")
    assert mail.body == "Gilt das auch in Japan?"
    assert mail.quoted.replace("Ihr Termin", "").strip() == "Bitte bringen Sie ein Passbild mit."


def test_answers_between_quoted_lines_are_own_words() -> None:
    mail = plain(
        "Am 18.11.2026 schrieb Amt:\n> Haben Sie ein Foto?\nJa, eines auf Papier.\n> Wann kommen Sie?\nGeht Montag?"
    )
    assert mail.body == "Ja, eines auf Papier.\nGeht Montag?"
    assert mail.quoted == "Haben Sie ein Foto?\nWann kommen Sie?"


def test_a_forwarded_question_can_be_read_and_its_writer_is_known() -> None:
    mail = plain(
        "FYI\n\nVon: Malin Rosenbohm <malin@fixmail.example>\nGesendet: Samstag\nBetreff: Urkunde\n\nWas kostet sie?"
    )
    assert mail.body == "FYI"
    assert "Was kostet sie?" in mail.quoted
    assert set(mail.people) == {"Malin Rosenbohm", "malin@fixmail.example"}


@pytest.mark.parametrize(
    "end",
    [
        "-- \nAda Muster\nMusterweg 1", "Mit freundlichen Grüßen\nAda Muster\nTel. 0171 3920014", "MfG\nAda",
        "Viele Grüße,\n\nAda Muster", "Kind regards,\nAda",
        "Cordialement\nAda Muster", "Saygılarımla\nAda", "З повагою\nАда", "مع الشكر\nAda", "Gesendet von "
        "meinem iPhone", "Sent from my Galaxy",
        "Von meinem iPhone gesendet", "Diese E-Mail enthält vertrauliche Informationen.", "Mit freundlichen "
        "Grüßen\nAda Muster\n--\nMuster GmbH\nGeschäftsführer: X",
        "This e-mail may contain confidential information.\nIf you are not the intended recipient …", "Envoyé "
        "de mon iPhone", "iPhone'umdan gönderildi",
    ],
)  # fmt: skip
def test_a_signature_is_no_part_of_the_words(end: str) -> None:
    mail = plain(f"Was kostet der Umtausch?\n\n{end}\n")
    assert mail.body == "Was kostet der Umtausch?"
    assert mail.signature


@pytest.mark.parametrize(
    "body",
    [
        "Danke für die Antwort.\nVon: Montag bis Freitag habe ich Zeit. Was kostet es?",
        "Viele Grüße aus Rom! Wann haben Sie auf?",
        "Guten Tag,\nwas kostet das?\nVielen Dank für Ihre Mühe.\nIch brauche es bis Montag und möchte wissen, "
        "ob ich dafür einen Termin im Bürgerbüro haben muss.",
        "Von wem bekomme ich den Antrag?\nDatum: morgen",
    ],
)  # fmt: skip
def test_own_words_that_look_like_something_else_stay(body: str) -> None:
    assert plain(body).body == body


def test_a_postscript_is_own_words() -> None:
    mail = plain("Hallo\n\nGruß\nAda\n\nPS: Was kostet der Umtausch?")
    assert "Was kostet der Umtausch?" in mail.body
    assert mail.signature == "Gruß\nAda"


HIDDEN = [
    '<div style="display:none">GEHEIM</div>', '<span style="font-size:0">GEHEIM</span>', '<span '
    'style="font-size:1px">GEHEIM</span>',
    '<p style="color:#fff">GEHEIM</p>', '<p style="color: white">GEHEIM</p>', '<font '
    'color="#FFFFFF">GEHEIM</font>', "<!-- GEHEIM -->",
    '<p style="opacity:0">GEHEIM</p>', '<p style="visibility: hidden">GEHEIM</p>', "<p hidden>GEHEIM</p>",
    "<script>GEHEIM</script>",
    "<style>.x{display:none}</style><p class=x>GEHEIM</p>", "<style>#y, .z { font-size:0 }</style><p id=y>GEHEIM</p>",
    '<div style="position:absolute;left:-9999px">GEHEIM</div>', '<div style="height:0;overflow:hidden">GEHEIM</div>',
    '<div style="background:#123456"><span style="color:#123456">GEHEIM</span></div>', '<img alt="GEHEIM" '
    'src="cid:x">',
    '<p style="mso-hide:all">GEHEIM</p>', '<p style="color:rgba(0,0,0,0)">GEHEIM</p>',
    '<p style="opacity:00.0;">GEHEIM</p>', '<p style="opacity: .00">GEHEIM</p>', '<p style="opacity:0.04">GEHEIM</p>',
    f'<p style="a:{"b" * 5000};display:none">GEHEIM</p>', '<p style="display :\n\tnone">GEHEIM</p>',
    "<template>GEHEIM</template>", '<p style="text-indent:-5000px">GEHEIM</p>',
    "<style>div.y > p, .a b + .z { font-size:0 }</style><div class=y><p>GEHEIM</p></div>",
    "<style>.a .b [data-x=y] { display:none }</style><div class=a><div class=b><p data-x=y>GEHEIM</p></div></div>",
    "<style>.1, u..v, .x { display:none }</style><div hidden><p class=x>GEHEIM</p></div><p class=x>GEHEIM</p>",
    '<p style="color:rgb(255, 255, 255)">GEHEIM</p>', "<noscript>GEHEIM</noscript>", '<p '
    'aria-hidden="true">GEHEIM</p>', "<title>GEHEIM</title>",
]  # fmt: skip


@pytest.mark.parametrize("hidden", HIDDEN)
def test_what_a_reader_does_not_see_is_not_in_the_letter(hidden: str) -> None:
    mail = html(f"<p>Was kostet es?</p>{hidden}<p>Ab wann?</p>")
    assert "GEHEIM" not in f"{mail.body}{mail.quoted}{mail.signature}"
    assert mail.body == "Was kostet es?\n\nAb wann?"


@pytest.mark.parametrize(
    "shown",
    [
        '<p style="color:#000">SICHTBAR</p>', '<div style="background:#004"><b style="color:#fff">SICHTBAR</b>'
        '</div>', '<p style="font-size:10px">SICHTBAR</p>',
        '<p style="max-width:600px;margin-left:0">SICHTBAR</p>', '<p style="opacity:0.9">SICHTBAR</p>', '<td '
        'bgcolor="#000"><font color="#fff">SICHTBAR</font></td>',
        '<p style="opacity:0.5;color:rgba(0,0,0,0.6)">SICHTBAR</p>', '<p style="opacity:1">SICHTBAR</p>',
        f'<p style="background:url(data:{"b" * 5000});color:#000">SICHTBAR</p>',
        '<p style="line-height:0.9;width:100%">SICHTBAR</p>', '<p style="font-size:0.9em">SICHTBAR</p>', '<p '
        'style="font-size:1em">SICHTBAR</p>', '<p style="background-color:#fff">SICHTBAR</p>',
    ],
)  # fmt: skip
def test_what_a_reader_sees_is_in_the_letter(shown: str) -> None:
    assert "SICHTBAR" in html(f"<p>Hallo</p><table><tr>{shown}</tr></table>").body


@pytest.mark.parametrize(
    "quote",
    [
        '<div class="gmail_quote"><div class="gmail_attr">Am Mi. schrieb Amt:<br></div><blockquote '
        'class="gmail_quote">Bitte ein Passbild.</blockquote></div>',
        '<blockquote type="cite"><p>Bitte ein Passbild.</p></blockquote>',
        '<div id="divRplyFwdMsg"><b>Von:</b> Amt<br><b>Gesendet:</b> Mittwoch<br><b>Betreff:</b> Foto</div>'
        '<div>Bitte ein Passbild.</div>',
        "<p><b>Von:</b> Amt<br><b>Gesendet:</b> Mittwoch<br><b>An:</b> Ada</p><p>Bitte ein Passbild.</p>",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "around", ["{}", "<div dir=ltr>{}</div>", "<div><blockquote>x</blockquote><div>{}</div></div>"]
)
def test_a_quoted_block_of_html_is_no_part_of_the_new_words(quote: str, around: str) -> None:
    mail = html(around.format(f"<div>Gilt das auch in Japan?</div>{quote}"))
    assert mail.body == "Gilt das auch in Japan?"
    assert "Bitte ein Passbild." in mail.quoted


@given(st.text(max_size=400), st.booleans())
@settings(max_examples=60, deadline=None)
def test_anything_can_be_read(body: str, as_html: bool) -> None:
    mail = read_mail(subject=body, sender=body, body=body, html=as_html)
    assert len(mail.body) <= 60_000


def test_a_letter_is_cut_where_nobody_would_read_on() -> None:
    assert len(plain("Hallo, was kostet das? " * 6_000).body) <= 60_000
    assert len(html("<p>Hallo</p>" * 13_000).body) <= 60_000


@pytest.mark.parametrize("line", ["> ", "Von: A\n", "Am 1.1. schrieb A:\n> x\n", "On 1 wrote:\n>\n", "<div>",
"Mit freundlichen Grüßen\n", "-- \n", "<"])  # fmt: skip
def test_a_letter_made_to_be_slow_is_read(line: str) -> None:
    plain(line * (20_000 // len(line)))
    html(line * (8_000 // len(line)))


@pytest.mark.parametrize("text", [
    "<div style='color:red'>" * 30_000,
    "".join(f"<style>:has(:has(p:nth-last-child({n}n+1)) ~ *){{display:none}}</style>" for n in range(60))
    + "<div>" * 20 + "<p>Was kostet das?</p>" * 15_000,
    "".join(f"<style>{'div ' * 40}.x{n}{{display:none}}</style>" for n in range(60)) + "<div>" * 190 + "<p>x" * 50_000,
    f"<p style='opacity:{'0' * 380_000}x'>Was kostet das?</p>",
    f"<p style='color:rgba(1,{' ' * 380_000}x'>Was kostet das?</p>",
    f"<div style='{'a' * 100_000}'><div style='{'a:b;' * 30_000}'>" + "<p style='color:red'>Was kostet das?</p>" * 4000,
    "".join(f"<style>{'p,' * 90}p{{display:none}}</style>" for _ in range(300)) + "<p>Was kostet das?</p>" * 5_000,
])  # fmt: skip
def test_html_that_no_mail_program_writes_stops_nobody(text: str) -> None:
    html(text)


@pytest.mark.parametrize("text", [
    "." * 120_000, "?" * 120_000 + "x", ";" * 120_000 + "x", "!" * 120_000 + "x", "a" * 20_000 + " " + "X. " * 20_000,
])  # fmt: skip
def test_signs_without_end_ask_nothing_and_stop_nobody(text: str) -> None:
    assert concerns_of(plain(text), wording("de")) == ()


def test_a_word_without_end_is_read() -> None:
    assert len(plain("a" * 1_500_000).body) <= 60_000


def test_html_of_many_elements_within_each_other_is_read_up_to_a_depth() -> None:
    assert html("<div><span>" * 60 + "Was kostet das?").body == "Was kostet das?"
