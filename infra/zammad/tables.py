"""The records of the stand-in: tables, ids that are not given out twice, and the file that keeps them."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from infra.zammad.records import Record, stamp

Clock = Callable[[], datetime]
TABLES: Final = (
    *("users", "roles", "groups", "priorities", "tickets", "articles", "files", "drafts", "text_modules"),
    *("bases", "base_translations", "locales", "categories", "category_translations"),
    *("answers", "answer_translations", "contents"),
)
"""Tables by name; those of the knowledge base stand in the second and third line."""
_KEYS: Final = {"articles": "ticket_id", "files": "article_id", "drafts": "ticket_id", "users": "email"}
"""Attributes by which records are looked up, too."""


def now() -> datetime:
    """The time in UTC."""
    return datetime.now(UTC)


class Tables:
    """All records by table and id; a table is an attribute of its name (``tables.users[7]``)."""

    def __init__(self, clock: Clock = now) -> None:
        self.clock = clock
        self.tables: dict[str, dict[int, Record]] = {name: {} for name in TABLES}
        self.tags: dict[int, list[str]] = {}  # by ticket
        self.changes = 0  # moves with every change, so that a page knows whether to look again
        self._found: dict[tuple[str, object], dict[int, Record]] = {}  # by table and key
        self._last: dict[str, int] = {}  # highest id given out, by table

    def __getattr__(self, name: str) -> dict[int, Record]:
        try:
            return self.__dict__["tables"][name]  # type: ignore[no-any-return]
        except KeyError:
            raise AttributeError(name) from None

    def at(self) -> str:
        """The present time as Zammad writes it."""
        return stamp(self.clock())

    def add(self, table: str, record: Record) -> Record:
        """Keep a record under its id."""
        self.tables[table][record["id"]] = record
        self._last[table] = max(record["id"], self._last.get(table, 0))
        if table in _KEYS:
            self._found.setdefault((table, _key(record[_KEYS[table]])), {})[record["id"]] = record
        return record

    def remove(self, table: str, id: int) -> None:
        """Drop a record; KeyError where there is none."""
        record = self.tables[table].pop(id)
        if table in _KEYS:
            del self._found[table, _key(record[_KEYS[table]])][id]

    def clear(self) -> None:
        """Drop everything; ids begin anew."""
        for records in self.tables.values():
            records.clear()
        self._found.clear()
        self._last.clear()
        self.tags.clear()
        self.changes += 1

    def next(self, table: str) -> int:
        """The next free id; ids of what was removed are not used again."""
        return self._last.get(table, 0) + 1

    def by(self, table: str, key: object) -> list[Record]:
        """Articles or drafts of a ticket, files of an article, users of an address; oldest first."""
        return list(self._found.get((table, _key(key)), {}).values())

    def save(self, file: Path) -> None:
        """Write everything into a file that ``load`` reads; it is there whole or not at all."""
        files = {id: {**one, "data": b64encode(one["data"]).decode()} for id, one in self.tables["files"].items()}
        whole = {"tables": {**self.tables, "files": files}, "last": self._last, "tags": self.tags}
        new = file.with_suffix(".new")
        new.write_text(json.dumps(whole, ensure_ascii=False), encoding="utf-8")
        new.replace(file)

    def load(self, file: Path) -> None:
        """Take over what ``save`` wrote."""
        whole: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        self.clear()
        for one in whole["tables"]["files"].values():
            one["data"] = b64decode(one["data"])
        for table, records in whole["tables"].items():
            for one in records.values():
                self.add(table, one)
        self._last.update(whole["last"])
        self.tags.update({int(id): tags for id, tags in whole["tags"].items()})


def _key(value: object) -> object:
    return value.lower() if isinstance(value, str) else value
