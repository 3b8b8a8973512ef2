"""SimpleBaseline: a ResNet and three deconvolutions (Xiao et al. 2018)."""

from __future__ import annotations

import torch
import torchvision
from torch import nn

from ..codecs import HeatmapCodec
from .base import PoseNetwork, check_images, pair

__all__ = ["SimpleBaseline"]


class SimpleBaseline(PoseNetwork):
    """Heatmaps at a quarter of the picture's resolution.

    A ResNet shrinks the picture to 1/32; three deconvolutions bring the
    features back to 1/4; a 1x1 convolution makes one map per joint. The
    layers have the names of the published code, so its checkpoints load.

    Parameters
    ----------
    joints:
        Number of keypoints K.
    depth:
        18, 34, 50, 101 or 152 layers of ResNet.
    input_size:
        ``(width, height)`` or one number, pixels, divisible by 32.
    sigma:
        Standard deviation of the target's Gaussian, heatmap cells.
    """

    def __init__(
        self, joints: int = 16, depth: int = 50, input_size=256, sigma: float = 2.0
    ):
        if depth not in (18, 34, 50, 101, 152):
            raise ValueError(
                f"SimpleBaseline: there is no ResNet of depth "
                f"{depth}; choose 18, 34, 50, 101 or 152"
            )
        input_size = pair(input_size, 32, "SimpleBaseline")
        w, h = input_size
        super().__init__(HeatmapCodec(input_size, (w // 4, h // 4), sigma))
        trunk = getattr(torchvision.models, f"resnet{depth}")(weights=None)
        for name in (
            "conv1",
            "bn1",
            "relu",
            "maxpool",
            "layer1",
            "layer2",
            "layer3",
            "layer4",
        ):
            setattr(self, name, getattr(trunk, name))
        layers, channels = [], trunk.fc.in_features
        for _ in range(3):
            layers += [
                nn.ConvTranspose2d(channels, 256, 4, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(256),
                nn.ReLU(inplace=True),
            ]
            channels = 256
        self.deconv_layers = nn.Sequential(*layers)
        self.final_layer = nn.Conv2d(256, joints, kernel_size=1)
        for layer in (*self.deconv_layers, self.final_layer):
            if isinstance(layer, (nn.ConvTranspose2d, nn.Conv2d)):
                nn.init.normal_(layer.weight, std=0.001)
        nn.init.zeros_(self.final_layer.bias)

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Normalised ``(N, 3, H, W)`` to ``[(N, K, H / 4, W / 4)]``."""
        check_images(images, self.input_size, multiple=32)
        x = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return [self.final_layer(self.deconv_layers(x))]
