"""Writes the demo library's files: a catalogue, and loans with tastes, so that recommendations make sense.

Everything is drawn by a fixed seed: the same titles and readers each time, loans that end yesterday.
"""

import csv
import random
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any, Final, NamedTuple

from ruamel.yaml import YAML

READERS: Final = 700
_DAYS: Final = 330
_SEED: Final = 1848
_TITLES = (
    "id",
    "title",
    "author",
    "subjects",
    "series",
    "blurb",
    "language",
    "medium",
    "age_group",
    "year",
    "branches",
)
_LOANS = ("reader", "title", "day")


class Files(NamedTuple):
    """What was written."""

    titles: Path
    loans: Path


def write(folder: Path, today: date) -> Files:
    """Write ``titles.csv`` and ``loans.csv`` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    tree = YAML(typ="safe").load((Path(__file__).parent / "worlds.yaml").read_text(encoding="utf-8"))
    chance = random.Random(_SEED)
    titles = {world["name"]: list(_titles(number, world, tree["branches"], chance))
              for number, world in enumerate(tree["worlds"])}  # fmt: skip
    near = {world["name"]: world["near"] for world in tree["worlds"]}
    ids = {name: [row[0] for row in rows] for name, rows in titles.items()}
    made = Files(folder / "titles.csv", folder / "loans.csv")
    _written(made.titles, _TITLES, [row for rows in titles.values() for row in rows])
    _written(made.loans, _LOANS, list(_loans(ids, near, today, chance)))
    return made


def _titles(number: int, world: dict[str, Any], branches: list[str], chance: random.Random) -> Iterator[list[str]]:
    for place, title in enumerate(world["titles"]):
        subjects = [*world["subjects"], *chance.sample(world["extra"], 2)]
        blurb = " ".join(chance.choice(world[part]) for part in ("open", "middle", "close"))
        there = chance.sample(branches, chance.choice((0, 1, 1, 2, 2, 3)))
        yield [
            f"auen-{number + 1:02d}{place + 1:02d}",
            title,
            # Each has a favourite who wrote more than the others.
            chance.choices(world["authors"], (4, 3, 2, 1))[0],
            "|".join(subjects),
            world["series"] if place in (0, 3, 6, 9) else "",
            blurb,
            "de",
            chance.choices(("book", "audiobook", "ebook"), (8, 1, 1))[0],
            world.get("age", "adults"),
            str(chance.randint(1998, 2026)),
            "|".join(sorted(there)),
        ]


def _loans(
    ids: dict[str, list[str]], near: dict[str, list[str]], today: date, chance: random.Random
) -> Iterator[tuple[str, str, str]]:
    worlds = list(ids)
    # Some titles are on everybody's list: the first of a world far more than the last.
    weights = list(accumulate(1 / (rank + 2) for rank in range(max(map(len, ids.values())))))
    for reader in range(READERS):
        taste = chance.choice(worlds)
        tastes = [taste] * 6 + near[taste] * 2 + [chance.choice(worlds)]
        for _ in range(min(60, 3 + int(chance.expovariate(1 / 15)))):
            world = chance.choice(tastes)
            (title,) = chance.choices(ids[world], cum_weights=weights[: len(ids[world])])
            day = today - timedelta(days=1 + chance.randrange(_DAYS))
            yield f"D-{reader:04d}", title, day.isoformat()


def _written(file: Path, names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(names)
        writer.writerows(rows)
