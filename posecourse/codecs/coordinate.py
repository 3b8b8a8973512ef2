"""Joints as two numbers each, fractions of the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from ..geometry import resize_points
from ._common import _as_output, _labelled, _set_size

__all__ = ["CoordinateCodec"]


@dataclass(frozen=True)
class CoordinateCodec:
    """A joint is two numbers (section 4.2's coordinate regression).

    The numbers are the place in the picture's extent: 0 is its left (top)
    edge, 1 its right (bottom) edge, so pixel x of W is ``(x + 0.5) / W``.
    ``decode(encode(x))`` is x to float precision, also outside the picture.

    Parameters
    ----------
    input_size:
        ``(width, height)`` of the network's input or one number, pixels.
    """

    input_size: tuple[int, int]

    kind: ClassVar[str] = "coordinate"

    def __post_init__(self):
        _set_size(self, "input_size")

    def encode(self, keypoints, visible):
        """Keypoints to two numbers each.

        Takes ``(N, K, 2)`` input pixels and ``(N, K)`` visibility; gives
        ``(N, K, 2)`` numbers and ``(N, K)`` weights. A joint that is not
        labelled has (0, 0) and weight 0, all others weight 1.
        """
        keypoints, labelled = _labelled(keypoints, visible)
        width, height = self.input_size
        unit = resize_points(keypoints, (1 / width, 1 / height)) + 0.5
        return (torch.where(labelled[..., None], unit, 0), labelled.to(unit.dtype))

    def decode(self, coordinates):
        """Numbers ``(N, K, 2)`` to input pixels and scores ``(N, K)``.

        Two numbers carry no confidence: scores are 1, and 0 where a number
        is not finite.
        """
        coordinates = _as_output(coordinates, "coordinates")
        if coordinates.ndim != 3 or coordinates.shape[-1] != 2:
            raise ValueError(
                f"coordinates must be (N, K, 2), got {tuple(coordinates.shape)}"
            )
        keypoints = resize_points(coordinates - 0.5, self.input_size)
        return keypoints, keypoints.isfinite().all(-1).to(keypoints.dtype)
