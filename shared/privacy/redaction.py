"""Personal data out of a text, a placeholder in its place."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from shared.privacy.addresses import addresses
from shared.privacy.contacts import contacts
from shared.privacy.dates import birth_dates
from shared.privacy.kinds import PLACEHOLDERS, Kind, Span
from shared.privacy.lexicon import common
from shared.privacy.names import WORD, Names
from shared.privacy.numbers import numbers
from shared.privacy.persons import persons
from shared.privacy.spelling import latin, plain

_CODED: Final = frozenset({"phone", "iban", "tax_id", "id_card", "case_number", "number"})
_HANGS_BEFORE: Final = re.compile(r"(?<!\w)(?:[A-Z0-9]{1,6}[-/._]){1,4}\Z|(?<![\w.,])\d[\d./-]{0,12}\Z")
_HANGS_AFTER: Final = re.compile(r"(?:[-/._]?[A-Za-z0-9]*\d[A-Za-z0-9]*){1,4}(?!\w)")


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text that a model may see, and how many data of a kind were taken out of it."""

    text: str
    found: Mapping[Kind, int]


class Redactor:
    """Takes personal data out of the texts of one ticket.

    ``names`` and ``emails`` are what is known of the people in it; each is found whole and in parts, in any spelling.
    A name that one text tells (a greeting, a signature) is found in the next texts, too.
    """

    def __init__(self, *, names: Iterable[str] = (), emails: Iterable[str] = ()) -> None:
        self._names = Names([plain(name) for name in names], [plain(email) for email in emails])

    def redact(self, text: str) -> Redacted:
        """The text with placeholders, and as it is read: without invisible letters, digits in ASCII."""
        shown = plain(text)
        seen = latin(shown)
        spans = [*contacts(shown, seen), *numbers(shown, seen), *birth_dates(shown), *addresses(shown)]
        spans += self._learned(shown)
        spans += self._names.find(shown)
        if seen != shown:
            spans += self._names.find(seen)
        kept = _merged(_whole(seen, span) for span in spans)
        parts: list[str] = []
        at = 0
        for span in kept:
            parts += [shown[at : span.start], PLACEHOLDERS[span.kind]]
            at = span.end
        return Redacted("".join([*parts, shown[at:]]), dict(Counter(span.kind for span in kept)))

    def learn(self, text: str) -> None:
        """Take in the names that a text tells, so that they are found in the texts that are redacted after it."""
        self._learned(plain(text))

    def _learned(self, shown: str) -> list[Span]:
        spans = list(persons(shown))
        for span in spans:
            for word in WORD.findall(shown, span.start, span.end):
                if len(word) >= 3 and not word.islower() and not common(word):
                    self._names.add(word, phrase=False)
            if len(words := WORD.findall(shown, span.start, span.end)) > 1:
                self._names.add_joined(words)
        return spans


def _whole(text: str, span: Span) -> Span:
    """A number with the letters and digits that hang on it: "33-FE-2026-004711"."""
    if span.kind not in _CODED:
        return span
    before = _HANGS_BEFORE.search(text, max(0, span.start - 24), span.start)
    after = _HANGS_AFTER.match(text, span.end)
    return span._replace(start=before.start() if before else span.start, end=after.end() if after else span.end)


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Spans that do not overlap, in order; the longer one says which kind it is."""
    found: list[Span] = []
    for span in sorted(span for span in spans if span.end > span.start):
        if not found or span.start >= found[-1].end:
            found.append(span)
            continue
        last = found.pop()
        longer = max(last, span, key=lambda one: one.end - one.start)
        found.append(Span(last.start, max(last.end, span.end), longer.kind))
    return found
