"""How much of a text's words each of some collections of texts has: BM25 by stems, rare words count more.

A small model takes "Köter" for no dog; a collection in which citizens say it does.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.knowledge import german

_FREQUENCY: Final = 1.0  # BM25's k1
_LENGTH: Final = 0.5  # its b
_ENOUGH: Final = 8.0  # from which the best collection's words say as much as words can
_LEAST: Final = 3  # letters of a word that says anything


class Lexicon:
    """Collections by their words."""

    def __init__(self, collections: Sequence[Iterable[str]]) -> None:
        counts = [Counter(stem for text in texts for stem in set(_stems(text))) for texts in collections]
        size = np.array([sum(count.values()) for count in counts], float)
        length = 1 - _LENGTH + _LENGTH * size / max(size.mean(), 1.0)
        having = Counter(stem for count in counts for stem in count)
        found: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
        for place, count in enumerate(counts):
            for stem, times in count.items():
                rarity = np.log1p((len(counts) - having[stem] + 0.5) / (having[stem] + 0.5))
                worth = times * (_FREQUENCY + 1) / (times + _FREQUENCY * length[place])
                found[stem].append((place, float(rarity * worth)))
        self._count = len(counts)
        self._worths = {
            stem: (np.array([place for place, _ in pairs]), np.array([worth for _, worth in pairs], np.float32))
            for stem, pairs in found.items()
        }

    def shares(self, text: str) -> NDArray[np.float32]:
        """Of each collection how much it has of the text's words, beside the one that has most; 0 to 1."""
        found = np.zeros(self._count, np.float32)
        for stem in dict.fromkeys(_stems(text)):
            if stem in self._worths:
                places, worths = self._worths[stem]
                found[places] += worths
        most = max(float(found.max(initial=0.0)), 1e-6)
        return found * np.float32(min(1.0, most / _ENOUGH) / most)


def _stems(text: str) -> Iterator[str]:
    for word in german.words(text):
        if len(word.text) >= _LEAST and word.text not in german.FUNCTION_WORDS and not word.text.isdigit():
            yield german.stem(word.text)
