"""HRNet: several resolutions, side by side, always (Sun et al. 2019)."""

from __future__ import annotations

from functools import reduce

import torch
import torch.nn.functional as F
from torch import nn

from ..codecs import HeatmapCodec
from .base import PoseNetwork, check_images, pair

__all__ = ["Exchange", "HRNet"]

_STEM = 64  # channels of the first two convolutions
_WIDE = 256  # channels that the first blocks hand over
_BLOCKS = 4  # residual blocks in a row between two exchanges


def conv(
    before: int, after: int, kernel: int = 3, stride: int = 1, relu: bool = True
) -> nn.Sequential:
    """A convolution, normalisation and, if so, ReLU."""
    layers = [
        nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(after),
    ]
    return nn.Sequential(*layers, *([nn.ReLU(inplace=True)] if relu else []))


class Block(nn.Module):
    """Convolutions beside a shortcut, then ReLU (He et al. 2016)."""

    def __init__(self, body: nn.Module, shortcut: nn.Module | None = None):
        super().__init__()
        self.body = body
        self.shortcut = shortcut or nn.Identity()

    def forward(self, x):
        return F.relu(self.body(x) + self.shortcut(x))


def basic(width: int) -> Block:
    """Two 3x3 convolutions."""
    return Block(nn.Sequential(conv(width, width), conv(width, width, relu=False)))


def bottleneck(before: int) -> Block:
    """1x1 to a quarter of the channels, 3x3, 1x1 back."""
    narrow = _WIDE // 4
    return Block(
        nn.Sequential(
            conv(before, narrow, 1),
            conv(narrow, narrow),
            conv(narrow, _WIDE, 1, relu=False),
        ),
        None if before == _WIDE else conv(before, _WIDE, 1, relu=False),
    )


def path(source: int, target: int, widths) -> nn.Module:
    """From the map of branch `source` to the size of branch `target`.

    Branch i has 1/2^i of the resolution of branch 0 and ``widths[i]``
    channels. Upwards: 1x1, then each cell is repeated. Downwards: one 3x3
    of stride 2 for each halving.
    """
    before, after = widths[source], widths[target]
    if source == target:
        return nn.Identity()
    if source > target:
        return nn.Sequential(
            *conv(before, after, 1, relu=False),
            nn.Upsample(scale_factor=2 ** (source - target)),
        )
    steps = [conv(before, before, stride=2) for _ in range(target - source - 1)]
    return nn.Sequential(*steps, conv(before, after, stride=2, relu=False))


class Exchange(nn.Module):
    """Every branch works alone; then every branch hears from every other.

    Takes and gives a list of maps, one per branch, largest first. With
    `outputs=1` only the largest map is made.
    """

    def __init__(self, widths, outputs: int | None = None):
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(*(basic(w) for _ in range(_BLOCKS))) for w in widths
        )
        count = len(widths)
        self.paths = nn.ModuleList(
            nn.ModuleList(path(source, target, widths) for source in range(count))
            for target in range(outputs or count)
        )

    def forward(self, maps):
        maps = [branch(x) for branch, x in zip(self.branches, maps)]
        return [
            F.relu(reduce(torch.add, [path(x) for path, x in zip(paths, maps)]))
            for paths in self.paths
        ]


class HRNet(PoseNetwork):
    """A map at a quarter of the picture's size that is never given up.

    Other networks shrink the picture and then win the resolution back.
    Here the map of 1/4 runs from the first layer to the last; beside it
    start branches of 1/8, 1/16 and 1/32, one more with each stage, that
    see more of the body. Again and again all branches exchange what they
    know. The heatmaps are one 1x1 convolution away from the large map.

    Parameters
    ----------
    joints:
        Number of keypoints K.
    width:
        Channels of the large map; each branch has twice as many as the
        one above it. 32 and 48 in the paper.
    modules:
        How often the branches exchange in the stages of two, three and
        four branches.
    input_size:
        ``(width, height)`` or one number, pixels, divisible by 32.
    sigma:
        Standard deviation of the target's Gaussian, heatmap cells.
    """

    def __init__(
        self,
        joints: int = 16,
        width: int = 32,
        modules: tuple[int, int, int] = (1, 4, 3),
        input_size=256,
        sigma: float = 2.0,
    ):
        if width < 1 or len(modules) != 3 or min(modules) < 1:
            raise ValueError(
                "HRNet: width must be 1 or more and modules three such "
                "numbers (exchanges with 2, 3 and 4 branches), got width "
                f"{width} and modules {modules}"
            )
        input_size = pair(input_size, 32, "HRNet")
        w, h = input_size
        super().__init__(HeatmapCodec(input_size, (w // 4, h // 4), sigma))
        widths = [width * 2**i for i in range(4)]
        self.stem = nn.Sequential(
            conv(3, _STEM, stride=2), conv(_STEM, _STEM, stride=2)
        )
        self.first = nn.Sequential(
            bottleneck(_STEM), *(bottleneck(_WIDE) for _ in range(3))
        )
        # where the branches start: two at first, then one more per stage
        self.start = nn.ModuleList(
            [conv(_WIDE, widths[0])]
            + [
                conv(_WIDE if i == 1 else widths[i - 1], widths[i], stride=2)
                for i in (1, 2, 3)
            ]
        )
        self.stages = nn.ModuleList(
            nn.Sequential(
                *(Exchange(widths[:branches]) for _ in range(modules[branches - 2]))
            )
            for branches in (2, 3, 4)
        )
        # nothing reads the small maps of the last exchange
        self.stages[-1][-1] = Exchange(widths, outputs=1)
        self.heatmaps = nn.Conv2d(width, joints, 1)
        nn.init.normal_(self.heatmaps.weight, std=0.001)
        nn.init.zeros_(self.heatmaps.bias)

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Normalised ``(N, 3, H, W)`` to ``[(N, K, H / 4, W / 4)]``."""
        check_images(images, self.input_size, multiple=32)
        x = self.first(self.stem(images))
        maps = [self.start[0](x), self.start[1](x)]
        maps = self.stages[0](maps)
        maps = self.stages[1]([*maps, self.start[2](maps[-1])])
        maps = self.stages[2]([*maps, self.start[3](maps[-1])])
        return [self.heatmaps(maps[0])]
