"""Triton with the models of the house: its environment, their files and its repository, ready to start."""

import dataclasses
import json
import os
from pathlib import Path

from infra.stack import servers
from infra.stack.environments import ROOT, install
from infra.stack.servers import PortOf, Server
from infra.vision.models import MODELS
from infra.vision.repository import prepare


def vision(folder: Path, port_of: PortOf) -> tuple[Server, list[str]]:
    """The server, and a line for each model that is left out.

    Raises:
        InstallError: an environment cannot be installed.
        WrongModel: a model's file is not the one in the list.
    """
    missing = repository(folder / "models")
    server = servers.triton(folder, port_of, python=install("triton"))
    provides = {**server.provides, "STADTFUNK_VISION__SHA256": hashes(folder / "models")}
    return dataclasses.replace(server, provides=provides), missing


def repository(folder: Path, *, gpu: bool = False) -> list[str]:
    """Make the folder that Triton serves; gives a line for each model that is left out.

    Raises:
        InstallError, WrongModel: as above.
    """
    python = install("triton")
    wheels = next(install("models").parent.parent.glob("lib/python3.*/site-packages"))
    return prepare(folder, python=python, wheels=wheels, mirror=mirror(), gpu=gpu)


def hashes(folder: Path) -> str:
    """The setting that lets functions use these graphs and no others."""
    return json.dumps({model.name: model.served for model in MODELS if (folder / model.name).is_dir()})


def mirror() -> Path:
    """Where model files are looked for first."""
    return Path(os.environ.get("STADTFUNK_VISION__MIRROR", ROOT.parent / "shared" / "models"))
