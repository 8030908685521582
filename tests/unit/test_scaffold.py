"""`stadtfunk new` writes what runs at once, and touches nothing that exists."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra.scaffold import Plan, scaffold
from shared.catalogue import Catalogue
from shared.errors import CatalogueError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what a scaffold touches."""
    shutil.copy(ROOT / "serverless.yaml", tmp_path)
    for folder in ("events", "functions", "shared"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "static"))
    (tmp_path / "tests" / "unit").mkdir(parents=True)
    return tmp_path


def plan(**changed: str | None) -> Plan:
    given: dict[str, str | None] = {
        "system": "parks", "function": "count_visits", "event": "parks.visit.recorded", "path": None, **changed
    }  # fmt: skip
    return Plan(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wanted",
    [
        plan(),
        plan(system="xnext", event="cms.visit.recorded"),
        plan(system="xnext", event="cms.page.removed"),
        plan(path="/visits"),
    ],
)
def test_its_own_test_passes(project: Path, wanted: Plan) -> None:
    before = (project / "serverless.yaml").read_text(encoding="utf-8")

    written = scaffold(wanted, project)

    assert all((project / file).exists() for file in written)
    after = (project / "serverless.yaml").read_text(encoding="utf-8")
    assert after.startswith(before.partition("\nfunctions:\n")[0].rstrip("\n"))
    assert "count_visits" in Catalogue.load(project / "serverless.yaml").functions
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto", "tests/unit"],
        cwd=project,
        env={"PYTHONPATH": str(project), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    for ruff in (("format", "--check"), ("check",)):
        command = [sys.executable, "-m", "ruff", *ruff, "--no-cache", "--config", str(ROOT / "pyproject.toml")]
        clean = subprocess.run(
            [*command, *(str(file) for file in written if file.suffix == ".py")],
            cwd=project, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert clean.returncode == 0, clean.stdout + clean.stderr


def test_a_known_event_type_is_used_not_declared_again(project: Path) -> None:
    written = scaffold(plan(system="xnext", event="cms.page.changed"), project)

    assert not any(file.parts[0] == "events" for file in written)
    assert "from events.cms import PageChanged" in (project / "functions/xnext/count_visits.py").read_text()


def test_a_name_that_is_taken_is_refused(project: Path) -> None:
    with pytest.raises(CatalogueError, match="unique"):
        scaffold(plan(system="parks", function="search"), project)
    scaffold(plan(), project)
    with pytest.raises(CatalogueError, match="unique"):
        scaffold(plan(), project)
