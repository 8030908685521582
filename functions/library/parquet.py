"""Parquet files that a library hands over for an evaluation: loans and titles, in columns with fixed names."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from functions.library.model.interactions import Interactions, interactions
from shared.errors import StadtfunkError


def read_loans(file: Path, *, also: list[str]) -> Interactions:
    """Loans from columns ``user``, ``item`` and, where there is one, ``timestamp``; rows with a gap are left out.

    A timestamp is a date, a time, a number (any unit that grows) or text in ISO 8601.
    """
    table = _table(file, ("user", "item"))
    timed = "timestamp" in table.column_names
    table = table.select(["user", "item", "timestamp"] if timed else ["user", "item"]).drop_null()
    if not table.num_rows:
        raise StadtfunkError(f"{file}: holds no loan")
    days = _numbers(table["timestamp"], file) if timed else None
    return interactions(_values(table["user"]), _texts(table["item"]), days, also=also)


def read_items(file: Path) -> tuple[list[str], dict[str, list[str]]]:
    """Ids, and every column of text as one text a title; a list of texts is joined by ";"."""
    table = _table(file, ("item",))
    table = table.filter(pc.is_valid(table["item"]))
    ids = _texts(table["item"]).tolist()
    columns = {}
    for name in table.column_names:
        kind = table.schema.field(name).type
        if name == "item" or not _is_text(kind):
            continue
        values = table[name].to_pylist()
        columns[name] = [";".join(str(one) for one in value) if isinstance(value, list) else str(value or "")
                         for value in values]  # fmt: skip
    return ids, columns


def _is_text(kind: Any) -> bool:
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _is_text(kind.value_type)
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _table(file: Path, wanted: tuple[str, ...]) -> Any:
    try:
        table = pq.read_table(file)
    except (OSError, pa.ArrowException) as error:
        raise StadtfunkError(f"{file}: cannot be read as Parquet ({type(error).__name__})") from None
    if missing := [name for name in wanted if name not in table.column_names]:
        raise StadtfunkError(f"{file}: has no column {' and no column '.join(missing)}; "
                             f"its columns are {', '.join(table.column_names)}")  # fmt: skip
    return table


def _values(column: Any) -> np.ndarray[Any, Any]:
    return column.to_numpy() if pa.types.is_integer(column.type) else _texts(column)


def _texts(column: Any) -> np.ndarray[Any, Any]:
    if pa.types.is_floating(column.type):  # whole numbers that met a gap: 17.0 is title 17
        column = pc.cast(column, pa.int64(), safe=False)
    return np.asarray(pc.cast(column, pa.string()).to_pylist(), dtype=str)


def _numbers(column: Any, file: Path) -> np.ndarray[Any, Any]:
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return np.asarray(column.to_numpy(), np.float64)
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return np.asarray(pc.cast(pc.cast(column, pa.timestamp("us")), pa.int64()).to_numpy(), np.float64)
    try:
        return np.asarray([_moment(text) for text in column.to_pylist()], np.float64)
    except (TypeError, ValueError):
        raise StadtfunkError(
            f"{file}: column timestamp is neither a time nor a number nor text in ISO 8601, e.g. 2026-01-31"
        ) from None


def _moment(text: Any) -> float:
    if isinstance(text, date):
        return float(text.toordinal())
    try:
        return float(text)
    except ValueError:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
