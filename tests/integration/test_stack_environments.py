"""Triton in an environment of its own: installed from its lock once, and a model in its folder is loaded."""

import json
import urllib.request
from pathlib import Path

import pytest

from infra.stack.environments import InstallError, install, installed
from infra.stack.ports import free_port
from infra.stack.vision import triton
from tests.conftest import Launch

CONFIG = """
backend: "python"
max_batch_size: 8
input [{ name: "IN" data_type: TYPE_FP32 dims: [ 2 ] }]
output [{ name: "OUT" data_type: TYPE_FP32 dims: [ 2 ] }]
"""
MODEL = """
import triton_python_backend_utils as triton

class TritonPythonModel:
    def execute(self, requests):
        doubled = (triton.get_input_tensor_by_name(r, "IN").as_numpy() * 2 for r in requests)
        return [triton.InferenceResponse([triton.Tensor("OUT", values)]) for values in doubled]
"""


@pytest.mark.timeout(600)
def test_triton_loads_a_python_model(launch: Launch, tmp_path: Path) -> None:
    python = install("triton")
    assert installed("triton") == python
    model = tmp_path / "vision" / "models" / "double"
    (model / "1").mkdir(parents=True)
    (model / "config.pbtxt").write_text(CONFIG)
    (model / "1" / "model.py").write_text(MODEL)
    ports: dict[str, int] = {}
    port_of = lambda name: ports.setdefault(name, free_port())  # noqa: E731
    server = launch(triton(tmp_path / "vision", port_of, python=python))
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/v2/models/double", timeout=30) as answer:
        described = json.load(answer)
    assert described["versions"] == ["1"]
    assert [(tensor["name"], tensor["datatype"]) for tensor in described["outputs"]] == [("OUT", "FP32")]


def test_a_lock_that_changed_is_installed_anew_and_a_failure_named(tmp_path: Path) -> None:
    (tmp_path / "locks").mkdir()
    lock = tmp_path / "locks" / "small.txt"
    lock.write_text("")
    python = install("small", root=tmp_path)
    assert python.exists()
    assert installed("small", root=tmp_path) == python
    lock.write_text("no-such-package-of-stadtfunk @ file:///nowhere/at/all.whl")
    assert installed("small", root=tmp_path) is None
    with pytest.raises(InstallError, match="uv pip sync failed"):
        install("small", root=tmp_path)
