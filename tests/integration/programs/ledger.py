"""A foreign system: it does what it is told, as often as it is told, and can be asked what it did.

An SQLite file that several processes write. Nothing in it is unique: what keeps an effect from happening
twice is that a function reads before it writes, by a marker.
"""

import os
import sqlite3
from collections import Counter
from pathlib import Path

VARIABLE = "STADTFUNK_TEST_LEDGER"
_TABLES = """
CREATE TABLE IF NOT EXISTS runs (function TEXT, marker TEXT);
CREATE TABLE IF NOT EXISTS effects (kind TEXT, marker TEXT);
CREATE INDEX IF NOT EXISTS by_marker ON effects (kind, marker);
"""


class Ledger:
    """What functions did, in the order they did it."""

    def __init__(self, path: Path) -> None:
        # Killed processes are what is tested, not power cuts: no fsync.
        self._db = sqlite3.connect(path, timeout=30, isolation_level=None)
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;" + _TABLES)

    @classmethod
    def here(cls) -> "Ledger":
        """The ledger named in the environment."""
        return cls(Path(os.environ[VARIABLE]))

    def run(self, function: str, marker: str) -> int:
        """Note that a function began; returns how often it has begun for this marker, now included."""
        self._db.execute("INSERT INTO runs VALUES (?, ?)", (function, marker))
        return self.runs(function)[marker]

    def write(self, kind: str, marker: str) -> None:
        """An effect, without asking."""
        self._db.execute("INSERT INTO effects VALUES (?, ?)", (kind, marker))

    def write_once(self, kind: str, marker: str) -> bool:
        """Read, and write only what is not there yet; False where it is."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            found = self._db.execute("SELECT 1 FROM effects WHERE kind = ? AND marker = ?", (kind, marker)).fetchone()
            if found is None:
                self.write(kind, marker)
        finally:
            self._db.execute("COMMIT")
        return found is None

    def runs(self, function: str) -> Counter[str]:
        """How often a function began, by marker."""
        return Counter(m for (m,) in self._db.execute("SELECT marker FROM runs WHERE function = ?", (function,)))

    def effects(self, kind: str) -> list[str]:
        """The markers written, oldest first."""
        rows = self._db.execute("SELECT marker FROM effects WHERE kind = ? ORDER BY rowid", (kind,))
        return [marker for (marker,) in rows]

    def count(self, kind: str) -> int:
        """How many effects of a kind there are."""
        return int(self._db.execute("SELECT count(*) FROM effects WHERE kind = ?", (kind,)).fetchone()[0])

    def close(self) -> None:
        """Close the file."""
        self._db.close()
