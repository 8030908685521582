"""German analysis: words become stems, and 4- and 5-grams that open compounds.

Milvus Lite knows no stemmer and no German, so the terms are made here and written into text fields of
plain letters and digits, which its ``standard`` analyzer (and Milvus's) only splits at blanks.
"""

import re
import threading
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

import Stemmer

_WORD = re.compile(r"[^\W_]+")
_UMLAUTS = str.maketrans({"ä": "a", "ö": "o", "ü": "u", "ß": "ss"})
# The edge of a word inside a gram: a letter to the analyzer, and one that no text here uses.
EDGE = "\u01c0"
_WHOLE = 3  # shorter words are one gram
_local = threading.local()

# Words that say nothing of what is sought; they are left out of queries and never highlighted.
_FUNCTION_WORDS = """
aber alle allem allen aller alles als also am an auch auf aus bei beim bin bis bist da dabei damit dann
das dass dein deine dem den denn der deren des dessen dich die dies diese diesem diesen dieser dieses dir
doch dort du durch ein eine einem einen einer eines er es etwas euch euer für gibt habe haben hast hat
hatte hier hin ich ihm ihn ihnen ihr ihre ihrem ihren ihrer im in ins ist ja jede jedem jeden jeder jedes
kann kein keine keinen keiner können könnt man mein meine meinem meinen meiner mich mir mit möchte muss
müssen nach nicht noch nun nur ob oder ohne sehr sein seine seinem seinen seiner sich sie sind so soll
sollen sollte um und uns unser unsere vom von vor wann war warum was wegen weil welche welchem welchen
welcher welches wenn wer werde werden wie wieder will wir wird wo wohin worden wurde würde zu zum zur
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())


class Word(NamedTuple):
    """One word of a text; ``start`` and ``end`` are code points."""

    start: int
    end: int
    text: str  # lower case


def words(text: str) -> Iterator[Word]:
    """The words of a text, letters and digits only."""
    for found in _WORD.finditer(text):
        yield Word(found.start(), found.end(), found.group().lower())


def has_words(text: str) -> bool:
    """Whether there is anything to search by in a text."""
    return _WORD.search(text) is not None


def stem(word: str) -> str:
    """The German stem of a lower-case word."""
    stemmer = getattr(_local, "stemmer", None)
    if stemmer is None:  # one a thread: a stemmer is not safe to share
        stemmer = _local.stemmer = Stemmer.Stemmer("german")
    return str(stemmer.stemWord(word))


def stems(text: str, *, query: bool = False) -> str:
    """The text as stems, blank-separated; a query without function words (unless it has no other)."""
    return " ".join(stem(word) for word in _chosen(text, query))


def grams(text: str, *, query: bool = False) -> str:
    """The text as 4- and 5-grams of its words, umlauts folded, blank-separated."""
    return " ".join(gram for word in _chosen(text, query) for gram in _grams(word))


def _chosen(text: str, query: bool) -> list[str]:
    everything = [word.text for word in words(unicodedata.normalize("NFKC", text))]
    if not query:
        return everything
    return [word for word in everything if word not in FUNCTION_WORDS] or everything


def folded(word: str) -> str:
    """A lower-case word without umlauts, as stems are written."""
    return word.translate(_UMLAUTS)


def _grams(word: str) -> Iterator[str]:
    edged = EDGE + folded(word) + EDGE
    if len(edged) <= _WHOLE + 2:
        yield edged
        return
    for size in (4, 5):
        for start in range(len(edged) - size + 1):
            yield edged[start : start + size]
