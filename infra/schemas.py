"""The documents that are made from the events' code: JSON Schemas and an AsyncAPI 3 description.

They lie checked in under ``events/schemas``. A released schema changes only compatibly: a consumer
that reads the old one must read every new event, so a field may be added with a default, and nothing
else. Anything more is a new type with ``.v2``.
"""

import importlib
import json
import pkgutil
from pathlib import Path
from typing import Any

import events
from events import EVENT_TYPES, CloudEvent, Event
from events.storage import ObjectStored
from events.subjects import NO_KEY, filter_of
from shared.catalogue import Catalogue, FunctionEntry

FOLDER = Path(events.__file__).parent / "schemas"
__all__ = ["FOLDER", "CloudEvent", "asyncapi", "documents", "incompatibilities", "load_events", "schema_of"]

Json = dict[str, Any]


def load_events() -> dict[str, type[Event]]:
    """Import every module of ``events`` and return the types they declare."""
    for module in pkgutil.iter_modules(events.__path__):
        importlib.import_module(f"events.{module.name}")
    return {name: kind for name, kind in sorted(EVENT_TYPES.items()) if kind.__module__.startswith("events.")}


def schema_of(event: type[Event]) -> Json:
    """The JSON Schema (2020-12) of an event's data."""
    schema = event.model_json_schema(mode="validation")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:stadtfunk:event:{event.type}",
        **schema,
    }


def documents(catalogue: Catalogue) -> dict[str, Json]:
    """Every document by its file name, as it must stand in ``events/schemas``."""
    found = {f"{name}.json": schema_of(kind) for name, kind in load_events().items()}
    return {**found, "asyncapi.json": asyncapi(catalogue)}


def asyncapi(catalogue: Catalogue) -> Json:
    """The AsyncAPI 3 document: a channel a type, an operation a function that receives it."""
    types = load_events()
    channels = {
        name: {
            "address": filter_of(name).replace("*", "{key}"),
            "description": (kind.__doc__ or "").strip().splitlines()[0],
            "parameters": {
                "key": {"description": f"digest of '{kind.key}'" if kind.key else f"always '{NO_KEY}': not ordered"}
            },
            "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        }
        for name, kind in types.items()
    }
    messages = {
        name: {
            "name": name,
            "contentType": "application/json",
            "headers": {"$ref": "#/components/schemas/CloudEventHeaders"},
            "payload": {
                "schemaFormat": "application/schema+json;version=draft-2020-12",
                "schema": {"$ref": f"./{name}.json"},
            },
        }
        for name in types
    }
    operations = {
        function: {
            "action": "receive",
            "summary": entry.description,
            "channel": {"$ref": f"#/channels/{type_}"},
            "messages": [{"$ref": f"#/channels/{type_}/messages/{type_}"}],
        }
        for function, entry in catalogue.functions.items()
        for type_ in _received(entry)
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Stadtfunk",
            "version": "1",
            "description": "Events on JetStream, CloudEvents 1.0 in binary mode; structured mode is accepted.",
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": {"CloudEventHeaders": _HEADERS}},
    }


def _received(entry: FunctionEntry) -> list[str]:
    types = [trigger.nats.type for trigger in entry.events if trigger.nats and trigger.nats.type]
    return [*types, ObjectStored.type] if entry.watches else types


_HEADERS: Json = {
    "type": "object",
    "required": ["ce-id", "ce-source", "ce-type", "ce-specversion"],
    "properties": {
        "ce-specversion": {"const": "1.0"},
        "ce-id": {"type": "string", "description": "Equal in every repeat of the same event."},
        "ce-source": {"type": "string"},
        "ce-type": {"type": "string"},
        "ce-subject": {"type": "string", "description": "The value of the key."},
        "ce-time": {"type": "string", "format": "date-time"},
        "traceparent": {"type": "string", "description": "W3C trace context."},
    },
}


def incompatibilities(released: Json, current: Json) -> list[str]:
    """What a reader of the released schema could not read in an event of the current one, and the reverse.

    Both ways, because during a rollout old and new versions of producer and consumer run side by side.
    """
    return _compare(released, current, released, current, "")


def _compare(old: Json, new: Json, old_root: Json, new_root: Json, where: str) -> list[str]:
    old, new = _resolved(old, old_root), _resolved(new, new_root)
    faults: list[str] = []
    before, after = old.get("properties", {}), new.get("properties", {})
    for name, field in before.items():
        place = f"{where}.{name}".lstrip(".")
        if name not in after:
            faults.append(f"field '{place}' was removed")
        else:
            faults += _compare(field, after[name], old_root, new_root, place)
    faults += [
        f"field '{where}.{name}' is new and required".replace("'.", "'")
        for name in new.get("required", [])
        if name not in old.get("required", [])
        # An old event may lack it: a new consumer could not read what is still in the stream.
    ]
    faults += [
        f"field '{where}.{name}' is no longer required".replace("'.", "'")
        for name in old.get("required", [])
        if name not in new.get("required", []) and name in after
    ]
    for rule in sorted(
        (set(old) | set(new)) - _ANNOTATIONS - {"properties", "required", "items", "anyOf", "prefixItems"}
    ):
        if old.get(rule) != new.get(rule):
            faults.append(f"'{where or 'event'}': {rule} was {old.get(rule)!r}, is {new.get(rule)!r}")
    if "items" in old or "items" in new:
        faults += _compare(old.get("items", {}), new.get("items", {}), old_root, new_root, f"{where}[]")
    for rule in ("anyOf", "prefixItems"):
        one, two = old.get(rule, []), new.get(rule, [])
        if len(one) != len(two):
            faults.append(f"'{where}': {rule} had {len(one)} choices, has {len(two)}")
        for number, (a, b) in enumerate(zip(one, two, strict=False)):
            faults += _compare(a, b, old_root, new_root, f"{where}<{number}>")
    return faults


# Words about a field that bind nobody.
_ANNOTATIONS = frozenset({"title", "description", "default", "examples", "$defs", "$id", "$schema", "$ref"})


def _resolved(schema: Json, root: Json) -> Json:
    if "$ref" not in schema:
        return schema
    name = str(schema["$ref"]).rsplit("/", 1)[1]
    target: Json = root["$defs"][name]
    return target


def read_released(folder: Path = FOLDER) -> dict[str, Json]:
    """The checked-in documents by file name."""
    return {file.name: json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.json"))}


def written(document: Json) -> str:
    """The text of a document's file."""
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
