"""From day files to a live model, with real S3, NATS and Milvus; and the process a training runs in."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import psutil
import pytest

from events.library import ModelPublished, TitleChanged, TrainingAsked
from functions.library import dayfiles
from functions.library.loans import today
from functions.library.model import LEAST_READERS, store
from functions.library.titles import Titles, index_title
from functions.library.train import apart, train
from shared.backends import Backends
from shared.errors import Reject, Retry
from shared.settings import Settings
from shared.state import Conflict
from tests.integration.programs import training
from tests.polling import eventually


@pytest.fixture
async def use(settings: Settings) -> AsyncIterator[Backends]:
    backends = Backends(settings)
    await backends.objects.ensure_bucket(settings.library.bucket)
    yield backends
    if await backends.vectors.has(Titles(backends).collection):
        await backends.vectors.drop(Titles(backends).collection)
    await backends.close()


async def borrow(use: Backends, seed: int = 0, readers: int = 250) -> None:
    """Readers of three tastes, twelve loans each within sixty days."""
    chance = np.random.default_rng(seed)
    who = np.repeat(np.arange(readers), 12)
    titles = chance.integers(0, 30, len(who)) + who % 3 * 30
    days = [today() - timedelta(days=int(ago)) for ago in chance.integers(0, 60, len(who))]
    await dayfiles.add(use, dayfiles.table_of([f"2026-{seed}-{one}" for one in who], [f"t{t}" for t in titles], days))


async def test_a_training_makes_a_model_that_is_live_at_once(use: Backends) -> None:
    assert await train(TrainingAsked(), use) is None  # no loans yet
    assert await store.live(use) is None
    new = TitleChanged(id="new", revision=1, title="Neu im Regal", author="Ada Brandt", blurb="Ein Leuchtturm.")
    old = new.model_copy(update={"id": "t1", "title": "Der Leuchtturmwärter"})
    for title in (new, old, new.model_copy(update={"id": "t2", "author": "Cem Aksoy", "title": "Brot", "blurb": ""})):
        await index_title(title, use)
    await borrow(use)
    published = await train(TrainingAsked(), use)
    assert isinstance(published, ModelPublished)
    assert published.titles == 90
    assert published.last_day <= today()
    # Asked for again, nothing is another: the same loans are the same version, and its publication is told again.
    assert await train(TrainingAsked(), use) == published
    fresh = Backends(use.settings)  # another process
    try:
        model, *others = await asyncio.gather(*(store.live(fresh) for _ in range(8)))
        assert model is not None
        assert all(one is model for one in others)  # loaded once
        assert model.version == published.version
        found = model.recommend(["t1"], 10)
        assert sum(int(one.title[1:]) < 30 for one in found if one.title != "new") >= 8
        assert all(one.readers is not None and one.readers >= LEAST_READERS for one in found if one.by == "loans")
        assert model.by_content[model.titles.tolist().index("t1"), model.titles.tolist().index("new")] > 0
        assert set(model.card["figures"]) == {"ours", "popularity", "itemknn", "ease", "content"}
        assert model.card["figures"]["ours"]["ndcg@10"] > model.card["figures"]["popularity"]["ndcg@10"]
    finally:
        await fresh.close()
    stored = {one.key async for one in use.objects.list(use.settings.library.bucket, store.PREFIX)}
    assert stored == {
        f"{store.PREFIX}{published.version}/{name}"
        for name in ("card.json", "card.md", "neighbours.parquet", "titles.parquet")
    }


async def test_a_model_is_taken_back_and_of_two_trainings_one_gives_way(use: Backends) -> None:
    await borrow(use)
    first = await train(TrainingAsked(), use)
    seen = await store.pointed(use)
    await borrow(use, seed=1)
    second = await train(TrainingAsked(), use)
    assert first is not None
    assert second is not None
    assert second.version != first.version
    with pytest.raises(Conflict):
        await store.go_live(use, first.version, seen)
    assert await store.withdraw(use) == first.version
    pointer = await store.pointed(use)
    assert pointer is not None
    assert pointer[0].version == first.version
    assert await store.withdraw(use) is None


async def test_the_event_loop_goes_on_while_a_training_works(tmp_path: Path) -> None:
    go, said = tmp_path / "go", tmp_path / "pid"
    work = asyncio.create_task(apart(training.wait_for, str(go), str(said), megabytes=1024))
    await eventually(_there(said), "the process works")
    go.touch()  # only a loop that runs comes here
    assert await work == "done"


async def test_a_cancelled_training_leaves_no_process(tmp_path: Path) -> None:
    said = tmp_path / "pid"
    work = asyncio.create_task(apart(training.wait_for, str(tmp_path / "never"), str(said), megabytes=1024))
    await eventually(_there(said), "the process works")
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    pid = int(await asyncio.to_thread(said.read_text))

    async def gone() -> bool:
        return not psutil.pid_exists(pid)

    await eventually(gone, "the process ended")


async def test_a_training_beyond_its_memory_is_refused_and_one_that_was_killed_is_tried_again() -> None:
    assert await apart(training.take, 64, megabytes=1024) == 64 * 2**20
    with pytest.raises(Reject, match="TRAINING_MB"):
        await apart(training.take, 2048, megabytes=1024)
    with pytest.raises(Retry):
        await apart(training.end, megabytes=1024)
    with pytest.raises(RuntimeError, match=r"^the training failed \(ValueError\)$"):
        await apart(training.fail, megabytes=1024)


def _there(file: Path) -> Callable[[], Awaitable[bool]]:
    async def there() -> bool:
        return await asyncio.to_thread(lambda: file.exists() and bool(file.read_text()))

    return there
