"""The plate detector: a small, fully convolutional network that marks the centre of every plate and its four sides.

Needs the extra ``training``.
"""

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

STRIDE: Final = 4  # pixels of a tile a cell of the answer
BOXES: Final = 100  # peaks a tile at most
_LARGEST: Final = 6.0  # log of a side's distance in cells
_LEAST: Final = 0.02  # what scores less is nothing
_NOTHING: Final = -20.0


class PlateNet(nn.Module):
    """Pictures (float [N,3,H,W], 0 to 255, sides a multiple of 32) to logits [N,1,H/4,W/4] and sides [N,4,H/4,W/4].

    ``sides`` are the distances from the middle of a cell to a plate's left, top, right and bottom edge, in cells.
    """

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Sequential(_conv(3, 16, step=2), _conv(16, 32, step=2), _Block(32))
        self.middle = nn.Sequential(_conv(32, 64, step=2), _Block(64), _Block(64))
        self.coarse = nn.Sequential(_conv(64, 96, step=2), _Block(96), _Block(96), _Block(96))
        self.whole = nn.Sequential(_conv(96, 128, step=2), _Block(128), _Block(128))
        self.from_whole, self.from_coarse = _conv(128, 64, size=1), _conv(96, 64, size=1)
        self.join_coarse, self.join_middle = _conv(64, 64), _conv(64, 64)
        self.from_middle, self.join_fine = _conv(64, 32, size=1), _conv(32, 32)
        self.head = nn.Conv2d(32, 5, 1)
        nn.init.constant_(self.head.bias, 0.0)
        nn.init.constant_(self.head.bias[:1], -5.0)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        fine = self.fine(pictures / 128.0 - 1.0)
        middle = self.middle(fine)
        coarse = self.coarse(middle)
        coarse = self.join_coarse(self.from_coarse(coarse) + _doubled(self.from_whole(self.whole(coarse))))
        middle = self.join_middle(middle + _doubled(coarse))
        answer = self.head(self.join_fine(fine + _doubled(self.from_middle(middle))))
        return answer[:, :1], torch.exp(answer[:, 1:].clamp(-2.0, _LARGEST))


class Detector(nn.Module):
    """What is served: ``TILES`` uint8 [N,H,W,3] to ``BOXES`` [N,100,4], ``SCORES`` [N,100] and ``LABELS`` [N,100].

    H and W are multiples of 32; boxes in pixels of the tile and scores are float32, labels int32.
    """

    def __init__(self, network: PlateNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, tiles: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        logits, sides = self.network(tiles.permute(0, 3, 1, 2).to(torch.float32))
        width = logits.shape[3]
        peaks = logits.masked_fill(functional.max_pool2d(logits, 3, 1, 1) > logits, _NOTHING).flatten(1)
        # A small tile has fewer cells than boxes are asked for.
        best, places = torch.topk(functional.pad(peaks, (0, BOXES), value=_NOTHING), BOXES, dim=1)
        places = torch.minimum(places, torch.full_like(places, 1) * (peaks.shape[1] - 1))
        scores = torch.sigmoid(best)
        chosen = torch.gather(sides.flatten(2), 2, places.unsqueeze(1).expand(-1, 4, -1))
        x = (places % width).to(torch.float32) + 0.5
        y = torch.div(places, width, rounding_mode="floor").to(torch.float32) + 0.5
        corners = (x - chosen[:, 0], y - chosen[:, 1], x + chosen[:, 2], y + chosen[:, 3])
        labels = torch.zeros_like(places, dtype=torch.int32)
        return torch.stack(corners, dim=2) * STRIDE, scores * (scores >= _LEAST), labels


class _Block(nn.Module):
    """Two convolutions beside a way round them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.inner = _conv(channels, channels)
        self.outer = nn.Sequential(nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, features: Tensor) -> Tensor:
        return functional.relu(features + self.outer(self.inner(features)))


def _conv(inside: int, outside: int, *, size: int = 3, step: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, size, step, size // 2, bias=False), nn.BatchNorm2d(outside), nn.ReLU(inplace=True)
    )


def _doubled(features: Tensor) -> Tensor:
    return functional.interpolate(features, scale_factor=2.0, mode="nearest")
