"""Crawl, webhooks and crashes in every order: the highest revision is always what the source says last."""

import asyncio
import random
from contextlib import aclosing

import pytest

from events.cms import PageChanged, PageRemoved
from functions.xnext.ledger import PAGES, Ledger
from functions.xnext.page import Page, Section
from functions.xnext.sources import Reading, Validators
from shared.errors import Retry
from shared.objects import MemoryObjects
from shared.state import MemoryState


class Changing:
    """A source of one page whose answer is as old as the moment it was asked for."""

    def __init__(self, chance: random.Random) -> None:
        self.text: str | None = "0"  # None: unpublished
        self.chance = chance

    async def ids(self) -> list[str]:
        return ["1"]

    async def read(self, id: str, known: Validators) -> Reading:
        text = self.text
        await pause(self.chance)
        validators = Validators(etag=f'"{text}"')
        if known == validators:
            return Reading(unchanged=True, validators=validators)
        if text is None:
            return Reading(absent="not_public", validators=validators)
        page = Page(id="s:1", source="s", title="T", sections=(Section(heading="", html=text),))
        return Reading(pages=(page,), validators=validators)


async def pause(chance: random.Random) -> None:
    for _ in range(chance.randrange(4)):
        await asyncio.sleep(0)


@pytest.mark.parametrize("seed", range(150))
async def test_whoever_writes_and_whoever_crashes_the_last_word_wins(seed: int) -> None:
    chance = random.Random(seed)
    source, state, objects = Changing(chance), MemoryState(), MemoryObjects()
    await objects.ensure_bucket("b")
    told: dict[int, set[str | None]] = {}  # revision -> contents told under it

    async def writer(crashes: bool) -> None:
        ledger = Ledger("s", state.bucket(PAGES), objects, "b")
        for _ in range(4):
            await pause(chance)
            seen = await ledger.look(source, "1")
            await pause(chance)
            try:
                async with aclosing(ledger.follow(seen, source)) as events:
                    async for event in events:
                        if crashes and chance.random() < 0.3:
                            break  # before the event was stored
                        assert isinstance(event, PageChanged | PageRemoved)
                        content = event.content_hash if isinstance(event, PageChanged) else None
                        told.setdefault(event.revision, set()).add(content)
                        await pause(chance)
                        if crashes and chance.random() < 0.3:
                            break  # after it was stored, before the record
            except Retry:
                continue

    async def editor() -> None:
        for _ in range(6):
            await pause(chance)
            source.text = chance.choice(["0", "1", "2", None])

    await asyncio.gather(editor(), *(writer(crashes=True) for _ in range(4)))
    await writer(crashes=False)
    assert all(len(contents) == 1 for contents in told.values()), told
    (last,) = told[max(told)] if told else (None,)
    if source.text is None:
        assert last is None
    else:
        page = Page(id="s:1", source="s", title="T", sections=(Section(heading="", html=source.text),))
        assert last == page.content_hash()
    before = dict(told)
    await writer(crashes=False)
    assert told == before, "nothing is told of an unchanged page"
