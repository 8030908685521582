"""The list of models, the configurations made of it, and where their files are looked for; no server."""

import hashlib
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig, ModelInput, ModelInstanceGroup, ModelOutput

from infra.vision.files import ModelMissing, WrongModel, published
from infra.vision.models import MODELS, Model
from infra.vision.repository import config
from shared import vision
from shared.catalogue import Catalogue
from shared.settings import VisionSettings

PERMISSIVE = {"MIT", "Apache-2.0", "BSD-3-Clause"}
CONTENT = b"a model"
GIVEN = Model(
    name="faces",
    purpose="faces",
    licence="MIT",
    title="A model",
    publisher="Nobody",
    file="faces.onnx",
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    served="0" * 64,
    wheel=("nobody", "nobody/model.onnx"),
)


def test_every_model_says_licence_hashes_and_source() -> None:
    assert len({model.name for model in MODELS}) == len({model.served for model in MODELS}) == len(MODELS)
    for model in MODELS:
        assert model.licence in PERMISSIVE
        assert re.fullmatch("[0-9a-f]{64}", model.sha256)
        assert re.fullmatch("[0-9a-f]{64}", model.served)
        assert [model.wheel is not None, model.address is not None, model.own is not None].count(True) == 1
        assert model.address is None or model.address.startswith("https://")
        if model.own is not None:
            assert model.served == model.sha256


def test_the_wheels_are_those_of_the_lock() -> None:
    locked = re.findall(r"^([a-z0-9-]+)==", Path("locks/models.txt").read_text(), re.MULTILINE)
    assert set(locked) == {model.wheel[0] for model in MODELS if model.wheel is not None}


def test_the_register_names_every_model_of_a_system_that_looks_at_photos() -> None:
    for system in Catalogue.load(Path("serverless.yaml")).systems.values():
        if "vision" in system.needs:
            assert {model.card for model in MODELS} <= set(system.card.models)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_gpu_differs_from_a_cpu_in_backend_and_instances_alone(model: Model) -> None:
    cpu, gpu = (text_format.Parse(config(model, gpu=gpu), ModelConfig()) for gpu in (False, True))
    assert (cpu.backend, gpu.backend) == ("python", "onnxruntime")
    assert [group.kind for group in cpu.instance_group] == [ModelInstanceGroup.KIND_CPU]
    assert [group.kind for group in gpu.instance_group] == [ModelInstanceGroup.KIND_GPU]
    assert gpu.default_model_filename == "model.onnx"
    for one in (cpu, gpu):
        for field in ("backend", "instance_group", "default_model_filename"):
            one.ClearField(field)
    assert cpu == gpu
    assert cpu.parameters["sha256"].string_value == model.served
    assert cpu.HasField("dynamic_batching")
    assert cpu.max_batch_size == vision.BATCH
    assert [(one.name, list(one.dims)) for one in cpu.input] == [("TILES", [-1, -1, 3])]
    assert isinstance(cpu.input[0], ModelInput)
    outputs = {one.name: list(one.dims) for one in cpu.output if isinstance(one, ModelOutput)}
    if model.gives == "map":
        assert outputs == {"MAP": [-1, -1]}
    else:
        assert outputs == {"BOXES": [-1, 4], "SCORES": [-1], "LABELS": [-1]}


def test_the_mirror_comes_first_then_the_wheel_then_what_was_fetched(tmp_path: Path) -> None:
    mirror, wheels, kept = tmp_path / "mirror", tmp_path / "wheels", tmp_path / "kept"
    places = [mirror / "faces.onnx", wheels / "nobody" / "model.onnx", kept / "faces.onnx"]
    for place in reversed(places):
        place.parent.mkdir(parents=True)
        place.write_bytes(CONTENT)
        assert published(GIVEN, mirror=mirror, wheels=wheels, kept=kept) == place


def test_another_file_under_the_name_is_refused_with_both_hashes(tmp_path: Path) -> None:
    (tmp_path / "faces.onnx").write_bytes(b"another model")
    with pytest.raises(WrongModel, match=f"sha256 [0-9a-f]{{64}}.*{GIVEN.sha256}.*not served"):
        published(GIVEN, mirror=tmp_path, wheels=None, kept=tmp_path / "kept")


def test_a_model_that_is_nowhere_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=f"faces: faces.onnx is in none of {tmp_path}"):
        published(GIVEN, mirror=tmp_path, wheels=tmp_path, kept=tmp_path)
    away = replace(GIVEN, wheel=None, address="https://127.0.0.1:9/faces.onnx")
    with pytest.raises(ModelMissing, match=r"no answer from https://127.0.0.1:9/.*STADTFUNK_VISION__MIRROR"):
        published(away, mirror=None, wheels=None, kept=tmp_path)


@pytest.mark.parametrize("shape", [(1, 720, 1280, 3), (1, 1408, 1280, 3), (1, 1280, 1280), (1280, 1280, 3)])
async def test_tiles_of_another_shape_are_a_bug_of_the_caller(shape: tuple[int, ...]) -> None:
    client = vision.Vision(VisionSettings(url="127.0.0.1:9"))
    with pytest.raises(ValueError, match="tiles are uint8"):
        await client.detect("faces", np.zeros(shape, np.uint8))
