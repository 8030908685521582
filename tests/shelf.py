"""A small library for tests: twelve made-up titles, who borrowed what, and a model that is live."""

from datetime import date
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from functions.library.lists import curate
from functions.library.model import Model
from functions.library.model.card import Card
from functions.library.model.popularity import popularity
from functions.library.model.store import go_live, pointed, save
from functions.library.titles import Title, Titles
from shared.backends import Backends

GARDEN = ("Garten", "Gemüse")
CRIME = ("Krimi", "Küste")
BOOK = "Buch"
TITLES = [
    Title(
        id="g1", title="Tomaten auf dem Balkon", author="Ria Sand", subjects=GARDEN, medium=BOOK, branches=("Mitte",)
    ),
    Title(id="g2", title="Der kleine Kräutergarten", author="Ria Sand", subjects=GARDEN, medium=BOOK, branches=("Au",)),
    Title(id="g3", title="Kompost verstehen", author="Ria Sand", subjects=GARDEN, medium=BOOK, branches=("Mitte",)),
    Title(id="g4", title="Beete für Eilige", author="Jo Brink", subjects=("Garten",), medium="Hörbuch"),
    Title(id="c1", title="Tod im Watt", author="Hein Brook", subjects=CRIME, medium=BOOK, branches=("Mitte", "Au")),
    Title(id="c2", title="Nebel über der Mole", author="Hein Brook", subjects=CRIME, medium=BOOK),
    Title(id="c3", title="Die Fähre legt nicht ab", author="Ina Tamm", subjects=CRIME, medium="Hörbuch"),
    Title(id="k1", title="Der Dachs zieht um", author="Lu Moor", subjects=("Tiere",), age_group="Kinder", medium=BOOK),
    Title(id="k2", title="Nachts im Baumhaus", author="Lu Moor", subjects=("Freundschaft",), age_group="Kinder"),
    Title(id="e1", title="Gardens by the sea", author="May Holt", subjects=("Gardens",), language="en", medium=BOOK),
    Title(id="n1", title="Gemüse säen im März", author="Pia Lenz", subjects=("Gemüse",), medium=BOOK, branches=("Au",)),
    Title(id="n2", title="Mord auf Helgoland", author="Uwe Stark", subjects=("Krimi",), medium=BOOK),
]
"""n1 and n2 have no loans: the model does not know them."""

_KNOWN = sorted(title.id for title in TITLES if not title.id.startswith("n"))
_BY_LOANS = {("g1", "g2"): (0.9, 12), ("g1", "c1"): (0.5, 7), ("c1", "c2"): (0.8, 9), ("c1", "c3"): (0.6, 6)}
_BY_CONTENT = {("g1", "g3"): 0.4, ("g1", "g4"): 0.3, ("g2", "g3"): 0.4, ("k1", "k2"): 0.2}
_LOANS = {"g1": 40, "g2": 30, "c1": 60, "c2": 20, "c3": 9, "g3": 4, "g4": 8, "k1": 15, "k2": 6, "e1": 3}


def model() -> Model:
    """What the loans and the content above say, both ways."""
    place = {id: column for column, id in enumerate(_KNOWN)}

    def matrix(cells: dict[tuple[str, str], float]) -> Any:
        both = {**cells, **{(b, a): value for (a, b), value in cells.items()}}
        rows, columns = [place[a] for a, _ in both], [place[b] for _, b in both]
        made = csr_matrix((list(both.values()), (rows, columns)), shape=(len(place), len(place)), dtype=np.float32)
        made.sort_indices()
        return made

    loans = np.array([_LOANS[id] for id in _KNOWN])
    return Model(
        version="",
        titles=np.array(_KNOWN),
        loans=loans,
        prior=popularity(loans),
        by_loans=matrix({pair: weight for pair, (weight, _) in _BY_LOANS.items()}),
        by_content=matrix(_BY_CONTENT),
        readers=matrix({pair: readers for pair, (_, readers) in _BY_LOANS.items()}),
    )


def card(made: Model) -> Card:
    """A card for a model that nobody judged."""
    return Card(
        first_day=date(2026, 1, 1),
        last_day=date(2026, 10, 31),
        readers=90,
        titles=len(made.titles),
        loans=int(made.loans.sum()),
        pairs=made.readers.nnz,
        content=("title",),
        figures={},
        held_back="nothing",
        choice={},
    )


async def stock(use: Backends) -> str:
    """Put the titles, the model and one list into the real servers; the model's version."""
    titles = Titles(use)
    for title in TITLES:
        await titles.write(title, 1)
    made = model()
    version = await save(use, made, card(made))
    await go_live(use, version, await pointed(use))
    await curate(use, "Lesesommer", ["k1", "g4", "gone"])
    return version
