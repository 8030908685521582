"""Reads the values out of a text."""

import re
from decimal import Decimal

from shared.knowledge import vocabulary
from shared.knowledge.bounds import Bounds
from shared.knowledge.notation import (
    ALSO_WORDS,
    CLOCK,
    CODE,
    DASHES,
    DOTTED,
    FULL,
    HOUR_WORDS,
    HOURS_AFTER,
    IBAN,
    ISO,
    LAW,
    LAW_NAME,
    LINK,
    NAMED,
    NUMBER,
    OCLOCK,
    PHONE,
    PREFIXED,
    RATES,
    SCALES,
    SHORT_DAY,
    SLASHED,
    TO,
    UNITS,
    WEEKDAY,
    WHOLE,
    YEAR_OF_LIFE,
    B,
    number,
    numerals,
    plain,
)
from shared.knowledge.units import continue_units, distribute, key_of
from shared.knowledge.values import Folded, Key, Kind, Value, fold


def parse(text: str, language: str = "de") -> list[Value]:
    """The values of a text in the order in which they stand; an unknown language is read by every numeral table."""
    return _Reader(fold(text), language[:2].lower()).read()


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
        bounds = Bounds(self._folded)
        placed = [bounds.placed(value) for value in bounds.ranged(found)]
        return [value for value in placed if value.bound or value.start not in self._articles]

    # what each pattern takes

    def _links(self) -> None:
        for link in LINK.finditer(self._text):
            text = re.sub(r"^(?:https?://)?(?:www\.)?", "", link.group()).rstrip(".,;:!?)/")
            self._take(link.start(), link.start() + len(link.group().rstrip(".,;:!?)")), "link", (text,))
        for iban in IBAN.finditer(self._text):
            self._take(*iban.span(), "code", (iban.group().replace(" ", ""),))

    def _laws(self) -> None:
        for law in LAW.finditer(self._text):
            end = law.end()
            name = None
            if law["law"] and self._language[:2] and LAW_NAME.fullmatch(self._folded.cased[slice(*law.span("law"))]):
                name = law["law"]
            elif law["law"]:
                end = max(law.end(group) for group in ("section", "part", "sentence", "item"))
            key = (law["section"].replace(" ", ""), law["part"], law["sentence"], law["item"], name)
            self._take(law.start(), end, "law", key)

    def _dates(self) -> None:
        for pattern in (ISO, DOTTED, SLASHED):
            for date in pattern.finditer(self._text):
                key = _day(date["day"], date["month"], date["year"])
                if key is None:
                    continue
                other = _day(date["month"], date["day"], date["year"]) if pattern is SLASHED else None
                self._take(*date.span(), "date", key, (("date", other),) if other and self._language == "en" else ())
        for date in NAMED.finditer(self._text):
            alone = not (date["day"] or date["after"] or date["year"])
            if alone and date["month"] in ALSO_WORDS and self._folded.cased[date.start("month")].islower():
                continue
            month = next(at for at, names in enumerate(vocabulary.MONTHS, 1) if re.fullmatch(names, date["month"]))
            day = date["day"] or date["after"]
            end = max(date.end(group) for group in ("month", "after", "year"))
            if (key := _day(day, str(month), date["year"])) is not None:
                self._take(date.start(), end, "date", key)

    def _clocks(self) -> None:
        for clock in CLOCK.finditer(self._text):
            group = {name: text for name, text in clock.groupdict().items() if text}
            hour = next(int(text) for name, text in group.items() if name.startswith("hour"))
            minute = next((int(text) for name, text in group.items() if name.startswith("minute")), 0)
            if clock["half"]:
                hour = hour % 12 + (12 if clock["half"].startswith("p") else 0)
            readings: tuple[tuple[Kind, Key], ...] = ()
            if clock["hour4"] and not clock["minute4"]:
                readings = (("duration", ("minute", plain(Decimal(hour * 60)))),)
            self._take(*clock.span(), "time", (hour * 60 + minute,), readings)
        for half in re.finditer(rf"{B}halb (\w+)(?: uhr)?", self._text):
            words = {**vocabulary.NUMERALS["de"], **{str(at): str(at) for at in range(1, 13)}}
            if half.group(1) in words and 1 <= Decimal(words[half.group(1)]) <= 24:
                minutes = int(Decimal(words[half.group(1)]) * 60) - 30
                self._take(*half.span(), "time", (minutes,), (("time", (minutes + 720,)),))
        if self._language != "de":
            for clock in HOURS_AFTER.finditer(self._text):
                minutes = int(clock["hour"]) * 60
                self._take(*clock.span(), "duration", ("minute", plain(Decimal(minutes))), (("time", (minutes,)),))
            for clock in HOUR_WORDS.finditer(self._text):
                if clock.group().startswith(("о", "в", "à")) and not clock["minute"]:
                    continue
                minutes = int(clock["hour"]) * 60 + int(clock["minute"] or 0)
                self._take(clock.start("hour"), clock.end(), "time", (minutes,))

    def _phones(self) -> None:
        for phone in PHONE.finditer(self._text):
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
        for found in WEEKDAY.finditer(self._text):
            days.append((found.start(), found.end(), int(str(found.lastgroup)[1:])))
        for found in SHORT_DAY.finditer(self._folded.cased):
            days.append((found.start(), found.end(), vocabulary.WEEKDAY_LETTERS.index(found.group())))
        days.sort()
        for at, (start, end, day) in enumerate(days):
            self._take(start, end, "weekday", (day,))
            if at and TO.fullmatch(self._text[days[at - 1][1] : start].replace(".", "")):
                for step in range(1, (day - days[at - 1][2]) % 7):
                    self._found.append(Value(start, start, end, end, "weekday", ((days[at - 1][2] + step) % 7,)))

    def _rates(self) -> None:
        for pattern, name, unit, amount in RATES:
            for rate in pattern.finditer(self._text):
                self._take(*rate.span(), "rate", (name,), (("duration", key_of("duration", unit, amount)),))

    def _numbers(self) -> None:
        for pattern, kind, unit, factor in WHOLE:
            for whole in pattern.finditer(self._text):
                self._take(*whole.span(), _kind(kind), key_of(kind, unit, factor))
        stated: list[tuple[int, int, Decimal, str]] = [
            (found.start(), found.end(), number(found.group(), self._language), found.group())
            for found in re.finditer(rf"(?:(?<![^\W_])|(?<=و))(?<!\d[.,])(?:{NUMBER})", self._text)
        ]
        pattern, table = numerals(self._language)
        for word in pattern.finditer(self._text):
            if word["word"] is not None:
                stated.append((word.start(), word.end(), Decimal(table[word["word"]]), "word"))
            else:
                stated.append((word.start(), word.end(), Decimal(1), "article"))
        for start, end, amount, written in sorted(stated):
            self._numeral(start, end, amount, written)
        distribute(self._text, self._found)
        continue_units(self._text, self._found)

    def _numeral(self, start: int, end: int, amount: Decimal, written: str) -> None:
        if any(self._taken[start:end]):
            return
        if dashes := DASHES.match(self._text, end):
            end = dashes.end()
        for scaled, power in SCALES:
            if scale := scaled.match(self._text, end):
                amount, end = amount * power, scale.end()
        after = end
        if ordinal := YEAR_OF_LIFE.match(self._text, end):
            after = ordinal.end()
        elif full := FULL.match(self._text, end):
            after = full.end()
        if written == "word" and amount <= 24 and (oclock := OCLOCK.match(self._text, end)):
            self._take(start, oclock.end(), "time", (int(amount * 60),))
            return
        before = PREFIXED.search(self._text, 0, start)
        for pattern, kind, unit, factor in UNITS:
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
            self._take(start, stop, _kind(kind), key_of(kind, unit, amount * factor))
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
            self._take(before.start("unit"), end, _kind(kind), key_of(kind, name, amount))
            return
        readings: list[tuple[Kind, Key]] = []
        if written.isdigit() and len(written) == 4 and written[:2] in ("19", "20"):
            readings.append(("date", (int(amount), None, None)))
        if re.fullmatch(r"(?:[01]?\d|2[0-4])\.[0-5]\d", written):
            hour, minute = written.split(".")
            readings.append(("time", (int(hour) * 60 + int(minute),)))
        if (written.isdigit() or written == "word") and amount <= 120:
            readings.append(("duration", ("month", plain(amount * 12))))
        self._take(start, end, "number", (plain(amount),), tuple(readings))

    def _codes(self) -> None:
        for code in CODE.finditer(self._text):
            self._take(*code.span(), "code", (code.group(),))

    def _take(self, start: int, end: int, kind: Kind, key: Key, readings: tuple[tuple[Kind, Key], ...] = ()) -> None:
        if not any(self._taken[start:end]):
            self._taken[start:end] = b"\x01" * (end - start)
            self._found.append(Value(start, start, end, end, kind, key, readings=readings))


def _kind(name: str) -> Kind:
    return name  # type: ignore[return-value]


def _day(day: str | None, month: str, year: str | None) -> Key | None:
    number_of_day = int(day) if day else None
    if not 1 <= int(month) <= 12 or not (number_of_day is None or 1 <= number_of_day <= 31):
        return None
    full = None if not year else int(year) if len(year) == 4 else 2000 + int(year)
    return (full, int(month), number_of_day)
