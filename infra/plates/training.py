"""Training the plate detector: scenes drawn by many processes, a heat of centres and the sides of boxes learned.

Needs the extra ``training``; runs on a processor, or on a GPU many times faster.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from math import cos, pi
from pathlib import Path
from random import Random
from typing import Final, cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, IterableDataset

from infra.plates.frames import Frame
from infra.plates.network import STRIDE, PlateNet
from infra.plates.pasting import Box
from infra.plates.scenes import Picture, Scene, scene

Sample = tuple[Tensor, Tensor, Tensor]  # pixels [S,S,3] uint8; heat [C,C] (-1: not asked); box of each cell [4,C,C]
_MARKED: Final = 0.3  # heat from which on a cell is asked for the box


class Scenes(IterableDataset[Sample]):
    """Scenes without end, another stretch of them in each process."""

    def __init__(self, frames: Sequence[Frame], side: int, seed: int) -> None:
        self.frames, self.side, self.seed = frames, side, seed
        self.pictures: list[Picture] = []

    def __iter__(self) -> Iterator[Sample]:
        torch.set_num_threads(1)
        if not self.pictures:
            self.pictures = pictures(self.frames)
        worker = torch.utils.data.get_worker_info()
        number = self.seed * 1_000_003 + (worker.id if worker else 0) * 10_000_000
        while True:
            number += 1
            yield sample(scene(self.pictures, self.side, Random(number)))


def pictures(frames: Sequence[Frame]) -> list[Picture]:
    """The frames in memory."""
    return [
        Picture(image=Image.open(frame.path).convert("RGB"), plates=_tuples(frame.plates), unsure=_tuples(frame.unsure))
        for frame in frames
    ]


def sample(made: Scene) -> Sample:
    """A scene as the network is asked about it."""
    side = made.image.width // STRIDE
    rows, columns = np.mgrid[0:side, 0:side].astype(np.float32) + 0.5
    heat = np.zeros((side, side), np.float32)
    goal = np.zeros((4, side, side), np.float32)
    for box in made.ignored:
        left, top, right, bottom = (value / STRIDE for value in box)
        heat[max(0, int(top) - 1) : int(bottom) + 2, max(0, int(left) - 1) : int(right) + 2] = -1
    for box in sorted(made.plates, key=lambda one: one[0] - one[2]):  # the smaller one is on top
        left, top, right, bottom = (value / STRIDE for value in box)
        # The cell that holds the middle has a heat of 1 exactly.
        x, y = int((left + right) / 2) + 0.5, int((top + bottom) / 2) + 0.5
        wide, high = max(0.7, (right - left) * 0.11), max(0.6, (bottom - top) * 0.18)
        own = np.exp(-(((columns - x) / wide) ** 2 + ((rows - y) / high) ** 2) / 2)
        stronger = own > np.maximum(heat, 0.05)
        heat[stronger] = own[stronger]
        goal[:, stronger] = np.array([left, top, right, bottom], np.float32)[:, None]
    return torch.from_numpy(np.array(made.image)), torch.from_numpy(heat), torch.from_numpy(goal)


def losses(logits: Tensor, sides: Tensor, heat: Tensor, goal: Tensor) -> tuple[Tensor, Tensor]:
    """How wrong the heat is (focal loss about the centres) and how wrong the boxes (generalised overlap), a plate."""
    logits = logits[:, 0].float()
    chance = torch.sigmoid(logits)
    centre = heat > 0.999
    count = centre.sum().clamp(min=1)
    right = functional.logsigmoid(logits) * (1 - chance) ** 2 * centre
    wrong = functional.logsigmoid(-logits) * chance**2 * (1 - heat.clamp(min=0)) ** 4 * ((heat >= 0) & ~centre)
    asked = heat > _MARKED
    batch, row, column = asked.nonzero(as_tuple=True)
    weight = heat[batch, row, column]
    found = sides.float()[batch, :, row, column]
    x, y = column.float() + 0.5, row.float() + 0.5
    box = torch.stack((x - found[:, 0], y - found[:, 1], x + found[:, 2], y + found[:, 3]), 1)
    true = goal[batch, :, row, column]
    distance = torch.stack((x - true[:, 0], y - true[:, 1], true[:, 2] - x, true[:, 3] - y), 1).clamp(min=0.15)
    apart = (found.clamp(min=0.05).log() - distance.log()).abs().mean(1)
    boxes = ((_apart(box, true) + 0.3 * apart) * weight).sum() / weight.sum().clamp(min=1)
    return -(right.sum() + wrong.sum()) / count, boxes


def train(
    frames: Sequence[Frame],
    *,
    steps: int,
    minutes: float,
    batch: int = 32,
    side: int = 640,
    workers: int = 0,
    seed: int = 1,
    start: Path | None = None,
    rate: float = 2e-3,
    said: Callable[[str], None],
) -> PlateNet:
    """The averaged network after ``steps`` batches, or fewer when ``minutes`` are over; the rate falls by a cosine.

    ``said`` is told now and then how far it is.
    """
    torch.manual_seed(seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = PlateNet()
    if start is not None:
        network.load_state_dict(torch.load(start, map_location="cpu", weights_only=True))
    network = network.to(device, memory_format=torch.channels_last)
    average = deepcopy(network).eval()
    decayed = [value for value in network.parameters() if value.ndim > 1]
    others = [value for value in network.parameters() if value.ndim <= 1]
    optimiser = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.02}, {"params": others, "weight_decay": 0.0}])
    scenes = Scenes(frames, side, seed)
    scenes.pictures = pictures(frames)
    loader = DataLoader(
        scenes, batch, num_workers=workers, pin_memory=device.type == "cuda", prefetch_factor=4 if workers else None
    )
    began, seen = time.monotonic(), np.zeros(2)
    for step, (pixels, heat, goal) in enumerate(loader):
        done = max(step / steps, (time.monotonic() - began) / 60 / minutes)
        if done >= 1:
            break
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / 300) * (0.5 + 0.5 * cos(pi * done)) + 1e-6
        shown = pixels.to(device, non_blocking=True).permute(0, 3, 1, 2).float()
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            logits, sides = network(shown)
        first, second = losses(logits, sides, heat.to(device), goal.to(device))
        optimiser.zero_grad(set_to_none=True)
        (first + 2 * second).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        _follow(average, network, min(0.999, (step + 1) / (step + 10)))
        seen = seen * 0.98 + np.array([first.item(), second.item()]) * 0.02
        if step % 200 == 0:
            said(f"{step} {time.monotonic() - began:.0f}s centres {seen[0]:.3f} boxes {seen[1]:.3f}")
    return average.cpu()


def _follow(average: PlateNet, network: PlateNet, keep: float) -> None:
    with torch.no_grad():
        for mean, value in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
            if mean.dtype.is_floating_point:
                mean.lerp_(value, 1 - keep)
            else:
                mean.copy_(value)


def _apart(box: Tensor, true: Tensor) -> Tensor:
    """One minus the generalised overlap of boxes [n,4], 0 to 2."""
    both = (torch.minimum(box[:, 2:], true[:, 2:]) - torch.maximum(box[:, :2], true[:, :2])).clamp(min=0).prod(1)
    hull = (torch.maximum(box[:, 2:], true[:, 2:]) - torch.minimum(box[:, :2], true[:, :2])).prod(1)
    union = (box[:, 2:] - box[:, :2]).prod(1) + (true[:, 2:] - true[:, :2]).prod(1) - both
    return 1 - both / union.clamp(min=1e-3) + (hull - union) / hull.clamp(min=1e-3)


def _tuples(boxes: np.ndarray) -> list[Box]:
    return [cast(Box, tuple(float(value) for value in box)) for box in boxes]
