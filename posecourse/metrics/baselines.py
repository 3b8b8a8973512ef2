"""What trivial answers get: the measure of every other number."""

from __future__ import annotations

import numpy as np

from ..skeletons import Skeleton
from ._common import _array, _poses

__all__ = ["center_pose", "mean_pose", "median_pose"]


def center_pose(skeleton: Skeleton, window) -> np.ndarray:
    """Every joint in the middle of the crop: ``(K, 2)`` crop pixels.

    `window` is ``(width, height)`` or one number for both.
    """
    width, height = np.broadcast_to(_array(window), 2)
    return np.tile([(width - 1) / 2, (height - 1) / 2], (len(skeleton), 1))


def mean_pose(keypoints, visible) -> np.ndarray:
    """Each joint's mean place: ``(K, 2)``, in the frame of the input.

    Give crop coordinates of *training* persons, ``(N, K, 2)`` and
    ``(N, K)``. A joint that is never labelled is NaN.
    """
    return _typical(keypoints, visible, np.mean)


def median_pose(keypoints, visible) -> np.ndarray:
    """Each joint's median place; as `mean_pose`, but wild labels pull less."""
    return _typical(keypoints, visible, np.median)


def _typical(keypoints, visible, average) -> np.ndarray:
    keypoints = _array(keypoints)
    _, keypoints, labelled = _poses(keypoints, keypoints, visible)
    return np.stack(
        [
            average(keypoints[used, joint], axis=0)
            if used.any()
            else np.full(keypoints.shape[-1], np.nan)
            for joint, used in enumerate(labelled.T)
        ]
    )
