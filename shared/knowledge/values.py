"""Values that a text states, parsed: 37,00 Euro, €37.00, 37 avro and ٣٧ يورو are one amount.

Amounts, percentages, dates, times, durations, paragraphs of laws, telephone numbers, addresses of the web, measures,
weekdays and plain numbers, in German, English, Turkish, Russian, Ukrainian, Arabic, French and Polish. Weeks are
counted in days and years in months, so that two weeks are 14 days; a month is not 30 days, a working day no day.
"""

import itertools
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from typing import Literal, NamedTuple

from shared.knowledge import vocabulary
from shared.knowledge.quotes import Span, unify

Kind = Literal[
    "money",
    "percent",
    "date",
    "time",
    "duration",
    "weekday",
    "law",
    "phone",
    "link",
    "measure",
    "rate",
    "number",
    "code",
]
Bound = Literal["", "up", "down", "within"]  # exact; at least, from, after; at most, until, before; within
Key = tuple[str | Decimal | int | None, ...]


@dataclass(frozen=True, slots=True)
class Value:
    """One stated value; ``begin``, ``start``, ``end`` and ``last`` count code points of the text."""

    begin: int  # where the words that bound it begin ("nicht mehr als 3"), ``start`` without such words
    start: int
    end: int
    last: int  # where the words that bound it from behind end ("1.541 Euro nicht übersteigen"), else ``end``
    kind: Kind
    key: Key  # equal keys of one kind are equal values
    bound: Bound = ""
    side: Literal["", "before", "after"] = ""  # "two weeks before …"
    range: int = -1  # both ends of one range share a number; -1 outside
    loose: bool = False  # bound by a word that is also a plain preposition ("von 50 Metern")
    readings: tuple[tuple[Kind, Key], ...] = ()  # what the same letters can also mean

    def meanings(self) -> frozenset[tuple[Kind, Key]]:
        """Every kind and key that the letters can have."""
        return frozenset(((self.kind, self.key), *self.readings))


class Folded(NamedTuple):
    """A text in lower case with plain digits; character i stands for ``original[starts[i]:ends[i]]``."""

    text: str
    cased: str  # the same, in its own case
    starts: tuple[int, ...]
    ends: tuple[int, ...]


_FOLDS = str.maketrans({"ё": "е", "أ": "ا", "إ": "ا", "آ": "ا", "٪": "%", "٫": ",", "٬": ".", "ـ": None, "ه": "ه"})


def fold(text: str) -> Folded:
    """Lower case, digits of any script as 0–9, vowel marks dropped."""
    unified = unify(text)
    kept: list[tuple[str, str, int, int]] = []
    for letter, start, end in zip(unified.text, unified.starts, unified.ends, strict=True):
        if unicodedata.category(letter) == "Mn":
            continue
        digit = unicodedata.decimal(letter, None)
        plain = str(digit) if digit is not None else letter.lower()[:1].translate(_FOLDS)
        if plain:
            kept.append((plain, plain if digit is not None else letter, start, end))
    return Folded(
        "".join(entry[0] for entry in kept),
        "".join(entry[1] for entry in kept),
        tuple(entry[2] for entry in kept),
        tuple(entry[3] for entry in kept),
    )


def parse(text: str, language: str = "de") -> list[Value]:
    """The values of a text in the order in which they stand; an unknown language is read by every numeral table."""
    return _Reader(fold(text), language[:2].lower()).read()


# Numbers ----------------------------------------------------------------------------------------------------------

_NUMBER = r"\d{1,3}(?:[ .,\"]\d{3})+(?:[.,]\d{1,2})?(?!\d)|\d+(?:[.,]\d+)?"


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


def _plain(value: Decimal) -> Decimal:
    return value.normalize()


# Patterns ---------------------------------------------------------------------------------------------------------

