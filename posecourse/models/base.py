"""What every network of the course is: the contract, and checks they share.

A network takes normalised pictures ``(N, 3, H, W)`` and gives its outputs:
one, or a list of stages of which the last is the prediction. It judges them
itself (`PoseNetwork.loss`) and reads them itself (`PoseNetwork.predict`), so
that training, evaluation and prediction need not know what kind of network
it is. A network on a codec inherits both:

>>> from posecourse.codecs import CoordinateCodec
>>> class TwoLayers(PoseNetwork):
...     def __init__(self, joints=16, input_size=64):
...         super().__init__(CoordinateCodec(input_size))
...         self.layers = nn.Sequential(
...             nn.Conv2d(3, 8, 8, stride=8), nn.ReLU(), nn.Flatten(),
...             nn.Linear(8 * 8 * 8, 2 * joints))
...     def forward(self, images):
...         return self.layers(images).unflatten(1, (-1, 2))
>>> keypoints, scores = TwoLayers().predict(torch.zeros(1, 3, 64, 64))
>>> keypoints.shape
torch.Size([1, 16, 2])

`posecourse.models.register` makes such a class known by name.
"""

from __future__ import annotations

import inspect
from typing import NamedTuple

import torch
from torch import nn

from ..skeletons import MPII, Skeleton
from .outputs import KINDS, LOSSES, Representation, as_float

__all__ = ["JointLoss", "PoseNetwork", "check_images", "pair"]


class JointLoss(NamedTuple):
    """How wrong a network is, by stage, person and joint.

    Attributes
    ----------
    per_joint:
        ``(S, N, K)`` for S stages; 0 where the weight is 0.
    weights:
        ``(N, K)``; 0 for joints that are not labelled or lie outside.
    """

    per_joint: torch.Tensor
    weights: torch.Tensor

    @property
    def mean(self) -> torch.Tensor:
        """The sum of the stages, averaged over the joints that count."""
        count = self.weights.sum().clamp(min=torch.finfo(self.weights.dtype).tiny)
        return self.per_joint.sum() / count


