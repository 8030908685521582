"""An ONNX graph in the making, with what every served graph has: tiles in, the best boxes out."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

TILE = 1280  # pixels of a tile's side, at most
MOST = 1000  # boxes a tile
FLOOR = 0.02  # scores below are no box
OPSET = 11  # what most files are written in; the others use nothing that changed since
IR_VERSION = 8


class Graph:
    """A graph in the making: ``graph("Mul", a, b)`` adds a node and gives the name of its output."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.initializers: dict[str, Any] = {}
        self.outputs: list[Any] = []

    def __call__(self, op: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        output = name or f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [output], **attributes))
        return output

    def const(self, values: NDArray[Any] | float | Sequence[int]) -> str:
        """An own constant; whole numbers in a list are shapes, axes and the like."""
        array = np.asarray(values, dtype=np.int64 if isinstance(values, (list, tuple)) else None)
        if isinstance(values, float):
            array = array.astype(np.float32)
        name = f"const_{len(self.initializers)}"
        self.initializers[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def include(self, net: Any, pixels: str, run: str = "") -> dict[str, str]:
        """Put a whole network in, reading ``pixels``; gives its outputs' names. Several runs share the weights."""
        weights = {tensor.name for tensor in net.initializer}
        fed = next(value.name for value in net.input if value.name not in weights)
        self.initializers |= {tensor.name: tensor for tensor in net.initializer}
        renamed = {name: name for name in weights} | {fed: pixels, "": ""}
        for node in net.node:
            copy = onnx.NodeProto()
            copy.CopyFrom(node)
            copy.name = ""
            copy.input[:] = [renamed[name] for name in node.input]
            copy.output[:] = [renamed.setdefault(name, f"net{run}/{name}") for name in node.output]
            self.nodes.append(copy)
        return {value.name: renamed[value.name] for value in net.output}

    def pixels(self) -> str:
        """The tiles as [N, 3, H, W] float32, 0 to 255."""
        return self("Cast", self("Transpose", "TILES", perm=[0, 3, 1, 2]), to=TensorProto.FLOAT)

    def flat(self, tensor: str, channels: int) -> str:
        """[N, channels, H, W] as [N, channels, H*W]."""
        return self("Reshape", tensor, self.const([0, channels, -1]))

    def sides(self) -> str:
        """Height and width of the tiles."""
        return self("Slice", self("Shape", "TILES"), self.const([1]), self.const([3]))

    def cells(self, stride: int) -> str:
        """How many rows and columns a map of this stride has; one that is not full counts."""
        return self("Div", self("Add", self.sides(), self.const([stride - 1])), self.const([stride]))

    def pitch(self, stride: int) -> str:
        """[1, 2, 1]: pixels from cell to cell, across and down; the stride, where it divides the sides."""
        sides, cells = (self("Cast", each, to=TensorProto.FLOAT) for each in (self.sides(), self.cells(stride)))
        across = self("Gather", self("Div", sides, cells), self.const([1, 0]))
        return self("Reshape", across, self.const([1, 2, 1]))

    def boxes(self, middle: str, size: str) -> str:
        """[N, 4, M] within the tile, from middles and sizes [N, 2, M] (x, y)."""
        half = self("Mul", size, self.const(0.5))
        corners = self("Concat", self("Sub", middle, half), self("Add", middle, half), axis=1)
        ends = self("Cast", self("Gather", self.sides(), self.const([1, 0, 1, 0])), to=TensorProto.FLOAT)
        inside = self("Min", corners, self("Reshape", ends, self.const([1, 4, 1])))
        return self("Max", inside, self.const(0.0))

    def grid(self, stride: int) -> str:
        """[1, 2, H/stride * W/stride]: column and row of each cell, row by row."""
        rows, columns = np.mgrid[: -(-TILE // stride), : -(-TILE // stride)].astype(np.float32)
        largest = self.const(np.stack((columns, rows))[None])
        cells = self.cells(stride)
        return self(
            "Reshape", self("Slice", largest, self.const([0, 0]), cells, self.const([2, 3])), self.const([1, 2, -1])
        )

    def answer(self, boxes: str, scores: str) -> None:
        """The ``MOST`` best of boxes [N, 4, M] by scores [N, M] are the graph's outputs."""
        best, places = f"best_{len(self.nodes)}", f"places_{len(self.nodes)}"
        # As many as that in the smallest tile, too: a GPU's TopK wants to know the number beforehand.
        boxes = self("Pad", boxes, self.const([0, 0, 0, 0, 0, MOST]), self.const(0.0))
        scores = self("Pad", scores, self.const([0, 0, 0, MOST]), self.const(0.0))
        self.nodes.append(helper.make_node("TopK", [scores, self.const([MOST])], [best, places], axis=1))
        each = self("Unsqueeze", places, axes=[1])
        chosen = self("GatherElements", boxes, self("Concat", each, each, each, each, axis=1), axis=2)
        self("Transpose", chosen, name="BOXES", perm=[0, 2, 1])
        none = self("Mul", best, self.const(0.0))
        self("Where", self("Less", best, self.const(FLOOR)), none, best, name="SCORES")
        self("Cast", none, name="LABELS", to=TensorProto.INT32)  # each detector here knows one thing
        shapes: tuple[tuple[str, int, list[Any]], ...] = (
            ("BOXES", TensorProto.FLOAT, ["N", MOST, 4]),
            ("SCORES", TensorProto.FLOAT, ["N", MOST]),
            ("LABELS", TensorProto.INT32, ["N", MOST]),
        )
        self.outputs = [helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in shapes]

    def model(self, name: str) -> Any:
        """The finished model, checked."""
        tiles = helper.make_tensor_value_info("TILES", TensorProto.UINT8, ["N", "H", "W", 3])
        graph = helper.make_graph(self.nodes, name, [tiles], self.outputs, list(self.initializers.values()))
        opset = helper.make_opsetid("", OPSET)
        made = helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION, producer_name="stadtfunk")
        onnx.checker.check_model(made, full_check=True)
        return made
