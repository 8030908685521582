"""Whether the values of a statement are those of its quote, and of the same case: "unter 24 Jahren 37 Euro" is none."""

from collections.abc import Collection
from typing import Literal

from shared.knowledge import values
from shared.knowledge.clauses import Clause, Text, direction, identity
from shared.knowledge.values import Value

_EXACT_IN_RANGE = ("money", "percent", "duration", "measure", "number")


def stated(said: Text, given: Text) -> Literal["value", "contradicted"] | None:
    """Whether a value is not the quote's, or is bounded otherwise."""
    for value in said.values:
        same = [other for other in given.values if values.matches(value, other)]
        if not same:
            return "value"
        if not any(_bounds_agree(value, other) for other in same):
            return "contradicted"
    return None


def _bounds_agree(stated: Value, given: Value) -> bool:
    if stated.side and given.side and stated.side != given.side:
        return False
    if stated.kind in ("date", "time"):
        return (
            not (stated.bound and given.bound) or stated.bound == given.bound or "within" in (stated.bound, given.bound)
        )
    if given.range >= 0 and stated.range < 0 and not stated.bound and stated.kind in _EXACT_IN_RANGE:
        return False
    if not stated.bound or stated.bound == given.bound:
        return True
    if not given.bound:
        return stated.bound == "within" or stated.loose
    return "up" not in (stated.bound, given.bound)


def swapped(said: Text, given: Text) -> Literal["swapped"] | None:
    """Values and words of different cases of the quote, stated as one: "unter 24 Jahren 37 Euro"."""
    cases = given.segments
    for segment in said.segments:
        own = [value for value in segment.values if value.kind != "rate"]  # "im Jahr" holds for later cases too
        if not own or len(cases) < 2:
            continue
        stated = [value for value in own if _alternatives(value.kind, cases) > 1]
        fitting = [at for at, case in enumerate(cases) if all(_given(value, case) for value in stated or own)]
        if not stated:
            if fitting and said.language == "de" and all(_of_sibling(segment, at, cases) for at in fitting):
                return "swapped"
        elif not any(_told_apart(segment, stated, at, cases, said.language) for at in fitting):
            return "swapped"
    return None


def _given(value: Value, case: Clause) -> bool:
    return any(values.matches(value, own) and _bounds_agree(value, own) for own in case.values)


def _of_sibling(segment: Clause, at: int, cases: list[Clause]) -> bool:
    """Whether words are those of a like case, not of the one that has the value: "die graue Tonne" for the yellow."""
    mine = cases[at].words
    for number, case in enumerate(cases):
        if number == at or not mine.stems & case.words.stems:
            continue
        if any(segment.words.hold(stem) for stem in case.words.stems if not mine.hold(stem)):
            return True
    return False


def _of_other(segment: Clause, at: int, cases: list[Clause]) -> bool:
    """Whether a value is stated with the nouns of another case, and with none of its own."""
    mine = [word for word in cases[at].words.content if word.noun]
    if not mine or any(segment.words.has(word) for word in mine):
        return False
    return any(
        segment.words.has(word) and not cases[at].words.has(word)
        for number, case in enumerate(cases)
        if number != at
        for word in case.words.content
        if word.noun
    )


def _alternatives(kind: str, cases: list[Clause]) -> int:
    """How many cases state different values of a kind."""
    found = {frozenset(identity(value) for value in case.values if value.kind == kind) for case in cases}
    return len(found - {frozenset()})


def _rates(case: Clause) -> frozenset[object]:
    return frozenset(identity(value) for value in case.values if value.kind == "rate")


def _told_apart(segment: Clause, stated: list[Value], at: int, cases: list[Clause], language: str) -> bool:
    """Whether the statement's words belong to this case and to no other one."""
    rated = len({_rates(case) for case in cases} - {frozenset()}) > 1  # else "im Jahr" holds for every case
    keys = [case.keys | _rates(case) if rated else case.keys for case in cases]
    mine = keys[at]
    elsewhere = frozenset(key for number, case in enumerate(keys) if number != at for key in case)
    # What the first case says holds for the later ones too ("kostet für Erwachsene 5 Euro, für Kinder 2 Euro").
    later = frozenset(key for number, case in enumerate(keys) if number not in (0, at) for key in case) - mine
    first: frozenset[object] = frozenset()
    if at:
        opposite = {(pair, 1 - side) for pair, side in cases[at].poles}
        values_of_first = {identity(value) for value in cases[0].values if value.kind != "rate" or rated}
        first = (cases[0].poles & opposite) | (values_of_first - mine)
    if _hits(segment, later | first, language) or (language == "de" and _of_other(segment, at, cases)):
        return False
    # Two values of one case tell it; one needs the words that go with it.
    if len(stated) > 1 or (at == 0 and language == "de"):
        return True
    answers = {identity(own) for own in cases[at].values if any(values.matches(value, own) for value in stated)}
    return _hits(segment, mine - elsewhere - answers, language)


def _hits(segment: Clause, keys: Collection[object], language: str) -> bool:
    poles = segment.poles | {(*meaning, direction(value)) for value in segment.values for meaning in value.meanings()}
    if any(key in poles for key in keys):
        return True
    if language != "de":
        return False
    return any(isinstance(key, str) and segment.words.hold(key) for key in keys)
