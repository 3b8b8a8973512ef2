"""Errors in three dimensions.

Distances are in the unit of the input, usually millimetres; `pck3d` has a
threshold in millimetres and asks which unit the input is in. All but
`pa_mpjpe` compare positions as they are: take both relative to the pelvis
first, unless the place in space is what is judged.
"""

from __future__ import annotations

import numpy as np

from ._common import _poses

__all__ = ["mpjpe", "n_mpjpe", "pa_mpjpe", "pck3d"]

_MILLIMETRES = {"mm": 1.0, "m": 1000.0}
# Labelled joints of a person spread at most so far around their middle.
_LARGEST, _SMALLEST = 5000.0, 5.0  # mm


def mpjpe(predicted, keypoints, visible=None) -> float:
    """Mean distance per joint, in the unit of the input (usually mm).

    ``(N, K, 3)`` (or 2) each. Usually both are taken relative to the
    pelvis first. Only labelled joints count: those with `visible` above 0,
    or, without `visible`, those where the truth is finite.
    """
    predicted, keypoints, labelled = _places(predicted, keypoints, visible)
    off = predicted[labelled] - keypoints[labelled]
    return float(np.linalg.norm(off, axis=-1).mean())


def n_mpjpe(predicted, keypoints, visible=None) -> float:
    """`mpjpe` after each person is scaled by the factor that suits best.

    Neither turned nor shifted: both are relative to the same joint. Says how
    good the shape is where the person's size cannot be known, as from one
    picture (Rhodin et al., 2018).
    """
    predicted, keypoints, labelled = _places(predicted, keypoints, visible)
    ours = np.where(labelled[..., None], predicted, 0.0)
    theirs = np.where(labelled[..., None], keypoints, 0.0)
    square = (ours**2).sum((1, 2))
    scale = (ours * theirs).sum((1, 2)) / np.where(square > 0, square, 1)
    return mpjpe(scale[:, None, None] * predicted, keypoints, labelled)


def pa_mpjpe(predicted, keypoints, visible=None) -> float:
    """`mpjpe` after the best rotation, scale and shift of each person.

    What remains is the error of the pose itself ("Procrustes aligned").
    The best map is that of least squares (Umeyama, 1991) without mirroring.
    A person needs three labelled joints; persons with fewer are an error.
    """
    predicted, keypoints, labelled = _places(predicted, keypoints, visible)
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


def pck3d(
    predicted, keypoints, visible=None, *, unit: str, threshold: float = 150.0
) -> float:
    """Share of joints at most `threshold` millimetres off.

    150 mm, about half a head, is the limit of MPI-INF-3DHP (Mehta et al.,
    2017).

    Parameters
    ----------
    predicted, keypoints:
        ``(N, K, 3)`` each, relative to the same joint.
    unit:
        Of the input: ``"mm"`` or ``"m"``.

    Raises
    ------
    ValueError
        Also where the people are not as large as people are in that unit.
    """
    if unit not in _MILLIMETRES:
        raise ValueError(f"unit is {unit!r}; it must be 'mm' or 'm'")
    if not threshold > 0:
        raise ValueError(f"threshold is {threshold} mm; it must be positive")
    predicted, keypoints, labelled = _places(predicted, keypoints, visible, (3,))
    predicted, keypoints = (_MILLIMETRES[unit] * a for a in (predicted, keypoints))
    _require_human_size(keypoints, labelled, unit)
    off = np.linalg.norm(predicted[labelled] - keypoints[labelled], axis=-1)
    return float((off <= threshold).mean())


def _require_human_size(keypoints, labelled, unit):
    """Refuse metres that are called millimetres, and the reverse."""
    several = labelled.sum(1) > 2
    sizes = [np.ptp(p[n], axis=0).max() for p, n in zip(keypoints, labelled) if n.any()]
    size = float(np.median(np.array(sizes)))
    if several.any() and not _SMALLEST <= size <= _LARGEST:
        raise ValueError(
            f"in {unit}, these people are {size:.3g} mm large (median); are they in "
            f"{'m' if unit == 'mm' else 'mm'}? Give the right unit"
        )


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


def _places(predicted, keypoints, visible, axes=(2, 3)):
    """Checked arrays, and which joints are labelled."""
    predicted, keypoints, labelled = _poses(predicted, keypoints, visible, axes=axes)
    bad = labelled & ~np.isfinite(predicted).all(-1)
    if bad.any():
        person, joint = np.argwhere(bad)[0]
        raise ValueError(
            f"prediction of person {person}, joint {joint} is "
            "not finite; there is no mean distance then"
        )
    return predicted, keypoints, labelled
