"""One backbone, several ways to say where a joint is (chapter 5).

A `HeadNet` turns a picture into features, a quarter as wide and high, and
the features into one small map per joint. Of one seed, all networks begin
with the same backbone. What becomes of the maps makes the difference:

================  ==================================  ====================
head              what becomes of a joint's map       loss
================  ==================================  ====================
``heatmap``       nothing: it is the answer           `losses.heatmap_mse`
``soft_argmax``   softmax, then the mean position     `losses.dsnt`
``simcc``         a linear layer to columns, another  `losses.simcc`
                  to rows
``regression``    a linear layer to two numbers       `losses.coordinate_l1`
================  ==================================  ====================

Two more read the features without drawing maps:

================  ==================================  ====================
``fc``            all features through two linear     `losses.coordinate_l1`
                  layers, as in the document's
                  PoseNet
``rle``           the same, and how sure it is        `losses.rle`
================  ==================================  ====================

They are for comparing representations, small enough for two CPU cores.
`models.build` has the networks to work with.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from .. import losses
from ..codecs import CoordinateCodec, HeatmapCodec, SimCCCodec
from .base import check_images, pair

__all__ = ["HEADS", "Backbone", "HeadNet"]

# Input pixels per cell of the maps.
STRIDE = 4


def conv(before: int, after: int, stride: int = 1, kernel: int = 3):
    """A convolution, normalised, then ReLU."""
    return nn.Sequential(
        nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
    )


class Backbone(nn.Module):
    """Pictures to features: down to 1/16 and back up to 1/4.

    At 1/16 a cell sees the whole person; what it knows is added to the
    finer features on the way up.

    Parameters
    ----------
    width:
        Channels of the first layer; the features have twice as many.
    """

    def __init__(self, width: int = 16):
        super().__init__()
        w = width
        self.quarter = nn.Sequential(
            conv(3, w, 2), conv(w, 2 * w, 2), conv(2 * w, 2 * w)
        )
        self.eighth = nn.Sequential(conv(2 * w, 4 * w, 2), conv(4 * w, 4 * w))
        self.sixteenth = nn.Sequential(
            conv(4 * w, 4 * w, 2), conv(4 * w, 4 * w), conv(4 * w, 4 * w)
        )
        self.up_to_eighth = conv(4 * w, 4 * w)
        self.squeeze = conv(4 * w, 2 * w, kernel=1)
        self.up_to_quarter = conv(2 * w, 2 * w)

    def forward(self, images):
        """``(N, 3, H, W)`` to ``(N, 2 * width, H / 4, W / 4)``."""
        quarter = self.quarter(images)
        eighth = self.eighth(quarter)
        sixteenth = self.sixteenth(eighth)
        eighth = self.up_to_eighth(eighth + _twice(sixteenth))
        return self.up_to_quarter(quarter + _twice(self.squeeze(eighth)))


def _twice(x):
    return F.interpolate(x, scale_factor=2)


class Heatmap(nn.Module):
    """The maps are the answer.

    They begin almost empty, as in published code: large random maps take
    long to forget.
    """

    def __init__(self, channels: int, joints: int, size):
        super().__init__()
        self.codec = HeatmapCodec(size, _cells(size), sigma=1.0)
        self.maps = nn.Conv2d(channels, joints, 1)
        nn.init.normal_(self.maps.weight, std=0.001)
        nn.init.zeros_(self.maps.bias)

    def forward(self, features):
        """``(N, K, H / 4, W / 4)``."""
        return self.maps(features)

    def loss(self, output, keypoints, visible):
        """How wrong an output is; keypoints in input pixels."""
        target, weights = self.codec.encode(keypoints, visible)
        return losses.heatmap_mse(output, target, weights)

    def decode(self, output):
        """``(N, K, 2)`` input pixels and scores ``(N, K)``."""
        return self.codec.decode(output)


class SoftArgmax(nn.Module):
    """The mean place under the softmax of the map (DSNT)."""

    def __init__(self, channels: int, joints: int, size):
        super().__init__()
        self.codec = HeatmapCodec(size, _cells(size), sigma=1.0, decoder="integral")
        self.maps = nn.Conv2d(channels, joints, 1)

    def forward(self, features):
        """``(N, K, H / 4, W / 4)``, before the softmax."""
        return self.maps(features)

    def loss(self, output, keypoints, visible):
        """How wrong an output is; keypoints in input pixels."""
        return losses.dsnt(
            output, self.codec.to_cells(keypoints), visible > 0, sigma=self.codec.sigma
        )

    def decode(self, output):
        """``(N, K, 2)`` input pixels and scores ``(N, K)``."""
        return self.codec.decode(output)


class SimCC(nn.Module):
    """Each map becomes scores of columns and of rows."""

    def __init__(self, channels: int, joints: int, size):
        super().__init__()
        w, h = _cells(size)
        self.codec = SimCCCodec(size, split_ratio=2, sigma=3.0)
        self.maps = nn.Conv2d(channels, joints, 1)
        self.columns = nn.Linear(w * h, self.codec.bins[0])
        self.rows = nn.Linear(w * h, self.codec.bins[1])

    def forward(self, features):
        """``(N, K, columns)`` and ``(N, K, rows)``."""
        maps = self.maps(features).flatten(2)
        return self.columns(maps), self.rows(maps)

    def loss(self, output, keypoints, visible):
        """How wrong an output is; keypoints in input pixels."""
        target, weights = self.codec.encode(keypoints, visible)
        return losses.simcc(output, target, weights)

    def decode(self, output):
        """``(N, K, 2)`` input pixels and scores ``(N, K)``."""
        return self.codec.decode(output)


class Regression(nn.Module):
    """Each map becomes two numbers."""

    def __init__(self, channels: int, joints: int, size):
        super().__init__()
        w, h = _cells(size)
        self.codec = CoordinateCodec(size)
        self.maps = nn.Conv2d(channels, joints, 1)
        self.place = nn.Linear(w * h, 2)
        _begin_in_the_middle(self.place)

    def forward(self, features):
        """``(N, K, 2)``, 0 to 1."""
        return self.place(self.maps(features).flatten(2))

    def loss(self, output, keypoints, visible):
        """How wrong an output is; keypoints in input pixels."""
        target, weights = self.codec.encode(keypoints, visible)
        return losses.coordinate_l1(output, target, weights)

    def decode(self, output):
        """``(N, K, 2)`` input pixels and scores ``(N, K)``, all 1."""
        return self.codec.decode(output)


class FullyConnected(Regression):
    """All features through two linear layers, as in the document."""

    numbers = 2

    def __init__(self, channels: int, joints: int, size, hidden: int = 128):
        nn.Module.__init__(self)
        w, h = _cells(size)
        self.codec = CoordinateCodec(size)
        self.hidden = nn.Linear(channels * w * h, hidden)
        self.place = nn.Linear(hidden, joints * self.numbers)
        _begin_in_the_middle(self.place)

    def forward(self, features):
        """``(N, K, 2)``, 0 to 1."""
        hidden = torch.relu(self.hidden(features.flatten(1)))
        return self.place(hidden).unflatten(1, (-1, self.numbers))


class ResidualLikelihood(FullyConnected):
    """Two numbers, and two that say how sure they are (RLE).

    The flow that learns the shape of the errors is needed for training
    only.
    """

    numbers = 4

    def __init__(self, channels: int, joints: int, size, hidden: int = 128):
        super().__init__(channels, joints, size, hidden)
        with torch.no_grad():
            self.place.bias.view(joints, 4)[:, 2:] = 0
        self.flow = losses.RealNVP(32)

    def loss(self, output, keypoints, visible):
        """How wrong an output is; keypoints in input pixels."""
        target, weights = self.codec.encode(keypoints, visible)
        return losses.rle(
            output[..., :2], output[..., 2:].sigmoid(), target, self.flow, weights
        )

    def decode(self, output):
        """``(N, K, 2)`` input pixels and scores ``(N, K)``: 1 - sigma."""
        points, _ = self.codec.decode(output[..., :2])
        return points, 1 - output[..., 2:].float().sigmoid().mean(-1)


HEADS = {
    "heatmap": Heatmap,
    "soft_argmax": SoftArgmax,
    "simcc": SimCC,
    "regression": Regression,
    "fc": FullyConnected,
    "rle": ResidualLikelihood,
}


class HeadNet(nn.Module):
    """The backbone with one of `HEADS`.

    Parameters
    ----------
    head:
        A key of `HEADS`.
    joints:
        Number of keypoints K.
    input_size:
        ``(width, height)`` or one number, pixels, divisible by 16.
    width:
        Of the `Backbone`.

    Examples
    --------
    >>> network = HeadNet("regression", input_size=64)
    >>> output = network(torch.zeros(1, 3, 64, 64))
    >>> points, scores = network.decode(output)
    >>> points.shape, scores.shape
    (torch.Size([1, 16, 2]), torch.Size([1, 16]))
    """

    def __init__(self, head: str, joints: int = 16, input_size=64, width: int = 16):
        super().__init__()
        if head not in HEADS:
            raise ValueError(
                f"there is no head {head!r}; choose one of {', '.join(HEADS)}"
            )
        self.input_size = pair(input_size, 16, "HeadNet")
        self.backbone = Backbone(width)
        self.head = HEADS[head](2 * width, joints, self.input_size)

    def forward(self, images):
        """Normalised ``(N, 3, H, W)`` to what the head says."""
        check_images(images, self.input_size, exact=True)
        return self.head(self.backbone(images))

    def loss(self, output, keypoints, visible):
        """How wrong an output is.

        Takes ``(N, K, 2)`` input pixels, NaN where not labelled, and
        ``(N, K)`` visibility.
        """
        return self.head.loss(output, keypoints, visible)

    def decode(self, output):
        """``(N, K, 2)`` input pixels and scores ``(N, K)``."""
        return self.head.decode(output)


def _cells(size) -> tuple[int, int]:
    return size[0] // STRIDE, size[1] // STRIDE


def _begin_in_the_middle(layer: nn.Linear):
    """An untrained network's first guess is the middle of the picture."""
    nn.init.normal_(layer.weight, std=0.001)
    nn.init.constant_(layer.bias, 0.5)
