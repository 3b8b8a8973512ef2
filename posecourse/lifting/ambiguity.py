"""How many bodies one picture allows."""

from __future__ import annotations

import numpy as np

from ..geometry import as_array

__all__ = ["depths_along_ray"]


def depths_along_ray(flat, parent, length) -> np.ndarray:
    """The two depths at which a joint's ray is a bone's length from its parent.

    A bone of known length is a ball around its parent, and a ray goes through
    a ball twice: nearer to the camera, and farther (Taylor, 2000).

    Parameters
    ----------
    flat:
        ``(..., 2)``: where the joint is seen, as `PinholeCamera.normalize`
        gives it.
    parent:
        ``(..., 3)``: where the joint's parent is, in the camera's axes.
    length:
        ``(...)`` of the bone, in the parent's unit.

    Returns
    -------
    ``(..., 2)`` depths, the nearer first. A ray that misses the ball gives its
    closest point twice: the bone is as good as parallel to the picture.
    """
    flat, parent, length = (as_array(a) for a in (flat, parent, length))
    for name, array, size in (("flat", flat, 2), ("parent", parent, 3)):
        if array.ndim < 1 or array.shape[-1] != size:
            raise ValueError(f"{name} must be (..., {size}), got {array.shape}")
    if not (length >= 0).all():
        raise ValueError("a bone's length must be 0 or more")
    ray = np.concatenate([flat, np.ones((*flat.shape[:-1], 1))], axis=-1)
    square = (ray**2).sum(-1)
    middle = (ray * parent).sum(-1) / square
    miss = (parent**2).sum(-1) - middle**2 * square  # squared distance to the ray
    half = np.sqrt(np.maximum(length**2 - miss, 0) / square)
    return np.stack([middle - half, middle + half], axis=-1)
