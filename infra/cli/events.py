"""`stadtfunk events export | check`: the documents made from the events' code."""

from pathlib import Path
from typing import Annotated

import typer

from infra.cli.output import fail, out
from infra.schemas import FOLDER, documents, incompatibilities, read_released, written
from shared.catalogue import Catalogue
from shared.settings import Settings

app = typer.Typer(no_args_is_help=True)


@app.command("export")
def export(folder: Annotated[Path, typer.Option(help="Where to write.")] = FOLDER) -> None:
    """Write a JSON Schema a type, and the AsyncAPI 3 document; an incompatible change is refused."""
    current = documents(Catalogue.load(Settings().catalogue))
    faults = _faults(folder)
    if faults:
        fail("\n".join(faults))
    folder.mkdir(parents=True, exist_ok=True)
    for name, document in current.items():
        (folder / name).write_text(written(document), encoding="utf-8")
    out.print(f"wrote {len(current)} documents to {folder}")


@app.command("check")
def check() -> None:
    """Fail when a released type changed incompatibly, or when the checked-in documents are not the code's."""
    faults = _faults(FOLDER)
    released = read_released()
    for name, document in documents(Catalogue.load(Settings().catalogue)).items():
        if released.get(name) != document:
            faults.append(f"{name} is not what the code says; run `stadtfunk events export`")
    if faults:
        fail("\n".join(faults))
    out.print(f"{len(released)} event documents are as the code says")


def _faults(folder: Path) -> list[str]:
    current = documents(Catalogue.load(Settings().catalogue))
    faults = []
    for name, old in read_released(folder).items():
        if name == "asyncapi.json":
            continue
        if name not in current:
            faults.append(f"{name[:-5]}: a released type is gone; keep it, or delete its schema in a major release")
            continue
        faults += [
            f"{name[:-5]}: {fault}; make it a new type with '.v2'" for fault in incompatibilities(old, current[name])
        ]
    return faults
