"""Makes the folder that Triton serves: ``<model>/config.pbtxt``, ``<model>/1/model.onnx`` and the file that runs it.

The same folder serves on a CPU and on a GPU; only ``config.pbtxt`` differs, in backend and instance group.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import jinja2

from infra.vision.files import ModelMissing, WrongModel, checked, digest, published
from infra.vision.models import MODELS, Model

HERE = Path(__file__).parent


def prepare(
    folder: Path,
    *,
    python: Path,
    wheels: Path | None,
    mirror: Path | None,
    models: Sequence[Model] = MODELS,
    gpu: bool = False,
) -> list[str]:
    """Write the repository into ``folder``; gives one line for each model that is left out because it cannot be had.

    ``python`` has onnx (Triton's environment). What is there already and right is kept.

    Raises:
        WrongModel: a file, or the graph made of it, has another hash than the list says.
    """
    found, missing = {}, []
    for model in models:
        try:
            found[model] = published(model, mirror=mirror, wheels=wheels, kept=folder.parent / "published")
        except ModelMissing as error:
            missing.append(str(error))
    for stranger in folder.iterdir() if folder.is_dir() else ():
        if stranger.name not in {model.name for model in found}:
            shutil.rmtree(stranger)
    stale = {}
    for model, raw in found.items():
        served = _served(folder, model)
        served.parent.mkdir(parents=True, exist_ok=True)
        if served.is_file() and digest(served) == model.served:
            continue
        if model.own is not None:
            shutil.copyfile(raw, served)
        else:
            stale[model] = raw
    _build(stale, folder, python)
    for model in found:
        served = checked(_served(folder, model), model.served, model.name)
        shutil.copyfile(HERE / "model.py", served.with_name("model.py"))
        (folder / model.name / "config.pbtxt").write_text(config(model, gpu=gpu))
    return missing


def config(model: Model, *, gpu: bool) -> str:
    """The text of ``config.pbtxt``."""
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True, autoescape=False)  # noqa: S701 - no HTML
    return environment.from_string((HERE / "config.pbtxt.jinja").read_text()).render(model=model, gpu=gpu)


def _served(folder: Path, model: Model) -> Path:
    return folder / model.name / "1" / "model.onnx"


def _build(files: Mapping[Model, Path], folder: Path, python: Path) -> None:
    """Make the graphs of these published files, in one process: importing onnx takes longest."""
    if not files:
        return
    jobs = [
        word for m, raw in files.items() for word in (m.name, str(raw.resolve()), str(_served(folder, m).resolve()))
    ]
    command = (str(python), "-m", "infra.vision.networks", *jobs)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    ended = subprocess.run(command, cwd=HERE.parents[1], env=environment, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise WrongModel(f"no graph can be made of {', '.join(m.file for m in files)}:\n{ended.stderr[-800:]}")
