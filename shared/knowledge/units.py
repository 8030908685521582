"""Units that hold for more than one number: "2 bis 3 Wochen", "Bücher vier Wochen, Filme zwei"."""

import itertools
import re
from dataclasses import replace
from decimal import Decimal

from shared.knowledge.notation import GOES_ON, JOINED, STOPS, UNITS, plain
from shared.knowledge.values import Key, Kind, Value


def distribute(text: str, values: list[Value]) -> None:
    """The unit of "2 bis 3 Wochen" holds for both numbers."""
    found = sorted(values, key=lambda value: value.start)
    for at in range(len(found) - 2, -1, -1):
        one, two = found[at], found[at + 1]
        if one.kind != "number" or two.kind not in ("money", "percent", "duration", "measure", "time"):
            continue
        if not JOINED.fullmatch(text[one.end : two.start]):
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
            key = _scaled(text, amount, two)
        clock = _hours(one) if any(kind == "time" for kind, _ in two.readings) else None
        readings: tuple[tuple[Kind, Key], ...] = () if clock is None else (("time", (clock,)),)
        changed = replace(one, kind=two.kind, key=key, readings=readings)
        values[values.index(one)] = changed
        found[at] = changed


def continue_units(text: str, values: list[Value]) -> None:
    """The unit of a like case before holds on: "Bücher vier Wochen, Filme zwei"."""
    found = sorted(values, key=lambda value: value.start)
    for one, two in itertools.pairwise(found):
        if two.kind != "number" or one.kind not in ("money", "duration", "measure", "percent"):
            continue
        between = text[one.end : two.start]
        if GOES_ON.fullmatch(between) and STOPS.match(text, two.end):
            amount = two.key[0]
            assert isinstance(amount, Decimal)  # noqa: S101 - numbers have no other key
            changed = replace(
                two, kind=one.kind, key=_scaled(text, amount, one), readings=((two.kind, two.key), *two.readings)
            )
            values[values.index(two)] = changed


def _scaled(text: str, amount: Decimal, like: Value) -> Key:
    text = text[like.start : like.end]
    for pattern, kind, unit, factor in UNITS:
        if kind == like.kind and unit == like.key[0] and re.search(rf"{pattern.pattern}$", text):
            return key_of(kind, unit, amount * factor)
    return (like.key[0], plain(amount))


def _hours(value: Value) -> int | None:
    """Minutes of the day, of a plain number up to 24."""
    amount = value.key[0]
    return int(amount * 60) if isinstance(amount, Decimal) and amount <= 24 else None


def key_of(kind: str, unit: str, amount: Decimal) -> Key:
    """A key in which a day of minutes is a day."""
    if kind == "duration" and unit == "minute" and amount and amount % 1440 == 0:
        return ("day", plain(amount / 1440))
    return (unit, plain(amount))
