"""Turns about axes.

One about x takes y towards z, one about y takes z towards x, one about z
takes x towards y.
"""

from __future__ import annotations

import numpy as np

__all__ = ["rotation", "turn_angles", "turns"]

_PLANES = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}


def turns(axes: str, degrees) -> np.ndarray:
    """A turn about each of the named axes, by one of `degrees`: ``(N, 3, 3)``."""
    angle = np.deg2rad(degrees)
    n = np.arange(len(axes))
    i, j = np.array([_PLANES[a] for a in axes]).T
    result = np.zeros((len(axes), 3, 3))
    result[:, [0, 1, 2], [0, 1, 2]] = 1
    result[n, i, i] = result[n, j, j] = np.cos(angle)
    result[n, j, i] = np.sin(angle)
    result[n, i, j] = -result[n, j, i]
    return result


def rotation(axes: str, *degrees) -> np.ndarray:
    """The product of turns about the named axes, the last one done first.

    `degrees` are one for each axis, numbers or arrays of one shape ``S``;
    returns ``(*S, 3, 3)``.
    """
    degrees = np.stack(np.broadcast_arrays(*degrees), axis=-1)
    many = degrees.reshape(-1, len(axes))
    each = turns(axes * len(many), many.ravel()).reshape(len(many), len(axes), 3, 3)
    result = each[:, 0]
    for i in range(1, len(axes)):
        result = result @ each[:, i]
    return result.reshape(*degrees.shape[:-1], 3, 3)


def turn_angles(matrix) -> np.ndarray:
    """Degrees ``(..., 3)`` such that `rotation` "xzy" by them is `matrix`."""
    return np.rad2deg(
        np.stack(
            [
                np.arctan2(matrix[..., 2, 1], matrix[..., 1, 1]),
                np.arcsin(np.clip(-matrix[..., 0, 1], -1, 1)),
                np.arctan2(matrix[..., 0, 2], matrix[..., 0, 0]),
            ],
            axis=-1,
        )
    )
