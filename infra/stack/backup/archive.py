"""The form of a backup: a folder (or one ``.tar``) of files and a manifest that is written last.

manifest.json             format, time, versions, counts, SHA-256 of every other file
streams/<name>.json       configuration and state;  <name>.snapshot as the server gives it
vectors/<collection>.json schema, indexes, aliases; <collection>.jsonl.gz one row a line
objects/<bucket>.jsonl    key, type, metadata, file of each object;  <bucket>/<n> its bytes
"""

import hashlib
import json
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shared.errors import StadtfunkError

FORMAT = 1
MANIFEST = "manifest.json"
PARTS = ("streams", "vectors", "objects")


class BackupError(StadtfunkError):
    """A backup cannot be made or brought back; the text says why and what would help."""


@contextmanager
def writing(target: Path) -> Iterator[Path]:
    """A folder to write a backup into; it becomes ``target`` (a folder, or a ``.tar``) when all went well.

    Raises:
        BackupError: there is something at ``target`` already.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise BackupError(f"{target} exists already; name a new folder, or a new file ending in .tar")
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        for part in PARTS:
            (folder / part).mkdir()
        yield folder
        if target.suffix == ".tar":
            packed = folder.with_name(folder.name + ".tar")
            with tarfile.open(packed, "w") as tar:
                tar.add(folder, arcname=".")
            packed.replace(target)
        else:
            if target.exists():
                target.rmdir()
            folder.replace(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def reading(source: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The folder and the manifest of a backup whose every file was checked.

    Raises:
        BackupError: it is no backup, incomplete, or a file is not as it was written.
    """
    if source.is_dir():
        yield source, _checked(source)
        return
    if not source.exists() or not tarfile.is_tarfile(source):
        raise BackupError(f"{source} is no backup: a folder or a .tar made by `stadtfunk backup` is wanted")
    with tempfile.TemporaryDirectory(prefix="stadtfunk-restore-") as unpacked:
        with tarfile.open(source) as tar:
            tar.extractall(unpacked, filter="data")
        yield Path(unpacked), _checked(Path(unpacked))


def seal(folder: Path, facts: dict[str, Any]) -> dict[str, Any]:
    """Write the manifest: what is told plus time and checksums."""
    files = {str(f.relative_to(folder)): sha256(f) for f in sorted(folder.rglob("*")) if f.is_file()}
    manifest = {"format": FORMAT, "made_at": datetime.now(UTC).isoformat(timespec="seconds"), **facts, "files": files}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True), encoding="utf-8")
    return manifest


def sha256(file: Path) -> str:
    """Hex digest of a file."""
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _checked(folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise BackupError(f"{folder} has no manifest: no backup, or one that was not finished") from None
    if manifest.get("format") != FORMAT:
        raise BackupError(f"{folder} has format {manifest.get('format')}; this version reads format {FORMAT}")
    for name, digest in manifest["files"].items():
        file = folder / name
        if not file.is_file():
            raise BackupError(f"{folder}: {name} is missing")
        if sha256(file) != digest:
            raise BackupError(f"{folder}: {name} is damaged (its checksum differs); use another backup")
    return manifest
