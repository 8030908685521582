"""Reads a convolutional network out of a frozen TensorFlow graph, without TensorFlow.

Knows what MobileNets are made of and no more; another operation is an error with its name. Images become
[N, channels, H, W], as ONNX has them.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Value = int | bytes


@dataclass
class _Node:
    """One node of the frozen graph."""

    op: str = ""
    inputs: list[str] = field(default_factory=list)
    attributes: dict[str, bytes] = field(default_factory=dict)


def network(content: bytes, pixels: str, outputs: Sequence[str]) -> Any:
    """The part from the node ``pixels`` to the nodes ``outputs`` as an ONNX graph.

    Raises:
        ValueError: it needs an operation that is not known here.
    """
    translation = _Translation(dict(_nodes(content)), pixels)
    told = [helper.make_tensor_value_info(translation.of(name), TensorProto.FLOAT, None) for name in outputs]
    fed = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, None)
    return helper.make_graph(translation.parts, "network", [fed], told, list(translation.weights.values()))


class _Translation:
    """What was translated so far."""

    def __init__(self, nodes: Mapping[str, _Node], pixels: str) -> None:
        self.parts: list[Any] = []
        self.weights: dict[str, Any] = {}
        self._nodes = nodes
        self._made = {pixels: "pixels"}

    def of(self, name: str) -> str:
        """Name of this node's output in ONNX; what it needs is translated first."""
        if name not in self._made:
            self._made[name] = self._translate(name, self._nodes[name])
        return self._made[name]

    def _translate(self, name: str, node: _Node) -> str:
        first, *others = node.inputs
        if node.op == "Identity":
            return self.of(first)
        if node.op == "Relu6":
            return self._add("Clip", name, first, self._kept("zero", 0.0), self._kept("six", 6.0))
        if node.op in ("Add", "AddV2"):
            return self._add("Add", name, first, self.of(others[0]))
        if node.op == "BiasAdd":
            return self._add("Add", name, first, self._kept(others[0], self._values(others[0]).reshape(1, -1, 1, 1)))
        if node.op == "FusedBatchNorm":
            (epsilon,) = struct.unpack("<f", _field(node.attributes["epsilon"], 4))
            told = (self._kept(one, self._values(one)) for one in others)
            return self._add("BatchNormalization", name, first, *told, epsilon=epsilon)
        if node.op in ("Conv2D", "DepthwiseConv2dNative"):
            values, groups = self._values(others[0]), 1  # [H, W, in, out]
            if node.op == "Conv2D":
                values = values.transpose(3, 2, 0, 1)
            else:
                groups = values.shape[2]
                values = values.transpose(2, 3, 0, 1).reshape(-1, 1, *values.shape[:2])
            padding = {b"SAME": "SAME_UPPER", b"VALID": "VALID"}[_field(node.attributes["padding"], 2)]
            strides = list(_field(_field(node.attributes["strides"], 1), 3))[1:3]
            kernel = self._kept(others[0], values)
            return self._add("Conv", name, first, kernel, auto_pad=padding, strides=strides, group=groups)
        raise ValueError(f"{name}: the operation {node.op} is not known")

    def _add(self, op: str, name: str, first: str, *inputs: str, **attributes: Any) -> str:
        self.parts.append(helper.make_node(op, [self.of(first), *inputs], [name], **attributes))
        return name

    def _values(self, name: str) -> NDArray[np.float32]:
        node = self._nodes[name]
        return self._values(node.inputs[0]) if node.op == "Identity" else _tensor(node.attributes["value"])

    def _kept(self, name: str, values: NDArray[np.float32] | float) -> str:
        self.weights[name] = numpy_helper.from_array(
            np.ascontiguousarray(values, np.float32).reshape(np.shape(values)), name
        )
        return name


def _nodes(content: bytes) -> Iterator[tuple[str, _Node]]:
    """Name and node, of GraphDef's field 1."""
    for number, value in _fields(content):
        if number != 1 or not isinstance(value, bytes):
            continue
        name, node = "", _Node()
        for part, told in _fields(value):
            if not isinstance(told, bytes):
                continue
            if part == 1:
                name = told.decode()
            elif part == 2:
                node.op = told.decode()
            elif part == 3:
                node.inputs.append(told.decode())
            elif part == 5:
                node.attributes[_field(told, 1).decode()] = _field(told, 2)
        yield name, node


def _tensor(attribute: bytes) -> NDArray[np.float32]:
    """A float tensor of an AttrValue: its shape, and its values as bytes or listed."""
    told: dict[int, bytes] = {n: v for n, v in _fields(_field(attribute, 8)) if isinstance(v, bytes)}
    sides = (dict(_fields(v)) for n, v in _fields(told[2]) if n == 2 and isinstance(v, bytes))
    values = np.frombuffer(told[4] if 4 in told else told[5], "<f4")
    return values.reshape([int(side[1]) for side in sides])


def _field(message: bytes, number: int) -> bytes:
    value = next(value for found, value in _fields(message) if found == number)
    if not isinstance(value, bytes):
        raise TypeError(f"field {number} is a number")
    return value


def _fields(message: bytes) -> Iterator[tuple[int, Value]]:
    """Number and value of each field of a protocol buffer message; fixed numbers stay bytes."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        kind = key & 7
        if kind == 0:
            number, place = _varint(message, place)
            yield key >> 3, number
            continue
        if kind == 2:
            size, place = _varint(message, place)
        else:
            size = _FIXED[kind]
        yield key >> 3, message[place : place + size]
        place += size


_FIXED: Mapping[int, int] = {1: 8, 5: 4}


def _varint(message: bytes, place: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = message[place]
        place += 1
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return number, place
