"""Birth dates: told from deadlines and days of issue by the words around them, and by how long ago they are."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from typing import Final

from shared.privacy.kinds import Span
from shared.privacy.lexicon import given

MONTH: Final = (
    r"(?:jan(?:uar|uary|vier)?|jänner|feb(?:ruar|ruary)?|f[ée]vr(?:ier)?|m[äa]e?rz|mrz|mar(?:ch|s)?|apr(?:il)?"
    r"|avril|mai|may|juni?|june|juin|juli?|july"
    r"|juillet|aug(?:ust)?|août|sep(?:t|tember|tembre)?|o[ck]t(?:ober|obre)?|nov(?:ember|embre)?"
    r"|d[eé][zc](?:ember|embre)?"
    r"|ocak|şubat|mart|nisan|mayıs|haziran|temmuz|ağustos|eylül|ekim|kasım|aralık"
    r"|січ(?:ня|ень)|лют(?:ого|ий)|берез(?:ня|ень)|квіт(?:ня|ень)|трав(?:ня|ень)|черв(?:ня|ень)|лип(?:ня|ень)"
    r"|серп(?:ня|ень)|верес(?:ня|ень)"
    r"|жовт(?:ня|ень)|листопада?|груд(?:ня|ень)|января|февраля|марта|апреля|мая|июня|июля|августа|сентября"
    r"|октября|ноября|декабря"
    r"|يناير|فبراير|مارس|أبريل|ابريل|مايو|يونيو|يوليو|أغسطس|سبتمبر|أكتوبر|نوفمبر|ديسمبر|كانون\sالثاني|شباط"
    r"|آذار|نيسان|أيار|حزيران|تموز|آب|أيلول"
    r"|تشرين\sالأول|تشرين\sالثاني|كانون\sالأول|enero|febrero|marzo|mayo|junio|julio|agosto|septiembre|octubre"
    r"|noviembre|diciembre"
    r"|gennaio|febbraio|aprile|maggio|giugno|luglio|settembre|ottobre|dicembre"
    r"|stycznia|lutego|marca|kwietnia|maja|czerwca|lipca|sierpnia|września|października|listopada|grudnia)"
)
_DATE: Final = re.compile(
    r"(?<![\w.])(?:"
    r"\d{1,2}\s?[.,/-]\s?\d{1,2}\s?[.,/-]\s?(?P<a>\d{4}|\d{2})(?!\d)"
    r"|(?P<b>(?:19|20)\d{2})\s?[-./]\s?\d{1,2}\s?[-./]\s?\d{1,2}(?!\d)"
    rf"|\d{{1,2}}(?:\.|st|nd|rd|th|er|ter|º)?\s?(?:of\s|de\s)?{MONTH}\b\.?,?\s?(?:de\s)?(?P<c>\d{{4}}"
    rf"|['’]?\d{{2}}\b(?!\s?(?:jahre|years|ans\b|yaş|рок|лет|lat\b|uhr|euro|€)))?"
    rf"|{MONTH}\.?\s\d{{1,2}}(?:st|nd|rd|th)?,?\s(?P<d>\d{{4}})\b"
    rf"|(?P<h>(?:19|20)\d{{2}}),?\s{MONTH}\s\d{{1,2}}(?:st|nd|rd|th)?(?!\w)"
    r"|\d{1,2}\.\s?(?:I{1,3}|IV|VI{0,3}|IX|XI{0,2})\.\s?(?P<i>\d{4}|\d{2})(?!\d)"
    r"|(?P<e>\d{8})(?!\d)"
    r"|(?P<g>\d{1,2}\s?[./]\s?(?:19|20)\d{2})(?!\d)|\d{1,2}\.\s?\d{1,2}\.(?!\d)"
    r"|\d{1,2}\s\d{1,2}\s(?P<f>(?:19|20)\d{2})(?!\d)"
    r")",
    re.I,
)
_SAID_DAY: Final = (
    r"(?:(?:ein|zwei|drei|vier|fünf|sechs|sieben|acht|neun)und(?:zwanzig|dreißig|dreissig)|zwanzig|dreißig"
    r"|dreissig|(?:drei|vier|fünf|sech|sieb|acht|neun)zehn"
    r"|zehn|elf|zwölf|neun|acht|sechs|fünf|vier|zwei)s?te[nr]?|(?:ersten?|dritten?|siebe?n?ten?|achten?)"
)
_SAID: Final = re.compile(
    rf"\b(?:{_SAID_DAY}|\d{{1,2}}\.)\s(?:{_SAID_DAY}|{MONTH})(?:\s(?:neunzehnhundert\w{{0,30}}"
    rf"|zweitausend\w{{0,30}}|\w{{0,15}}und\w{{3,10}}zig|\d{{2,4}}\b))?"
    r"|\b(?:the\s)?(?:\d{1,2}(?:st|nd|rd|th)|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|\w{3,9}teenth"
    r"|tenth|eleventh"
    r"|twelfth|(?:twenty|thirty)[- ]?\w{0,7}|twentieth|thirtieth)"
    rf"\s(?:of\s)?{MONTH}(?:,?\s(?:\d{{4}}|(?:nineteen|two\sthousand|twenty)(?:[\s-]\w{{2,9}}){{0,3}}))?",
    re.I,
)
_YEAR_SAID: Final = (
    r"(?:\s(?:de\s)?(?:\d{4}|['’]\d{2})(?!\d)|(?:[\s-](?:mil(?:le)?|cents?|vingts?|trente|quarante|cinquante|soixante"
    r"|et"
    r"|quatre|un|deux|trois|cinq|six|sept|huit|neuf|dix|onze|douze|treize|quatorze|quinze|seize|bin|yüz|bir|iki|üç|dört"
    r"|beş|altı|yedi|sekiz|dokuz|on|yirmi|otuz|kırk|elli|altmış|yetmiş|seksen|doksan)(?!\w)){1,9}"
    r"|\s(?:тисяч\w|тысяч\w|дві|две)(?:\s[а-яіїєґ'’]{3,16}){1,4}?\s(?:рок|год)\w)"
)
_SAID_ABROAD: Final = re.compile(
    r"(?<!\w)(?:(?:le\s)?(?:premier|deux|trois|quatre|cinq|six|sept|huit|neuf|dix(?:-\w{4,5})?|onze|douze|treize"
    r"|quatorze|quinze|seize|vingt(?:(?:-|\set\s|-et-)\w{2,6})?|trente(?:(?:-|\s)et(?:-|\s)un)?)"
    r"|(?:on|yirmi|otuz)(?:\s(?:bir|iki|üç|dört|beş|altı|yedi|sekiz|dokuz))?|bir|iki|üç|dört|beş|altı|yedi|sekiz|dokuz"
    r"|(?:(?:двадцят|двадцат|тридцят|тридцат)\w\s)?[а-яіїє'’]{4,14}(?:го|е)"
    r"|(?:(?:dwudziest|trzydziest)\w{1,3}\s)?\w{3,14}ego"
    rf"|(?:ال\w{{3,6}})(?:\s(?:عشر|وال\w{{4,7}}))?\sمن(?:\sشهر)?)\s{MONTH}(?!\w){_YEAR_SAID}?",
    re.I,
)
_BORN: Final = re.compile(
    r"(?:\bgeb(?:\.?-?dat(?:um|\.)|oren\w{0,3}|urts?\w{0,8})?\b\.?|\bgeburtstag\w*|\bborn\b|\bd\.?o\.?b\b\.?"
    r"|\bbirth\w*"
    r"|\bnée?s?\b|\bnaissance\b|\bdoğum\w*|\bdoğd\w*"
    r"|\bdogum\w*|народ\w*|нар\.|рожд\w*|р\.\s?н\.|родив\w*|родил\w*|مواليد|الميلاد|ولدت?|مولود\w*|تولد"
    r"|\bnacid[oa]\b|\bnaci[óo]\b|\bnacimiento\b|\bnat[oa]\b|\bnascita\b"
    r"|\burodz\w*|\bur\.|\bnăscut\w*|\bnaşter\w*|\brođen\w*|(?<![*\w])[*✱⁕](?=\s?\d)|\bjahrgang\b|\bbday\b"
    r"|\bgebdat\w*|\bgeb\.?-?\s?tag\b|\bd\.\s?t\.)",
    re.I,
)
_ELSE: Final = re.compile(
    r"(?<!\w)(?:(?:ausgestellt|ausstellung\w*|erteilt|gültig|abgelaufen|läuft|umzug\w*|einzug\w*|eingezogen"
    r"|gezogen|bescheid\w*|schreiben\w*"
    r"|frist\w*|termin\w*|heirat\w*|verheiratet|geheiratet|hochzeit|trauung|gekauft|kauf\w*|zugelassen"
    r"|erstzulassung|gestorben|verstorben"
    r"|angemeldet|issued|valid|expir\w*|dated|married|deadline|verildi|geçerli|видан\w*|дійсн\w*|délivré\w*"
    r"|valable|صدرت|صادرة|gesendet|sent"
    r"|schrieb|wrote|yazdı|écrit)\W{0,3}(?:\w{1,12}\W{1,2}){0,4}"
    r"|(?:vom|vor|zum|stand|nach dem|seit|ab|bis|since|until|from|by|до|від|з|jusqu\w*|depuis|du|حتى|منذ|kadar"
    r"|tarihli|datum|date)"
    r"\W{0,3}(?:(?:dem|zum|am|the|le|au)\W{1,2})?)$",
    re.I,
)
_NAMED: Final = re.compile(r"(?P<one>[^\W\d_]{3,30})(?:[ ](?P<two>[^\W\d_]{3,30}))?[ ]?[,(–][ ]?$")
_NEAR: Final = 70  # characters before a date in which a word of birth stands
_AFTER: Final = 32
_GROWN: Final = 16  # years; a full date so long ago is a birth's unless other words say so


def birth_dates(text: str) -> Iterator[Span]:
    """Each birth date of a text."""
    newest = datetime.now(UTC).year - _GROWN
    for found in _DATE.finditer(text):
        year = (
            found["a"]
            or found["b"]
            or found["c"]
            or found["d"]
            or found["f"]
            or found["e"]
            or found["h"]
            or found["i"]
            or ""
        )
        born = _born(text, found.start(), found.end())
        if (found["e"] or found["g"]) and not born:
            continue
        if len(year) == 4 and int(year) > newest + _GROWN:
            continue  # nobody is born yet
        full = 0
        if found["e"] is None and year:
            bare = year.strip("'’")
            full = int(bare) if len(bare) == 4 else 1900 + int(bare) if int(bare) >= 30 else 0
        if born or (1900 <= full <= newest and not _ELSE.search(text[max(0, found.start() - 40) : found.start()])):
            yield Span(found.start(), found.start() + len(found.group().rstrip()), "birth_date")
    for found in chain(_SAID.finditer(text), _SAID_ABROAD.finditer(text)):
        if _born(text, found.start(), found.end()):
            yield Span(*found.span(), "birth_date")


def _born(text: str, start: int, end: int) -> bool:
    before = text[max(0, start - _NEAR) : start]
    if (beside := _NAMED.search(before)) and any(given(name) for name in beside.groups() if name and name[0].isupper()):
        return True  # "Mia (12.03.2019)"
    told = max(_BORN.finditer(before), key=lambda found: found.start(), default=None)
    if told is not None:
        between = before[told.end() :]
        parted = re.search(r"[!?]|[.;]\s+\S*\s?\S*\s\S|\n\s*\n", between)
        if parted is None and not _ELSE.search(f"{between} ") and not _DATE.search(between):
            return True
    after = text[end : end + _AFTER]
    if re.match(r"\s?(?:schon |genau )?\d{1,3}(?: Jahre|, )", after) and re.search(r"(?i)\bwerd|\bwird", before):
        return True  # "am 3. Oktober werde ich 70", the other way round
    told = _BORN.search(after)
    if told is not None and told.group() != "*":
        return not re.search(r"[!?;,\n\d]|\.\s+\S+\s", after[: told.start()])
    return False
