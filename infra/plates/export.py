"""The trained network as the file that Triton serves: decoding inside, weights in half precision.

Needs the extra ``training``.
"""

import hashlib
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from infra.plates.network import BOXES, Detector, PlateNet

OPSET = 17


def export(network: PlateNet, file: Path, *, side: int = 1280) -> str:
    """Write the ONNX file; its sha256."""
    names = ["BOXES", "SCORES", "LABELS"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Detector(network).eval(),
            (torch.zeros(1, side, side, 3, dtype=torch.uint8),),
            str(file),
            opset_version=OPSET,
            dynamo=False,
            input_names=["TILES"],
            output_names=names,
            dynamic_axes={name: {0: "tiles"} for name in names} | {"TILES": {0: "tiles", 1: "height", 2: "width"}},
        )
    model = onnx.load(file)
    for output, sides in zip(model.graph.output, ((BOXES, 4), (BOXES,), (BOXES,)), strict=True):
        for place, count in zip(list(output.type.tensor_type.shape.dim)[1:], sides, strict=True):
            place.dim_value = count
    _halve(model)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, file)
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _halve(model: onnx.ModelProto) -> None:
    """Store large weights as half-precision numbers and widen them when the file is loaded (runtimes do it once)."""
    graph, casts = model.graph, []
    for stored in graph.initializer:
        if stored.data_type != TensorProto.FLOAT or int(np.prod(stored.dims)) < 256:
            continue
        name = stored.name
        small = numpy_helper.from_array(numpy_helper.to_array(stored).astype(np.float16), f"{name}.half")
        stored.CopyFrom(small)
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