_B = r"(?<![^\W_])"  # where a word begins
_E = r"(?![^\W_])"  # where a word ends
_MONTH = "(?:" + "|".join(f"(?:{names})" for names in vocabulary.MONTHS) + r")(?![^\W\d_])"
_LINK = re.compile(
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+|(?:https?://|www\.)[^\s<>\"]+|(?:[a-z0-9-]+\.)+(?:de|com|org|net|eu"
    r"|info|example)(?:/[^\s<>\"]*)?" + _E
)
_IBAN = re.compile(_B + r"[a-z]{2}\d{2}(?: ?\d{4}){3,6}(?: ?\d{1,3})?" + _E)
_LAW = re.compile(
    r"(?:§{1,2}|" + _B + r"(?:paragraf(?:en|u)?|paragraph(?:en|s)?|par\.|section|sec\.|artikel|article|art\.|artykuł\w*"
    r"|stat(?:ya|ʹya)|стать[яиюе]\w*|статт[яіею]\w*|параграф\w*|ماده|المادة|الماده|الفقره|الفقرة|madde\w*))\s*"
    r"(?P<section>\d+\s?[a-z]?)"
    + _E
    + r"(?:(?:\s*,)?\s*(?:abs(?:\.|atz)|subsection|para(?:\.|graph)|al(?:\.|inéa)|ust(?:\.|ęp)|ч(?:\.|асть"
    r"|астина)|(?=\())\s*\(?(?P<part>\d+[a-z]?)\)?)?"
    r"(?:\s*s(?:\.|atz)\s*(?P<sentence>\d+))?(?:\s*n(?:r\.|ummer|o\.|ummer)\s*(?P<item>\d+))?"
    r"(?:(?:\s+(?:der|des|of the|of|du|de la))?\s+(?P<law>[a-zäöüß]{2,}))?"
)
_LAW_NAME = re.compile(r"[A-ZÄÖÜ][A-Za-zÄÖÜäöüß]*[A-Z]\w*")
_ALSO_WORDS = frozenset(("may", "march", "mart", "mars", "mai", "maj", "اب", "dez", "sep", "jan", "dec"))
_ISO = re.compile(_B + r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})" + _E)
_DOTTED = re.compile(r"(?<![\d.,])(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.(?:\s?(?P<year>(?:19|20)\d\d|\d\d)(?!\d))?")
_SLASHED = re.compile(r"(?<![\d/])(?P<day>\d{1,2})[/](?P<month>\d{1,2})[/](?P<year>\d{4}|\d\d)(?![\d/])")
_NAMED = re.compile(
    _B + rf"(?:(?P<day>\d{{1,2}})(?:\.|st|nd|rd|th|er|-?го|-?е)?\s+(?:of\s+"
    rf"|de\s+)?)?(?P<month>{_MONTH})\.?(?:\"?\w{{0,4}}\s+|\s*)(?:(?P<after>\d{{1,2}})(?:st|nd|rd"
    rf"|th)?(?![\d.:])\s*,?\s*)?"
    r"(?:(?P<year>(?:19|20)\d\d)(?!\d))?"
)
_CLOCK = re.compile(
    r"(?<![\d.,:])(?P<hour>[01]?\d|2[0-4])(?:[:.h](?P<minute>[0-5]\d))?\s?(?P<half>a\.?\s?m\.?|p\.?\s?m\.?)"
    + _E
    + r"|(?<![\d.,:])(?P<hour2>[01]?\d|2[0-4]):(?P<minute2>[0-5]\d)(?![\d:])(?:\s?uhr)?"
    r"|(?<![\d.,:])(?P<hour3>[01]?\d|2[0-4])(?:\.(?P<minute3>[0-5]\d))?\s?uhr(?:\s(?P<minute5>[0-5]\d)(?![\d.,]))?"
    r"|(?<![\d.,:])(?P<hour4>[01]?\d|2[0-4])\s?h(?:\s?(?P<minute4>[0-5]\d))?" + _E
)
_HOUR_WORDS = re.compile(
    _B + r"(?:saat|الساعة|الساعه|godz\.?|godzin\w*|о|об|в|à) (?P<hour>[01]?\d"
    r"|2[0-4])(?:[.:](?P<minute>[0-5]\d))?(?![.,:]?\d|\s?[%€])"
)
_HOURS_AFTER = re.compile(
    r"(?<![\d.,:])(?P<hour>[01]?\d|2[0-4])(?:-?(?:й|ї|ій))? (?P<word>час(?:а|ов|ам)?|годин[аиіу]?|heures?)" + _E
)
_PHONE = re.compile(r"(?<![\w.,])(?<!\d )(?:\+\s?\d{1,3}|00\d{1,3}|\(?0)[\d ()/.-]{4,}\d(?!\w)")
_UNITS = [
    (re.compile(rf"[ -]?(?:{pattern}){_E}"), kind, unit, Decimal(factor))
    for pattern, kind, unit, factor in vocabulary.UNITS
]
_WHOLE = [
    (re.compile(rf"{_B}(?:{pattern}){_E}"), kind, unit, Decimal(factor))
    for pattern, kind, unit, factor in vocabulary.WHOLE
]
_RATES = [
    (re.compile(rf"{_B}(?:{pattern}){_E}"), name, unit, Decimal(amount))
    for pattern, name, unit, amount in vocabulary.RATES
]
_SCALES = [(re.compile(rf" (?:{pattern})\.?{_E}"), factor) for pattern, factor in vocabulary.SCALES]
_DASHES = re.compile(r",-+")  # "37,- Euro"
_GLUED = "wöchig|monatig|jährig|tägig|stündig|minütig|fach|mal"  # follow a numeral without a blank
_YEAR_OF_LIFE = re.compile(r"\.(?= lebensjahr)")
_FULL = re.compile(
    r" (?:volle[nr]?|ganze[nr]?|weitere[nr]?|kalender|full|consecutive|further|más|tam|полных|повних|pełnych)(?= )"
)
_PREFIXED = re.compile(r"(?P<unit>€|\$|£|euro|eur|usd|chf|yüzde|%)\s?$")
_JOINED = re.compile(rf"\s?(?:{vocabulary.JOINERS}|(?:{vocabulary.ALTERNATIVES}|sowie)(?: von)?)\s?")
_TO = re.compile(rf"\s?(?:{vocabulary.JOINERS})\s?")
_RANGE = re.compile(
    rf"\s?(?:uhr|euro|€)?\s?(?:{vocabulary.JOINERS})\s?(?:le |les |saat |الساعة |الساعه |zum |am |€\s?)?"
)
_BETWEEN = re.compile(rf"{_B}(?:zwischen|between|между|між|بين|entre|między|pomiędzy)(?: \w+)? ?$")
_OCLOCK = re.compile(rf" (?:uhr|o\"clock){_E}")
_GOES_ON = re.compile(r"[^.;:!?\d]{3,80}")  # as far as a like case goes that leaves its unit out
_STOPS = re.compile(r"\s*(?:[.;,)]|$)")
_AND = re.compile(rf"(?: uhr| euro| €)?\s(?:{vocabulary.ALTERNATIVES}|ile)\s(?:€\s?|(?:dem|den|der|the|le) )?|\sو")
_TAIL = {
    "up": re.compile(rf"{_B}(?:{vocabulary.UP})(?:[ :.]+(?:{vocabulary.FILLERS}))*[ :]*$"),
    "down": re.compile(rf"{_B}(?:{vocabulary.DOWN})(?:[ :.]+(?:{vocabulary.FILLERS}))*[ :]*$"),
    "within": re.compile(rf"{_B}(?:{vocabulary.WITHIN})(?:[ :.]+(?:{vocabulary.FILLERS}))*[ :]*$"),
}
_COMPARED = re.compile(
    r"mehr als|älter als|länger als|größer als|über|more than|older than|longer than|later than"
    r"|plus d[e\"]|más|более|больше|більше|старше|позднее"
    r"|więcej niż|starsz\w+ niż|weniger als|jünger als|less than|менее|меньше|менше|moins d[e\"]|mniej niż"
    r"|exceed|превыша|перевищ|dépass|przekrac|über|später|vor|earlier than|يزيد|اكثر"
)
_LOOSE = re.compile(rf"(?:{vocabulary.LOOSE}){_E}")
_NOT = re.compile(rf"{_B}(?:{vocabulary.NOT})(?: \w+){{0,3}} ?$")
_HEAD = {
    "up": re.compile(rf"[\"\w]*\s?(?:\w+ )?(?:{vocabulary.UP_AFTER}){_E}"),
    "down": re.compile(rf"[\"\w]*\s?(?:\w+ )?(?:{vocabulary.DOWN_AFTER}){_E}"),
    "within": re.compile(rf"\s(?:{vocabulary.WITHIN_AFTER}){_E}"),
}
_BEFORE = re.compile(rf"\s(?:{vocabulary.BEFORE}){_E}")
_AFTER = re.compile(rf"\s(?:{vocabulary.AFTER}){_E}")
_WEEKDAY = re.compile("|".join(f"(?P<d{at}>{_B}(?:{names}){_E})" for at, names in enumerate(vocabulary.WEEKDAYS)))
_DAY_LETTERS = "|".join(vocabulary.WEEKDAY_LETTERS)
_SHORT_DAY = re.compile(
    rf"{_B}(?P<day>{_DAY_LETTERS})(?=\.?(?:\s?[-,/&+]\s?|\s(?:und|bis)\s)(?:{_DAY_LETTERS}){_E}|\.?:?\s?\d"
    rf"|:)|(?<=[-,/ ])(?P<last>{_DAY_LETTERS})(?=\.?:?\s?(?:\d|ab|von))"
)
_CODE = re.compile(_B + r"(?=[^\W_]*\d)(?=[^\W_]*[a-z])[a-z0-9]{2,}" + _E)


