"""Environments beside the project's own: made from their lock when an enabled system needs them, and not before."""

import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path

from shared.errors import StadtfunkError

ROOT = Path(__file__).parents[2]


class InstallError(StadtfunkError):
    """An environment cannot be installed; the text says what is missing."""


def installed(name: str, *, root: Path = ROOT) -> Path | None:
    """The Python of the environment ``.venvs/<name>`` when it is as its lock says, else None."""
    stamp = root / ".venvs" / name / "installed"
    if stamp.is_file() and stamp.read_text() == _digest(root / "locks" / f"{name}.txt"):
        return root / ".venvs" / name / "bin" / "python"
    return None


def install(name: str, *, root: Path = ROOT) -> Path:
    """Install the environment from ``locks/<name>.txt``; gives its Python. One that is there already is kept.

    Raises:
        InstallError: uv is missing or could not install.
    """
    python = installed(name, root=root)
    if python is not None:
        return python
    uv, folder, lock = Path(sys.executable).parent / "uv", root / ".venvs" / name, root / "locks" / f"{name}.txt"
    if not uv.exists():
        raise InstallError(f"{uv} is missing, which installs {lock.name}; run: make up, or pip install uv")
    python = folder / "bin" / "python"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "installing").open("w") as only_one:
        fcntl.flock(only_one, fcntl.LOCK_EX)  # another process of ours may be at it
        if installed(name, root=root) is None:
            _install(uv, folder, lock)
    return python


def _install(uv: Path, folder: Path, lock: Path) -> None:
    python = folder / "bin" / "python"
    _run(uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(folder))
    _run(uv, "pip", "sync", "--quiet", "--python", str(python), "--require-hashes", str(lock))
    (folder / "installed").write_text(_digest(lock))


def _run(uv: Path, *command: str) -> None:
    ended = subprocess.run((str(uv), *command), capture_output=True, text=True, check=False)
    if ended.returncode:
        raise InstallError(f"uv {' '.join(command[:2])} failed:\n{ended.stderr[-800:]}")


def _digest(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()
