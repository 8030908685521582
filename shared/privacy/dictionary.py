"""Words of whole languages, so that what is no word can be told: a rare name is in none of them."""

from functools import cache
from typing import Any, Final

from simplemma.strategies.dictionaries.dictionary_factory import SUPPORTED_LANGUAGES
from simplemma.strategies.dictionaries.stream_dictionary_factory import StreamDictionaryFactory

from shared.knowledge.german import FUNCTION_WORDS
from shared.privacy.families import listed_family
from shared.privacy.lexicon import given_name

# Languages of which nearly every form of every word is listed; elsewhere a word that is not may be one.
COMPLETE: Final = frozenset({"de", "en"})
_KEPT: Final = 16  # languages; 2 to 20 MB each
LONGEST: Final = 40  # characters of a word
_dictionaries: Final = StreamDictionaryFactory(cache_max_size=_KEPT)


@cache
def _words(language: str) -> Any:
    return _dictionaries.get_dictionary(language) if language in SUPPORTED_LANGUAGES else {}


def ordinary(word: str, language: str) -> bool:
    """Whether a word is one of the language, and not one that people are called by.

    Written small, a word that is a name, too, is the word ("lang", "koch"), unless it is written large as a word
    ("müller"); written large, it may be the name.
    """
    if len(word) > LONGEST:
        return False
    known, small = _words(language), word.lower()
    if small in FUNCTION_WORDS or (word == small and small in known):
        return True
    return (small in known or small.capitalize() in known or word in known) and not named(word)


def named(word: str) -> bool:
    """Whether people are called so, be it a word or not."""
    return given_name(word) or listed_family(word)
