"""Runs a served graph on the CPU in Triton's Python backend: tiles in, whatever the graph gives out.

Nothing here knows which model it is. On a GPU this file is not used: ``config.pbtxt`` names another backend.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import triton_python_backend_utils as triton


class TritonPythonModel:
    """One instance: one session, one thread."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the graph.

        Raises:
            TritonModelException: its hash is not the one in the configuration.
        """
        config = json.loads(args["model_config"])
        graph = (Path(args["model_repository"]) / args["model_version"] / "model.onnx").read_bytes()
        if hashlib.sha256(graph).hexdigest() != config["parameters"]["sha256"]["string_value"]:
            raise triton.TritonModelException(f"{args['model_name']}: model.onnx has not the sha256 of config.pbtxt")
        self._outputs = [output["name"] for output in config["output"]]
        onnxruntime.set_default_logger_severity(3)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def execute(self, requests: list[Any]) -> list[Any]:
        """One response a request. Tile by tile: on a CPU a larger batch is no faster, and takes as much more memory."""
        return [self._one(triton.get_input_tensor_by_name(request, "TILES").as_numpy()) for request in requests]

    def _one(self, tiles: np.ndarray) -> Any:
        each = [self._session.run(self._outputs, {"TILES": tile[None]}) for tile in tiles]
        together = (np.concatenate(parts) for parts in zip(*each, strict=True))
        tensors = [triton.Tensor(name, values) for name, values in zip(self._outputs, together, strict=True)]
        return triton.InferenceResponse(tensors)
