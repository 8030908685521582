"""The OpenAPI document of a host, from the catalogue and the models in the functions' signatures."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from shared.catalogue import Catalogue, FunctionEntry
from shared.function import HttpFunction
from shared.http import PROBLEM

_REFERENCE = "#/components/schemas/{model}"
_SECURITY: dict[str | None, list[dict[str, list[str]]]] = {
    "public": [],
    "staff": [{"staff": []}],
}
_SIGNED = {"standard": "system", "hub-sha1": "hub", "bearer": "token"}


class ProblemDocument(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] = []
    trace_id: str | None = None


def openapi(catalogue: Catalogue, functions: Mapping[str, HttpFunction], version: str) -> dict[str, Any]:
    """An OpenAPI 3.1 document of the HTTP functions; folders of files are left out."""
    models: list[type[BaseModel]] = [ProblemDocument]
    for function in functions.values():
        models += [model for model in (function.query, function.result) if model is not None and model not in models]
    references, definitions = models_json_schema(
        [(model, mode) for model in models for mode in ("validation", "serialization")], ref_template=_REFERENCE
    )
    paths: dict[str, dict[str, Any]] = {}
    for name, function in functions.items():
        entry = catalogue.functions[name]
        for trigger in entry.events:
            if trigger.http is not None and trigger.http.files is None:
                path = re.sub(r"{(\w+):\w+}", r"{\1}", trigger.http.path)
                method = trigger.http.method.lower()
                paths.setdefault(path, {})[method] = _operation(function, entry, path, method, references)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Stadtfunk", "version": version},
        "paths": paths,
        "components": {
            "schemas": definitions.get("$defs", {}),
            "securitySchemes": {
                "staff": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "system": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "webhook-signature",
                    "description": "Standard Webhooks: with webhook-id and webhook-timestamp.",
                },
                "hub": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "x-hub-signature",
                    "description": "sha1= and the HMAC-SHA1 of the raw body in hex, as Zammad sends it.",
                },
                "token": {"type": "http", "scheme": "bearer", "description": "A secret that both sides know."},
            },
        },
    }


def _operation(
    function: HttpFunction, entry: FunctionEntry, path: str, method: str, references: Mapping[Any, Any]
) -> dict[str, Any]:
    in_path = re.findall(r"{(\w+)}", path)
    operation: dict[str, Any] = {
        "operationId": f"{function.name}_{method}_{_slug(path)}",
        "summary": entry.description,
        "tags": [entry.system],
        "security": [{_SIGNED[entry.signature]: []}] if entry.access == "system" else _SECURITY[entry.access],
    }
    parameters = [{"name": one, "in": "path", "required": True, "schema": {"type": "string"}} for one in in_path]
    if function.query is not None and method in ("get", "delete"):
        parameters += _in_query(function.query, in_path)
    elif function.query is not None:
        schema = references[(function.query, "validation")]
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    elif method != "get":
        operation["requestBody"] = {"content": {"*/*": {}}}
    if parameters:
        operation["parameters"] = parameters
    ok: dict[str, Any] = {"description": "The answer."}
    if function.result is not None:
        ok["content"] = {"application/json": {"schema": references[(function.result, "serialization")]}}
    problem = {"schema": references[(ProblemDocument, "serialization")]}
    operation["responses"] = {
        "200": ok,
        "default": {"description": "What went wrong.", "content": {PROBLEM: problem}},
    }
    return operation


def _in_query(model: type[BaseModel], in_path: list[str]) -> list[dict[str, Any]]:
    schema = model.model_json_schema(ref_template=_REFERENCE)
    required = schema.get("required", [])
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            **({"description": field["description"]} if "description" in field else {}),
            "schema": {key: value for key, value in field.items() if key not in ("description", "title")},
        }
        for name, field in schema.get("properties", {}).items()
        if name not in in_path
    ]


def _slug(path: str) -> str:
    return re.sub(r"\W+", "_", path).strip("_") or "root"
