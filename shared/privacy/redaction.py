"""Personal data out of a text, a placeholder in its place."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shared.privacy.kinds import PLACEHOLDERS, Kind


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text that a model may see, and how many data of a kind were taken out of it."""

    text: str
    found: Mapping[Kind, int]


class Redactor:
    """Takes personal data out of the texts of one ticket.

    ``names`` and ``emails`` are what is known of the people in it; each is found whole and in parts, in any spelling.
    """

    def __init__(self, *, names: Iterable[str] = (), emails: Iterable[str] = ()) -> None:
        words = [name for name in names if name.strip()] + [email for email in emails if email.strip()]
        self._known = re.compile("|".join(map(re.escape, sorted(words, key=len, reverse=True))) or r"(?!)", re.I)

    def redact(self, text: str, language: str = "de") -> Redacted:
        """The text with placeholders; ``language`` is the one it is probably written in."""
        found: Counter[Kind] = Counter()

        def placed(match: re.Match[str]) -> str:
            kind: Kind = "email" if "@" in match.group() else "name"
            found[kind] += 1
            return PLACEHOLDERS[kind]

        return Redacted(self._known.sub(placed, text), dict(found))
