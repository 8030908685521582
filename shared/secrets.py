"""Secrets by name: a file ``<dir>/<name>`` first, then ``STADTFUNK_SECRET_<NAME>``; never serverless.yaml."""

import os
import re
from pathlib import Path

from shared.errors import SettingsError

_NAME = re.compile(r"[a-z][a-z0-9-]*")


class Secrets:
    """Looks secrets up each time, so that a rotated file counts at once."""

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory

    def get(self, name: str) -> str:
        """The secret of this name.

        Raises:
            SettingsError: there is neither a file nor a variable for it.
        """
        if not _NAME.fullmatch(name):
            raise SettingsError(name, "a secret's name is lower-case letters, digits and '-'")
        if self._directory is not None:
            file = self._directory / name
            if file.is_file():
                return file.read_text(encoding="utf-8").rstrip("\n")
        variable = "STADTFUNK_SECRET_" + name.upper().replace("-", "_")
        value = os.environ.get(variable)
        if not value:
            where = f"{self._directory / name} or " if self._directory else ""
            raise SettingsError(name, f"secret is not set; put it into {where}the variable {variable}")
        return value
