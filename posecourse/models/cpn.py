"""The cascaded pyramid network: easy joints, then hard (Chen et al. 2018)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from ..codecs import HeatmapCodec
from .base import PoseNetwork, check_images, pair

__all__ = ["Bottleneck", "CascadedPyramidNetwork"]


def conv(before: int, after: int, kernel: int = 1, relu: bool = True):
    """A convolution that keeps the size, normalisation and, if so, ReLU."""
    return nn.Sequential(
        nn.Conv2d(before, after, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True) if relu else nn.Identity(),
    )


class Bottleneck(nn.Module):
    """1x1, 3x3 on half the channels, 1x1, beside a shortcut."""

    def __init__(self, before: int, after: int):
        super().__init__()
        middle = after // 2
        self.body = nn.Sequential(
            conv(before, middle),
            conv(middle, middle, 3),
            conv(middle, after, relu=False),
        )
        self.shortcut = (
            nn.Identity() if before == after else conv(before, after, relu=False)
        )

    def forward(self, x):
        return F.relu(self.body(x) + self.shortcut(x))


def resize(x, size):
    """Maps at another size, bilinear; cells are squares, as everywhere."""
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False)


class CascadedPyramidNetwork(PoseNetwork):
    """GlobalNet finds the joints that are easy, RefineNet the others.

    GlobalNet is a feature pyramid over a ResNet: what the small maps know
    about the whole body is added, level by level, to what the large maps
    see in detail; each level draws heatmaps and is judged by them.
    RefineNet takes the features of all levels, works longer on the smaller
    ones (three blocks at 1/32, none at 1/4: context is cheap there), and
    draws the answer.

    `forward` returns five stages: the pyramid's from 1/32 to 1/4, all
    enlarged to 1/4, then the refined one. The paper trains the first four
    with the plain loss and the last with the loss of the hardest joints
    only (`losses.ohkm`).

    Parameters
    ----------
    joints:
        Number of keypoints K.
    depth:
        18, 34, 50, 101 or 152 layers of ResNet.
    width:
        Channels of the pyramid, an even number; 256 in the paper.
    input_size:
        ``(width, height)`` or one number, pixels, divisible by 32.
    sigma:
        Standard deviation of the target's Gaussian, heatmap cells.
    """

    def __init__(
        self,
        joints: int = 16,
        depth: int = 50,
        width: int = 256,
        input_size=256,
        sigma: float = 2.0,
    ):
        if depth not in (18, 34, 50, 101, 152):
            raise ValueError(
                f"CascadedPyramidNetwork: there is no ResNet of "
                f"depth {depth}; choose 18, 34, 50, 101 or 152"
            )
        if width < 2 or width % 2:
            raise ValueError(
                f"CascadedPyramidNetwork: width {width} must be "
                "an even number: the bottlenecks halve it"
            )
        input_size = pair(input_size, 32, "CascadedPyramidNetwork")
        w, h = input_size
        super().__init__(HeatmapCodec(input_size, (w // 4, h // 4), sigma))
        trunk = getattr(torchvision.models, f"resnet{depth}")(weights=None)
        self.stem = nn.Sequential(trunk.conv1, trunk.bn1, trunk.relu, trunk.maxpool)
        self.levels = nn.ModuleList(  # maps of 1/4, 1/8, 1/16, 1/32
            [trunk.layer1, trunk.layer2, trunk.layer3, trunk.layer4]
        )
        deepest = trunk.fc.in_features
        self.lateral = nn.ModuleList(conv(deepest // 2**i, width) for i in (3, 2, 1, 0))
        self.merge = nn.ModuleList(nn.Conv2d(width, width, 1) for _ in range(3))
        self.guess = nn.ModuleList(
            nn.Sequential(conv(width, width), nn.Conv2d(width, joints, 3, padding=1))
            for _ in range(4)
        )
        self.deepen = nn.ModuleList(
            nn.Sequential(*(Bottleneck(width, width) for _ in range(i)))
            for i in range(4)
        )
        self.refine = nn.Sequential(
            Bottleneck(4 * width, width), nn.Conv2d(width, joints, 3, padding=1)
        )
        for last in [*(g[-1] for g in self.guess), self.refine[-1]]:
            nn.init.normal_(last.weight, std=0.001)
            nn.init.zeros_(last.bias)

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Normalised ``(N, 3, H, W)`` to five ``(N, K, H / 4, W / 4)``."""
        check_images(images, self.input_size, multiple=32)
        x = self.stem(images)
        seen = []
        for level in self.levels:
            x = level(x)
            seen.append(x)
        size = seen[0].shape[-2:]

        # GlobalNet: down the pyramid, from the smallest map to the largest
        pyramid, stages = [None] * 4, []
        for i in (3, 2, 1, 0):
            pyramid[i] = self.lateral[i](seen[i])
            if i < 3:
                larger = resize(pyramid[i + 1], pyramid[i].shape[-2:])
                pyramid[i] = pyramid[i] + self.merge[i](larger)
            stages.append(resize(self.guess[i](pyramid[i]), size))

        # RefineNet: all levels at once
        deep = [resize(self.deepen[i](pyramid[i]), size) for i in range(4)]
        return [*stages, self.refine(torch.cat(deep, 1))]
