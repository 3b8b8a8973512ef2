"""One backbone, several ways to predict where a joint is (chapter 5).

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

They are for comparing representations, small enough for two CPU cores, and
are called ``head_heatmap``, ``head_simcc``, ... by `models.build`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from .. import losses
from ..codecs import CoordinateCodec, HeatmapCodec, SimCCCodec
from .base import PoseNetwork, check_images, pair
from .outputs import Residuals

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


class MapHead(nn.Module):
    """One small map per joint: the answer itself, or the logits of one.

    They begin almost empty, as in published code: large random maps take
    long to forget.
    """

    def __init__(self, channels: int, joints: int, size, kind: str):
        super().__init__()
        decoder = "integral" if kind == "logits" else "dark"
        self.kind = kind
        self.codec = HeatmapCodec(size, _cells(size), sigma=1.0, decoder=decoder)
        self.maps = nn.Conv2d(channels, joints, 1)
        if kind == "heatmap":
            nn.init.normal_(self.maps.weight, std=0.001)
            nn.init.zeros_(self.maps.bias)

    def forward(self, features):
        """``(N, K, H / 4, W / 4)``; of soft-argmax, before the softmax."""
        return self.maps(features)


class SimCC(nn.Module):
    """Each map becomes scores of columns and of rows."""

    kind = "simcc"

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


class Regression(nn.Module):
    """Each map becomes two numbers."""

    kind = "coordinate"

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


class FullyConnected(nn.Module):
    """All features through two linear layers, as in the document.

    `numbers` of each joint: two, or four with how sure they are.
    """

    def __init__(self, channels: int, joints: int, size, kind: str, hidden: int = 128):
        super().__init__()
        w, h = _cells(size)
        self.kind, self.numbers = kind, 4 if kind == "rle" else 2
        self.codec = CoordinateCodec(size)
        self.hidden = nn.Linear(channels * w * h, hidden)
        self.place = nn.Linear(hidden, joints * self.numbers)
        _begin_in_the_middle(self.place)
        if kind == "rle":
            with torch.no_grad():
                self.place.bias.view(joints, 4)[:, 2:] = 0
            # learns the shape of the errors; needed for training only
            self.flow = losses.RealNVP(32)

    def forward(self, features):
        """``(N, K, 2)``, 0 to 1; or ``(N, K, 4)``, with how sure."""
        hidden = torch.relu(self.hidden(features.flatten(1)))
        return self.place(hidden).unflatten(1, (-1, self.numbers))


HEADS: dict[str, Callable] = {
    "heatmap": partial(MapHead, kind="heatmap"),
    "soft_argmax": partial(MapHead, kind="logits"),
    "simcc": SimCC,
    "regression": Regression,
    "fc": partial(FullyConnected, kind="coordinate"),
    "rle": partial(FullyConnected, kind="rle"),
}


class HeadNet(PoseNetwork):
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
    >>> points, scores = network.predict(torch.zeros(1, 3, 64, 64))
    >>> points.shape, scores.shape
    (torch.Size([1, 16, 2]), torch.Size([1, 16]))
    """

    def __init__(self, head: str, joints: int = 16, input_size=64, width: int = 16):
        if head not in HEADS:
            raise ValueError(
                f"there is no head {head!r}; choose one of {', '.join(HEADS)}"
            )
        size = pair(input_size, 16, "HeadNet")
        # the backbone first: of one seed it begins the same under every head
        backbone = Backbone(width)
        made = HEADS[head](2 * width, joints, size)
        super().__init__(made.codec, made.kind)
        self.backbone, self.head = backbone, made
        if made.kind == "rle":
            self.representation = Residuals(made.codec, made.flow)
        if made.kind == "coordinate":
            self.set_loss("coordinate_l1")

    def forward(self, images):
        """Normalised ``(N, 3, H, W)`` to what the head predicts."""
        check_images(images, self.input_size, exact=True)
        return self.head(self.backbone(images))


def _cells(size) -> tuple[int, int]:
    return size[0] // STRIDE, size[1] // STRIDE


def _begin_in_the_middle(layer: nn.Linear):
    """An untrained network's first guess is the middle of the picture."""
    nn.init.normal_(layer.weight, std=0.001)
    nn.init.constant_(layer.bias, 0.5)