@cache
def _numerals(language: str) -> tuple[re.Pattern[str], dict[str, str]]:
    tables = vocabulary.NUMERALS
    chosen = [tables[language]] if language in tables else list(tables.values())
    table = {word: value for entry in chosen for word, value in entry.items()}
    articles = sorted(vocabulary.ARTICLES.get(language, ()), key=len, reverse=True)
    words = sorted(table.keys() - set(articles), key=len, reverse=True)
    pattern = f"{_B}(?:(?P<word>{'|'.join(map(re.escape, words))})(?={_E}|{_GLUED})"
    pattern += f"|(?P<article>{'|'.join(articles)}){_E})" if articles else ")"
    return re.compile(pattern), table


class _Reader:
    """Reads one text; what one pattern took, no later one reads again."""

    def __init__(self, folded: Folded, language: str) -> None:
        self._folded = folded
        self._language = language
        self._text = folded.text
        self._found: list[Value] = []
        self._taken = bytearray(len(folded.text))
        self._articles: set[int] = set()  # "a year" is a value in "within a year", not in "twice a year"

    def read(self) -> list[Value]:
        if not self._text:
            return []
        for step in (
            self._links,
            self._laws,
            self._dates,
            self._clocks,
            self._phones,
            self._weekdays,
            self._rates,
            self._numbers,
            self._codes,
        ):
            step()
        found = sorted(self._found, key=lambda value: (value.start, value.end))
        placed = [self._placed(value) for value in self._ranged(found)]
        return [value for value in placed if value.bound or value.start not in self._articles]

    # what each pattern takes

    def _links(self) -> None:
        for link in _LINK.finditer(self._text):
            text = re.sub(r"^(?:https?://)?(?:www\.)?", "", link.group()).rstrip(".,;:!?)/")
            self._take(link.start(), link.start() + len(link.group().rstrip(".,;:!?)")), "link", (text,))
        for iban in _IBAN.finditer(self._text):
            self._take(*iban.span(), "code", (iban.group().replace(" ", ""),))

    def _laws(self) -> None:
        for law in _LAW.finditer(self._text):
            end = law.end()
            name = None
            if law["law"] and self._language[:2] and _LAW_NAME.fullmatch(self._folded.cased[slice(*law.span("law"))]):
                name = law["law"]
            elif law["law"]:
                end = max(law.end(group) for group in ("section", "part", "sentence", "item"))
            key = (law["section"].replace(" ", ""), law["part"], law["sentence"], law["item"], name)
            self._take(law.start(), end, "law", key)

    def _dates(self) -> None:
        for pattern in (_ISO, _DOTTED, _SLASHED):
            for date in pattern.finditer(self._text):
                key = _day(date["day"], date["month"], date["year"])
                if key is None:
                    continue
                other = _day(date["month"], date["day"], date["year"]) if pattern is _SLASHED else None
                self._take(*date.span(), "date", key, (("date", other),) if other and self._language == "en" else ())
        for date in _NAMED.finditer(self._text):
            alone = not (date["day"] or date["after"] or date["year"])
            if alone and date["month"] in _ALSO_WORDS and self._folded.cased[date.start("month")].islower():
                continue
            month = next(at for at, names in enumerate(vocabulary.MONTHS, 1) if re.fullmatch(names, date["month"]))
            day = date["day"] or date["after"]
            end = max(date.end(group) for group in ("month", "after", "year"))
            if (key := _day(day, str(month), date["year"])) is not None:
                self._take(date.start(), end, "date", key)

    def _clocks(self) -> None:
        for clock in _CLOCK.finditer(self._text):
            group = {name: text for name, text in clock.groupdict().items() if text}
            hour = next(int(text) for name, text in group.items() if name.startswith("hour"))
            minute = next((int(text) for name, text in group.items() if name.startswith("minute")), 0)
            if clock["half"]:
                hour = hour % 12 + (12 if clock["half"].startswith("p") else 0)
            readings: tuple[tuple[Kind, Key], ...] = ()
            if clock["hour4"] and not clock["minute4"]:
                readings = (("duration", ("minute", _plain(Decimal(hour * 60)))),)
            self._take(*clock.span(), "time", (hour * 60 + minute,), readings)
        for half in re.finditer(rf"{_B}halb (\w+)(?: uhr)?", self._text):
            words = {**vocabulary.NUMERALS["de"], **{str(at): str(at) for at in range(1, 13)}}
            if half.group(1) in words and 1 <= Decimal(words[half.group(1)]) <= 24:
                minutes = int(Decimal(words[half.group(1)]) * 60) - 30
                self._take(*half.span(), "time", (minutes,), (("time", (minutes + 720,)),))
        if self._language != "de":
            for clock in _HOURS_AFTER.finditer(self._text):
                minutes = int(clock["hour"]) * 60
                self._take(*clock.span(), "duration", ("minute", _plain(Decimal(minutes))), (("time", (minutes,)),))
            for clock in _HOUR_WORDS.finditer(self._text):
                if clock.group().startswith(("о", "в", "à")) and not clock["minute"]:
                    continue
                minutes = int(clock["hour"]) * 60 + int(clock["minute"] or 0)
                self._take(clock.start("hour"), clock.end(), "time", (minutes,))

    def _phones(self) -> None:
        for phone in _PHONE.finditer(self._text):
            digits = re.sub(r"\(0\)", "", phone.group())
            digits = re.sub(r"\D", "", digits)
            if phone.group().startswith("+"):
                digits = "0" + digits[2:] if digits.startswith("49") else "00" + digits
            elif digits.startswith("0049"):
                digits = "0" + digits[4:]
            if len(digits) >= 6:
                self._take(*phone.span(), "phone", (digits,))

    def _weekdays(self) -> None:
        days: list[tuple[int, int, int]] = []
        for found in _WEEKDAY.finditer(self._text):
            days.append((found.start(), found.end(), int(str(found.lastgroup)[1:])))
        for found in _SHORT_DAY.finditer(self._folded.cased):
            days.append((found.start(), found.end(), vocabulary.WEEKDAY_LETTERS.index(found.group())))
        days.sort()
        for at, (start, end, day) in enumerate(days):
            self._take(start, end, "weekday", (day,))
            if at and _TO.fullmatch(self._text[days[at - 1][1] : start].replace(".", "")):
                for step in range(1, (day - days[at - 1][2]) % 7):
                    self._found.append(Value(start, start, end, end, "weekday", ((days[at - 1][2] + step) % 7,)))

    def _rates(self) -> None:
        for pattern, name, unit, amount in _RATES:
            for rate in pattern.finditer(self._text):
                self._take(*rate.span(), "rate", (name,), (("duration", _key("duration", unit, amount)),))

    def _numbers(self) -> None:
        for pattern, kind, unit, factor in _WHOLE:
            for whole in pattern.finditer(self._text):
                self._take(*whole.span(), _kind(kind), _key(kind, unit, factor))
        stated: list[tuple[int, int, Decimal, str]] = [
            (found.start(), found.end(), number(found.group(), self._language), found.group())
            for found in re.finditer(rf"(?:(?<![^\W_])|(?<=و))(?<!\d[.,])(?:{_NUMBER})", self._text)
        ]
        pattern, table = _numerals(self._language)
        for word in pattern.finditer(self._text):
            if word["word"] is not None:
                stated.append((word.start(), word.end(), Decimal(table[word["word"]]), "word"))
            else:
                stated.append((word.start(), word.end(), Decimal(1), "article"))
        for start, end, amount, written in sorted(stated):
            self._numeral(start, end, amount, written)
        self._distribute()
        self._elided()

    def _numeral(self, start: int, end: int, amount: Decimal, written: str) -> None:
        if any(self._taken[start:end]):
            return
        if dashes := _DASHES.match(self._text, end):
            end = dashes.end()
        for scaled, power in _SCALES:
            if scale := scaled.match(self._text, end):
                amount, end = amount * power, scale.end()
        after = end
        if ordinal := _YEAR_OF_LIFE.match(self._text, end):
            after = ordinal.end()
        elif full := _FULL.match(self._text, end):
            after = full.end()
        if written == "word" and amount <= 24 and (oclock := _OCLOCK.match(self._text, end)):
            self._take(start, oclock.end(), "time", (int(amount * 60),))
            return
        before = _PREFIXED.search(self._text, 0, start)
        for pattern, kind, unit, factor in _UNITS:
            found = pattern.match(self._text, after)
            if found is None or (written == "article" and kind != "duration"):
                continue
            if (
                pattern.pattern.startswith("[ -]?(?:jahr|")
                and self._language != "fr"
                and found.group().strip() in ("an", "ans")
            ):
                continue
            stop = after + len(found.group())
            if written == "article" and self._text[start:end] in ("a", "an"):
                self._articles.add(self._folded.starts[start])
            self._take(start, stop, _kind(kind), _key(kind, unit, amount * factor))
            return
        if written == "article":
            return
        if before is not None:
            unit = before["unit"]
            kind, name = (
                ("percent", "%")
                if unit in ("yüzde", "%")
                else ("money", {"$": "USD", "usd": "USD", "£": "GBP", "chf": "CHF"}.get(unit, "EUR"))
            )
            self._take(before.start("unit"), end, _kind(kind), _key(kind, name, amount))
            return
        readings: list[tuple[Kind, Key]] = []
        if written.isdigit() and len(written) == 4 and written[:2] in ("19", "20"):
            readings.append(("date", (int(amount), None, None)))
        if re.fullmatch(r"(?:[01]?\d|2[0-4])\.[0-5]\d", written):
            hour, minute = written.split(".")
            readings.append(("time", (int(hour) * 60 + int(minute),)))
        if (written.isdigit() or written == "word") and amount <= 120:
            readings.append(("duration", ("month", _plain(amount * 12))))
        self._take(start, end, "number", (_plain(amount),), tuple(readings))

    def _distribute(self) -> None:
        """The unit of "2 bis 3 Wochen" holds for both numbers."""
        found = sorted(self._found, key=lambda value: value.start)
        for at in range(len(found) - 2, -1, -1):
            one, two = found[at], found[at + 1]
            if one.kind != "number" or two.kind not in ("money", "percent", "duration", "measure", "time"):
                continue
            if not _JOINED.fullmatch(self._text[one.end : two.start]):
                continue
            if two.kind == "time":
                reading = [key for kind, key in one.readings if kind == "time"]
                whole = one.key[0]
                key: Key = (
                    reading[0] if reading else (int(whole) * 60,) if isinstance(whole, Decimal) and whole <= 24 else ()
                )
                if not key:
                    continue
            else:
                amount = one.key[0]
                assert isinstance(amount, Decimal)  # noqa: S101 - numbers have no other key
                key = self._scaled(amount, two)
            clock = _hours(one) if any(kind == "time" for kind, _ in two.readings) else None
            readings: tuple[tuple[Kind, Key], ...] = () if clock is None else (("time", (clock,)),)
            changed = replace(one, kind=two.kind, key=key, readings=readings)
            self._found[self._found.index(one)] = changed
            found[at] = changed

    def _elided(self) -> None:
        """The unit of a like case before holds on: "Bücher vier Wochen, Filme zwei"."""
        found = sorted(self._found, key=lambda value: value.start)
        for one, two in itertools.pairwise(found):
            if two.kind != "number" or one.kind not in ("money", "duration", "measure", "percent"):
                continue
            between = self._text[one.end : two.start]
            if _GOES_ON.fullmatch(between) and _STOPS.match(self._text, two.end):
                amount = two.key[0]
                assert isinstance(amount, Decimal)  # noqa: S101 - numbers have no other key
                changed = replace(
                    two, kind=one.kind, key=self._scaled(amount, one), readings=((two.kind, two.key), *two.readings)
                )
                self._found[self._found.index(two)] = changed

    def _scaled(self, amount: Decimal, like: Value) -> Key:
        text = self._text[like.start : like.end]
        for pattern, kind, unit, factor in _UNITS:
            if kind == like.kind and unit == like.key[0] and re.search(rf"{pattern.pattern}$", text):
                return _key(kind, unit, amount * factor)
        return (like.key[0], _plain(amount))

    def _codes(self) -> None:
        for code in _CODE.finditer(self._text):
            self._take(*code.span(), "code", (code.group(),))

    def _take(self, start: int, end: int, kind: Kind, key: Key, readings: tuple[tuple[Kind, Key], ...] = ()) -> None:
        if not any(self._taken[start:end]):
            self._taken[start:end] = b"\x01" * (end - start)
            self._found.append(Value(start, start, end, end, kind, key, readings=readings))

    # what stands around a value

    def _ranged(self, found: list[Value]) -> Iterator[Value]:
        ranges: dict[int, int] = {}
        for at, (one, two) in enumerate(itertools.pairwise(found)):
            if one.kind != two.kind or one.kind in ("law", "weekday", "link", "code", "phone"):
                continue
            between = self._text[one.end : two.start]
            if _RANGE.fullmatch(between) or (_AND.fullmatch(between) and self._between(one.start, two.end)):
                ranges[at] = ranges[at + 1] = at
        for at, value in enumerate(found):
            if at in ranges:
                bound: Bound = "up" if ranges[at] == at else "down"
                yield replace(value, range=ranges[at], bound=bound)
            else:
                yield value

    def _between(self, start: int, end: int) -> bool:
        head = re.sub(r"[€$£]\s?$", "", self._text[:start])
        return _BETWEEN.search(head) is not None or re.match(r"\w* (?:arası|arasında)", self._text[end:]) is not None

    def _placed(self, value: Value) -> Value:
        if value.range < 0 and value.kind not in ("link", "code", "phone", "law", "weekday", "rate"):
            value = self._bounded(value)
        if value.kind in ("duration", "measure"):
            if _BEFORE.match(self._text, value.end):
                value = replace(value, side="before")
            elif _AFTER.match(self._text, value.end):
                value = replace(value, side="after")
        folded = self._folded
        return replace(
            value,
            begin=folded.starts[value.begin],
            start=folded.starts[value.start],
            end=folded.ends[max(value.end - 1, value.start)],
            last=folded.ends[max(value.last - 1, value.start)],
        )

    def _bounded(self, value: Value) -> Value:
        start = max(0, value.start - 60)
        head = self._text[start : value.start]
        best: tuple[int, Bound, str] | None = None
        for bound, pattern in _TAIL.items():
            if (found := pattern.search(head)) and (best is None or found.start() < best[0]):
                best = (found.start(), _bound(bound), found.group())
        if best is not None:
            at, bound_, words = best
            turned = _NOT.search(head, 0, at) if _COMPARED.match(words) else None
            if turned:
                flipped: Bound = "down" if bound_ == "up" else "up"
                return replace(value, begin=start + turned.start(), bound=flipped)
            return replace(value, begin=start + at, bound=bound_, loose=_LOOSE.match(words) is not None)
        for bound, pattern in _HEAD.items():
            if found := pattern.match(self._text, value.end):
                return replace(value, bound=_bound(bound), last=found.end())
        return value


