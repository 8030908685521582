"""A model's statements, read out of its stream."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

_OBJECT = 4_000  # characters of one object that a model writes


@dataclass(frozen=True, slots=True)
class Draft:
    """A statement as a model wrote it, unchecked."""

    statement: str
    passage: int
    quote: str


class Reader:
    """Reads a model's objects out of its stream, each as soon as it is closed, whatever stands around them."""

    def __init__(self) -> None:
        self._text = ""
        self._at = 0  # up to where it was read
        self._open: list[int] = []  # where the objects that are open began
        self._string = False

    def feed(self, piece: str) -> Iterable[Draft]:
        """The statements that this piece of the stream completes."""
        self._text += piece
        found: list[Draft] = []
        while self._at < len(self._text):
            letter = self._text[self._at]
            if self._string and letter == "\\":
                if self._at + 1 == len(self._text):
                    break  # what is escaped is still to come
                self._at += 1
            elif letter == '"':
                self._string = bool(self._open) and not self._string
            elif not self._string and letter == "{":
                self._open.append(self._at)
            elif not self._string and letter == "}" and self._open:
                found += _drafts(self._text[self._open.pop() : self._at + 1])
            self._at += 1
        self._forget()
        return found

    def _forget(self) -> None:
        start = self._open[0] if self._open else len(self._text)
        if self._open and self._at - self._open[-1] > _OBJECT:
            # Never closed, so no object: go on after it.
            start, self._open, self._string = self._at, [], False
        self._text, self._at = self._text[start:], self._at - start
        self._open = [place - start for place in self._open]


def _drafts(text: str) -> list[Draft]:
    try:
        found = json.loads(text, strict=False)
        statement, passage, quote = found["statement"], found["passage"], found["quote"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []
    if not isinstance(statement, str) or not isinstance(quote, str) or isinstance(passage, (bool, float)):
        return []
    number = str(passage).strip("[]() ")
    return [Draft(statement, int(number), quote)] if number.isdecimal() and len(number) < 4 else []
