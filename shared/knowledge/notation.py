"""How values are written: patterns over folded texts, in eight languages."""

import re
from decimal import Decimal
from functools import cache

from shared.knowledge import vocabulary

NUMBER = r"\d{1,3}(?:[ .,\"]\d{3})+(?:[.,]\d{1,2})?(?!\d)|\d+(?:[.,]\d+)?"


def number(digits: str, language: str) -> Decimal:
    """A number as written in a language; a mark before exactly three digits groups thousands."""
    digits = digits.replace(" ", "").replace('"', "")
    marks = [mark for mark in digits if mark in ".,"]
    if not marks:
        return Decimal(digits)
    last = marks[-1]
    decimals = len(digits) - digits.rindex(last) - 1
    grouping = "," if language == "en" else "."
    if len(set(marks)) == 1 and decimals == 3 and (len(marks) > 1 or last == grouping):
        return Decimal(digits.replace(last, ""))
    whole, _, fraction = digits.rpartition(last)
    return Decimal(f"{whole.replace('.', '').replace(',', '')}.{fraction}")


def plain(value: Decimal) -> Decimal:
    return value.normalize()


B = r"(?<![^\W_])"  # where a word begins
E = r"(?![^\W_])"  # where a word ends
MONTH = "(?:" + "|".join(f"(?:{names})" for names in vocabulary.MONTHS) + r")(?![^\W\d_])"
LINK = re.compile(
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+|(?:https?://|www\.)[^\s<>\"]+|(?:[a-z0-9-]+\.)+(?:de|com|org|net|eu"
    r"|info|example)(?:/[^\s<>\"]*)?" + E
)
IBAN = re.compile(B + r"[a-z]{2}\d{2}(?: ?\d{4}){3,6}(?: ?\d{1,3})?" + E)
LAW = re.compile(
    r"(?:§{1,2}|" + B + r"(?:paragraf(?:en|u)?|paragraph(?:en|s)?|par\.|section|sec\.|artikel|article|art\.|artykuł\w*"
    r"|stat(?:ya|ʹya)|стать[яиюе]\w*|статт[яіею]\w*|параграф\w*|ماده|المادة|الماده|الفقره|الفقرة|madde\w*))\s*"
    r"(?P<section>\d+\s?[a-z]?)"
    + E
    + r"(?:(?:\s*,)?\s*(?:abs(?:\.|atz)|subsection|para(?:\.|graph)|al(?:\.|inéa)|ust(?:\.|ęp)|ч(?:\.|асть"
    r"|астина)|(?=\())\s*\(?(?P<part>\d+[a-z]?)\)?)?"
    r"(?:\s*s(?:\.|atz)\s*(?P<sentence>\d+))?(?:\s*n(?:r\.|ummer|o\.|ummer)\s*(?P<item>\d+))?"
    r"(?:(?:\s+(?:der|des|of the|of|du|de la))?\s+(?P<law>[a-zäöüß]{2,}))?"
)
LAW_NAME = re.compile(r"[A-ZÄÖÜ][A-Za-zÄÖÜäöüß]*[A-Z]\w*")
ALSO_WORDS = frozenset(("may", "march", "mart", "mars", "mai", "maj", "اب", "dez", "sep", "jan", "dec"))
ISO = re.compile(B + r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})" + E)
DOTTED = re.compile(r"(?<![\d.,])(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.(?:\s?(?P<year>(?:19|20)\d\d|\d\d)(?!\d))?")
SLASHED = re.compile(r"(?<![\d/])(?P<day>\d{1,2})[/](?P<month>\d{1,2})[/](?P<year>\d{4}|\d\d)(?![\d/])")
NAMED = re.compile(
    B + rf"(?:(?P<day>\d{{1,2}})(?:\.|st|nd|rd|th|er|-?го|-?е)?\s+(?:of\s+"
    rf"|de\s+)?)?(?P<month>{MONTH})\.?(?:\"?\w{{0,4}}\s+|\s*)(?:(?P<after>\d{{1,2}})(?:st|nd|rd"
    rf"|th)?(?![\d.:])\s*,?\s*)?"
    r"(?:(?P<year>(?:19|20)\d\d)(?!\d))?"
)
CLOCK = re.compile(
    r"(?<![\d.,:])(?P<hour>[01]?\d|2[0-4])(?:[:.h](?P<minute>[0-5]\d))?\s?(?P<half>a\.?\s?m\.?|p\.?\s?m\.?)"
    + E
    + r"|(?<![\d.,:])(?P<hour2>[01]?\d|2[0-4]):(?P<minute2>[0-5]\d)(?![\d:])(?:\s?uhr)?"
    r"|(?<![\d.,:])(?P<hour3>[01]?\d|2[0-4])(?:\.(?P<minute3>[0-5]\d))?\s?uhr(?:\s(?P<minute5>[0-5]\d)(?![\d.,]))?"
    r"|(?<![\d.,:])(?P<hour4>[01]?\d|2[0-4])\s?h(?:\s?(?P<minute4>[0-5]\d))?" + E
)
HOUR_WORDS = re.compile(
    B + r"(?:saat|الساعة|الساعه|godz\.?|godzin\w*|о|об|в|à) (?P<hour>[01]?\d"
    r"|2[0-4])(?:[.:](?P<minute>[0-5]\d))?(?![.,:]?\d|\s?[%€])"
)
HOURS_AFTER = re.compile(
    r"(?<![\d.,:])(?P<hour>[01]?\d|2[0-4])(?:-?(?:й|ї|ій))? (?P<word>час(?:а|ов|ам)?|годин[аиіу]?|heures?)" + E
)
PHONE = re.compile(r"(?<![\w.,])(?<!\d )(?:\+\s?\d{1,3}|00\d{1,3}|\(?0)[\d ()/.-]{4,}\d(?!\w)")
UNITS = [
    (re.compile(rf"[ -]?(?:{pattern}){E}"), kind, unit, Decimal(factor))
    for pattern, kind, unit, factor in vocabulary.UNITS
]
WHOLE = [
    (re.compile(rf"{B}(?:{pattern}){E}"), kind, unit, Decimal(factor))
    for pattern, kind, unit, factor in vocabulary.WHOLE
]
RATES = [
    (re.compile(rf"{B}(?:{pattern}){E}"), name, unit, Decimal(amount))
    for pattern, name, unit, amount in vocabulary.RATES
]
SCALES = [(re.compile(rf" (?:{pattern})\.?{E}"), factor) for pattern, factor in vocabulary.SCALES]
DASHES = re.compile(r",-+")  # "37,- Euro"
GLUED = "wöchig|monatig|jährig|tägig|stündig|minütig|fach|mal"  # follow a numeral without a blank
YEAR_OF_LIFE = re.compile(r"\.(?= lebensjahr)")
FULL = re.compile(
    r" (?:volle[nr]?|ganze[nr]?|weitere[nr]?|kalender|full|consecutive|further|más|tam|полных|повних|pełnych)(?= )"
)
PREFIXED = re.compile(r"(?P<unit>€|\$|£|euro|eur|usd|chf|yüzde|%)\s?$")
JOINED = re.compile(rf"\s?(?:{vocabulary.JOINERS}|(?:{vocabulary.ALTERNATIVES}|sowie)(?: von)?)\s?")
TO = re.compile(rf"\s?(?:{vocabulary.JOINERS})\s?")
RANGE = re.compile(
    rf"\s?(?:uhr|euro|€)?\s?(?:{vocabulary.JOINERS})\s?(?:le |les |saat |الساعة |الساعه |zum |am |€\s?)?"
)
BETWEEN = re.compile(rf"{B}(?:zwischen|between|между|між|بين|entre|między|pomiędzy)(?: \w+)? ?$")
OCLOCK = re.compile(rf" (?:uhr|o\"clock){E}")
GOES_ON = re.compile(r"[^.;:!?\d]{3,80}")  # as far as a like case goes that leaves its unit out
STOPS = re.compile(r"\s*(?:[.;,)]|$)")
AND = re.compile(rf"(?: uhr| euro| €)?\s(?:{vocabulary.ALTERNATIVES}|ile)\s(?:€\s?|(?:dem|den|der|the|le) )?|\sو")
TAIL = {
    "up": re.compile(rf"{B}(?:{vocabulary.UP})(?:[ :.]+(?:{vocabulary.FILLERS}))*[ :]*$"),
    "down": re.compile(rf"{B}(?:{vocabulary.DOWN})(?:[ :.]+(?:{vocabulary.FILLERS}))*[ :]*$"),
    "within": re.compile(rf"{B}(?:{vocabulary.WITHIN})(?:[ :.]+(?:{vocabulary.FILLERS}))*[ :]*$"),
}
COMPARED = re.compile(
    r"mehr als|älter als|länger als|größer als|über|more than|older than|longer than|later than"
    r"|plus d[e\"]|más|более|больше|більше|старше|позднее"
    r"|więcej niż|starsz\w+ niż|weniger als|jünger als|less than|менее|меньше|менше|moins d[e\"]|mniej niż"
    r"|exceed|превыша|перевищ|dépass|przekrac|über|später|vor|earlier than|يزيد|اكثر"
)
LOOSE = re.compile(rf"(?:{vocabulary.LOOSE}){E}")
NOT = re.compile(rf"{B}(?:{vocabulary.NOT})(?: \w+){{0,3}} ?$")
HEAD = {
    "up": re.compile(rf"[\"\w]*\s?(?:\w+ )?(?:{vocabulary.UP_AFTER}){E}"),
    "down": re.compile(rf"[\"\w]*\s?(?:\w+ )?(?:{vocabulary.DOWN_AFTER}){E}"),
    "within": re.compile(rf"\s(?:{vocabulary.WITHIN_AFTER}){E}"),
}
BEFORE = re.compile(rf"\s(?:{vocabulary.BEFORE}){E}")
AFTER = re.compile(rf"\s(?:{vocabulary.AFTER}){E}")
WEEKDAY = re.compile("|".join(f"(?P<d{at}>{B}(?:{names}){E})" for at, names in enumerate(vocabulary.WEEKDAYS)))
DAY_LETTERS = "|".join(vocabulary.WEEKDAY_LETTERS)
SHORT_DAY = re.compile(
    rf"{B}(?P<day>{DAY_LETTERS})(?=\.?(?:\s?[-,/&+]\s?|\s(?:und|bis)\s)(?:{DAY_LETTERS}){E}|\.?:?\s?\d"
    rf"|:)|(?<=[-,/ ])(?P<last>{DAY_LETTERS})(?=\.?:?\s?(?:\d|ab|von))"
)
CODE = re.compile(B + r"(?=[^\W_]*\d)(?=[^\W_]*[a-z])[a-z0-9]{2,}" + E)


@cache
def numerals(language: str) -> tuple[re.Pattern[str], dict[str, str]]:
    tables = vocabulary.NUMERALS
    chosen = [tables[language]] if language in tables else list(tables.values())
    table = {word: value for entry in chosen for word, value in entry.items()}
    articles = sorted(vocabulary.ARTICLES.get(language, ()), key=len, reverse=True)
    words = sorted(table.keys() - set(articles), key=len, reverse=True)
    pattern = f"{B}(?:(?P<word>{'|'.join(map(re.escape, words))})(?={E}|{GLUED})"
    pattern += f"|(?P<article>{'|'.join(articles)}){E})" if articles else ")"
    return re.compile(pattern), table
