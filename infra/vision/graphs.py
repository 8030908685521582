"""Makes the graph that is served out of a model's file as its authors publish it.

Runs with the Python of Triton's environment (onnx, numpy): ``python graphs.py MODEL PUBLISHED SERVED …``.

Every served graph takes ``TILES`` [N, H, W, 3] uint8, RGB (both sides multiples of 128, at most 1280), and gives
``BOXES`` [N, K, 4] float32 (left, top, right, bottom in pixels of the tile), ``SCORES`` [N, K] float32 (best first; 0:
no box) and ``LABELS`` [N, K] int32; the model of lettering gives ``MAP`` [N, H/4, W/4] uint8 instead. Normalising and
decoding are part of the graph, so that the same file does the same under any backend, on a CPU or a GPU. It is the
same bytes in every run.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

TILE = 1280
MOST = 1000  # boxes a tile
FLOOR = 0.02  # scores below are no box
OPSET = 11  # what three of the four files are written in; the fourth uses nothing that changed since its 9
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

    def boxes(self, middle: str, size: str) -> str:
        """[N, 4, M] within the tile, from middles and sizes [N, 2, M] (x, y)."""
        half = self("Mul", size, self.const(0.5))
        corners = self("Concat", self("Sub", middle, half), self("Add", middle, half), axis=1)
        ends = self("Cast", self("Gather", self.sides(), self.const([1, 0, 1, 0])), to=TensorProto.FLOAT)
        inside = self("Min", corners, self("Reshape", ends, self.const([1, 4, 1])))
        return self("Max", inside, self.const(0.0))

    def grid(self, stride: int) -> str:
        """[1, 2, H/stride * W/stride]: column and row of each cell, row by row."""
        rows, columns = np.mgrid[: TILE // stride, : TILE // stride].astype(np.float32)
        largest = self.const(np.stack((columns, rows))[None])
        cells = self("Div", self.sides(), self.const([stride]))
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


def bgr(net: Any, weights: str) -> None:
    """Let a network that was trained on BGR take RGB: turn its first convolution's input channels round."""
    tensor = next(tensor for tensor in net.initializer if tensor.name == weights)
    tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(numpy_helper.to_array(tensor)[:, ::-1]), weights))


def first_convolution(net: Any) -> str:
    """Name of the weights that the pixels meet first."""
    return str(next(node for node in net.node if node.op_type == "Conv").input[1])


def centerface(net: Any) -> Graph:
    """Heat map, log sizes (height, width) and offsets (y, x) at stride 4; a face is where the heat map peaks."""
    graph = Graph()
    out = graph.include(net, graph.pixels())
    heat = out["537"]
    peak = graph("Equal", heat, graph("MaxPool", heat, kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[1, 1]))
    scores = graph("Where", peak, heat, graph("Mul", heat, graph.const(0.0)))
    turned = graph.const([1, 0])
    offsets = graph("Gather", graph.flat(out["539"], 2), turned, axis=1)
    sizes = graph("Exp", graph("Gather", graph.flat(out["538"], 2), turned, axis=1))
    cell = graph.const(4.0)
    middle = graph("Mul", graph("Add", graph("Add", offsets, graph.grid(4)), graph.const(0.5)), cell)
    graph.answer(graph.boxes(middle, graph("Mul", sizes, cell)), graph("Reshape", scores, graph.const([0, -1])))
    return graph


def yunet(net: Any) -> Graph:
    """Class, objectness and box at the strides 8, 16 and 32; trained on BGR."""
    bgr(net, first_convolution(net))
    graph = Graph()
    out = graph.include(net, graph.pixels())
    boxes, scores = [], []
    for stride in (8, 16, 32):
        box = graph("Transpose", out[f"bbox_{stride}"], perm=[0, 2, 1])
        offset, size = (
            graph("Slice", box, graph.const([start]), graph.const([start + 2]), graph.const([1])) for start in (0, 2)
        )
        pixels = graph.const(float(stride))
        middle = graph("Mul", graph("Add", offset, graph.grid(stride)), pixels)
        boxes.append(graph.boxes(middle, graph("Mul", graph("Exp", size), pixels)))
        scores.append(graph("Sqrt", graph("Mul", out[f"cls_{stride}"], out[f"obj_{stride}"])))
    together = graph("Squeeze", graph("Concat", *scores, axis=1), axes=[2])
    graph.answer(graph("Concat", *boxes, axis=2), together)
    return graph


