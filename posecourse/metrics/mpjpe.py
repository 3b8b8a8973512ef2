"""Errors in three dimensions, in the unit of the input."""

from __future__ import annotations

import numpy as np

from ._common import _poses

__all__ = ["mpjpe", "pa_mpjpe"]


def mpjpe(predicted, keypoints, visible=None) -> float:
    """Mean distance per joint, in the unit of the input (usually mm).

    ``(N, K, 3)`` (or 2) each. Usually both are taken relative to the
    pelvis first. Only labelled joints count: those with `visible` above 0,
    or, without `visible`, those where the truth is finite.
    """
    predicted, keypoints, labelled = _poses(predicted, keypoints, visible, axes=(2, 3))
    _finite_3d(predicted, labelled)
    off = predicted[labelled] - keypoints[labelled]
    return float(np.linalg.norm(off, axis=-1).mean())


def pa_mpjpe(predicted, keypoints, visible=None) -> float:
    """`mpjpe` after the best rotation, scale and shift of each person.

    What remains is the error of the pose itself ("Procrustes aligned").
    The best map is that of least squares (Umeyama, 1991) without mirroring.
    A person needs three labelled joints; persons with fewer are an error.
    """
    predicted, keypoints, labelled = _poses(predicted, keypoints, visible, axes=(2, 3))
    _finite_3d(predicted, labelled)
    aligned = predicted.copy()
    for person, used in enumerate(labelled):
        if used.sum() < 3:
            raise ValueError(
                f"person {person} has {used.sum()} labelled joints; aligning needs 3"
            )
        aligned[person, used] = _procrustes(
            predicted[person, used], keypoints[person, used]
        )
    return mpjpe(aligned, keypoints, labelled)


def _procrustes(points, target):
    """`points` ``(P, D)`` moved onto `target` by a similarity map."""
    middle, goal = points.mean(0), target.mean(0)
    a, b = points - middle, target - goal
    u, s, vt = np.linalg.svd(a.T @ b)
    sign = np.ones_like(s)
    sign[-1] = np.sign(np.linalg.det(u @ vt)) or 1
    square = (a**2).sum()
    scale = (s * sign).sum() / square if square > 0 else 0
    return scale * a @ (u * sign) @ vt + goal


def _finite_3d(predicted, labelled):
    bad = labelled & ~np.isfinite(predicted).all(-1)
    if bad.any():
        person, joint = np.argwhere(bad)[0]
        raise ValueError(
            f"prediction of person {person}, joint {joint} is "
            "not finite; there is no mean distance then"
        )
