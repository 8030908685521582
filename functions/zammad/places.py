"""Whether a question is about another place: the same matter is there, but not with this city.

A place is known by how it is spoken of ("in Brenkau", "Brenkau'da"), and counts where a letter names it again and the
page that would answer does not. Countries are no cities: a page on travelling answers for Japan, too.
"""

import re
from collections.abc import Iterator
from typing import Final

_AT: Final = re.compile(
    r"(?<!\w)(?:in|aus|von|bei|nach|für|stadt|gemeinde|rathaus|at|from|of|for|city|town|à|de|ville|w|z|у|в|з|із|місті)"
    r"\s+([^\W\d_][\w-]{3,})",
    re.IGNORECASE,
)
_SUFFIXED: Final = re.compile(r"(?<!\w)([^\W\d_]\w{3,})['’](?:[dt][ae]n?|n?[ıiuü]n|y?[ae])(?!\w)")
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


def elsewhere(asked: str, letter: str, answering: str, home: str) -> bool:
    """Whether a question (of this letter) is about a place that is neither home nor named by what would answer."""
    known = f"{answering}\n{home}".casefold()
    return any(
        place.casefold() not in known
        and place.casefold() not in _KNOWN
        and len(re.findall(rf"(?<!\w){re.escape(place)}", letter)) >= _TWICE
        for place in _places(asked)
    )


def _places(text: str) -> Iterator[str]:
    for found in (*_AT.finditer(text), *_SUFFIXED.finditer(text)):
        if found[1][:1].isupper():
            yield found[1]
