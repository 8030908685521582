"""The JSON Schema of serverless.yaml, named in its first line so that editors complete and check it."""

import json
from pathlib import Path

from shared.catalogue import Catalogue

SCHEMA_FILE = Path(__file__).with_name("serverless.schema.json")


def schema_text() -> str:
    """The schema as its file holds it."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:stadtfunk:serverless",
        **Catalogue.model_json_schema(),
    }
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"
