"""The other way: three dimensions at once, from the picture itself."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from ..models.laptop import LaptopNet

__all__ = ["DirectRegressor", "trunk_features"]


@torch.no_grad()
def trunk_features(network: LaptopNet, images) -> torch.Tensor:
    """What a heatmap network knows of a picture where it knows most.

    Parameters
    ----------
    network:
        A trained `LaptopNet`; it is not trained further.
    images:
        ``(N, 3, H, W)``, normalised.

    Returns
    -------
    ``(N, C, H / 16, W / 16)``: its middle, where one cell sees the whole
    person.
    """
    x = F.relu(network.stem(images))
    for level in network.down:
        x = level(x)
    return network.middle(x)


class DirectRegressor(nn.Module):
    """From features of a picture straight to joints in space.

    The second of the document's two ways (section 4.4), with the layers of
    `LiftingNetwork` behind the trunk of a pose network: what differs from
    lifting is what they are shown.

    Parameters
    ----------
    features:
        Numbers in a picture's features, C * H / 16 * W / 16.
    """

    def __init__(
        self, features: int, joints: int = 16, root: int = 6, width: int = 256
    ):
        super().__init__()
        self.joints, self.root = joints, root

        def layer(before):
            return nn.Sequential(
                nn.Linear(before, width),
                nn.BatchNorm1d(width),
                nn.ReLU(),
                nn.Dropout(0.1),
            )

        self.first = layer(features)
        self.blocks = nn.ModuleList(
            nn.Sequential(layer(width), layer(width)) for _ in range(2)
        )
        self.last = nn.Linear(width, 3 * joints)
        nn.init.normal_(self.last.weight, std=0.001)

    def forward(self, features):
        """``(N, C, h, w)`` of `trunk_features` to ``(N, K, 3)`` metres from the
        root."""
        x = self.first(features.flatten(1))
        for block in self.blocks:
            x = x + block(x)
        points = self.last(x).unflatten(-1, (self.joints, 3))
        return points - points[:, self.root : self.root + 1]
