"""Parquet files that a library hands over for an evaluation: loans and titles, in columns with fixed names."""

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from functions.library.model.interactions import Coded, Interactions, interactions
from shared.errors import StadtfunkError

_READABLE = 0.5  # of the times given as text: fewer are another format
_FORMATS = ("%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S %Z", "%Y/%m/%d", "%Y/%m/%d %H:%M:%S")


def read_loans(file: Path, *, also: list[str]) -> Interactions:
    """Loans from columns ``user``, ``item`` and, where there is one, ``timestamp``; rows with a gap are left out.

    A timestamp is a date, a time, a number (any unit that grows) or text: ISO 8601 or 31.01.2026. Where most can be
    read, the others are gaps.
    """
    table = _table(file, ("user", "item"))
    timed = "timestamp" in table.column_names
    table = table.select(["user", "item", "timestamp"] if timed else ["user", "item"])
    table = table.filter(pc.and_(_there(table["user"]), _there(table["item"])))
    days = None
    if timed:
        days = _numbers(table["timestamp"], file)
        there = np.isfinite(days)
        table, days = table.filter(pa.array(there)), days[there]
    if not table.num_rows:
        raise StadtfunkError(f"{file}: holds no loan")
    return interactions(_coded(table["user"]), _coded(table["item"]), days, also=also)


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


def _there(column: Any) -> Any:
    """Neither a gap nor a number that is none."""
    if pa.types.is_floating(column.type):
        return pc.fill_null(pc.is_finite(column), False)
    return pc.is_valid(column)


def _coded(column: Any) -> Coded:
    """Each distinct id once, and which of them each row has: millions of rows stay small."""
    if pa.types.is_dictionary(column.type):
        column = pc.cast(column, column.type.value_type)
    encoded = pc.dictionary_encode(column).combine_chunks()
    whole = pa.types.is_integer(encoded.dictionary.type)
    names = encoded.dictionary.to_numpy() if whole else _texts(encoded.dictionary)
    return Coded(names, encoded.indices.to_numpy())


def _texts(column: Any) -> np.ndarray[Any, Any]:
    if pa.types.is_floating(column.type):  # whole numbers that met a gap: 17.0 is title 17
        column = pc.cast(column, pa.int64(), safe=False)
    texts = pc.cast(column, pa.string())
    if len(texts) and pc.all(pc.match_substring_regex(texts, r"^[0-9]+\.0$")).as_py():  # the same, as text
        texts = pc.replace_substring_regex(texts, r"\.0$", "")
    return np.asarray(texts.to_pylist(), dtype=str)


def _numbers(column: Any, file: Path) -> np.ndarray[Any, Any]:
    """Seconds, days or whatever counts; NaN where there is none."""
    if pa.types.is_dictionary(column.type):
        column = pc.cast(column, column.type.value_type)
    kind = column.type
    if pa.types.is_date(kind):
        column = pc.cast(column, pa.timestamp("ms"))
    if pa.types.is_temporal(kind):
        return np.asarray(pc.cast(pc.cast(column, pa.int64()), pa.float64(), safe=False).to_numpy(), np.float64)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return np.asarray(pc.cast(column, pa.float64(), safe=False).to_numpy(), np.float64)
    known = {text: _moment(text) for text in pc.unique(column).to_pylist()}
    found = np.asarray([known[text] for text in column.to_pylist()], np.float64)
    if len(found) and np.isfinite(found).mean() < _READABLE:
        raise StadtfunkError(
            f"{file}: column timestamp is neither a time nor a number nor text in ISO 8601, e.g. 2026-01-31"
        )
    return found


def _moment(text: Any) -> float:
    try:
        return float(text)
    except (TypeError, ValueError):
        pass
    for format_ in (None, *_FORMATS):
        try:
            found = datetime.fromisoformat(text) if format_ is None else datetime.strptime(text, format_)
        except (TypeError, ValueError):
            continue
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    return math.nan
