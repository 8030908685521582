"""What bounds a value: "mindestens", "bis", the ends of a range, "zwei Wochen vor"."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace

from shared.knowledge.notation import AFTER, AND, BEFORE, BETWEEN, COMPARED, HEAD, LOOSE, NOT, RANGE, TAIL
from shared.knowledge.values import Bound, Folded, Value


class Bounds:
    """Places the values of one text among the words around them."""

    def __init__(self, folded: Folded) -> None:
        self._folded = folded
        self._text = folded.text

    def ranged(self, found: list[Value]) -> Iterator[Value]:
        ranges: dict[int, int] = {}
        for at, (one, two) in enumerate(itertools.pairwise(found)):
            if one.kind != two.kind or one.kind in ("law", "weekday", "link", "code", "phone"):
                continue
            between = self._text[one.end : two.start]
            if RANGE.fullmatch(between) or (AND.fullmatch(between) and self._between(one.start, two.end)):
                ranges[at] = ranges[at + 1] = at
        for at, value in enumerate(found):
            if at in ranges:
                bound: Bound = "up" if ranges[at] == at else "down"
                yield replace(value, range=ranges[at], bound=bound)
            else:
                yield value

    def _between(self, start: int, end: int) -> bool:
        head = re.sub(r"[€$£]\s?$", "", self._text[:start])
        return BETWEEN.search(head) is not None or re.match(r"\w* (?:arası|arasında)", self._text[end:]) is not None

    def placed(self, value: Value) -> Value:
        if value.range < 0 and value.kind not in ("link", "code", "phone", "law", "weekday", "rate"):
            value = self._bounded(value)
        if value.kind in ("duration", "measure"):
            if BEFORE.match(self._text, value.end):
                value = replace(value, side="before")
            elif AFTER.match(self._text, value.end):
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
        for bound, pattern in TAIL.items():
            if (found := pattern.search(head)) and (best is None or found.start() < best[0]):
                best = (found.start(), _bound(bound), found.group())
        if best is not None:
            at, bound_, words = best
            turned = NOT.search(head, 0, at) if COMPARED.match(words) else None
            if turned:
                flipped: Bound = "down" if bound_ == "up" else "up"
                return replace(value, begin=start + turned.start(), bound=flipped)
            return replace(value, begin=start + at, bound=bound_, loose=LOOSE.match(words) is not None)
        for bound, pattern in HEAD.items():
            if found := pattern.match(self._text, value.end):
                return replace(value, bound=_bound(bound), last=found.end())
        return value


def _bound(name: str) -> Bound:
    return name  # type: ignore[return-value]
