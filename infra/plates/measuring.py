"""How much of the true plates a mask from the detector's boxes would hide, and how much else."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from infra.plates.frames import Frame

SIDE: Final = 1280
_GROWTH: Final = 1.3  # as the anonymiser masks plates
_MARGIN: Final = 4.0

Pixels = NDArray[np.uint8]
Detect = Callable[[Pixels], tuple[NDArray[np.float32], NDArray[np.float32]]]  # a tile's boxes [K,4] and scores [K]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What came out over all frames."""

    threshold: float
    boxes: int
    recall: float  # overlap of at least .3
    cov90: float  # true boxes of which 90 % of the pixels are masked
    masked_share: float  # of the frames' pixels
    grown_share: float  # the true boxes grown as a mask is
    found_a_frame: float


def detector(model: Path, *, threads: int = 1) -> Detect:
    """The exported file, on so many cores."""
    import onnxruntime  # only where models are measured: extra `training`

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])

    def detect(tile: Pixels) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        boxes, scores, _ = session.run(None, {"TILES": tile[None]})
        return boxes[0], scores[0]

    return detect


def found(
    frames: Sequence[Frame], detect: Detect, *, scale: float = 1.0
) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Every frame in one tile, scaled; boxes in the frame's own pixels and scores, a frame."""
    results = []
    for frame in frames:
        with Image.open(frame.path) as opened:
            image = opened.convert("RGB")
        size = (round(image.width * scale), round(image.height * scale))
        tile = np.zeros((SIDE, SIDE, 3), np.uint8)
        pixels = np.asarray(image.resize(size, Image.Resampling.BILINEAR))[:SIDE, :SIDE]
        tile[: pixels.shape[0], : pixels.shape[1]] = pixels
        boxes, scores = detect(tile)
        results.append((boxes / np.float32(scale), scores))
    return results


def figures(
    frames: Sequence[Frame],
    results: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]],
    threshold: float,
    *,
    size: tuple[int, int] = (1280, 720),
) -> Figures:
    """The figures at a threshold of the score."""
    total = hit = hidden = count = 0
    masked = wanted = 0.0
    for frame, (boxes, scores) in zip(frames, results, strict=True):
        kept = boxes[scores >= threshold]
        count += len(kept)
        cover, truth = np.zeros((size[1], size[0]), bool), np.zeros((size[1], size[0]), bool)
        for box in kept:
            _fill(cover, box)
        for box in frame.plates:
            total += 1
            _fill(truth, box)
            left, top, right, bottom = (round(float(value)) for value in box)
            hidden += float(cover[top:bottom, left:right].mean()) >= 0.9
            hit += any(overlap(box, other) >= 0.3 for other in kept)
        masked += float(cover.mean())
        wanted += float(truth.mean())
    number = max(1, len(frames))
    return Figures(
        threshold=threshold,
        boxes=total,
        recall=hit / total,
        cov90=hidden / total,
        masked_share=masked / number,
        grown_share=wanted / number,
        found_a_frame=count / number,
    )


def table(
    frames: Sequence[Frame], results: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]]
) -> list[dict[str, float]]:
    """The figures over the thresholds that come into question."""
    return [asdict(figures(frames, results, threshold)) for threshold in (0.03, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)]


def _fill(cover: NDArray[np.bool_], box: NDArray[np.float32]) -> None:
    left, top, right, bottom = (float(value) for value in box)
    more_x, more_y = (max((b - a) * (_GROWTH - 1) / 2, _MARGIN) for a, b in ((left, right), (top, bottom)))
    rows = slice(max(0, int(np.floor(top - more_y))), max(0, int(np.ceil(bottom + more_y))))
    cover[rows, max(0, int(np.floor(left - more_x))) : max(0, int(np.ceil(right + more_x)))] = True


def overlap(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    wide, high = min(one[2], other[2]) - max(one[0], other[0]), min(one[3], other[3]) - max(one[1], other[1])
    both = max(0.0, float(wide)) * max(0.0, float(high))
    areas = [float((box[2] - box[0]) * (box[3] - box[1])) for box in (one, other)]
    return both / (sum(areas) - both)
