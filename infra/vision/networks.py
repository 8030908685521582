"""Makes the graph that is served out of a model's file as its authors publish it.

Runs with the Python of Triton's environment: ``python -m infra.vision.networks MODEL PUBLISHED SERVED …``.

Every served graph takes ``TILES`` [N, H, W, 3] uint8, RGB (sides multiples of 32 up to 1280, of 128 for persons), and
gives ``BOXES`` [N, K, 4] float32 (left, top, right, bottom in pixels of the tile), ``SCORES`` [N, K] float32 (best
first; 0: no box) and ``LABELS`` [N, K] int32; the model of lettering gives ``MAP`` [N, H/4, W/4] uint8 instead.
Normalising and decoding are part of the graph, so that the same file does the same under any backend, on a CPU or a
GPU. It is the same bytes in every run.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from infra.vision.frozen import network
from infra.vision.graph import Graph


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


SSD_HEADS = ("BoxEncodingPredictor", "ClassPredictor")
SSD_LAYERS = (
    # output of the predictor, stride, (share of 300 pixels, width / height) of each box it starts from
    (0, 16, ((0.1, 1.0), (0.2, 2.0), (0.2, 0.5))),
    *(
        (layer, 16 << layer, (*((scale, ratio) for ratio in (1.0, 2.0, 0.5, 3.0, 1 / 3)), (between, 1.0)))
        for layer, scale, between in (
            (1, 0.35, 0.4183),
            (2, 0.5, 0.5701),
            (3, 0.65, 0.7211),
            (4, 0.8, 0.8718),
            (5, 0.95, 0.9747),
        )
    ),
)


def ssdlite(net: Any) -> Graph:
    """SSDLite on MobileNet v2: per cell and start box, corrections of it and class 1 of 2, a person.

    It sees the tile in full, half and quarter size; the coarse layers, which know 300 x 300 pixels alone, in quarter.
    """
    graph, boxes, scores = Graph(), [], []
    centred = graph("Sub", graph("Mul", graph.pixels(), graph.const(2 / 255)), graph.const(1.0))
    for shrunk in (1, 2, 4):
        small = (
            graph("AveragePool", centred, kernel_shape=[shrunk] * 2, strides=[shrunk] * 2) if shrunk > 1 else centred
        )
        out = list(graph.include(net, small, run=str(shrunk)).values())
        for layer, stride, starts in SSD_LAYERS if shrunk == 4 else SSD_LAYERS[:3]:
            found = graph("Reshape", out[2 * layer], graph.const([0, len(starts), 4, -1]))
            shift, grow = (graph("Gather", found, graph.const(order), axis=2) for order in ([1, 0], [3, 2]))
            share, ratio = np.array(starts, np.float32).T
            sides = np.stack((share * np.sqrt(ratio), share / np.sqrt(ratio)), axis=1) * np.float32(300 * shrunk)
            start = graph.const(sides[None, :, :, None])
            cells = graph(
                "Unsqueeze",
                graph("Mul", graph("Add", graph.grid(stride * shrunk), graph.const(0.5)), graph.pitch(stride * shrunk)),
                axes=[1],
            )
            middle = graph("Add", graph("Mul", graph("Mul", shift, graph.const(0.1)), start), cells)
            size = graph("Mul", graph("Exp", graph("Mul", grow, graph.const(0.2))), start)
            flat = (
                graph("Reshape", graph("Transpose", each, perm=[0, 2, 1, 3]), graph.const([0, 2, -1]))
                for each in (middle, size)
            )
            boxes.append(graph.boxes(*flat))
            classes = graph("Reshape", out[2 * layer + 1], graph.const([0, len(starts), 2, -1]))
            person = graph("Gather", classes, graph.const([1]), axis=2)
            scores.append(graph("Sigmoid", graph("Reshape", person, graph.const([0, -1]))))
    graph.answer(graph("Concat", *boxes, axis=2), graph("Concat", *scores, axis=1))
    return graph


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
    "persons_pypi": ssdlite,
    "text": lettering,
}


def read(published: Path) -> Any:
    """The network in a published file."""
    if published.suffix == ".pb":
        heads = [f"BoxPredictor_{layer}/{head}/BiasAdd" for layer in range(6) for head in SSD_HEADS]
        return network(published.read_bytes(), "Preprocessor/sub", heads)
    return onnx.load(published).graph


def main(*jobs: str) -> None:
    """Model, published file, file to write: three words a job."""
    for model, raw, served in zip(*(jobs[start::3] for start in range(3)), strict=True):
        made = BUILDERS[model](read(Path(raw))).model(model)
        Path(served).write_bytes(made.SerializeToString(deterministic=True))


if __name__ == "__main__":
    main(*sys.argv[1:])
