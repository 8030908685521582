"""Every log line of the code has a fixed phrase and keys that are let through; else it would leak or lose something."""

import ast
from pathlib import Path

import pytest

from shared.telemetry import LOG_KEYS

ROOT = Path(__file__).parents[2]
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
SOURCES = [path for floor in ("events", "shared", "functions", "infra") for path in (ROOT / floor).rglob("*.py")]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_log_lines(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if "structlog" not in text:
        return
    for node in ast.walk(ast.parse(text)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS):
            continue
        if not (isinstance(node.func.value, ast.Name) and node.func.value.id in ("log", "_log")):
            continue
        where = f"{path.relative_to(ROOT)}:{node.lineno}"
        phrase = node.args[0] if node.args else None
        assert isinstance(phrase, ast.Constant), f"{where}: the phrase of a log line is fixed; values go into keys"
        unknown = {keyword.arg for keyword in node.keywords if keyword.arg} - LOG_KEYS - {"exc_info"}
        assert not unknown, f"{where}: {unknown} is not in LOG_KEYS and would be dropped"
