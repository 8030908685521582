"""The annotated street frames: which are trained on, and which no training sees."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

HELD_OUT: Final = Path(__file__).with_name("held_out.txt")
# Plates of the training frames that nobody annotated: found by a first model and looked at one by one.
UNMARKED: Final = Path(__file__).with_name("unmarked.jsonl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A photo and its true plates, in its own pixels."""

    name: str
    path: Path
    plates: NDArray[np.float32]  # [n,4] left, top, right, bottom
    unsure: NDArray[np.float32]  # [n,4] perhaps plates that nobody annotated: neither right nor wrong


def held_out() -> frozenset[str]:
    """The names of the frames that are measured on and never trained on."""
    lines = HELD_OUT.read_text("utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def read(truth: Path) -> tuple[list[Frame], list[Frame]]:
    """The frames of a list as ``plates.jsonl``: to train on, and held out."""
    beside = {}
    for line in UNMARKED.read_text("utf-8").splitlines():
        entry = json.loads(line)
        beside[str(entry["file"])] = entry
    apart, training, measured = held_out(), list[Frame](), list[Frame]()
    for line in truth.read_text("utf-8").splitlines():
        entry = json.loads(line)
        name = str(entry["file"])
        more = beside.get(name, {"plates": [], "unsure": []})
        frame = Frame(
            name=name,
            path=truth.parent / name,
            plates=_boxes([*entry["plates"], *more["plates"]]),
            unsure=_boxes(more["unsure"]),
        )
        (measured if name in apart else training).append(frame)
    return training, measured


def _boxes(values: list[list[float]]) -> NDArray[np.float32]:
    return np.asarray(values, dtype=np.float32).reshape(-1, 4)
