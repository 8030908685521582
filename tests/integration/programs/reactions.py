"""Functions that the fault tests run in worker processes, the well-behaved and the poisonous."""

import asyncio
import ctypes
import os
import signal
import time
from collections.abc import AsyncIterator
from functools import cache
from pathlib import Path
from typing import ClassVar

from events import Event
from shared.backends import Backends
from shared.errors import Reject, Retry
from shared.function import on
from shared.state import Conflict
from tests.integration.programs.ledger import Ledger


class Numbered(Event):
    """One of many things that happened to a thing."""

    type: ClassVar[str] = "tests.thing.numbered"
    key: ClassVar[str | None] = "thing"

    thing: str
    number: int


class Settled(Event):
    """The follow-up of a Numbered."""

    type: ClassVar[str] = "tests.thing.settled"
    key: ClassVar[str | None] = "thing"

    thing: str
    number: int


class Ticked(Event):
    """A schedule's time has come."""

    type: ClassVar[str] = "tests.clock.ticked"

    clock: str = "tower"


@cache
def ledger() -> Ledger:
    """This process's connection to the ledger."""
    return Ledger.here()


def marker(event: Numbered | Settled) -> str:
    """Names what happened, whatever message tells it."""
    return f"{event.thing}:{event.number:04}"


@on(Numbered)
async def take(event: Numbered, use: Backends) -> Settled:
    """Works a little, then says so."""
    ledger().run("take", marker(event))
    await asyncio.sleep(0.004)
    return Settled(thing=event.thing, number=event.number)


@on(Numbered)
async def take_and_fall(event: Numbered, use: Backends) -> AsyncIterator[Settled]:
    """Dies between the follow-up's confirmation and the ack, once for every 200th event."""
    begun = ledger().run("take_and_fall", marker(event))
    yield Settled(thing=event.thing, number=event.number)
    if event.number % 200 == 0 and begun == 1:
        os.kill(os.getpid(), signal.SIGKILL)


@on(Settled)
async def settle(event: Settled, use: Backends) -> None:
    """An effect in a foreign system, read before it is written."""
    ledger().run("settle", marker(event))
    ledger().write_once("settled", marker(event))


@on(Numbered)
async def revise(event: Numbered, use: Backends) -> None:
    """Keeps the newest number of a thing, whatever the order of delivery."""
    bucket = use.state.bucket("things")
    present = await bucket.get(event.thing)
    if present is not None and int(present.value) >= event.number:
        ledger().write("ignored", marker(event))
        return
    try:
        if present is None:
            await bucket.create(event.thing, str(event.number).encode())
        else:
            await bucket.update(event.thing, str(event.number).encode(), present.revision)
    except Conflict:
        raise Retry("another revision was faster") from None
    ledger().write("written", marker(event))


@on(Numbered)
async def follow(event: Numbered, use: Backends) -> None:
    """Notes begin and end, so that an overlap of one thing's events would show."""
    ledger().write("followed", f"{event.thing} {event.number:04} begin")
    await asyncio.sleep(0.003)
    ledger().write("followed", f"{event.thing} {event.number:04} end")


@on(Ticked)
async def tick(event: Ticked, use: Backends) -> None:
    """Strikes."""
    ledger().write("ticked", event.clock)


@on(Numbered)
async def suffer(event: Numbered, use: Backends) -> Settled:
    """Does what the thing's name says; with the file of that name in FIXES, it is mended."""
    begun = ledger().run("suffer", marker(event))
    if not _mended(event.thing):
        await _poison(event.thing, begun)
    ledger().write_once("survived", marker(event))
    return Settled(thing=event.thing, number=event.number)


def _mended(kind: str) -> bool:
    return (Path(os.environ["STADTFUNK_TEST_FIXES"]) / kind).exists()


async def _poison(kind: str, begun: int) -> None:
    match kind:
        case "bug":
            raise KeyError("Herr Geheim, geheim@example.org")  # what must not reach a log
        case "reject":
            raise Reject("it can never succeed")
        case "kill":  # as the kernel does when memory is short
            os.kill(os.getpid(), signal.SIGKILL)
        case "segfault":
            ctypes.string_at(0)
        case "exit":
            raise SystemExit(3)
        case "block":
            while not _mended(kind):
                time.sleep(0.1)  # noqa: ASYNC251 - blocking the loop is the fault
        case "slow":
            while not _mended(kind):  # noqa: ASYNC110 - by another process
                await asyncio.sleep(0.1)
        case "endless":
            await asyncio.Event().wait()
        case "moody" if begun < 3:
            raise Retry("not now", after=0.05)
        case "moody":
            await asyncio.sleep(1.5)
