"""ViTPose: a picture cut into patches, each of which looks at all others.

Xu, Zhang, Zhang, Tao: *ViTPose: Simple Vision Transformer Baselines for Human
Pose Estimation* (2022). The trunk is the plain vision transformer of
Dosovitskiy et al. (2021); the head is the paper's simple one.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from ..codecs import HeatmapCodec
from .base import PoseNetwork, check_images, pair

__all__ = ["Block", "ViTPose"]

# Input pixels per cell of the heatmaps.
STRIDE = 4


class Block(nn.Module):
    """Tokens look at one another, then each thinks for itself.

    Parameters
    ----------
    width:
        Numbers in a token.
    heads:
        Into how many looks the numbers are divided.
    """

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.mix = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x):
        """Tokens ``(N, T, width)`` to tokens."""
        asked = self.qkv(self.norm1(x)).unflatten(-1, (3, self.heads, -1))
        query, key, value = asked.permute(2, 0, 3, 1, 4)  # (N, heads, T, numbers)
        seen = F.scaled_dot_product_attention(query, key, value)
        x = x + self.mix(seen.transpose(1, 2).flatten(2))
        return x + self.mlp(self.norm2(x))


class ViTPose(PoseNetwork):
    """A plain vision transformer with a small head for heatmaps.

    Parameters
    ----------
    joints:
        Number of keypoints K.
    input_size:
        ``(width, height)`` or one number, pixels, divisible by `patch`.
    patch:
        Side of a patch, pixels, a multiple of 4.
    width, depth, heads:
        Numbers in a token, blocks, and looks per block.
    sigma:
        Standard deviation of the target's Gaussian, heatmap cells.

    Examples
    --------
    >>> network = ViTPose()
    >>> network.tokens(torch.zeros(1, 3, 64, 64)).shape
    torch.Size([1, 64, 64])
    """

    def __init__(
        self,
        joints: int = 16,
        input_size=64,
        patch: int = 8,
        width: int = 64,
        depth: int = 4,
        heads: int = 4,
        sigma: float = 1.0,
    ):
        if patch % STRIDE or width % heads:
            raise ValueError(
                f"ViTPose: patch {patch} must be a multiple of {STRIDE}, and width "
                f"{width} one of heads {heads}"
            )
        size = pair(input_size, patch, "ViTPose")
        w, h = size
        super().__init__(HeatmapCodec(size, (w // STRIDE, h // STRIDE), sigma))
        self.grid, self.patch = (h // patch, w // patch), patch
        self.patches = nn.Conv2d(3, width, patch, stride=patch)
        self.places = nn.Parameter(torch.empty(1, self.grid[0] * self.grid[1], width))
        nn.init.trunc_normal_(self.places, std=0.02)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Conv2d(width, joints, 3, padding=1)
        nn.init.normal_(self.head.weight, std=0.001)
        nn.init.zeros_(self.head.bias)

    def tokens(self, images) -> torch.Tensor:
        """Patches of ``(N, 3, H, W)``, each with its place: ``(N, T, width)``."""
        return self.patches(images).flatten(2).transpose(1, 2) + self.places

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Normalised ``(N, 3, H, W)`` to ``[(N, K, H / 4, W / 4)]``."""
        check_images(images, self.input_size, exact=True)
        x = self.norm(self.blocks(self.tokens(images)))
        x = F.relu(x.transpose(1, 2).unflatten(2, self.grid))
        x = F.interpolate(
            x, scale_factor=self.patch / STRIDE, mode="bilinear", align_corners=False
        )
        return [self.head(x)]
