"""By what words questions, wishes and moods are known: ``wishes.yaml``, a list of expressions a language and kind."""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

from ruamel.yaml import YAML

from shared.errors import StadtfunkError
from shared.knowledge.language import GERMAN

_FILE: Final = Path(__file__).with_name("wishes.yaml")
KINDS: Final = ("hello", "asks", "wish", "again", "plea", "away", "human", "complaint", "threat", "deadline")


class Wording:
    """The expressions of some languages together."""

    def __init__(self, languages: Iterable[str]) -> None:
        found = [read()[language] for language in dict.fromkeys(languages) if language in read()]
        self._patterns = {
            kind: re.compile(rf"(?<!\w)(?:{'|'.join(one for words in found for one in words[kind])})", re.IGNORECASE)
            for kind in KINDS
        }

    def has(self, kind: str, text: str) -> bool:
        """Whether a text has words of a kind."""
        return self._patterns[kind].search(text) is not None

    def begins(self, kind: str, text: str) -> bool:
        """Whether it begins with them."""
        return self._patterns[kind].match(text) is not None

    def after(self, kind: str, text: str) -> int:
        """Where a text goes on after such words at its begin; 0 where it does not begin so."""
        found = self._patterns[kind].match(text)
        return found.end() if found else 0


@cache
def wording(language: str) -> Wording:
    """A letter's language with German; all of them where it has none of its own here."""
    return Wording([language, GERMAN] if language in read() else list(read()))


@cache
def read(file: Path = _FILE) -> dict[str, dict[str, list[str]]]:
    """The expressions of a file by language and kind.

    Raises:
        StadtfunkError: a kind is missing or unknown, or an expression is none; names file, language and kind.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for language, kinds in YAML(typ="safe").load(file).items():
        if set(kinds) != set(KINDS):
            raise StadtfunkError(f"{file}: {language}: has to have {', '.join(KINDS)}")
        found[language] = {kind: text.strip().split("\n") for kind, text in kinds.items()}
        for kind, expressions in found[language].items():
            for expression in expressions:
                try:
                    re.compile(expression)
                except re.error as error:
                    raise StadtfunkError(f"{file}: {language}: {kind}: {expression}: {error}") from None
    return found