class PoseNetwork(nn.Module):
    """A network that judges and reads its own output.

    Parameters
    ----------
    codec:
        From `posecourse.codecs`: what the output of `forward` encodes.
    kind:
        What the output is, a key of `outputs.KINDS`; None for that of the
        codec.

    Attributes
    ----------
    input_size:
        ``(width, height)`` of the pictures, pixels.
    name, options, skeleton:
        How `models.build` made it: written beside the weights.
    """

    name: str | None = None
    options: dict
    skeleton: Skeleton | None = MPII

    def __init__(self, codec, kind: str | None = None):
        super().__init__()
        self.codec = codec
        self.input_size = tuple(codec.input_size)
        self.representation: Representation = KINDS[kind or codec.kind](codec)
        self.loss_function = "auto"

    def set_loss(self, loss) -> None:
        """Judge by another loss from now on.

        Parameters
        ----------
        loss:
            ``"auto"`` for the representation's own; the name of a loss that
            suits it; or a function ``(output, target, weights)`` that gives
            ``(N, K)``, 0 where the weight is 0. (The functions of
            `posecourse.losses` are such with ``reduction="none"``.)
        """
        known = self.representation.losses
        if loss == "ohkm" and "heatmap_mse" in known:
            loss = "heatmap_mse"  # over which joints, training decides
        if not callable(loss) and loss not in ("auto", *known):
            suits = f"; it judges {LOSSES[loss]} outputs" if loss in LOSSES else ""
            raise ValueError(
                f"the loss {loss!r} does not suit this network{suits}. This one "
                f"can take {', '.join(known)}, or a function of yours"
            )
        self.loss_function = loss

    def _judge(self, output, target, weights):
        """``(N, K)`` of one stage."""
        loss = self.loss_function
        if not callable(loss):
            if loss == "auto":
                loss = self.representation.default_loss
            judge = self.representation.losses[loss]
            return judge(output, target, weights, self.representation)
        output = as_float(output)  # 16 bits, where training computes with them
        if "reduction" in inspect.signature(loss).parameters:
            return loss(output, target, weights, reduction="none")
        return loss(output, target, weights)

    def loss(self, outputs, batch) -> JointLoss:
        """How wrong the outputs of `forward` are.

        Parameters
        ----------
        outputs:
            What `forward` gave; a list is taken stage by stage.
        batch:
            With ``keypoints`` ``(N, K, 2)`` in input pixels and ``visible``
            ``(N, K)``: `transforms.Batch`.
        """
        stages = outputs if isinstance(outputs, list) else [outputs]
        target, weights = self.representation.encode(batch.keypoints, batch.visible)
        judged = [self._judge(stage, target, weights) for stage in stages]
        for per_joint in judged:
            if per_joint.shape != weights.shape:
                raise ValueError(
                    "a loss gives one number for each person and joint, "
                    f"{tuple(weights.shape)}; this one gave {tuple(per_joint.shape)}"
                )
        return JointLoss(torch.stack(judged), weights)

    def decode(self, outputs, decoder: str | None = None):
        """Keypoints ``(N, K, 2)`` in input pixels and scores ``(N, K)``."""
        return self.representation.decode(last_stage(outputs), decoder)

    def predict(self, images, flip_test: bool = False, decoder: str | None = None):
        """Keypoints in normalised pictures.

        Parameters
        ----------
        images:
            ``(N, 3, H, W)``.
        flip_test:
            Average with what the network predicts for the mirrored
            pictures: heatmaps cell by cell, else positions.
        decoder:
            How heatmaps are read, instead of the codec's own way.

        Returns
        -------
        keypoints, scores:
            ``(N, K, 2)`` input pixels, and ``(N, K)``.
        """
        output = last_stage(self(images))
        if not flip_test:
            return self.representation.decode(output, decoder)
        return self.representation.decode_flipped(
            output,
            last_stage(self(images.flip(-1))),
            self.skeleton,
            images.shape[-1],
            decoder,
        )

    def constant_prediction(self, mean_pose):
        """The output of a network that does not look at its one picture.

        Takes the mean pose, a ``(K, 2)`` tensor in input pixels.
        """
        return self.representation.constant(mean_pose)


def last_stage(outputs):
    """The prediction: the last of a list of stages, or what there is."""
    return outputs[-1] if isinstance(outputs, list) else outputs


def pair(size, multiple: int, network: str) -> tuple[int, int]:
    """An input size as ``(width, height)``, checked."""
    width, height = (size, size) if isinstance(size, int) else size
    if min(width, height) < multiple or width % multiple or height % multiple:
        raise ValueError(
            f"{network}: input size {width} x {height}: width and height "
            f"must be multiples of {multiple}, because the network halves "
            "the picture again and again; the nearest is "
            f"{max(1, round(width / multiple)) * multiple} x "
            f"{max(1, round(height / multiple)) * multiple}"
        )
    return int(width), int(height)


def check_images(images, size, exact: bool = False, multiple: int = 1):
    """Complain about a batch that a network cannot take."""
    if images.ndim != 4 or images.shape[1] != 3:
        raise ValueError(
            f"a network takes normalised pictures (N, 3, height, width), "
            f"got {tuple(images.shape)}; a single picture needs a leading "
            "dimension, and (N, H, W, 3) needs permute(0, 3, 1, 2)"
        )
    height, width = images.shape[2:]
    if exact and (width, height) != tuple(size):
        raise ValueError(
            f"this network was built for pictures of {size[0]} x {size[1]} "
            f"(width x height), got {width} x {height}; build it with "
            f"input_size=({width}, {height}) or resize the pictures"
        )
    if width % multiple or height % multiple:
        raise ValueError(
            f"pictures of {width} x {height} (width x height): both must "
            f"be multiples of {multiple}; this network was built for "
            f"{size[0]} x {size[1]}"
        )