def fastestdet(net: Any) -> Graph:
    """Objectness, box and 80 classes at stride 16, of which class 0 is a person; trained on BGR of 352 x 352.

    It sees the tile in full, half and quarter size: a person it finds is 20 to 350 of its own pixels high.
    """
    bgr(net, first_convolution(net))
    _any_size(net)
    graph, boxes, scores = Graph(), [], []
    pixels = graph("Mul", graph.pixels(), graph.const(1 / 255))
    for shrunk in (1, 2, 4):
        small = graph("AveragePool", pixels, kernel_shape=[shrunk] * 2, strides=[shrunk] * 2) if shrunk > 1 else pixels
        out = graph.include(net, small, run=str(shrunk))["758"]
        parts = graph.flat(out, 85)
        objectness, offset, size, person = (
            graph("Slice", parts, graph.const([start]), graph.const([end]), graph.const([1]))
            for start, end in ((0, 1), (1, 3), (3, 5), (5, 6))
        )
        cell = graph.const(float(16 * shrunk))
        middle = graph("Mul", graph("Add", graph("Tanh", offset), graph.grid(16 * shrunk)), cell)
        # Sizes are shares of the 352 pixels it was trained with, whatever it is given.
        boxes.append(graph.boxes(middle, graph("Mul", graph("Sigmoid", size), graph.const(float(352 * shrunk)))))
        powers = (graph("Pow", objectness, graph.const(0.6)), graph("Pow", person, graph.const(0.4)))
        scores.append(graph("Squeeze", graph("Mul", *powers), axes=[1]))
    graph.answer(graph("Concat", *boxes, axis=2), graph("Concat", *scores, axis=1))
    return graph


def _any_size(net: Any) -> None:
    """Its channel shuffles name the size and batch they were exported with; even and odd channels need neither."""
    makers = {output: node for node in net.node for output in node.output}
    steps = {"start": ([0], [1]), "end": [2**31 - 1], "axis": [1], "step": [2]}
    names = {f"shuffle_{key}": value for key, value in steps.items() if key != "start"}
    names |= {"shuffle_even": [0], "shuffle_odd": [1]}
    net.initializer.extend(numpy_helper.from_array(np.array(v, dtype=np.int64), k) for k, v in names.items())
    which = {tensor.name: numpy_helper.to_array(tensor) for tensor in net.initializer}
    which |= {n.output[0]: numpy_helper.to_array(n.attribute[0].t) for n in net.node if n.op_type == "Constant"}
    kept = []
    for node in net.node:
        if node.op_type == "Gather":
            shuffled = makers[makers[makers[node.input[0]].input[0]].input[0]]
            start = "shuffle_odd" if int(which[node.input[1]]) else "shuffle_even"
            inputs = [shuffled.input[0], start, "shuffle_end", "shuffle_axis", "shuffle_step"]
            kept.append(helper.make_node("Slice", inputs, list(node.output)))
        elif node.op_type not in ("Reshape",) and not (node.op_type == "Transpose" and _of_reshape(node, makers)):
            kept.append(node)
    del net.node[:]
    net.node.extend(kept)


def _of_reshape(node: Any, makers: dict[str, Any]) -> bool:
    return node.input[0] in makers and makers[node.input[0]].op_type == "Reshape"


def lettering(net: Any) -> Graph:
    """Probability of text a pixel; trained on BGR from -1 to 1. The highest of each 4 x 4 pixels is told."""
    bgr(net, first_convolution(net))
    graph = Graph()
    centred = graph("Sub", graph("Mul", graph.pixels(), graph.const(2 / 255)), graph.const(1.0))
    (probability,) = graph.include(net, centred).values()
    pooled = graph("MaxPool", probability, kernel_shape=[4, 4], strides=[4, 4])
    whole = graph("Mul", graph("Squeeze", pooled, axes=[1]), graph.const(255.0))
    graph("Cast", whole, name="MAP", to=TensorProto.UINT8)
    graph.outputs = [helper.make_tensor_value_info("MAP", TensorProto.UINT8, ["N", "H4", "W4"])]
    return graph


BUILDERS: dict[str, Callable[[Any], Graph]] = {
    "centerface": centerface,
    "yunet": yunet,
    "persons": fastestdet,
    "text": lettering,
}


def main(*jobs: str) -> None:
    """Model, published file, file to write: three words a job."""
    for model, raw, served in zip(*(jobs[start::3] for start in range(3)), strict=True):
        made = BUILDERS[model](onnx.load(raw).graph).model(model)
        Path(served).write_bytes(made.SerializeToString(deterministic=True))


if __name__ == "__main__":
    main(*sys.argv[1:])
