"""Which language a query is in. Short German queries are taken for many a language, so doubt means German."""

import unicodedata
from functools import cache
from typing import Any

from shared.knowledge import german

GERMAN = "de"
# Function words that other languages write alike ("in", "die", "was").
_SHARED_WORDS = "alle am an bin da das den des die dies du er es hat in ins ja man mit nun nur so um war was"
_SHARED = frozenset(_SHARED_WORDS.split())
_LONG = 12  # words from which the detector is right even where it is not sure
_SURE = 3  # words from which the detector is believed


def of_query(text: str) -> str:
    """BCP 47 tag of a query's language; German unless it is clearly another."""
    if _foreign_script(text):  # a German street's name, or a plate's, makes no German of it
        found = _detector().detect_details(text)
        return "und" if found.language == GERMAN else str(found.language)
    words = [word.text for word in german.words(text)]
    if len(words) >= _LONG:
        return of_text(text)
    if len(words) < _SURE or any(word in german.FUNCTION_WORDS and word not in _SHARED for word in words):
        return GERMAN
    found = _detector().detect_details(text)
    return str(found.language) if found.reliable and found.language != "und" else GERMAN


def of_text(text: str) -> str:
    """BCP 47 tag of a sentence; German unless it is clearly another."""
    if _foreign_script(text):
        return of_query(text)
    found = _detector().detect_details(text)
    long = sum(1 for _ in german.words(text)) >= _LONG
    return str(found.language) if found.language != "und" and (found.reliable or long) else GERMAN


def _foreign_script(text: str) -> bool:
    letters = [letter for letter in text if letter.isalpha()]
    latin = sum(unicodedata.name(letter, "").startswith("LATIN") for letter in letters)
    return bool(letters) and latin * 2 < len(letters)


@cache
def _detector() -> Any:
    import eldc

    eldc.init()
    return eldc
