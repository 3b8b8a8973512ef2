"""Joints as one class among columns and one among rows (SimCC)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch

from ..geometry import resize_points
from ._common import (
    _as_pair,
    _bump,
    _labelled,
    _leaves_a_mark,
    _positive,
    _read,
    _set_size,
)

__all__ = ["SimCCCodec"]


@dataclass(frozen=True)
class SimCCCodec:
    """A joint is a column and a row, each one class of many (SimCC).

    Each axis is cut into bins finer than pixels, and the network
    classifies the bin; the target is a Gaussian over the bins that sums to
    1. ``decode(encode(x))`` is x within half a bin, ``1 / (2 *
    split_ratio)`` pixels, for joints inside the picture. (Li et al., 2022.)

    Parameters
    ----------
    input_size:
        ``(width, height)`` of the network's input or one number, pixels.
    split_ratio:
        Bins per pixel.
    sigma:
        Standard deviation of the target, bins.
    label_smoothing:
        Share of the target that is spread evenly over all bins, 0 to 1, so
        that the network is never asked for a probability of 0. The paper's
        plain form is a small `sigma` with label smoothing.
    """

    input_size: tuple[int, int]
    split_ratio: float = 2
    sigma: float = 6.0
    label_smoothing: float = 0.0

    kind: ClassVar[str] = "simcc"

    def __post_init__(self):
        _set_size(self, "input_size")
        _positive(self.split_ratio, "split_ratio")
        _positive(self.sigma, "sigma")
        if not 0 <= self.label_smoothing < 1:
            raise ValueError(
                "label_smoothing is a share from 0 to below 1, got "
                f"{self.label_smoothing}"
            )
        for side in self.input_size:
            if side * self.split_ratio != int(side * self.split_ratio):
                raise ValueError(
                    f"split_ratio {self.split_ratio} does not cut "
                    f"{side} pixels into a whole number of bins"
                )

    @property
    def bins(self) -> tuple[int, int]:
        """Bins along ``(x, y)``."""
        width, height = self.input_size
        return int(width * self.split_ratio), int(height * self.split_ratio)

    def encode(self, keypoints, visible):
        """Keypoints to a pair of distributions.

        Parameters
        ----------
        keypoints:
            ``(N, K, 2)`` input pixels, NaN where not labelled.
        visible:
            ``(N, K)``; 0 means not labelled.

        Returns
        -------
        (along_x, along_y), weights:
            ``(N, K, bins in x)``, ``(N, K, bins in y)``, each summing to 1
            per joint, and ``(N, K)``. A joint that is not labelled, or lies
            more than 3 sigma outside the picture, has zeros and weight 0.
        """
        keypoints, labelled = _labelled(keypoints, visible)
        place = resize_points(keypoints, self.split_ratio)
        labelled = _leaves_a_mark(place, labelled, self.bins, self.sigma)
        place = torch.where(labelled[..., None], place, 0)
        target = []
        for axis, count in enumerate(self.bins):
            bump = _bump(place[..., axis : axis + 1], count, self.sigma)
            bump = bump / bump.sum(-1, keepdim=True)
            bump = self._smoothed(bump, count)
            target.append(bump * labelled[..., None])
        return tuple(target), labelled.to(place.dtype)

    def decode(self, logits):
        """A pair of logits to keypoints.

        Parameters
        ----------
        logits:
            ``(N, K, bins in x)`` and ``(N, K, bins in y)``.

        Returns
        -------
        keypoints, scores:
            ``(N, K, 2)`` input pixels, the middle of the likeliest bins;
            ``(N, K)`` the smaller of the two axes' largest probability,
            each divided by that of a perfect target and cut at 1. Logits
            with a NaN give NaN and score 0.
        """
        best, shares = [], []
        for values, count, axis in zip(_as_pair(logits, "logits"), self.bins, "xy"):
            if values.ndim != 3 or values.shape[-1] != count:
                raise ValueError(
                    f"logits along {axis} must be (N, K, {count}), got "
                    f"{tuple(values.shape)}"
                )
            peak, index = torch.softmax(values, -1).max(-1)
            best.append(index.to(peak.dtype))
            shares.append(peak / self._smoothed(self._perfect, count))
        if best[0].shape != best[1].shape:
            raise ValueError(
                f"logits along x for {tuple(best[0].shape)} persons and "
                f"joints, along y for {tuple(best[1].shape)}"
            )
        scores = torch.minimum(*shares).clamp(max=1)
        keypoints = resize_points(torch.stack(best, -1), 1 / self.split_ratio)
        return _read(keypoints, scores)

    def _smoothed(self, probability, bins: int):
        return (1 - self.label_smoothing) * probability + self.label_smoothing / bins

    @property
    def _perfect(self) -> float:
        """The largest probability of a target in a bin's middle, not smoothed."""
        reach = math.ceil(6 * self.sigma)
        side = sum(math.exp(-((k / self.sigma) ** 2) / 2) for k in range(1, reach + 1))
        return 1 / (1 + 2 * side)
