"""What the documents of an index are called, and which of the citizens' topics they are about."""

import asyncio
import re
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from functions.zammad.topics import Floats, Topics, unit
from shared.backends import Backends
from shared.filters import any_of, both, equals
from shared.knowledge import german
from shared.knowledge.index import View
from shared.knowledge.rows import SYNONYMS, TITLE
from shared.privacy.dictionary import named

_KEPT_S: Final = 60.0
# From which a name and a topic's wording are the same matter, as a cosine: of a page about something near by (a birth
# certificate, a certificate of marriage) it is .93 at most.
_SAME: Final = 0.937
_DOUBT: Final = 0.004
# Where the words of a wording stand in the title, less is enough.
_WORDED: Final = 0.75
_WORDED_NEAR: Final = 0.88
WORD: Final = re.compile(r"[^\W\d_]+")
_FEW: Final = 5  # titles that are looked at for a wording's words


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """The documents of one view, with one row of ``vectors`` a name; empty arrays where there is none."""

    documents: tuple[str, ...]
    easy: NDArray[np.bool_]
    owners: NDArray[np.int64]  # document of each name
    vectors: Floats
    called: frozenset[str]  # words of the titles, but for those that people are called by, too
    covers: Floats  # topics x documents: how surely a document is about a topic, 0 to 1

    def by_document(self, values: Floats) -> Floats:
        """The highest value of each document's names."""
        found = np.full(len(self.documents), -1.0, np.float32)
        np.maximum.at(found, self.owners, values)
        return found


async def names_of(view: View, source: str | None, topics: Topics, use: Backends) -> Names | None:
    """The names in a view (of one source only where it is given); None: there is no document.

    At most some 8,000 documents are known by name; further ones are found by their passages alone.

    Raises:
        BackendError: Milvus is away.
    """

    async def read() -> Names | None:
        condition = both(any_of("position", [TITLE, SYNONYMS]), "" if source is None else equals("source", source))
        rows = await use.vectors.query(view.name, condition, ("doc", "revision", "title", "easy", "dense"))
        newest: dict[str, int] = {}
        for row in rows:
            newest[row["doc"]] = max(newest.get(row["doc"], 0), int(row["revision"]))
        rows = [row for row in rows if int(row["revision"]) == newest[row["doc"]]]
        return await asyncio.to_thread(_made, rows, topics) if rows else None

    return await use.snapshots.get(f"zammad-names-{view.name}-{source}", _KEPT_S, read)


def _made(rows: list[dict[str, object]], topics: Topics) -> Names:
    numbers: dict[str, int] = {}
    titles: list[str] = []
    easy: list[bool] = []
    for row in rows:
        if str(row["doc"]) not in numbers:
            numbers[str(row["doc"])] = len(numbers)
            titles.append(str(row["title"]))
            easy.append(bool(row["easy"]))
    owners = np.array([numbers[str(row["doc"])] for row in rows], np.int64)
    vectors = unit(np.array([list(row["dense"]) for row in rows], np.float32))  # type: ignore[call-overload]
    return Names(
        documents=tuple(numbers),
        easy=np.array(easy, np.bool_),
        owners=owners,
        vectors=vectors,
        called=frozenset(word for title in titles for word in WORD.findall(title) if not named(word)),
        covers=_covers(topics, vectors, owners, titles),
    )


def _says(title: str, wording: str) -> bool:
    """Whether each word of a topic stands in a title, compounds opened: "Eheurkunde" is none of "Geburtsurkunde"."""
    known = frozenset(german.grams(title).split())
    words = [frozenset(german.grams(word).split()) for word in wording.split() if german.has_words(word)]
    return all(len(grams & known) >= _WORDED * len(grams) for grams in words)


def _covers(topics: Topics, vectors: Floats, owners: NDArray[np.int64], titles: list[str]) -> Floats:
    near = np.full((len(topics.wordings), len(titles)), -1.0, np.float32)
    # What citizens write is near to many a title.
    values_of = np.where(topics.names[:, None], topics.vectors @ vectors.T, np.float32(-1))
    for number, values in zip(owners, values_of.T, strict=True):
        np.maximum(near[:, number], values, out=near[:, number])
    worded = np.zeros_like(near)
    looked = np.argsort(-near, axis=1)[:, :_FEW]
    for wording, documents in enumerate(looked):
        for document in documents:
            if near[wording, document] >= _WORDED_NEAR:
                worded[wording, document] = _says(titles[document], topics.wordings[wording])
    same = 1 / (1 + np.exp((_SAME - topics.by_topic(near)) / _DOUBT))
    found: Floats = np.maximum(same, 0.95 * topics.by_topic(worded)).astype(np.float32)
    return found
