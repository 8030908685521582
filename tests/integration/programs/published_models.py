"""Runs each model's published file by itself and decodes what it says as its authors do, one cell after the other.

Runs with the Python of Triton's environment: ``published_models.py TILE.npy ANSWERS.npz NAME=FILE …``.
"""

import math
import sys
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from infra.vision import networks

FLOOR = 0.1
Rows = list[tuple[float, float, float, float, float]]


def ran(model: Any, pixels: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """The outputs by name, for pixels [1, 3, H, W]."""
    for value in (*model.graph.input[:1], *model.graph.output):
        value.type.tensor_type.ClearField("shape")  # some were exported for one size
    onnxruntime.set_default_logger_severity(3)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    answers = session.run(names, {model.graph.input[0].name: pixels})
    return dict(zip(names, answers, strict=True))


def planes(tile: NDArray[np.uint8], order: str) -> NDArray[np.float32]:
    """[1, 3, H, W] from 0 to 255."""
    channels = tile if order == "RGB" else tile[:, :, ::-1]
    return channels.astype(np.float32).transpose(2, 0, 1)[None]


def centerface(file: str, tile: NDArray[np.uint8]) -> Rows:
    out = ran(onnx.load(file), planes(tile, "RGB"))
    heat, size, offset = out["537"][0, 0], out["538"][0], out["539"][0]
    rows: Rows = []
    for y, x in zip(*np.where(heat > FLOOR), strict=True):
        if heat[y, x] < heat[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2].max():
            continue  # the authors drop the neighbours of a peak afterwards
        height, width = math.exp(size[0, y, x]) * 4, math.exp(size[1, y, x]) * 4
        top, left = (y + offset[0, y, x] + 0.5) * 4 - height / 2, (x + offset[1, y, x] + 0.5) * 4 - width / 2
        rows.append((left, top, left + width, top + height, heat[y, x]))
    return rows


def yunet(file: str, tile: NDArray[np.uint8]) -> Rows:
    out = ran(onnx.load(file), planes(tile, "BGR"))
    rows: Rows = []
    for stride in (8, 16, 32):
        columns = tile.shape[1] // stride
        for index, (sure, there, box) in enumerate(
            zip(out[f"cls_{stride}"][0], out[f"obj_{stride}"][0], out[f"bbox_{stride}"][0], strict=True)
        ):
            score = math.sqrt(sure[0] * there[0])
            if score > FLOOR:
                x, y = (index % columns + box[0]) * stride, (index // columns + box[1]) * stride
                width, height = math.exp(box[2]) * stride, math.exp(box[3]) * stride
                rows.append((x - width / 2, y - height / 2, x + width / 2, y + height / 2, score))
    return rows


def persons(file: str, tile: NDArray[np.uint8]) -> Rows:
    # Exported for one size; that ours, for any, says the same there is looked at first.
    published, ours = onnx.load(file), onnx.load(file)
    networks._any_size(ours.graph)
    fixed = np.ascontiguousarray(planes(tile[:352, :352], "BGR") / np.float32(255))
    np.testing.assert_allclose(ran(published, fixed)["758"], ran(ours, fixed)["758"], atol=1e-4)
    rows: Rows = []
    for shrunk in (1, 2, 4):
        height, width = tile.shape[0] // shrunk, tile.shape[1] // shrunk
        small = planes(tile, "BGR").reshape(1, 3, height, shrunk, width, shrunk).mean(axis=(3, 5)) / 255
        answer = ran(ours, small.astype(np.float32))["758"][0]
        for y in range(height // 16):
            for x in range(width // 16):
                cell = answer[:, y, x]
                score = cell[0] ** 0.6 * cell[5] ** 0.4
                if score > FLOOR:
                    middle_x, middle_y = (x + math.tanh(cell[1])) * 16, (y + math.tanh(cell[2])) * 16
                    wide, high = (352 / (1 + math.exp(-value)) for value in cell[3:5])
                    box = (middle_x - wide / 2, middle_y - high / 2, middle_x + wide / 2, middle_y + high / 2)
                    rows.append((*(value * shrunk for value in box), score))
    return rows


def lettering(file: str, tile: NDArray[np.uint8]) -> NDArray[np.float32]:
    (answer,) = ran(
        onnx.load(file), (planes(tile, "BGR") / np.float32(255) - np.float32(0.5)) / np.float32(0.5)
    ).values()
    height, width = answer.shape[2:]
    return np.asarray(answer[0, 0].reshape(height // 4, 4, width // 4, 4).max(axis=(1, 3)) * 255)


def main(tile_file: str, answers: str, *files: str) -> None:
    """Write what each model says."""
    tile = np.load(tile_file)
    tell = {"centerface": centerface, "yunet": yunet, "persons": persons, "text": lettering}
    said: Any = {name: np.array(tell[name](file, tile)) for name, file in (one.split("=", 1) for one in files)}
    np.savez(answers, **said)


if __name__ == "__main__":
    main(*sys.argv[1:])
