"""Fresh loans count before the next training: which titles were borrowed together since the model was made.

Twice a minute the day files are settled, and where they changed the co-loans of the last weeks are counted anew.
Only counts leave: of pairs that at least five distinct readers connect, and in steps of five, so that most loans
change nothing that can be seen. The one that completes a step can: who holds four of a pair's five loans and keeps
asking sees the fifth. Who borrowed a pair is in memory for as long as the counting takes.
"""

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict
from scipy import sparse

from events.library import ModelPublished, SettlingAsked
from functions.library import dayfiles
from functions.library.loans import today
from shared.backends import Backends
from shared.function import on
from shared.objects import ObjectMissing

LEAST: Final = 5  # distinct readers; also the step in which a count grows
_KEY: Final = "fresh/boosts.json"
_STATE: Final = "library-fresh"  # state bucket: "since" -> first day that the model has not seen to its end
_NEIGHBOURS: Final = 50  # a title
_MOST: Final = 300  # titles of one reader within the days; more is no person's reading

Boosts = dict[str, list[tuple[str, int]]]
"""A title -> titles borrowed with it, and by how many readers: five, ten, fifteen …, most first."""


class Release(BaseModel):
    """What was counted, and of what."""

    model_config = ConfigDict(frozen=True)

    mark: str = ""  # of the day files it was counted from
    since: date | None = None
    released_at: datetime | None = None
    boosts: Boosts = {}


@on(SettlingAsked)
async def settle_loans(_asked: SettlingAsked, use: Backends) -> None:
    """Merge what came in into the day files, and release the fresh co-loans."""
    await use.objects.ensure_bucket(use.settings.library.bucket)
    await dayfiles.settle(use)
    await release(use)


@on(ModelPublished)
async def start_afresh(model: ModelPublished, use: Backends) -> None:
    """A model has seen the loans up to a day: from there on they are fresh."""
    await use.state.bucket(_STATE).put("since", model.last_day.isoformat().encode())
    await release(use)


async def boosts(use: Backends) -> Boosts:
    """What counts beside the model; empty before anything was released."""
    return (await _released(use)).boosts


async def release(use: Backends) -> None:
    """Count anew where the day files, or the model, changed."""
    library = use.settings.library
    first = today() - timedelta(days=library.fresh_days)
    entry = await use.state.bucket(_STATE).get("since")
    since = max(first, date.fromisoformat(entry.value.decode())) if entry is not None else first
    files = [f"{part.key} {part.etag}" async for part in dayfiles.parts(use, first)]
    mark = sha256(json.dumps([since.isoformat(), files]).encode()).hexdigest()
    if (await _released(use)).mark == mark:
        return
    loans = await dayfiles.read(use, first)
    found = Release(
        mark=mark, since=since, released_at=datetime.now(UTC), boosts=await asyncio.to_thread(counted, loans, since)
    )
    await use.objects.put(library.bucket, _KEY, found.model_dump_json().encode(), "application/json")


def counted(loans: pa.Table, since: date) -> Boosts:
    """The pairs of these loans of which at least one is not older than ``since``, with their readers.

    A person has one pseudonym a key: where the days span two keys, the larger of both counts is taken, which
    no person can be in twice.
    """
    if not loans.num_rows:
        return {}
    titles = pc.unique(loans["title"]).to_pylist()
    pairs = sparse.csr_matrix((len(titles), len(titles)), dtype=np.int32)
    for key in sorted({reader.partition("-")[0] for reader in pc.unique(loans["reader"]).to_pylist()}):
        pairs = pairs.maximum(_pairs(loans.filter(pc.starts_with(loans["reader"], f"{key}-")), titles, since))
    pairs.setdiag(0)
    pairs.data = pairs.data // LEAST * LEAST
    pairs.eliminate_zeros()
    pairs = pairs.tocsr()
    found: Boosts = {}
    for place, title in enumerate(titles):
        row = slice(pairs.indptr[place], pairs.indptr[place + 1])
        near = [(titles[other], int(count)) for other, count in zip(pairs.indices[row], pairs.data[row], strict=True)]
        if near:
            found[title] = sorted(near, key=lambda one: (-one[1], one[0]))[:_NEIGHBOURS]
    return found


def _pairs(loans: pa.Table, titles: list[str], since: date) -> sparse.csr_matrix:
    readers = pc.index_in(loans["reader"], pc.unique(loans["reader"])).to_numpy()
    columns = pc.index_in(loans["title"], pa.array(titles, pa.string())).to_numpy()
    shape = (int(readers.max()) + 1 if len(readers) else 0, len(titles))

    def matrix(chosen: np.ndarray) -> sparse.csr_matrix:
        made = sparse.csr_matrix(
            (np.ones(int(chosen.sum()), dtype=np.int32), (readers[chosen], columns[chosen])), shape=shape
        )
        made.data[:] = 1  # borrowed twice is one reader
        return made

    every = matrix(np.ones(len(readers), dtype=bool))
    fresh = matrix(pc.greater_equal(loans["day"], pa.scalar(since)).to_numpy())
    few = (np.asarray(every.sum(axis=1)).ravel() <= _MOST).astype(np.int32)
    modest = sparse.diags(few, dtype=np.int32)
    every, fresh = modest @ every, modest @ fresh
    # Both fresh, one fresh and the other older, or the other way round: each reader once.
    return fresh.T @ every + every.T @ fresh - fresh.T @ fresh


async def _released(use: Backends) -> Release:
    try:
        return Release.model_validate_json(await use.objects.get(use.settings.library.bucket, _KEY))
    except ObjectMissing:
        return Release()