def _hours(value: Value) -> int | None:
    """Minutes of the day, of a plain number up to 24."""
    amount = value.key[0]
    return int(amount * 60) if isinstance(amount, Decimal) and amount <= 24 else None


def _kind(name: str) -> Kind:
    return name  # type: ignore[return-value]


def _bound(name: str) -> Bound:
    return name  # type: ignore[return-value]


def _key(kind: str, unit: str, amount: Decimal) -> Key:
    if kind == "duration" and unit == "minute" and amount and amount % 1440 == 0:
        return ("day", _plain(amount / 1440))
    return (unit, _plain(amount))


def _day(day: str | None, month: str, year: str | None) -> Key | None:
    number_of_day = int(day) if day else None
    if not 1 <= int(month) <= 12 or not (number_of_day is None or 1 <= number_of_day <= 31):
        return None
    full = None if not year else int(year) if len(year) == 4 else 2000 + int(year)
    return (full, int(month), number_of_day)


def matches(stated: Value, given: Value) -> bool:
    """Whether a value of a statement is one that the quote gives; the statement may be less exact, never more."""
    if not stated.readings and not given.readings:
        return _same((stated.kind, stated.key), (given.kind, given.key))
    return any(_same(one, two) for one in stated.meanings() for two in given.meanings())


def _same(stated: tuple[Kind, Key], given: tuple[Kind, Key]) -> bool:
    kind, key = stated
    if kind != given[0]:
        return False
    if kind == "date":
        return all(part is None or part == other for part, other in zip(key, given[1], strict=True))
    if kind == "law":
        sections = zip(key[:4], given[1][:4], strict=True)
        return all(part is None or part == other for part, other in sections) and (
            key[4] is None or given[1][4] is None or key[4] == given[1][4]
        )
    return key == given[1]


_CONJUNCTION = re.compile(
    r"\s(?:und|oder|sowie|aber|sondern|doch|and|or|but|ve|veya|ama|fakat|и|или|но|а|і|й|та|або|але|و|او"
    r"|لكن|et|ou|mais|i|oraz|lub|ale)\s|\s(?=و)",
    re.IGNORECASE,
)


def conjunctions(text: str, start: int, end: int) -> list[Span]:
    """Where words such as "und" stand in a part of a text."""
    return [Span(*found.span()) for found in _CONJUNCTION.finditer(text, start, end)]
