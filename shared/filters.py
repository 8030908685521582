"""Filters of Milvus: the one place where its filter language is written.

Whatever a text holds, it stays one literal; milvus-lite ignores the server's own templates for that.
"""

from collections.abc import Iterable

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\x00": "\ufffd"})


def literal(value: str | int | bool) -> str:
    """A value as a literal of Milvus's filter language; whatever a text holds, it stays one literal."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    # A lone surrogate cannot travel as UTF-8.
    return '"' + value.encode("utf-8", "replace").decode().translate(_ESCAPES) + '"'


def equals(field: str, value: str | int | bool) -> str:
    """``field == value``."""
    return f"{field} == {literal(value)}"


def below(field: str, value: int) -> str:
    """``field < value``."""
    return f"{field} < {literal(value)}"


def any_of(field: str, values: Iterable[str | int]) -> str:
    """``field in [...]``."""
    return f"{field} in [{', '.join(literal(value) for value in values)}]"


def none_of(field: str, values: Iterable[str | int]) -> str:
    """``field not in [...]``."""
    return f"{field} not in [{', '.join(literal(value) for value in values)}]"


def holds(field: str, value: str) -> str:
    """An array field holds the value."""
    return f"array_contains({field}, {literal(value)})"


def both(*conditions: str) -> str:
    """All conditions that are not empty, joined by ``and``; no condition is the empty filter."""
    return " and ".join(f"({condition})" for condition in conditions if condition)
