"""What a network's output means: how it is encoded, judged, read and averaged.

One class for each kind of output. A network has one of them in
``network.representation``; from it come ``loss`` and ``predict`` of
`PoseNetwork`.

=================  ==========================================  =====================
kind               output                                      losses, first: default
=================  ==========================================  =====================
``heatmap``        ``(N, K, H, W)`` bumps                      ``heatmap_mse``
``coordinate``     ``(N, K, 2)``, 0...1 of the picture         ``coordinate_l2``, ...
``logits``         ``(N, K, H, W)`` before a softmax           ``dsnt``
``simcc``          ``(N, K, columns)`` and ``(N, K, rows)``    ``simcc``
``rle``            ``(N, K, 4)``: place and how sure           ``rle``
=================  ==========================================  =====================
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from .. import losses
from ..geometry import flip_heatmaps, flip_points

__all__ = [
    "KINDS",
    "LOSSES",
    "Coordinates",
    "Heatmaps",
    "Logits",
    "Representation",
    "Residuals",
    "SimCC",
]


@dataclass
class Representation:
    """A codec, and how what it encodes is judged and read.

    Parameters
    ----------
    codec:
        From `posecourse.codecs`.
    """

    codec: Any

    kind: ClassVar[str]
    # name of a loss: a function (output, target, weights, representation)
    # that gives (N, K), 0 where the weight is 0
    losses: ClassVar[dict[str, Callable]]
    # what a network predicts that does not look at the picture
    constant_name: ClassVar[str] = "the mean pose"

    @property
    def default_loss(self) -> str:
        """The loss that is taken where none is named."""
        return next(iter(self.losses))

    def encode(self, keypoints, visible):
        """Target and weights ``(N, K)`` of keypoints in input pixels."""
        return self.codec.encode(keypoints, visible)

    def decode(self, output, decoder: str | None = None):
        """``(N, K, 2)`` input pixels and scores ``(N, K)``."""
        if decoder:
            raise ValueError(
                f"decoder {decoder!r}: this network gives no heatmaps that could be "
                "decoded in several ways"
            )
        return self.codec.decode(as_float(output))

    def decode_flipped(self, output, mirrored, skeleton, width: int, decoder=None):
        """The mean of what a picture and its mirror image gave.

        Of positions, after mirroring them back; scores of the first.
        """
        points, scores = self.decode(output, decoder)
        others, _ = self.decode(mirrored, decoder)
        return (points + flip_points(others, width, skeleton)) / 2, scores

    def constant(self, mean_pose):
        """What a network predicts that does not look, for one picture.

        Parameters
        ----------
        mean_pose:
            ``(K, 2)`` tensor, input pixels; NaN for a joint that was never
            labelled.
        """
        target, _ = self.codec.encode(
            mean_pose[None], mean_pose.isfinite().all(-1)[None]
        )
        return target


def _each(loss):
    """A loss of output and target as they are."""

    def judge(output, target, weights, _):
        return loss(output, target, weights, reduction="none")

    return judge


def _in_pixels(loss):
    """A loss whose parameter is a length in pixels, for fractions 0...1."""

    def judge(output, target, weights, self):
        size = output.new_tensor(self.codec.input_size)
        return loss(output * size, target * size, weights, reduction="none")

    return judge


class Heatmaps(Representation):
    """Bumps where the joints are; alike to their target."""

    kind = "heatmap"
    losses = {"heatmap_mse": _each(losses.heatmap_mse)}
    constant_name = "empty maps"

    def decode(self, output, decoder=None):
        """``(N, K, 2)`` input pixels and the maps' maxima ``(N, K)``."""
        return self.codec.decode(output.float(), decoder)

    def decode_flipped(self, output, mirrored, skeleton, width, decoder=None):
        """The maps are averaged, cell by cell, and then decoded."""
        mirrored = flip_heatmaps(mirrored.float(), skeleton)
        return self.decode((output.float() + mirrored) / 2, decoder)

    def constant(self, mean_pose):
        """Maps without a bump: the mean of many bumps is next to nothing."""
        return torch.zeros_like(super().constant(mean_pose))


class Logits(Heatmaps):
    """Maps whose softmax has its mean position at the joint (DSNT)."""

    kind = "logits"
    losses = {
        "dsnt": lambda output, target, weights, self: losses.dsnt(
            output, target, weights, sigma=self.codec.sigma, reduction="none"
        ),
    }
    constant_name = "the mean pose"

    def encode(self, keypoints, visible):
        """Heatmap cells ``(N, K, 2)``, and which joints are labelled."""
        return self.codec.to_cells(keypoints), (visible > 0).to(keypoints.dtype)

    def constant(self, mean_pose):
        """A bump at the mean pose."""
        return Representation.constant(self, mean_pose).clamp(min=1e-8).log()


class Coordinates(Representation):
    """Two numbers each. (``smooth_l1`` and ``wing`` judge input pixels.)"""

    kind = "coordinate"
    losses = {
        "coordinate_l2": _each(losses.coordinate_l2),
        "coordinate_l1": _each(losses.coordinate_l1),
        "smooth_l1": _in_pixels(losses.smooth_l1),
        "wing": _in_pixels(losses.wing),
    }


class SimCC(Representation):
    """Scores of columns and of rows."""

    kind = "simcc"
    losses = {"simcc": _each(losses.simcc)}
    constant_name = "all places alike"

    def constant(self, mean_pose):
        """The same score for every column and row."""
        return tuple(map(torch.zeros_like, super().constant(mean_pose)))


@dataclass
class Residuals(Representation):
    """Two numbers, and two that say how sure they are.

    `flow` is `losses.RealNVP`, which learns the shape of the errors and is
    needed for training only.
    """

    flow: Any = None

    kind = "rle"
    losses = {
        "rle": lambda output, target, weights, self: losses.rle(
            output[..., :2],
            output[..., 2:].sigmoid(),
            target,
            self.flow,
            weights,
            reduction="none",
        ),
    }

    def decode(self, output, decoder=None):
        """``(N, K, 2)`` input pixels and scores ``(N, K)``: 1 - sigma."""
        points, _ = super().decode(output[..., :2], decoder)
        return points, 1 - output[..., 2:].float().sigmoid().mean(-1)

    def constant(self, mean_pose):
        """The mean pose, and a sigma of one half."""
        place = super().constant(mean_pose)
        return torch.cat([place, torch.zeros_like(place)], -1)


KINDS = {cls.kind: cls for cls in (Heatmaps, Coordinates, Logits, SimCC, Residuals)}

# All losses that can be asked for by name, and what they judge. "ohkm" is
# heatmap_mse over the worst joints of each person.
LOSSES = {name: kind for kind, cls in KINDS.items() for name in cls.losses}
LOSSES["ohkm"] = "heatmap"


def as_float(output):
    """float32, of a tensor or a tuple of them."""
    if isinstance(output, tuple):
        return tuple(part.float() for part in output)
    return output.float()
