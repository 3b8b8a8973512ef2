"""A heatmap network that two CPU cores can train in minutes."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from ..codecs import HeatmapCodec
from .base import PoseNetwork, check_images, pair

__all__ = ["LaptopNet"]


def conv_bn(before: int, after: int, kernel: int = 3, stride: int = 1):
    """A convolution and its normalisation."""
    return nn.Sequential(
        nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(after),
    )


class Block(nn.Module):
    """Two convolutions beside a shortcut (He et al. 2016)."""

    def __init__(self, before: int, after: int, stride: int = 1):
        super().__init__()
        self.first = conv_bn(before, after, stride=stride)
        self.second = conv_bn(after, after)
        # start as the identity: deep networks then learn from step one
        nn.init.zeros_(self.second[1].weight)
        self.shortcut = (
            nn.Identity()
            if stride == 1 and before == after
            else conv_bn(before, after, 1, stride)
        )

    def forward(self, x):
        y = self.second(F.relu(self.first(x)))
        return F.relu(y + self.shortcut(x))


class LaptopNet(PoseNetwork):
    """Down to 1/16 and back up to 1/2, with a shortcut at every size.

    On the way down the network learns what it sees and on the way up
    where it is, as in U-Net (Ronneberger et al. 2015) and in one
    hourglass (Newell et al. 2016). Most of the work is done at the small
    sizes, where it is cheap and where one cell sees the whole person.

    Parameters
    ----------
    joints:
        Number of keypoints K.
    input_size:
        ``(width, height)`` or one number, pixels, divisible by 16.
    width:
        Channels of the first layer.
    sigma:
        Standard deviation of the target's Gaussian, heatmap cells.
    """

    def __init__(
        self, joints: int = 16, input_size=64, width: int = 24, sigma: float = 1.5
    ):
        input_size = pair(input_size, 16, "LaptopNet")
        w, h = input_size
        super().__init__(HeatmapCodec(input_size, (w // 2, h // 2), sigma))
        sizes = [width, 2 * width, 4 * width, 6 * width]
        self.stem = conv_bn(3, width, stride=2)
        self.down = nn.ModuleList(
            nn.Sequential(Block(a, b, stride=2), Block(b, b))
            for a, b in pairwise(sizes)
        )
        self.middle = nn.Sequential(*(Block(sizes[-1], sizes[-1]) for _ in range(2)))
        self.up = nn.ModuleList(
            nn.ModuleDict({"squeeze": conv_bn(b, a, 1), "mix": Block(a, a)})
            for a, b in pairwise(sizes)
        )
        self.head = nn.Conv2d(width, joints, 1)
        nn.init.normal_(self.head.weight, std=0.001)
        nn.init.zeros_(self.head.bias)

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Normalised ``(N, 3, H, W)`` to ``[(N, K, H / 2, W / 2)]``."""
        check_images(images, self.input_size, multiple=16)
        x = F.relu(self.stem(images))
        skipped = []
        for level in self.down:
            skipped.append(x)
            x = level(x)
        x = self.middle(x)
        for level, skip in zip(reversed(self.up), reversed(skipped)):
            x = F.interpolate(level["squeeze"](x), scale_factor=2)
            x = level["mix"](F.relu(x + skip))
        return [self.head(x)]
