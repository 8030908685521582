"""Numbers of people and of what they own: accounts, telephones, identity cards, plates, files. Told by their shape.

Numbers reserved for fiction, mistyped ones and those of other countries have the shape, too; so check digits and
number plans only say which kind it is, never whether it goes.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from stdnum.de import idnr

from shared.privacy.kinds import Kind, Span

_COUNTRIES: Final = (
    "(?:A[DELTZ]|B[AEGHRY]|C[HRYZ]|D[EKO]|E[EGS]|F[IOR]|G[BEILRT]|H[RU]|I[ELQST]|JO|K[WZ]|L[BCITUVY]|M[CDEKRTU]|N[LO]"
    "|P[KLST]|QA|R[OS]|S[ACDEIKMTV]|T[LNR]|UA|V[AG]|XK)"
)
# A country code, two check digits and groups; trailing groups without a digit are the next words.
_IBAN: Final = re.compile(
    rf"(?<![\w-]){_COUNTRIES}[ .-]?\d{{2}}(?:[ .:-]{{0,2}}(?:\d{{2,4}}|[A-Z0-9]{{4}}|[A-Z]\d{{1,3}})){{3,9}}"
    r"(?:[ .-]?[A-Z0-9]{1,3})?(?!\w)",
    re.I,
)
_LONG_IBAN: Final = re.compile(r"(?<![\w-])[A-Z]{2}\d{2}(?=[A-Z0-9]*\d{4})[A-Z0-9]{10,30}(?!\w)", re.I)
_BIC: Final = re.compile(r"\b(?:BIC|SWIFT)\b[\s:/-]{1,4}(?P<it>[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?)\b", re.I)
_RUN: Final = re.compile(r"(?<![\w§])(?:\(?\+\s?)?\(?\d(?:[ \t./()|_-]{0,3}\n?[ \t]{0,3}\d){3,}(?:-?[A-Z]\b)?")
_MASKED: Final = re.compile(
    r"(?<!\d[ ./-])\b(?:0?[1-9]|[12]\d|3[01])\.\s?(?:0?[1-9]|1[0-2])\.(?:\s?\d{4}|\s?\d{2})?(?!\.?\d)"
    r"|(?<!\d[ ./-])\b(?:19|20)\d{2}-(?:0[1-9]|1[0-2])-[0-3]\d(?!\d)"
    r"|(?<!\d[ ./-])\b\d{1,2}[/-]\d{1,2}[/-](?:19|20)\d{2}\b"
    r"|\b(?:19|20)\d{2}\s{0,2}(?:[-–—/]|bis|und|to|and)\s{0,2}(?:19|20)?\d{2}\b(?![-/\d])"  # years
    r"|\b\d{1,2}[.:]\d{2}\s?(?:uhr|h)?\s?(?:-|–|bis|to|à)\s?\d{1,2}[.:]\d{2}\b|\b\d{1,2}[:.]\d{2}(?=\s?(?:uhr|h)\b)"
    r"|(?<![\d.+/-])\d{1,3}(?:[. ']\d{3}){1,3}(?:,\d{2}|,-)?(?=\s?(?:€|euro?\b|eur\b|tl\b|lira|грн|km\b|kg\b"
    r"|chf|usd|\$|£|ccm))"
    r"|(?<![\d.+/-])\d+(?:[.,]\d{1,2})?(?=\s?(?:€|euro?\b|eur\b|km\b|kg\b))"
    r"|\b(?:EU|EG|EWG|VO|richtlinie|directive|verordnung|regulation|§+|art(?:ikel|\.)?|abs(?:atz|\.)?"
    r"|BGBl\.?)\W{0,3}\(?[\d/. ]{1,14}\d"
    r"|\b\d{2,4}/\d{1,4}/(?:EU|EG|EWG)\b",
    re.I,
)
_PHONE_WORD: Final = re.compile(
    r"(?:\b(?:tel(?:efon|efonnummer|efonisch|\.)?|fon|phone|telephone|mobil(?:e|nummer|\.)?|handy(?:nr"
    r"|nummer)?|durchwahl|dw|fax|rückruf"
    r"|anrufen|erreichbar|whatsapp|cell|call|ring|tél(?:éphone|\.)?|telefonum|cep|numaram|gsm|mob)|телефон\w*"
    r"|тел\.?|моб\w*|номер"
    r"|☎|📞|هاتف|الهاتف|جوال|موبايل|تلفون|رقم)\W{0,12}(?:\w+\W{1,4}){0,3}$",
    re.I,
)
_PHONE_SHORT: Final = re.compile(
    r"\b(?:tel(?:efon|\.)?|durchwahl|dw|phone|extension|ext\.?|fax|nebenstelle)\s?(?:nr\.?|nummer)?\s?[:.]?\s?-?\s?"
    r"(?P<it>\d[\d /-]{1,14}\d)", re.I)  # fmt: skip
_TAX_WORD: Final = re.compile(
    r"(?:steuer|tax|vergi|податк|ідентифікац|fiscal|ضريب|\bIdNr|\bI[dD]-?Nr)[^\n]{0,30}$", re.I
)
_TAX_NUMBER: Final = re.compile(r"\d{2,3}/\d{3,4}/\d{4,5}")
_ID_WORD: Final = re.compile(r"(?:ausweis|\bperso\b|perso-|\bpass\b|passport|pasaport|паспорт|kimlik"
            r"|carte d.identit|جواز|هوية|\bID\b)"
                             r"[^\n]{0,30}$", re.I)  # fmt: skip
_CASE_WORD: Final = re.compile(
    r"(?:zeichen|vorgang|nummer|\bnr\b|\baz\b|ticket|akte|beleg|\bref|\bcase|\bfile|dossier|dosya|справ|ملف"
    r"|konto|kunden)[^\n]{0,24}$",
    re.I,
)
# Letters and digits mixed: identity cards, passports, chassis numbers.
_CODE: Final = re.compile(r"(?<![\w@])(?=[A-Z0-9]{0,20}\d)(?=[A-Z0-9]{0,20}[A-Z])[A-Z0-9]{8,24}(?![\w@])")
_SERIAL: Final = re.compile(r"[CFGHJKLMNPRTVWXYZ][CFGHJKLMNPRTVWXYZ0-9]{8}\d?")  # of German cards
_CODE_SMALL: Final = re.compile(r"(?<![\w@/.-])(?=[a-z]{1,9}\d{1,9}[a-z])[a-z0-9]{8,24}(?![\w@])", re.I)
_CODE_SPACED: Final = re.compile(
    r"(?i:(?<!\w)(?:\w{0,12}ausweis\w{0,10}|perso|(?:reise)?pass|passport|pasaport\w{0,4}|паспорт\w{0,3}"
    r"|kimlik|ID(?:[ ]card)?|serie|seri|серія"
    r"|carte d.identité|جواز(?:\sسفر)?|الهوية|identity card)"
    r"(?:\s?-?\s?(?:nummer|nr\.?|no\.?|number|numéro|numarası|numaram|№|номер|رقم|kart(?:e|ı)?))?"
    r"(?:\s(?:ist|lautet|is|war|est|mit|der|with|glaub\sich|hat)){0,3}(?:\s(?:die\s)?(?:nummer|nr\.?|number|no\.?))?)"
    r"[\s:(.#-]{1,4}(?P<it>[A-ZА-ЯІЇЄ0-9]{1,10}(?:[ -]?[A-Z0-9]{1,10}){0,5})\b"
)
# What follows a word for a file, a customer or a reference.
_SAID: Final = re.compile(
    r"(?<!\w)(?:akten|geschäfts|kassen|buchungs|gerichts)zeichen|(?<!\w)(?:az|gz)(?=[.:])|(?<!\w)(?:mein|unser"
    r"|ihr|dein|dem|das|eure?)e?[ ]zeichen"
    r"|(?<!\w)(?:vorgangs?|kunden|vertrags|antrags|rechnungs|bescheid|akten|ticket|wohngeld|mitglieds"
    r"|versicherten|versicherungs"
    r"|personal|matrikel|beleg|bestell|sendungs|fall|konto|referenz|zulassungs|register|renten|bg-?)-?[ ]?"
    r"(?:nummer|nr|id|konto)|vertragskonto|(?<!\w)vorgang|(?<!\w)(?:case|file|reference|ref|ticket|customer"
    r"|account|application|claim)\.?[ ]?"
    r"(?:number|no|nr|id|#)?|(?<!\w)(?:n°|no|numéro)\s(?:de\s)?(?:dossier|client)|(?<!\w)(?:dossier"
    r"|référence)(?:\sn[°o])?"
    r"|(?<!\w)(?:dosya|başvuru|müşteri|işlem|referans)\s?(?:no|numarası|numaram)?|(?<!\w)справ\w{1,2}"
    r"|номер\sсправи|звернення|дел[оа]"
    r"|رقم\s(?:ال)?(?:ملف|قضية|معاملة|طلب|مرجع)\w?|(?<!\w)(?:sygnatura|expediente|pratica|dosar\w{0,4})",
    re.I,
)
_REFERENCE: Final = re.compile(
    r"[ \t]?(?:lautet|ist|is|est|nr\.?|no\.?|№|n°)?[ \t]?[:.#№]{0,2}[ \t]{0,2}[#(]?"
    r"(?P<it>(?:[A-Z]{1,4}[ ])?[\w./#-]{0,24}\d[\w./#-]{0,24}(?:[ ](?:(?!(?:vo[mn]|bis|über|am|für|und|ist|im|wg|den"
    r"|des|de[rm]|z[um]|ab|of|from|for|and|du|le|on)[ ])[A-Z]{1,4}[ ])?"
    r"[\d][\w./-]{0,16}){0,3})",
    re.I,
)
_ID_PAIR: Final = re.compile(r"\b[A-ZА-ЯІЇЄ]{2}\s?\d{6}\b(?!\d)")
_SOCIAL: Final = re.compile(
    r"\b\d{2}\s?[0-3]\d[01]\d{3}\s?[A-Z]\s?\d{3}\b|\b[A-Z]{2}\s?\d{2}\s?\d{2}\s?\d{2}\s?[A-D]\b"
)
_PLATE: Final = re.compile(
    r"(?<![\w-])(?:"
    r"[A-ZÄÖÜ]{1,3}(?:\s?[-:*·•]\s?|\s)[A-Z]{1,2}\s?-?\s?[1-9]\d{0,3}\s?[EH]?(?![\w/])"  # German
    r"|[A-Z]{2}[- ]\d{3}[- ][A-Z]{2}|[A-Z]{2}\d{3}[A-Z]{2}"  # French, Italian
    r"|(?:0[1-9]|[1-7]\d|8[01])[ -]?[A-Z]{1,3}[ -]?\d{2,5}|(?!ISO|DIN|COVID|SGB|WIN"
    r"|CORONA)[A-ZÄÖÜ]{3,5}\d{2,4}[EH]?"  # Turkish
    r"|[A-ZА-ЯІЇЄ]{2}\s?\d{4}\s?[A-ZА-ЯІЇЄ]{2}"  # Ukrainian
    r"|[A-Z]{2}\d{2}\s?[A-Z]{3}|[A-Z]{1,2}[ -]\d{2,3}[ -][A-Z]{3}"  # British, Romanian
    r"|[A-Z]{1,2}-\d{3,5}\s?[A-Z]{1,2}|[A-Z]{2,3}\s\d[A-Z0-9]{3,4}"  # Austrian, Polish
    r"|(?:AG|A[IR]|B[ELS]|FR|G[ELR]|JU|LU|N[EW]|OW|S[GHOZ]|T[GI]|UR|V[DS]|Z[GH])[ -]\d{1,3}[ '’]\d{3}"  # Swiss
    r"|\d{4}[ -]?[B-DF-HJ-NPR-TV-Z]{3}|\d[A-Z][A-Z\d]\s\d{4}"
    r"|[A-Z0-9]{1,3}-[A-Z]{2,3}-[A-Z0-9]{1,3}(?<=\d)"  # Spanish, Czech, Dutch
    r")(?!\w)"
)
_PLATE_SMALL: Final = re.compile(r"(?<![\w-])[a-zäöü]{1,3}\s?-\s?[a-z]{1,2}\s?-?\s?[1-9]\d{1,3}[eh]?(?![\w-])", re.I)
_PLATE_LOOSE: Final = re.compile(
    r"(?<!\w)(?:autos?|wagen|kennzeichen|karre|fahrzeug|kfz|motorrad|roller|anhänger"
    r"|nummernschild)\W{1,3}(?:\w{1,12}\W{1,2}){0,2}?"
    r"(?P<it>(?!(?:um|am|im|ab|zu|in|an|es|so|bis|vom|von|ist|war|hat|mit)\s)[a-zäöü]{1,3}\s(?!(?:um|am|im|ab"
    r"|zu|in|an|ca)\s)[a-z]{1,2}\s[1-9]\d{1,3})(?!\w)",
    re.I,
)
# Without capitals, hyphens and blanks, where a word before or behind it says that it is one.
_PLATE_WORD: Final = r"kennzeichen|nummernschild|autonummer|kz|plaka(?:m|sı)?|number ?plate|licen[cs]e ?plate|reg"
_PLATE_JOINED: Final = re.compile(
    rf"(?<!\w)(?:\w{{0,20}}(?:{_PLATE_WORD})|autos?|wagen|karre|kfz|pkw|fahrzeug|roller|motorrad|anhänger|car"
    rf"|araba\w{{0,3}})"
    r"\W{1,3}(?:\w{1,12}\W{1,2}){0,4}?"
    r"(?P<it>(?!(?:euro|covid|din|iso|tüv|abs|dot|ps|kw|ab|um|bis|seit|nr)\d)[a-zäöü]{2,5}\d{2,4}[eh]?)(?!\w)",
    re.I,
)
_NO_SERIES: Final = (
    r"(?!(?:um|am|im|ab|zu|in|an|aus|mit|für|bis|vo[mn]|nur|bei|ca|per|der|die|das|seit|nach|und|kw|ps)[ ]\d)"
)
_PLATE_SPACED: Final = _NO_SERIES + r"[a-zäöü]{1,3}[ -]?(?!(?:um|am|im|zu|in|an|ca)[ ])[a-z]{1,2}[ -]?[1-9]\d{0,3}[eh]?"
_PLATE_CUED: Final = re.compile(
    rf"(?<!\w)(?:\w{{0,20}}(?:{_PLATE_WORD})|(?:auto|wagen|motorrad|roller|pkw|fahrzeug|anhänger|car)(?= ?\()|(?:auto"
    rf"|wagen|kfz|car)\w{{0,2}} (?:mit |with )?(?:der |dem "
    rf"|the )?(?:nummer|number))"
    rf"\W{{1,3}}(?:(?:ist|lautet|is|war|heißt|mit|alt|neu|von|mir|also)\W{{1,2}}){{0,2}}(?P<it>{_PLATE_SPACED})(?!\w)"
    rf"|(?<![\w-])(?P<that>{_PLATE_SPACED})(?=,?[ ](?:ist|war|lautet|als|is|das ist)[ ](?:das|mein|unser|ihr|sein"
    rf"|sein|my|the)\w{{0,2}}[ ]"
    rf"(?:\w{{1,12}}[ ])?(?:auto(?:kennzeichen)?|wagen|{_PLATE_WORD})(?!\w))",
    re.I,
)
_PLATE_SAID: Final = re.compile(
    r"(?:\b(?:\w{0,20}kennzeichen|nummernschild|autonummer|kfz|(?:car )?reg|tablica|rejestrac\w{1,3}|(?:license"
    r"|number|registration)\s?plate|registration"
    r"|plaka(?:m|sı)?|immatricul\w+|plaque)"
    r"|номер(?:ний|ного|ом)?\s?(?:знак\w*|авто\w*|машин\w)?|держномер|رقم\sسيارتي|رقم\sالسيارة|لوحة)"
    r"(?:\s(?:ist|lautet|bisher|alt|neu|is|currently|est|no|war))?[\s:(=-]{1,4}"
    rf"(?P<it>{_NO_SERIES}[A-ZÄÖÜА-ЯІЇЄ0-9]{{1,9}}(?:[\s-]{{1,3}}[A-ZА-ЯІЇЄ0-9]{{1,5}}){{0,2}})\b", re.I)  # fmt: skip
_NO_PLATE: Final = re.compile(
    r"^(?:DIN|ISO|EN|EUR?|PKW|LKW|KFZ|TÜV|PIN|PDF|USA?|UN|CHF|HRB|HRA|BGB|STVO|STVZO|TEL|FAX|ÖPNV|IBAN|BIC"
    r"|CORONA|COVID|PLZ)\b"
    r"|^(?:AB|UM|IM|AM|BIS|MIT|IT|ID|NR|ART|ABS|KL|AZ|GZ|IN|ZU|AN)(?=\s)|\d\s(?:EUR|USD|CHF|TL|KM|KG|KW|PS|MM|CM)\b",
    re.I,
)
_DIGIT = r"null|eins|zwei|zwo|drei|vier|fünf|sechs|sieben|acht|neun|zero|one|two|three|four|five|six|seven|eight|nine"
_SPOKEN: Final = re.compile(rf"(?<!\w)(?:(?:{_DIGIT})(?:[ ,-]{{1,3}}|$|(?!\w))){{6,20}}", re.I)
# A letter or digit, and two digits behind it; what is looked ahead for has one way to be found, so it stays linear.
_TYPED: Final = re.compile(r"(?<!\w)[OoIl\d](?=[OoIl]*\d[OoIl]*\d)[OoIl\d]++(?!\w)")
_ALIKE: Final = str.maketrans("OoIl", "0011")


def numbers(text: str, seen: str) -> Iterator[Span]:
    """Each number of a text that is of a person; ``seen`` is the text in Latin letters, equally long."""
    seen = _TYPED.sub(lambda found: found.group().translate(_ALIKE), seen)
    yield from (Span(*found.span(), "phone") for found in _SPOKEN.finditer(text))
    for pattern in (_IBAN, _LONG_IBAN):
        for found in pattern.finditer(seen):
            if (span := _account(seen, found.start(), found.end())) is not None:
                yield span
    yield from (Span(found.start("it"), found.end("it"), "iban") for found in _BIC.finditer(seen))
    yield from (Span(*found.span(), "case_number") for found in _SOCIAL.finditer(seen))
    for found in _CODE.finditer(seen):
        if sum(letter.isdigit() for letter in found.group()) >= 2 or _SERIAL.fullmatch(found.group()):
            yield Span(*found.span(), "id_card")
    yield from (Span(*found.span(), "id_card") for found in _CODE_SMALL.finditer(seen) if _mixed(found.group()))
    for found in _CODE_SPACED.finditer(seen):
        code = found["it"]
        digits = sum(letter.isdigit() for letter in code)
        if (len(code) >= 5 and digits >= 3) or (len(code) >= 8 and digits and " " not in code):
            yield Span(found.start("it"), found.end("it"), "id_card")
    yield from (Span(*found.span(), "id_card") for found in _ID_PAIR.finditer(text))
    for found in _SAID.finditer(seen):
        code = _REFERENCE.match(seen, found.end())
        if (
            code is not None
            and sum(letter.isdigit() for letter in code["it"]) >= 3
            and not _MASKED.fullmatch(code["it"])
        ):
            yield Span(code.start("it"), code.start("it") + len(code["it"].rstrip("./#-")), "case_number")
    yield from _plates(text)
    if seen != text:
        yield from _plates(seen)
    yield from _runs(seen)


def _account(text: str, start: int, end: int) -> Span | None:
    groups = re.split(r"([ .:-]+)", text[start:end])
    while len(groups) > 2 and not any(letter.isdigit() for letter in groups[-1]):
        end -= len(groups.pop()) + len(groups.pop())
    digits = sum(letter.isdigit() for letter in text[start:end])
    return Span(start, end, "iban") if digits >= 10 else None


def _mixed(code: str) -> bool:
    """Whether letters and digits alternate: "l45g0vfl38", not "haus2026" and not "18jährige"."""
    return len(re.findall(r"\d+", code)) >= 2 and len(re.findall(r"[^\W\d]+", code)) >= 2


def _plates(text: str) -> Iterator[Span]:
    for found in _PLATE.finditer(text):
        if not _NO_PLATE.search(found.group()):
            yield Span(*found.span(), "plate")
    for found in _PLATE_SMALL.finditer(text):
        if not _NO_PLATE.search(found.group()):
            yield Span(*found.span(), "plate")
    for found in _PLATE_LOOSE.finditer(text):
        yield Span(*found.span("it"), "plate")
    for found in _PLATE_JOINED.finditer(text):
        yield Span(*found.span("it"), "plate")
    for found in _PLATE_CUED.finditer(text):
        yield Span(*found.span("it" if found["it"] else "that"), "plate")
    for found in _PLATE_SAID.finditer(text):
        if _WORDY.match(found["it"]):
            continue
        end, said = found.end("it"), found["it"]
        while said and not said[-1].isdigit() and " " in said and not _SERIES.search(said):  # words after it
            said = said.rpartition(" ")[0]
        end = found.start("it") + len(said)
        if any(letter.isdigit() for letter in said) and len(said) >= 4 and not _YEAR.fullmatch(said):
            yield Span(found.start("it"), end, "plate")


_WORDY: Final = re.compile(r"[^\W\d_]{4,}[\s-]")  # "kostet 12"
_SERIES: Final = re.compile(r"\d [A-Z]{2,3}$")  # "123 ABC", of an insurance's
_YEAR: Final = re.compile(r"(?:19|20)\d{2}")


def _runs(text: str) -> Iterator[Span]:
    """Runs of digits that are no date, time, amount or year."""
    masked = _MASKED.sub(lambda found: "\x00" * len(found.group()), text)
    for found in _PHONE_SHORT.finditer(masked):
        yield Span(found.start("it"), found.end("it"), "phone")
    for found in _RUN.finditer(masked):
        start, run = found.start(), found.group().rstrip(" \t./()|_-\n")
        digits = [letter for letter in run if letter.isdigit()]
        before = text[max(0, start - 60) : start]
        kind = _kind("".join(digits), run, before)
        if kind is not None:
            yield Span(start, start + len(run), kind)


def _kind(digits: str, run: str, before: str) -> Kind | None:
    line = before.rpartition("\n")[2]
    if len(digits) == 11 and (_TAX_WORD.search(line) or (idnr.is_valid(digits) and not _PHONE_WORD.search(line))):
        return "tax_id"
    if _TAX_NUMBER.search(run) or (_TAX_WORD.search(line) and len(digits) >= 7):
        return "tax_id"
    if _PHONE_WORD.search(line) and len(digits) >= 4 and not _YEAR.fullmatch(run):
        return "phone"
    if _ID_WORD.search(line) and len(digits) >= 6:
        return "id_card"
    if _CASE_WORD.search(line) and len(digits) >= 6:
        return "case_number"
    if len(digits) >= 7:
        pieces: Sequence[str] = re.split(r"\D+", run.strip("+( "))
        if all(len(piece) <= 2 for piece in pieces) and len(pieces) > 7:
            return "number"
        return "phone" if run[0] in "+(0" or len(pieces) > 1 else "number"
    if len(digits) == 6 and (run[0] in "+(0" or re.search(r"\d[/-]\s?\d", run)):
        return "phone"
    return "number" if len(digits) == 6 and len(run) == 6 else None
