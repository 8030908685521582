"""Words of whole languages, so that what is no word can be told: a rare name is in none of them."""

from functools import cache
from typing import Any, Final

from faker.providers.address.de_DE import Provider as Addresses
from simplemma.strategies.dictionaries.dictionary_factory import SUPPORTED_LANGUAGES
from simplemma.strategies.dictionaries.stream_dictionary_factory import StreamDictionaryFactory

from shared.knowledge.german import FUNCTION_WORDS
from shared.knowledge.language import GERMAN
from shared.privacy.families import listed_family
from shared.privacy.lexicon import common, given_name

# Languages of which nearly every form of every word is listed; elsewhere a word that is not may be one.
COMPLETE: Final = frozenset({"de", "en"})
_KEPT: Final = 16  # languages; 2 to 20 MB each
LONGEST: Final = 40  # characters of a word
# Endings of a noun that is used in more than one number or case; a name has none but that of the genitive.
_ENDINGS: Final = ("e", "en", "n", "es", "er", "ern", "nen", "se", "sen")
_UMLAUTS: Final = str.maketrans("aouAOU", "äöüÄÖÜ")
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
    if named(word):
        return False
    return small in known or any(one in known and _noun(one, language) for one in (word, small.capitalize()))


def _noun(word: str, language: str) -> bool:
    """Whether a word that stands in the dictionary with a capital is declined, or else known to be no name.

    The dictionary of German holds names of the whole world ("Jamal"), each alone or with a genitive.
    """
    if language != GERMAN or common(word) or word in _countries():
        return True
    known = _words(language)
    base = known.get(word, word)
    if base != word and base + "s" != word:
        return True  # "Häuser"
    stems = {base, *(base[:at] + base[at].translate(_UMLAUTS) + base[at + 1 :] for at in range(1, len(base)))}
    return any(
        known.get(stem + ending) == base for stem in stems for ending in ("", *_ENDINGS) if stem + ending != base
    )


@cache
def _countries() -> frozenset[str]:
    return frozenset(Addresses.countries)


def named(word: str) -> bool:
    """Whether people are called so, be it a word or not."""
    return given_name(word) or listed_family(word)
