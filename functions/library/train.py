"""From day files to a live model: by schedule, and whenever somebody asks.

The work is done in a process of its own, with less priority and a bound on its memory: the worker's other lanes go
on meanwhile, and a training that is too large ends as an error instead of as a machine without memory.
"""

import asyncio
import os
import resource
from collections.abc import Callable
from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, Final

import numpy as np
import pyarrow as pa
import structlog

from events.library import ModelPublished, TrainingAsked
from functions.library import dayfiles
from functions.library.loans import today
from functions.library.model import Model, store
from functions.library.model.interactions import interactions
from functions.library.model.learning import Learned, learn
from functions.library.titles import Title, Titles
from shared.backends import Backends
from shared.errors import Reject, Retry
from shared.function import on
from shared.state import Conflict

_COLUMNS: Final = ("title", "author", "series", "subjects", "blurb", "language", "medium", "age_group")


@on(TrainingAsked)
async def train(_asked: TrainingAsked, use: Backends) -> ModelPublished | None:
    """Train on the window's loans; the model goes live unless it is worse than the running one.

    Raises:
        Reject: the training needs more memory than it may have.
        Retry: its process was ended, or another training was faster.
    """
    log = structlog.get_logger()
    first = today() - timedelta(days=use.settings.library.window_months * 31)
    loans = await dayfiles.read(use, first)
    if not loans.num_rows:
        log.warning("nothing to train on: there are no loans")
        return None
    seen = await store.pointed(use)
    running = None if seen is None else await store.load(use, seen[0].version)
    records = await Titles(use).all()
    learned = await apart(trained, loans, records, running, megabytes=use.settings.library.training_mb)
    if not learned.better:
        log.warning("the model trained is worse than the running one, which stays", **learned.card.beside_running or {})
        return None
    version = await store.save(use, learned.model, learned.card)
    try:
        await store.go_live(use, version, seen)
    except Conflict:
        raise Retry("another training was faster") from None
    card = learned.card
    return ModelPublished(version=version, last_day=card.last_day, loans=card.loans, titles=card.titles)


def trained(loans: pa.Table, records: list[tuple[Title, list[float]]], running: Model | None) -> Learned:
    """The training itself, in whatever process."""
    days = loans["day"].cast(pa.int32()).to_numpy().astype(np.float64)
    by_id = {title.id: (title, vector) for title, vector in records}
    seen = interactions(
        loans["reader"].to_numpy(zero_copy_only=False),
        loans["title"].to_numpy(zero_copy_only=False),
        days,
        also=list(by_id),
        keyed=True,
    )
    known = [by_id.get(id) for id in seen.titles.tolist()]
    texts = {name: ["" if one is None else _text(one[0], name) for one in known] for name in _COLUMNS}
    size = max((len(vector) for _, vector in records), default=0)
    vectors = np.asarray([one[1] if one is not None else [0.0] * size for one in known], np.float32) if size else None
    return learn(seen, texts, vectors, running)


async def apart(work: Callable[..., Any], *arguments: Any, megabytes: int) -> Any:
    """The result of ``work`` in a process of its own, of at most so much memory; cancelled with the call.

    Raises:
        Reject: the memory did not suffice.
        Retry: the process ended without a result.
    """
    context = get_context("spawn")  # a fork would take the event loop and its connections along
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, megabytes), daemon=True)
    await asyncio.to_thread(process.start)
    theirs.close()
    try:
        done, result = await asyncio.to_thread(_exchange, ours, (work, arguments))
    except (EOFError, OSError):
        raise Retry("the training's process ended without a result") from None
    finally:
        process.kill()
        await asyncio.to_thread(process.join)
        ours.close()
    if done == "memory":
        raise Reject(f"the training needs more than {megabytes} MB; see STADTFUNK_LIBRARY__TRAINING_MB")
    if done == "error":
        raise RuntimeError(f"the training failed ({result})")
    return result


def _exchange(pipe: Connection, task: Any) -> Any:
    pipe.send(task)
    return pipe.recv()


def _work(pipe: Connection, megabytes: int) -> None:
    os.nice(10)
    limit = megabytes * 2**20
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    work, arguments = pipe.recv()
    try:
        pipe.send(("done", work(*arguments)))
    except MemoryError:
        pipe.send(("memory", None))
    except Exception as error:  # its text may hold what was borrowed
        pipe.send(("error", type(error).__name__))


def _text(title: Title, name: str) -> str:
    value = getattr(title, name)
    return ";".join(value) if isinstance(value, tuple) else str(value)
