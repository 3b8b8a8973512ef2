"""Angles at joints, how sure they are, and how fast joints move."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..geometry import as_array
from ..skeletons import MPII, Skeleton, get_skeleton

__all__ = [
    "BODY_ANGLES",
    "ScoreToStd",
    "angle_std",
    "body_angles",
    "joint_angle",
    "velocities",
]

_SIDES = ("right", "left")
# The joint in the middle is where the angle is; straight is 180 degrees.
BODY_ANGLES: dict[str, tuple[str, str, str]] = {
    f"{side}_{joint}": (f"{side}_{a}", f"{side}_{b}", f"{side}_{c}")
    for joint, (a, b, c) in (
        ("knee", ("hip", "knee", "ankle")),
        ("hip", ("shoulder", "hip", "knee")),
        ("elbow", ("shoulder", "elbow", "wrist")),
        ("shoulder", ("elbow", "shoulder", "hip")),
    )
    for side in _SIDES
}


def _three(a, b, c):
    a, b, c = np.broadcast_arrays(*map(as_array, (a, b, c)))
    if a.ndim == 0 or a.shape[-1] not in (2, 3):
        raise ValueError(
            f"three points (..., 2) or (..., 3) are expected, got {a.shape}"
        )
    return a - b, c - b


def joint_angle(a, b, c) -> np.ndarray:
    """The angle at `b` between the lines to `a` and `c`, degrees, 0 to 180.

    Points ``(..., 2)`` or ``(..., 3)``; returns ``(...)``. NaN where a point
    is NaN, or `a` or `c` lies on `b`. In a picture this is the angle *as it
    looks*: a bent knee that points to the camera looks straight.

    >>> float(joint_angle([0, 0], [0, 1], [1, 1]))
    90.0
    """
    to_a, to_c = _three(a, b, c)
    lengths = np.linalg.norm(to_a, axis=-1), np.linalg.norm(to_c, axis=-1)
    known = (lengths[0] > 0) & (lengths[1] > 0)
    # Kahan's form: as exact near 0 and 180 degrees as elsewhere
    one, other = (
        v / np.where(n > 0, n, 1)[..., None] for v, n in zip((to_a, to_c), lengths)
    )
    half = np.arctan2(
        np.linalg.norm(one - other, axis=-1), np.linalg.norm(one + other, axis=-1)
    )
    return np.where(known, np.rad2deg(2 * half), np.nan)


def angle_std(a, b, c, std) -> np.ndarray:
    """How far `joint_angle` may be off, degrees, if its points are.

    To first order: an error across a limb turns it, the more the shorter it
    is; one along it does nothing. For errors that are small beside the limbs
    and independent of each other.

    Parameters
    ----------
    a, b, c:
        ``(..., 2)`` points in a picture.
    std:
        ``(..., 3)`` or a number: standard deviation of each point's x and y.

    Returns
    -------
    ``(...)``, infinite where a limb has no length.
    """
    to_a, to_c = _three(a, b, c)
    if to_a.shape[-1] != 2:
        raise ValueError("angle_std is for points of a picture, (..., 2)")
    std = np.broadcast_to(as_array(std), (*to_a.shape[:-1], 3))
    if not (std[np.isfinite(std)] >= 0).all():
        raise ValueError("a standard deviation is not negative")
    with np.errstate(divide="ignore", invalid="ignore"):
        # how the angle changes with a: one over the length, across the limb
        by_a, by_c = (
            np.stack([-v[..., 1], v[..., 0]], -1) / (v**2).sum(-1)[..., None]
            for v in (to_a, to_c)
        )
        variance = (
            std[..., 0] ** 2 * (by_a**2).sum(-1)
            + std[..., 1] ** 2 * ((by_a - by_c) ** 2).sum(-1)
            + std[..., 2] ** 2 * (by_c**2).sum(-1)
        )
    lost = ((to_a == 0).all(-1)) | ((to_c == 0).all(-1))
    return np.where(lost, np.inf, np.rad2deg(np.sqrt(variance)))


def body_angles(keypoints, skeleton: Skeleton | str = MPII) -> dict[str, np.ndarray]:
    """The angles of `BODY_ANGLES` whose joints the skeleton has, degrees.

    `keypoints` ``(..., K, 2)`` or ``(..., K, 3)``; each angle is ``(...)``.
    """
    skeleton, keypoints = get_skeleton(skeleton), as_array(keypoints)
    if keypoints.ndim < 2 or keypoints.shape[-2] != len(skeleton):
        raise ValueError(
            f"keypoints of {skeleton.name} are (..., {len(skeleton)}, 2), "
            f"not {keypoints.shape}"
        )
    known = set(skeleton.canonical)
    return {
        name: joint_angle(*(keypoints[..., skeleton.index(j), :] for j in joints))
        for name, joints in BODY_ANGLES.items()
        if known.issuperset(joints)
    }


def velocities(values, times) -> np.ndarray:
    """How fast values change, per second.

    Through each moment and its two neighbours goes a parabola, whose slope it
    is: exact for constant acceleration, also where the steps are uneven.
    Knows the future; a filter in front of a camera cannot.

    Parameters
    ----------
    values:
        ``(T, ...)``, T at least 2; NaN makes its neighbours NaN.
    times:
        ``(T,)`` seconds, increasing.
    """
    values, times = as_array(values), as_array(times)
    if values.ndim == 0 or times.shape != values.shape[:1] or len(times) < 2:
        raise ValueError(
            "values (T, ...) at two times at least, (T,); got "
            f"{values.shape} and {times.shape}"
        )
    if not (np.diff(times) > 0).all():
        raise ValueError("the times must increase from one moment to the next")
    if len(times) == 2:
        return np.gradient(values, times, axis=0)
    return np.gradient(values, times, axis=0, edge_order=2)


@dataclass(frozen=True)
class ScoreToStd:
    """How far a joint is off, told from its score.

    A score is no length. `fit` learns from people whose joints are known what
    errors a score came with; they must be people of the same kind.

    Attributes
    ----------
    scores, std:
        ``(B,)`` increasing scores, and the standard deviation of x and y
        there, in the unit of the errors; it does not increase.
    """

    scores: np.ndarray
    std: np.ndarray

    @classmethod
    def fit(cls, scores, errors, bins: int = 10) -> ScoreToStd:
        """Learn from `scores` ``(...)`` and `errors` ``(...)``: distances
        between prediction and truth. NaN pairs do not count.

        In each of `bins` groups of equal size the median distance is taken:
        1.177 standard deviations of a round Gaussian. A few gross errors, of
        another kind, do not change it.
        """
        from scipy.optimize import isotonic_regression

        scores, errors = as_array(scores).ravel(), as_array(errors).ravel()
        if scores.shape != errors.shape:
            raise ValueError(
                f"a score for each error: got {scores.size} and {errors.size}"
            )
        known = np.isfinite(scores) & np.isfinite(errors)
        if known.sum() < 2 * bins:
            raise ValueError(f"{bins} groups need at least {2 * bins} pairs")
        order = np.argsort(scores[known], kind="stable")
        groups = np.array_split(order, bins)
        middle = np.array([np.median(scores[known][g]) for g in groups])
        off = np.array([np.median(errors[known][g]) for g in groups])
        falling = isotonic_regression(off / _MEDIAN, increasing=False)
        return cls(middle, falling.x)

    def __call__(self, scores) -> np.ndarray:
        """The standard deviations for scores ``(...)``."""
        return np.interp(as_array(scores), self.scores, self.std)


_MEDIAN = float(np.sqrt(2 * np.log(2)))  # of the length of a Gaussian's (x, y)
