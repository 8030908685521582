"""Whether a question is about another place: the same matter is there, but not with this city.

A place is known by how it is spoken of ("in Brenkau", "Brenkau'da"), and counts where a letter names it again and the
page that would answer does not. Countries are no cities: a page on travelling answers for Japan, too.
"""

import re
import unicodedata
from typing import Final

from shared.knowledge.language import GERMAN
from shared.privacy.dictionary import ordinary

_AT: Final = re.compile(
    r"(?<!\w)(?:in|aus|von|nach|stadt|gemeinde|rathaus|at|from|of|city|town|à|de|ville|w|z|у|в|з|із|місті)"
    r"\s+([^\W\d_][\w-]{3,})",
    re.IGNORECASE,
)
_SUFFIXED: Final = re.compile(r"(?<!\w)([^\W\d_]\w{3,})['’](?:[dt][ae]n?|n?[ıiuü]n|y?[ae])(?!\w)")
# An office there: said once, it is clear.
_OFFICE: Final = re.compile(
    r"(?<!\w)(?:stadt|gemeinde|rathaus|bürgerbüro|bürgeramt|standesamt|landratsamt|einwohnermeldeamt|meldeamt"
    r"|zulassungsstelle|führerscheinstelle|stadtverwaltung|town hall|city hall|mairie|belediyesi)\s+"
    r"(?:(?:in|von|der|of|de|à|zu)\s+){0,2}([^\W\d_][\w-]{3,})",
    re.IGNORECASE,
)
_LAST: Final = re.compile(r"(?<=\s)([^\W\d_][\w-]{3,})\W*$")
_TWICE: Final = 2
# What is spoken of alike and is no city: countries, languages, manners.
_COUNTRIES: Final = """
deutschland österreich schweiz türkei ukraine russland polen frankreich italien spanien portugal griechenland rumänien
bulgarien kroatien serbien ungarn tschechien niederlande belgien dänemark schweden norwegen finnland irland england
großbritannien schottland usa amerika kanada mexiko brasilien argentinien japan china indien thailand vietnam indonesien
australien neuseeland ägypten marokko tunesien südafrika syrien irak iran afghanistan europa asien afrika
germany austria switzerland turkey russia poland france italy spain greece romania hungary netherlands belgium denmark
sweden norway finland ireland scotland america canada mexico brazil india australia egypt morocco
almanya türkiye ukrayna fransa italya ispanya allemagne turquie suisse pologne espagne italie russie maroc
німеччині німеччини україні україни туреччині польщі
deutsch englisch französisch türkisch arabisch ukrainisch russisch papierform raten english german french turkish arabic
ukrainian russian paper cash
"""
_KNOWN: Final = frozenset(_COUNTRIES.split())


def elsewhere(asked: str, subject: str, body: str, answering: str, home: str) -> bool:
    """Whether a question is about a place that is neither home nor named by what would answer.

    ``subject`` and ``body`` are its letter's; a subject that ends with a place says whose matter the letter is.
    """
    known = f"{answering}\n{home}".casefold()
    letter = f"{subject}\n{body}"
    if any(_other(found[1], known) for found in _OFFICE.finditer(asked)):
        return True
    places = [found[1] for found in (*_AT.finditer(asked), *_SUFFIXED.finditer(asked))]
    if (last := _LAST.search(subject)) and any(found[1] == last[1] for found in _AT.finditer(body)):
        places.append(last[1])
    return any(
        _other(place, known) and len(re.findall(rf"(?<!\w){re.escape(place)}", letter)) >= _TWICE for place in places
    )


def without_places(text: str) -> str:
    """A text without what are places by how they are spoken of and by no dictionary: what is sought is the matter."""
    strange = {found[1] for found in (*_AT.finditer(text), *_OFFICE.finditer(text), *_SUFFIXED.finditer(text))}
    strange = {word for word in strange if word[:1].isupper() and not ordinary(word, GERMAN)}
    return re.sub(rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(strange)))})", "", text) if strange else text


def _other(place: str, known: str) -> bool:
    """Whether a word is the name of a place in Latin letters, and of none that is known."""
    name = place.casefold()
    latin = all("LATIN" in unicodedata.name(letter, "") for letter in place if letter.isalpha())
    return place[:1].isupper() and latin and name not in known and name not in _KNOWN
