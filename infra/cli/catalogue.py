"""`stadtfunk catalogue check | schema`: serverless.yaml against the code, and its JSON Schema."""

import json

import typer

from infra.cli.output import fail, out
from infra.handlers import resolve
from infra.manifest import SCHEMA_FILE, schema_text
from shared.catalogue import Catalogue
from shared.settings import Settings

app = typer.Typer(no_args_is_help=True)


@app.command("check")
def check() -> None:
    """Fail when an entry does not fit the code, or the checked-in schema not the models."""
    path = Settings().catalogue
    functions = resolve(Catalogue.load(path), path)
    if not SCHEMA_FILE.exists() or SCHEMA_FILE.read_text(encoding="utf-8") != schema_text():
        fail(f"{SCHEMA_FILE.name} is not what the code says; run `stadtfunk catalogue schema`")
    out.print(f"{len(functions)} functions fit the code")


@app.command("schema")
def schema() -> None:
    """Write the JSON Schema that editors complete serverless.yaml with."""
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
    out.print(f"wrote {SCHEMA_FILE} ({len(json.loads(schema_text())['$defs'])} definitions)")
