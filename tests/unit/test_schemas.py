"""Released event types never change incompatibly."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import jsonschema
import pytest

from events.cms import PageChanged
from infra.schemas import asyncapi, documents, incompatibilities, load_events, read_released, schema_of
from shared.catalogue import Catalogue

CATALOGUE = Catalogue.load(Path(__file__).parents[2] / "serverless.yaml")
RELEASED = schema_of(PageChanged)


def test_the_checked_in_documents_are_the_codes() -> None:
    assert read_released() == documents(CATALOGUE)


def test_every_schema_is_a_schema_and_takes_its_own_events() -> None:
    for kind in load_events().values():
        jsonschema.Draft202012Validator.check_schema(schema_of(kind))


def _changed(change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    schema = copy.deepcopy(RELEASED)
    change(schema)
    return schema


COMPATIBLE: list[Callable[[dict[str, Any]], None]] = [
    lambda s: s["properties"].update(note={"type": "string", "default": ""}),
    lambda s: s.update(description="said better"),
    lambda s: s["properties"]["page_id"].update(title="Another title"),
]
INCOMPATIBLE: list[tuple[Callable[[dict[str, Any]], Any], str]] = [
    (lambda s: s["properties"].pop("object_key"), "'object_key' was removed"),
    (lambda s: s["required"].append("note"), "'note' is new and required"),
    (lambda s: s["required"].remove("source"), "'source' is no longer required"),
    (lambda s: s["properties"]["revision"].update(type="string"), "revision"),
    (lambda s: s["properties"]["page_id"].update(maxLength=64), "maxLength was 128, is 64"),
    (lambda s: s["properties"]["changed_at"].pop("format"), "changed_at"),
]


@pytest.mark.parametrize("change", COMPATIBLE)
def test_what_may_change(change: Callable[[dict[str, Any]], None]) -> None:
    assert incompatibilities(RELEASED, _changed(change)) == []


@pytest.mark.parametrize(("change", "said"), INCOMPATIBLE)
def test_what_may_not(change: Callable[[dict[str, Any]], None], said: str) -> None:
    faults = incompatibilities(RELEASED, _changed(change))

    assert any(said in fault for fault in faults), faults


def test_asyncapi_names_every_type_and_every_listening_function() -> None:
    document = asyncapi(CATALOGUE)

    assert set(document["channels"]) == set(load_events())
    assert document["operations"]["index_page"]["channel"] == {"$ref": "#/channels/cms.page.changed"}
    assert document["channels"]["cms.page.changed"]["address"] == "events.{key}.cms.page.changed"


def test_two_classes_cannot_claim_one_type() -> None:
    from events import Event

    with pytest.raises(TypeError, match=r"cms\.page\.changed"):

        class Other(Event):
            type: ClassVar[str] = "cms.page.changed"
