"""Whether a statement turns its quote round: by negation, opposite words, order, or as stricter or wider."""

import re
from collections.abc import Collection
from typing import Literal

from shared.knowledge import polarity
from shared.knowledge.clauses import Text, near
from shared.knowledge.terms import Terms, content, held


def turned(said: Text, given: Text) -> Literal["contradicted"] | None:
    """Whether a statement says the opposite of its quote, or what its quote leaves open."""
    if "only" in said.marks and "only" not in given.marks:
        return "contradicted"
    if "all" in said.marks and "all" not in given.marks:
        return "contradicted"
    if "except" in given.marks and "except" not in said.marks:
        return "contradicted"
    if "also" in said.marks - given.marks and (given.marks & {"only"} or any(one.negative for one in given.clauses)):
        return "contradicted"
    if polarity.acts(said.folded) == {"city"} and polarity.acts(given.folded) == {"reader"}:
        return "contradicted"
    if _reordered(said.folded, given.folded):
        return "contradicted"
    affirmed, refused = _affirmed(given), _stems(given, "denied")
    lacking = _stems(given, "lacking")
    both = said.language == given.language == "de"
    asserted = frozenset(stem for own in given.clauses if not own.negative for stem in own.words.stems - own.lacking)
    negated = frozenset(stem for own in given.clauses if own.negative for stem in own.words.stems)
    for clause in said.clauses:
        backing = near(clause, given.clauses, said.language)
        absent = clause.denied | clause.lacking
        if both:
            agrees = any(own.negative == clause.negative for own in backing) or any(
                held(stem, lacking | refused if stem in clause.lacking else lacking) for stem in absent
            )
        else:
            agrees = all(own.odd == clause.odd for own in backing)
        if not agrees:
            return "contradicted"
        if len(backing) == 1 and polarity.opposed(clause.poles, backing[0].poles):
            return "contradicted"
        if both:
            positive = clause.words.stems - absent
            if not clause.negative and any(
                (held(stem, refused) or held(stem, lacking)) and not held(stem, affirmed) for stem in positive
            ):
                return "contradicted"
            if any(_inside(stem, asserted) and not held(stem, negated | lacking) for stem in absent):
                return "contradicted"
        marks = frozenset[polarity.Mark]().union(*(own.marks for own in backing)) & {"must", "may", "only"}
        modal = clause.marks & {"must", "may"}
        if modal == {"must"} and marks == {"may"}:
            return "contradicted"
        if (
            both
            and not (clause.negative or clause.values)
            and _PERMITS.search(clause.text)
            and not given.marks & {"may", "must", "only"}
        ):
            return "contradicted"  # nothing in the quote permits it
        if (
            said.language == "de"
            and modal == {"may"}
            and "only" not in clause.marks
            and "must" in marks
            and "may" not in marks
            and not clause.negative
        ):
            return "contradicted"
    if said.language == "de" and not any(clause.negative for clause in said.clauses) and _excepted(said, given):
        return "contradicted"
    return "contradicted" if polarity.opposed(said.poles, given.poles) else None


_CONDITIONS = ("sofern ", "wenn ", "falls ", "soweit ", "solange ", "außer ", "es sei denn")


def _excepted(said: Text, given: Text) -> bool:
    """Whether a positive statement names what the quote only denies: "sofern sie nicht vorgemerkt sind"."""
    for at, clause in enumerate(given.clauses):
        others = [other for number, other in enumerate(given.clauses) if number != at]
        if not clause.negative or not others or not clause.text.startswith(_CONDITIONS):
            continue
        denied = {stem for stem in clause.words.stems if not any(other.words.hold(stem) for other in others)}
        if any(own.words.hold(stem) for own in said.clauses for stem in denied):
            return True
    return False


_PERMITS = re.compile(r"\b(?:darf|dürfen|erlaubt|gestattet|zulässig)\b")


def _inside(stem: str, stems: Collection[str]) -> bool:
    """Held, or a compound with one of the stems in it: fit for what must not be."""
    return held(stem, stems) or any(len(own) >= 4 and own in stem for own in stems)


_ORDER = re.compile(r"\b(?:erst|zuerst|zunächst)\b(.*?)\b(?:dann|danach|anschließend|später)\b(.*)")


def _reordered(said: str, given: str) -> bool:
    """Whether what comes first in the quote comes last in the statement: "erst der Bescheid, dann der Kauf"."""
    one, other = _ORDER.search(said), _ORDER.search(given)
    if one is None or other is None:
        return False
    first, last = (Terms(part) for part in other.groups())
    straight = sum(first.has(word) for word in content(one[1])) + sum(last.has(word) for word in content(one[2]))
    turned = sum(last.has(word) for word in content(one[1])) + sum(first.has(word) for word in content(one[2]))
    return turned >= straight


def _stems(side: Text, what: Literal["denied", "lacking"]) -> frozenset[str]:
    return frozenset(stem for clause in side.clauses for stem in getattr(clause, what))


def _affirmed(side: Text) -> frozenset[str]:
    """What a text names without denying it."""
    return frozenset(stem for own in side.clauses for stem in own.words.stems - own.denied - own.lacking)
