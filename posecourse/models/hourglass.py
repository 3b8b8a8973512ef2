"""Stacked hourglasses: look, think again, look again (Newell et al. 2016)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from ..codecs import HeatmapCodec
from .base import PoseNetwork, check_images, pair

__all__ = ["Hourglass", "Residual", "StackedHourglass"]


class Residual(nn.Module):
    """1x1, 3x3, 1x1 beside a shortcut, each after norm and ReLU.

    The middle works on half the channels. Because normalisation and ReLU
    come *before* each convolution, nothing stands on the path from block
    to block but additions (He et al. 2016, "Identity mappings").
    """

    def __init__(self, before: int, after: int):
        super().__init__()
        middle = after // 2
        self.norm1 = nn.BatchNorm2d(before)
        self.conv1 = nn.Conv2d(before, middle, 1)
        self.norm2 = nn.BatchNorm2d(middle)
        self.conv2 = nn.Conv2d(middle, middle, 3, padding=1)
        self.norm3 = nn.BatchNorm2d(middle)
        self.conv3 = nn.Conv2d(middle, after, 1)
        self.shortcut = (
            nn.Identity() if before == after else nn.Conv2d(before, after, 1)
        )

    def forward(self, x):
        y = self.conv1(F.relu(self.norm1(x)))
        y = self.conv2(F.relu(self.norm2(y)))
        y = self.conv3(F.relu(self.norm3(y)))
        return y + self.shortcut(x)


def residuals(width: int, count: int) -> nn.Sequential:
    """Blocks one after another that keep the number of channels."""
    return nn.Sequential(*(Residual(width, width) for _ in range(count)))


class Hourglass(nn.Module):
    """Halve the map, think, double it, add what was seen before.

    The thinking in the middle is again an hourglass, one size smaller, so
    the whole is five lines and a recursion. At its waist one cell sees the
    whole person; the skips carry the exact places past the waist.
    """

    def __init__(self, depth: int, width: int, blocks: int):
        super().__init__()
        self.skip = residuals(width, blocks)
        self.down = residuals(width, blocks)
        self.inner = (
            Hourglass(depth - 1, width, blocks)
            if depth > 1
            else residuals(width, blocks)
        )
        self.up = residuals(width, blocks)

    def forward(self, x):
        low = self.down(F.max_pool2d(x, 2))
        low = self.up(self.inner(low))
        return self.skip(x) + F.interpolate(low, scale_factor=2)


class StackedHourglass(PoseNetwork):
    """Several hourglasses, each correcting the one before.

    Every hourglass draws heatmaps and is judged by them (intermediate
    supervision); features *and* maps go back into the stream that the next
    one reads. So the network sees its own first guess, whole body at once,
    and can mend what does not fit together.

    Parameters
    ----------
    joints:
        Number of keypoints K.
    stacks:
        Number of hourglasses.
    blocks:
        Residual blocks at each place of an hourglass.
    width:
        Channels of the stream, divisible by 4; 256 in the paper.
    depth:
        How often an hourglass halves its map; 4 in the paper.
    input_size:
        ``(width, height)`` or one number, pixels, divisible by
        ``4 * 2 ** depth``.
    sigma:
        Standard deviation of the target's Gaussian, heatmap cells.
    """

    def __init__(
        self,
        joints: int = 16,
        stacks: int = 2,
        blocks: int = 1,
        width: int = 256,
        depth: int = 4,
        input_size=256,
        sigma: float = 1.0,
    ):
        if width < 4 or width % 4:
            raise ValueError(
                f"StackedHourglass: width {width} must be a "
                "multiple of 4: the first layer has a quarter "
                "of the channels"
            )
        if min(stacks, blocks, depth) < 1:
            raise ValueError(
                "StackedHourglass: stacks, blocks and depth must be 1 or "
                f"more, got {stacks}, {blocks} and {depth}"
            )
        input_size = pair(input_size, 4 * 2**depth, "StackedHourglass")
        w, h = input_size
        super().__init__(HeatmapCodec(input_size, (w // 4, h // 4), sigma))
        self.depth = depth
        # to a quarter of the picture's size, as cheaply as possible
        self.stem = nn.Sequential(
            nn.Conv2d(3, width // 4, 7, stride=2, padding=3),
            nn.BatchNorm2d(width // 4),
            nn.ReLU(inplace=True),
            Residual(width // 4, width // 2),
            nn.MaxPool2d(2),
            Residual(width // 2, width),
            Residual(width, width),
        )
        self.stacks = nn.ModuleList(
            nn.ModuleDict(
                {
                    "hourglass": Hourglass(depth, width, blocks),
                    "residuals": residuals(width, blocks),
                    "features": nn.Sequential(
                        nn.Conv2d(width, width, 1),
                        nn.BatchNorm2d(width),
                        nn.ReLU(inplace=True),
                    ),
                    "heatmaps": nn.Conv2d(width, joints, 1),
                }
            )
            for _ in range(stacks)
        )
        # what one hourglass hands to the next
        self.feedback = nn.ModuleList(
            nn.ModuleDict(
                {
                    "features": nn.Conv2d(width, width, 1),
                    "heatmaps": nn.Conv2d(joints, width, 1),
                }
            )
            for _ in range(stacks - 1)
        )
        for stack in self.stacks:
            nn.init.normal_(stack["heatmaps"].weight, std=0.001)
            nn.init.zeros_(stack["heatmaps"].bias)

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Normalised ``(N, 3, H, W)`` to one ``(N, K, H/4, W/4)`` a stack."""
        check_images(images, self.input_size, multiple=4 * 2**self.depth)
        stream = self.stem(images)
        stages = []
        for i, stack in enumerate(self.stacks):
            features = stack["hourglass"](stream)
            features = stack["features"](stack["residuals"](features))
            stages.append(stack["heatmaps"](features))
            if i < len(self.feedback):
                back = self.feedback[i]
                stream = (
                    stream + back["features"](features) + back["heatmaps"](stages[-1])
                )
        return stages
