"""What constant predictions get: the measure of every other number."""

from __future__ import annotations

import numpy as np

from ..geometry import as_array
from ..skeletons import Skeleton
from ._common import _poses

__all__ = ["center_pose", "constant_predictions", "mean_pose", "median_pose"]


def center_pose(skeleton: Skeleton, window) -> np.ndarray:
    """Every joint in the middle of the crop: ``(K, 2)`` crop pixels.

    `window` is ``(width, height)`` or one number for both.
    """
    width, height = np.broadcast_to(as_array(window), 2)
    return np.tile([(width - 1) / 2, (height - 1) / 2], (len(skeleton), 1))


def mean_pose(keypoints, visible=None) -> np.ndarray:
    """Each joint's mean place: ``(K, 2)``, in the frame of the input.

    Give crop coordinates of *training* persons, ``(N, K, 2)`` and
    ``(N, K)`` (or ``(N, K, 3)``, in space). A joint that is never labelled
    is NaN.
    """
    return _typical(keypoints, visible, np.mean)


def median_pose(keypoints, visible=None) -> np.ndarray:
    """Each joint's median place; as `mean_pose`, but wild labels pull less."""
    return _typical(keypoints, visible, np.median)


def _typical(keypoints, visible, average) -> np.ndarray:
    _, keypoints, labelled = _poses(keypoints, keypoints, visible, axes=(2, 3))
    return np.stack(
        [
            average(keypoints[used, joint], axis=0)
            if used.any()
            else np.full(keypoints.shape[-1], np.nan)
            for joint, used in enumerate(labelled.T)
        ]
    )


def constant_predictions(keypoints, visible, boxes) -> dict[str, np.ndarray]:
    """What a constant prediction gets, if each person's box is given.

    ``"mean pose"`` puts the mean of these very people, relative to their
    boxes, into each box; ``"center pose"`` puts every joint into its
    middle.

    Parameters
    ----------
    keypoints, visible:
        ``(N, K, 2)`` pixels and ``(N, K)``.
    boxes:
        ``(N, 4)`` pixels, (x, y, width, height): the windows that a network
        would see. Persons without one (NaN) get NaN.

    Returns
    -------
    Name -> ``(N, K, 2)`` pixels.
    """
    _, keypoints, labelled = _poses(keypoints, keypoints, visible)
    boxes = as_array(boxes)
    if boxes.shape != (len(keypoints), 4):
        raise ValueError(
            f"boxes must be ({len(keypoints)}, 4), x, y, width, height, got "
            f"{boxes.shape}"
        )
    side = boxes[:, 2:].max(1)[:, None, None]
    middle = (boxes[:, :2] + (boxes[:, 2:] - 1) / 2)[:, None]
    known = labelled & (np.isfinite(boxes).all(1) & (boxes[:, 2:] > 0).all(1))[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        inside = (keypoints - middle) / side
    mean = mean_pose(np.where(known[..., None], inside, np.nan), known)
    return {
        "mean pose": middle + side * mean,
        "center pose": np.broadcast_to(middle, keypoints.shape).copy(),
    }
