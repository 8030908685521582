"""s3 triggers in the catalogue: which objects they name, what they bring along, and where they do not fit."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cloudevents.http import CloudEvent
from pydantic import ValidationError

from events.storage import ObjectStored
from shared import framework
from shared.backends import Backends
from shared.bus import MemoryBus
from shared.catalogue import Catalogue, FunctionEntry
from shared.function import EventFunction, function_of, on
from shared.settings import Settings

WHOLE = Catalogue.load(Path(__file__).parents[2] / "serverless.yaml")


def entry(*triggers: dict[str, Any], **limits: Any) -> FunctionEntry:
    tree = {"handler": "photos.intake.take_in", "description": "-", "events": list(triggers), **limits}
    return FunctionEntry.model_validate(tree)


def stored(key: str, bucket: str = "photos-in") -> ObjectStored:
    return ObjectStored(bucket=bucket, object_key=key, version="a", size=1, stored_at=datetime(2026, 11, 2, tzinfo=UTC))


def test_a_trigger_names_objects_by_bucket_and_both_ends_of_the_key() -> None:
    one = entry({"s3": {"bucket": "photos-in", "prefix": "a/", "suffix": ".jpg"}}, {"s3": {"bucket": "scans"}})
    assert one.takes(stored("a/b.jpg"))
    assert one.takes(stored("anything", "scans"))
    for key in ("b/a/b.jpg", "a/b.png"):
        assert not one.takes(stored(key))
    assert not one.takes(stored("a/b.jpg", "elsewhere"))


def test_a_function_that_takes_every_objects_event_is_not_narrowed() -> None:
    one = entry({"s3": {"bucket": "photos-in"}}, {"nats": {"type": ObjectStored.type}})
    assert one.takes(stored("a.jpg", "elsewhere"))
    assert one.watches == []


@pytest.mark.parametrize(
    ("trigger", "limits", "said"),
    [
        ({"bucket": "Photos_In"}, {}, "string should match"),
        ({"bucket": "photos-in"}, {"order_by": "bucket"}, "objects of a bucket have no order"),
        ({"bucket": "photos-in", "sufix": ".jpg"}, {}, "Extra inputs"),
    ],
)
def test_a_wrong_trigger_is_refused(trigger: dict[str, str], limits: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=f"(?i){said}"):
        entry({"s3": trigger}, **limits)


def test_the_system_that_tells_of_objects_runs_where_another_one_asks_for_it() -> None:
    assert "storage" in WHOLE.enabled(["photos"]).systems
    assert "reconcile_objects" in WHOLE.enabled(["photos"]).functions
    assert "storage" not in WHOLE.enabled(["library"]).systems
    off = {name: one.model_copy(update={"enabled": name != "photos"}) for name, one in WHOLE.systems.items()}
    without = WHOLE.model_copy(update={"systems": off})
    assert "storage" not in without.enabled().systems
    assert without.watches() == []


@pytest.fixture
def pushed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Keys that reached a function under functions-framework."""
    seen: list[str] = []
    functions = {"take_in": entry({"s3": {"bucket": "photos-in", "suffix": ".jpg"}})}
    use = Backends(Settings(_env_file=None), catalogue=WHOLE.model_copy(update={"functions": functions}))
    monkeypatch.setattr(framework, "house", lambda: framework.House(use=use, bus=MemoryBus(), access=None))  # type: ignore[arg-type]
    return seen


async def test_a_pushed_event_of_another_object_does_not_reach_the_function(pushed: list[str]) -> None:
    @on(ObjectStored)
    async def take_in(event: ObjectStored, use: Backends) -> None:
        pushed.append(event.object_key)

    record = function_of(take_in)
    assert isinstance(record, EventFunction)
    for key in ("a.png", "a.jpg"):
        attributes = {"type": ObjectStored.type, "source": "/test", "id": key}
        await framework.react(record, CloudEvent(attributes, stored(key).model_dump(mode="json")))
    assert pushed == ["a.jpg"]
