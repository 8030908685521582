"""Which words are family names where they are written small: after a given name, after "frau" and "ich heiße"."""

import re
from functools import cache
from importlib import import_module
from typing import Final

from shared.knowledge.german import FUNCTION_WORDS
from shared.privacy.lexicon import LOCALES, common, words
from shared.privacy.spelling import key

_LATIN: Final = re.compile(
    r"..(?:m[ae]nn|m[ea][iy]er|hof+|hofer|bauer|berge?r?|stein|ba(?:ch|eck)|burg|feld|feldt|dorff?|kamp|bec?k|brin(?:k|g)"
    r"|ling|witz|ow|sk[iay]|[cw]i?cz|czyk|czak|enko|chuk|czuk|ov|ova|oviç|oğlu|oglu|[aei]k|[ck]e|o?vi[cć]|[nrk]sen"
    r"|escu|eanu|[ae]oui|awi|[aei]ni|ali|eddine|allah|zadeh|yan|idis|poulos|oğulları|[^ei]er|ier|ić)$"
)
_CYRILLIC: Final = re.compile(
    r"..(?:енк[оау]|[чщ]ук[ау]?|сь?к(?:ий|ого|ому|а|ої|у|ая|ой)|[ое]в(?:а|у|ої|ой|ым|им)?|.[иі]н(?:а|у|ої|ой)|ець"
    r"|вич[ау]?|[іїое]вн(?:а|и|у|ою|ой|е)|юк[ау]?|[аяи]к)$"
)
# What may stand behind a given name that is written small, and ends like a family name.
_NONE: Final = words(
    """
    immer wieder unter über aber leider bisher später besser früher weiter hier oder der er wer ihr mehr sehr ander
    never ever after under over other another later either whether however together number danke bitte gerne keine eine
    seine meine ihre viele alle erst schon jetzt heute morgen selbst like take make because speak week ask back
    лише також наразі теж готов здоров який яка яке так як новий нова мав має ще вже тільки дуже
    зараз хоче треба без при
    für için ile ama çok gerek erkek küçük büyük bebek olarak artık ancak evlenecek gelecek gidecek
    """
)
# What follows "mein Name ist", "frau", "mein Baby" and is no name either.
_TOLD: Final = words(
    """
    falsch richtig anders immer noch nicht nun jetzt leider auch schon mal sowieso bekannt heute gestern morgen damals
    selbst sofort dort dann danach wieder oft nie kein keine krank gesund klein groß neu alt wichtig vom beim zum zur
    spelled spelt wrong misspelled changed not also still never always just now only already who which that then today
    weiß will kann mag darf soll muss lang kurz hart stark still frei
    soon currently really often both and the a an on in at of for with from but mal écrit pas aussi toujours déjà bien
    """
)
_VERBAL: Final = re.compile(r"(?:[^d]t|te|ten|test|st|e[lr]?n|nd|ed|ing|ly|s)$")


def family(word: str) -> bool:
    """Whether a word is a family name that many bear, or ends like one."""
    small = word.casefold()
    if len(word) < 3 or small in FUNCTION_WORDS or small in _NONE or small in _TOLD or common(word):
        return False
    return key(word) in _family_names() or (len(word) >= 5 and bool(_LATIN.search(small) or _CYRILLIC.search(small)))


def nameable(word: str) -> bool:
    """Whether a word that is written small can be a name where one is due: no verb, no word of every sentence."""
    small = word.casefold()
    if len(word) < 3 or small in FUNCTION_WORDS or small in _NONE or small in _TOLD or common(word):
        return False
    return _VERBAL.search(small) is None or family(word)


def listed_family(word: str) -> bool:
    """Whether many bear it as their family name, even where it is a word, too ("Koch")."""
    return key(word) in _family_names()


@cache
def _family_names() -> frozenset[str]:
    """As ``key`` writes them, four letters or longer; from the lists of ``faker``."""
    found: set[str] = set()
    for locale in LOCALES.split():
        provider = import_module(f"faker.providers.person.{locale}").Provider
        for attribute in dir(provider):
            listed = getattr(provider, attribute)
            if attribute.startswith("last_name") and not callable(listed):
                for name in listed:
                    found.update(key(part) for part in re.split(r"[\s-]+", name) if len(part) >= 4)
    return frozenset(found)
