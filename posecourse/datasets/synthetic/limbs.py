"""Limbs that reach for a place: angles of two bones, and smooth curves.

Directions are the body's: x left, y down, z backwards.
"""

from __future__ import annotations

import numpy as np

__all__ = ["bump", "ease", "keyed", "reach"]


def ease(x):
    """From 0 to 1 as `x` goes from 0 to 1, and constant outside.

    The smoothest way to get from rest to rest (least jerk): velocity and
    acceleration are 0 at both ends (Flash and Hogan, 1985).
    """
    x = np.clip(x, 0.0, 1.0)
    return x**3 * (10 - 15 * x + 6 * x**2)


def bump(x):
    """0, up to 1 at `x` = 1/2, and back; at rest at 0 and 1."""
    x = np.clip(x, 0.0, 1.0)
    return (4 * x * (1 - x)) ** 3


def keyed(x, keys):
    """A curve that rests at each key.

    Parameters
    ----------
    x:
        ``(T,)`` where to read it.
    keys:
        Pairs of a place and a value, a number or an array of any shape
        ``S``, by rising place; the curve is constant outside.

    Returns
    -------
    ``(T, *S)``.
    """
    x = np.asarray(x, dtype=np.float64)
    (start, first), *others = keys
    first = np.asarray(first, dtype=np.float64)
    shape = (len(x),) + (1,) * first.ndim
    result = np.broadcast_to(first, (len(x), *first.shape)).copy()
    before = first
    for place, value in others:
        value = np.asarray(value, dtype=np.float64)
        result += ease((x - start) / (place - start)).reshape(shape) * (value - before)
        start, before = place, value
    return result


def reach(start, goal, first: float, second: float, apex):
    """Two bones from `start` to `goal`, the joint between them at `apex`'s side.

    Parameters
    ----------
    start, goal:
        ``(..., 3)`` ends of the limb. A goal out of reach is approached as
        far as the limb is long.
    first, second:
        Lengths of the bones.
    apex:
        ``(..., 3)`` direction, not along the limb, to which the knee or
        elbow points.

    Returns
    -------
    frame, bend:
        ``(..., 3, 3)`` the first bone's axes as columns: y along the bone,
        z away from the apex for a knee; and the angle ``(...)`` in degrees
        between the bones, 0 for a straight limb.
    """
    way = goal - start
    distance = np.sqrt((way**2).sum(-1, keepdims=True))
    along = way / distance
    distance = np.minimum(distance, first + second)
    side = apex - (apex * along).sum(-1, keepdims=True) * along
    side /= np.sqrt((side**2).sum(-1, keepdims=True))
    cosine = (first**2 + distance**2 - second**2) / (2 * first * distance)
    cosine = np.clip(cosine, -1, 1)
    sine = np.sqrt(1 - cosine**2)
    y = cosine * along + sine * side
    z = sine * along - cosine * side
    frame = np.stack([np.cross(y, z), y, z], axis=-1)
    inner = (first**2 + second**2 - distance**2) / (2 * first * second)
    return frame, 180 - np.rad2deg(np.arccos(np.clip(inner, -1, 1)))[..., 0]
