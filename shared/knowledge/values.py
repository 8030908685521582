"""Values that a text states, parsed: 37,00 Euro, €37.00, 37 avro and ٣٧ يورو are one amount.

Amounts, percentages, dates, times, durations, paragraphs of laws, telephone numbers, addresses of the web, measures,
weekdays and plain numbers, in German, English, Turkish, Russian, Ukrainian, Arabic, French and Polish. Weeks are
counted in days and years in months, so that two weeks are 14 days; a month is not 30 days, a working day no day.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Literal

from shared.knowledge import vocabulary as v

Kind = Literal[
    "money", "percent", "date", "time", "duration", "weekday", "law", "phone", "link", "measure", "number", "code"
]
Bound = Literal["", "up", "down", "within"]  # exact; at least, from, after; at most, until, before; within
Key = tuple[str | Decimal | int | None, ...]


@dataclass(frozen=True, slots=True)
class Value:
    """One stated value; ``start`` and ``end`` count code points of the text."""

    start: int
    end: int
    kind: Kind
    key: Key  # equal keys of one kind are equal values
    bound: Bound = ""
    side: Literal["", "before", "after"] = ""  # "two weeks before …"
    range: int = field(default=-1, compare=False)  # both ends of one range share a number; -1 outside
    readings: tuple[tuple[Kind, Key], ...] = ()  # what the same letters can also mean

    def alternatives(self) -> Iterator[tuple[Kind, Key]]:
        yield self.kind, self.key
        yield from self.readings
