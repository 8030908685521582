"""How much of a concern's own words a document has: long ones say more, as they are rarer, and compounds open."""

import re
from typing import Final

from shared.knowledge import german

_PLACEHOLDER: Final = re.compile(r"\[[A-ZÄÖÜ][\w-]{1,20}\]")
_LEAST: Final = 3  # letters of a word that says anything
_LONG: Final = 12  # letters from which a word says no more
_BEGINS: Final = 4  # letters of a stem that may begin a longer word
_COMPOUND: Final = 8
_PART: Final = 5
_OPENED: Final = 0.6  # of a compound's letters that have to be in parts
_PARTLY: Final = 0.5  # what parts are worth


def folded(text: str) -> str:
    """A document's words as they are looked for."""
    return f" {' '.join(word.text for word in german.words(german.folded(text.lower())))} "


def share(asked: str, said: str) -> float:
    """The share of the words of ``asked`` that stand in ``said`` (as ``folded`` makes it), 0 to 1."""
    whole = found = 0.0
    for word in dict.fromkeys(word.text for word in german.words(_PLACEHOLDER.sub(" ", asked))):
        if len(word) < _LEAST or word in german.FUNCTION_WORDS or word.isdigit():
            continue
        weight = min(len(word), _LONG) - _LEAST + 1
        whole += weight
        found += weight * _stands(word, said)
    return found / whole if whole else 0.0


def _stands(word: str, said: str) -> float:
    stem = german.folded(german.stem(word))
    if (f" {stem}" if len(stem) >= _BEGINS else f" {stem} ") in said:
        return 1.0
    letters = german.folded(word)[:60]
    if len(letters) < _COMPOUND:
        return 0.0
    opened = min(1.0, (_first(letters, said) + _first(letters, said, last=True)) / len(letters))
    return _PARTLY * opened if opened >= _OPENED else 0.0


def _first(letters: str, said: str, *, last: bool = False) -> int:
    """How many of the first (or last) letters stand in a text together; 0 for few."""
    size = _PART - 1
    while size < len(letters) - 1 and (letters[-size - 1 :] if last else letters[: size + 1]) in said:
        size += 1
    return size if size >= _PART else 0
