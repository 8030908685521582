"""Whether what was found is about a query, or merely the nearest there is.

No cosine says so by itself: it depends on the model, the language of the query and how much a city has written.
So the nearest row is held against what questions find that no city answers, asked of the same collection: how many
standard deviations nearer it is. Of German queries it counts as well how many of their words were found, and whether
words and meaning lead to the same document.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean, stdev
from time import monotonic
from weakref import WeakKeyDictionary

from shared.embeddings import Embeddings
from shared.errors import BackendError
from shared.knowledge import german, language
from shared.knowledge.index import View
from shared.vectors import CollectionMissing, Row

_DEVIATIONS = 1.7  # from which a row is nearer than chance
_WORDS = 1.0  # deviations that all of a German query's words are worth, against none
_AGREED = 1.0  # deviations that it is worth when words lead to the same document, against another
_LEAST = 0.008  # a smaller deviation tells of too few rows
_ROWS = 20  # of each such question, to have a name and a passage among them
_NAMES = (-1, -2)  # positions of the rows of a title and of synonyms
_AGAIN_S = 300.0  # by then a collection may have changed
# Texts of one language are nearer to each other than to those of another, and names nearer to queries than passages.
_FOREIGN, _PASSAGE = 0.008, 0.012
_WORDED = 0.02  # how much less near a page may be that has half of the query's words, before a scale is known

_GERMAN = """
Wie baue ich ein Vogelhaus?
Wer hat den Faust geschrieben?
Warum schnurren Katzen?
Welches Auto verbraucht am wenigsten Benzin?
Wie hoch ist der Eiffelturm?
Wie kocht man Kaffee auf türkische Art?
Was ist ein schwarzes Loch?
Wie werde ich Schauspielerin?
Wann ist der nächste Vollmond?
Wie lösche ich meinen Browserverlauf?
Welche Pflanzen mögen Schatten?
Was kostet ein Flug nach New York?
Wie lange schläft ein Baby?
Was hilft gegen Schnupfen?
Wie verkaufe ich gebrauchte Bücher im Internet?
Wer gewann die letzte Weltmeisterschaft im Handball?
"""
_OTHERS = """
How do I build a bird house?
How tall is the Eiffel Tower?
What helps against a cold?
Kedi neden mırlar?
Kahve nasıl yapılır?
En hızlı araba hangisi?
Как построить скворечник?
Почему кошки мурлычут?
Кто открыл Америку?
كيف تصنع القهوة؟
من اخترع الهاتف؟
Чому коти муркочуть?
Comment faire un bon café ?
Pourquoi les chats ronronnent-ils ?
Jak upiec chleb?
¿Por qué ronronean los gatos?
"""


@dataclass(frozen=True, slots=True)
class Scale:
    """How near to a collection questions come that it does not answer, as a cosine."""

    mean: float
    deviation: float
    until: float  # monotonic seconds

    def deviations(self, nearness: float) -> float:
        """How much nearer than such a question."""
        return (nearness - self.mean) / max(self.deviation, _LEAST)


# By model, then by (collection, whether the query is German): what this process has measured.
_SCALES: WeakKeyDictionary[Embeddings, dict[tuple[str, bool], Scale | None]] = WeakKeyDictionary()


def nearness(names: list[Row], passages: list[Row]) -> float:
    """Cosine of the name or passage nearest to a query; both are best first; 0 where there is none."""
    return max(
        (float(row["distance"]) + bonus for rows, bonus in ((names, 0.0), (passages, _PASSAGE)) for row in rows[:1]),
        default=0.0,
    )


def agree(meant: Mapping[str, list[Row]], worded: Mapping[str, list[Row]]) -> bool:
    """Whether meaning and words find the same document first; each is rankings by name, rows best first."""
    nearest = {str(rows[0]["doc"]) for rows in meant.values() if rows}
    return any(str(rows[0]["doc"]) in nearest for rows in worded.values() if rows)


async def fits(view: View, query: str, tongue: str, near: float, found: str, *, agreed: bool = False) -> bool:
    """Whether a query that comes as ``near`` as this is answered by what was found (its words as one text).

    ``near`` 0: not known, so the words decide. ``agreed``: words and meaning find the same document first.
    """
    words = {german.stem(word.text) for word in german.words(query) if word.text not in german.FUNCTION_WORDS}
    known = {german.stem(word.text) for word in german.words(found)}
    share = len(words & known) / len(words) if words else 0.0
    if not near:
        return share >= 0.5
    german_query = tongue == language.GERMAN
    scale = await _scale(view, german_query)
    if scale is None:
        least = view.near - (0.0 if german_query else _FOREIGN) - (_WORDED if share >= 0.5 else 0.0)
        return near >= least
    worded = _WORDS * (share - 0.5) + _AGREED * (agreed - 0.5) if german_query else 0.0
    return scale.deviations(near) + worded >= _DEVIATIONS


async def _scale(view: View, german_query: bool) -> Scale | None:
    """None while it is measured for the first time: nobody else waits for that."""
    if view.embeddings is None:
        return None
    scales = _SCALES.setdefault(view.embeddings, {})
    key = (view.name, german_query)
    kept = scales.get(key)
    if key in scales and (kept is None or kept.until > monotonic()):
        return kept
    # Others go on with what there is.
    scales[key] = None if kept is None else Scale(kept.mean, kept.deviation, monotonic() + _AGAIN_S)
    try:
        asked = (_GERMAN if german_query else _OTHERS).strip().splitlines()
        found = await asyncio.gather(*(_nearest(view, one) for one in asked))
        scales[key] = Scale(fmean(found), stdev(found), monotonic() + _AGAIN_S)
    except (BackendError, CollectionMissing):
        if kept is None:
            del scales[key]
    return scales.get(key)


async def _nearest(view: View, query: str) -> float:
    vector = await view.embed(query)
    if vector is None:
        raise BackendError("embeddings", "away")
    rows = await view.nearest("dense", vector, _ROWS)
    names = [row for row in rows if row["position"] in _NAMES]
    return nearness(names, [row for row in rows if row["position"] not in _NAMES])
