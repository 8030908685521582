"""Values that a text states, parsed: 37,00 Euro, €37.00, 37 avro and ٣٧ يورو are one amount.

Amounts, percentages, dates, times, durations, paragraphs of laws, telephone numbers, addresses of the web, measures,
weekdays and plain numbers, in German, English, Turkish, Russian, Ukrainian, Arabic, French and Polish. Weeks are
counted in days and years in months, so that two weeks are 14 days; a month is not 30 days, a working day no day.
"""

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple

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
