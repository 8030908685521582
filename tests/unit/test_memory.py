"""A process's peak is its own."""

import subprocess
import sys

from shared.memory import peak_memory


def test_the_peak_is_not_the_parents() -> None:
    held = b"x" * 300_000_000
    code = "from shared.memory import peak_memory; print(peak_memory())"
    child = int(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)
    assert child < 100_000_000 < len(held) <= peak_memory()
