"""Derived ids, and the bus without a server."""

from typing import ClassVar

import pytest

from events import CloudEvent, Event
from shared.bus import MAX_BYTES, MemoryBus, derived_id, enveloped
from shared.deadletters import DeadLetter, letter_id
from shared.errors import Reject


class Positioned(Event):
    type: ClassVar[str] = "test.positioned"
    text: str = ""


class Identified(Event):
    type: ClassVar[str] = "test.identified"
    key: ClassVar[str | None] = "name"
    identity: ClassVar[tuple[str, ...]] = ("name",)
    name: str
    text: str = ""


class ToldOnce(Event):
    type: ClassVar[str] = "test.told-once"
    identity: ClassVar[tuple[str, ...]] = ("name",)
    once: ClassVar[bool] = True
    name: str


def test_derived_id_is_the_same_in_every_repeat() -> None:
    assert derived_id("f", "cause", Positioned(text="a"), 0) == derived_id("f", "cause", Positioned(text="b"), 0)
    assert derived_id("f", "cause", Identified(name="n", text="a"), 0) == derived_id(
        "f", "cause", Identified(name="n", text="b"), 7
    )


def test_derived_id_tells_apart_what_differs() -> None:
    event = Positioned()
    ids = {
        derived_id("f", "cause", event, 0),
        derived_id("g", "cause", event, 0),
        derived_id("f", "other", event, 0),
        derived_id("f", "cause", event, 1),
        derived_id("f", "cause", Identified(name="n"), 0),
        derived_id("f", "cause", Identified(name="m"), 0),
    }
    assert len(ids) == 6


def test_what_is_told_once_has_one_id_whoever_tells_it() -> None:
    told = {derived_id(teller, cause, ToldOnce(name="n"), 3) for teller in "fg" for cause in ("a", "b")}
    assert len(told) == 1
    assert derived_id("f", "a", ToldOnce(name="m"), 3) not in told

    with pytest.raises(TypeError, match="'once' needs 'identity'"):

        class Nameless(Event):
            type: ClassVar[str] = "test.nameless"
            once: ClassVar[bool] = True


async def test_memory_bus_stores_an_id_once_and_refuses_what_is_too_large() -> None:
    bus = MemoryBus()
    event = enveloped(Identified(name="n"), id="1", source="/test")
    await bus.publish(event, key="n")
    await bus.publish(event, key="n")
    with pytest.raises(Reject, match="object storage"):
        await bus.publish(CloudEvent(id="2", source="/test", type="test.large", data=b"x" * (MAX_BYTES + 1)))
    assert bus.events == [event]
    assert bus.keys == ["n"]


def test_dead_letter_travels_there_and_back() -> None:
    letter = DeadLetter(
        id=letter_id("f", "EVENTS/f/7", ""),
        function="f",
        attempts=3,
        error="ValueError",
        reason="größer\r\nals: 100 %",
        first_at="2026-11-22T08:00:00.000Z",
        last_at="2026-11-22T09:00:00.000Z",
        subject="events.-.test.positioned",
        headers={"ce-id": "1", "Nats-Msg-Id": "1", "Nats-Expected-Stream": "EVENTS", "traceparent": "t"},
        data=b"\xff{",
    )
    subject, body, headers = letter.message()
    assert subject == "dead.f"
    assert headers["Nats-Msg-Id"] == letter.id
    assert "Nats-Expected-Stream" not in headers  # the server would obey it again
    assert all(value.isascii() and "\n" not in value for value in headers.values())
    read = DeadLetter.read(headers, body)
    assert read.headers == {"ce-id": "1", "traceparent": "t"}
    for name in ("id", "function", "attempts", "error", "reason", "first_at", "last_at", "subject", "data"):
        assert getattr(read, name) == getattr(letter, name)
