"""Convolutional pose machines: belief maps, refined (Wei et al. 2016)."""

from __future__ import annotations

import torch
from torch import nn

from ..codecs import HeatmapCodec
from .base import PoseNetwork, check_images, pair

__all__ = ["ConvolutionalPoseMachine"]


def conv(before: int, after: int, kernel: int) -> nn.Sequential:
    """A convolution that keeps the size, normalisation, ReLU."""
    return nn.Sequential(
        nn.Conv2d(before, after, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
    )


def trunk(width: int) -> nn.Sequential:
    """The picture to features at 1/8; one cell sees 96 x 96 pixels."""
    return nn.Sequential(
        conv(3, width, 9),
        nn.MaxPool2d(2),
        conv(width, width, 9),
        nn.MaxPool2d(2),
        conv(width, width, 9),
        nn.MaxPool2d(2),
        conv(width, width // 4, 5),
    )


def head(width: int, joints: int) -> list[nn.Module]:
    """Two 1x1 convolutions: from features to one map per joint."""
    maps = nn.Conv2d(width, joints, 1)
    nn.init.normal_(maps.weight, std=0.001)
    nn.init.zeros_(maps.bias)
    return [conv(width, width, 1), maps]


class ConvolutionalPoseMachine(PoseNetwork):
    """A first guess from local evidence, then five rounds of context.

    Stage 1 sees 160 x 160 pixels around a cell: enough to recognise a
    wrist, not to know whose or which. Every later stage reads the maps of
    *all* joints that the stage before drew, beside features of the
    picture, through three 11 x 11 convolutions, each of which adds 80
    pixels to what a cell sees: 400 pixels after stage 2, 1,360 after
    stage 6. A confident shoulder then helps to find the doubtful elbow.

    Each stage is trained with its own loss. In the paper this is what
    keeps the gradient alive through some forty layers; here, as in newer
    implementations, batch normalisation helps too. The paper's extra maps
    are left out: the one for the background, and the input that marks the
    person's centre, which is the same for every picture once the person
    has been cropped.

    Parameters
    ----------
    joints:
        Number of keypoints K.
    stages:
        Number of rounds, 6 in the paper.
    width:
        Channels of most layers, divisible by 4; 128 in the paper.
    input_size:
        ``(width, height)`` or one number, pixels, divisible by 8; the
        paper uses 368.
    sigma:
        Standard deviation of the target's Gaussian, heatmap cells.
    """

    def __init__(
        self,
        joints: int = 16,
        stages: int = 6,
        width: int = 128,
        input_size=256,
        sigma: float = 2.0,
    ):
        if width < 4 or width % 4:
            raise ValueError(
                f"ConvolutionalPoseMachine: width {width} must "
                "be a multiple of 4: the features handed from "
                "stage to stage have a quarter of the channels"
            )
        if stages < 1:
            raise ValueError(
                f"ConvolutionalPoseMachine: stages must be 1 or more, got {stages}"
            )
        input_size = pair(input_size, 8, "ConvolutionalPoseMachine")
        w, h = input_size
        super().__init__(HeatmapCodec(input_size, (w // 8, h // 8), sigma))
        self.first = nn.Sequential(
            trunk(width), conv(width // 4, 4 * width, 9), *head(4 * width, joints)
        )
        # the later stages look at the picture with eyes of their own
        self.trunk = trunk(width) if stages > 1 else None
        self.later = nn.ModuleList(
            nn.Sequential(
                conv(width // 4 + joints, width, 11),
                conv(width, width, 11),
                conv(width, width, 11),
                *head(width, joints),
            )
            for _ in range(stages - 1)
        )

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Normalised ``(N, 3, H, W)`` to one ``(N, K, H/8, W/8)`` a stage."""
        check_images(images, self.input_size, multiple=8)
        stages = [self.first(images)]
        if self.later:
            features = self.trunk(images)
        for stage in self.later:
            stages.append(stage(torch.cat([features, stages[-1]], 1)))
        return stages
