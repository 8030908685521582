"""`stadtfunk vision models | repository`: what looks at photos, and the folder that Triton serves."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from infra.cli.output import AsJson, fail, out, show_json, show_table

if TYPE_CHECKING:
    from infra.vision.models import Model

app = typer.Typer(no_args_is_help=True)


@app.command("models")
def models(as_json: AsJson = False) -> None:
    """Every model: what for, licence, where its file comes from, hashes. The mirror folder is looked in first."""
    from infra.stack.vision import mirror
    from infra.vision.models import MODELS

    def place(file: str) -> str | None:
        return str(mirror() / file) if (mirror() / file).is_file() else None

    if as_json:
        keys = ("name", "title", "purpose", "licence", "publisher", "source", "file", "sha256", "served")
        rows = [{key: getattr(m, key) for key in keys} | {"mirror": place(m.file)} for m in MODELS]
        show_json({"mirror": str(mirror()), "models": rows})
        return
    show_table(
        f"Models (mirror folder: {mirror()})",
        ["Model", "Finds", "Licence", "Is", "From", "Served"],
        [
            (m.name, m.purpose, m.licence, m.title, "mirror" if place(m.file) else _short(m), m.served[:12])
            for m in MODELS
        ],
    )


def _short(model: "Model") -> str:
    return model.source if model.address is None else str(urlsplit(model.address).hostname)


@app.command("repository")
def repository(
    folder: Annotated[Path, typer.Argument(help="A new folder, or one that this command made.")],
    *,
    gpu: Annotated[bool, typer.Option("--gpu", help="For Triton with a GPU: its onnxruntime backend.")] = False,
) -> None:
    """Make the model repository of a Triton that runs elsewhere; says which settings the functions need for it."""
    from infra.stack.vision import hashes
    from infra.stack.vision import repository as make
    from infra.vision.models import MODELS

    if folder.exists() and {one.name for one in folder.iterdir()} - {model.name for model in MODELS}:
        fail(f"{folder} holds something else; name a new folder")
    for line in make(folder, gpu=gpu):
        out.print(f"left out: {line}", style="bold red", markup=False, soft_wrap=True)
    out.print(f"{folder} is ready: tritonserver --model-repository {folder}", markup=False, soft_wrap=True)
    out.print(f"STADTFUNK_VISION__SHA256='{hashes(folder)}'", markup=False, soft_wrap=True)
