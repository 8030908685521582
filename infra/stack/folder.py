"""The data folder of a local stack: one owner at a time, kept ports, secrets only the owner reads.

nats/ vectors/ objects/   what the servers keep
logs/                     one file a process
secrets/                  generated once, mode 0600
ports.json lock
"""

import base64
import fcntl
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from infra.stack.orphans import sweep
from infra.stack.ports import Ports, describe
from shared.errors import StadtfunkError


class InUse(StadtfunkError):
    """Another process holds the data folder; the text names it."""


class DataFolder:
    """A folder held by this process from ``with`` to its end."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.secrets = self.path / "secrets"
        self.logs = self.path / "logs"
        self.settings_file = self.path / "stack.env"
        self._lock: int | None = None

    @property
    def mark(self) -> str:
        """What all processes of this stack carry."""
        return str(self.path)

    @property
    def held(self) -> bool:
        """Whether a process (this one or another) holds the folder now."""
        try:
            lock = os.open(self.path / "lock", os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(lock)
        return False

    def __enter__(self) -> Self:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(lock, 32).decode().strip()
            os.close(lock)
            who = describe(int(holder)) if holder.isdigit() else "another process"
            raise InUse(f"{self.path} is in use by {who}; stop it, or choose another folder with --data") from None
        os.ftruncate(lock, 0)
        os.write(lock, str(os.getpid()).encode())
        self._lock = lock
        # Nobody else holds the folder, so whatever still runs in it was left by a supervisor that died.
        sweep(self.mark)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._lock is not None:
            self.settings_file.unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None

    def ports(self) -> Ports:
        """The ports of this folder, the same as last time where they are free."""
        return Ports(self.path / "ports.json")

    def secret(self, name: str, *, webhook: bool = False) -> str:
        """The secret of this name, made on first use; ``webhook`` gives it the form of Standard Webhooks."""
        self.secrets.mkdir(mode=0o700, exist_ok=True)
        file = self.secrets / name
        if not file.exists():
            value = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode() if webhook else secrets.token_hex(20)
            _write_private(file, value)
        return file.read_text().strip()

    def announce(self, settings: Mapping[str, str]) -> None:
        """Leave the running stack's settings for other commands; they end with the stack."""
        lines = [f"{name}='{value}'" for name, value in settings.items() if "'" not in value]
        self.settings_file.unlink(missing_ok=True)
        _write_private(self.settings_file, "\n".join([*lines, ""]))


def _write_private(file: Path, text: str) -> None:
    """Make the file, readable by its owner only from its first byte on."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        handle.write(text)
