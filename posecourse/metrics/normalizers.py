"""What distances are divided by: the head, the torso, a box."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..geometry import as_array, split_hint
from ..skeletons import Skeleton
from ._common import _expect, _labels

__all__ = ["Normalizer", "box_size", "keypoint_boxes", "pck_normalizer", "torso_size"]

_TORSO = ("left_shoulder", "right_hip")


def torso_size(keypoints, visible, skeleton: Skeleton):
    """Left shoulder to right hip, ``(N,)`` pixels; NaN where unlabelled.

    Leave persons with NaN out of `pck`: set their visibility to 0.
    """
    ends = skeleton.indices(_TORSO)
    keypoints = _pixels(keypoints, skeleton)
    labelled = _labels(keypoints, visible)[:, ends].all(1)
    size = np.linalg.norm(keypoints[:, ends[0]] - keypoints[:, ends[1]], axis=-1)
    return np.where(labelled, size, np.nan)


def box_size(boxes):
    """The longer side of boxes ``(N, 4)``, (x, y, width, height)."""
    boxes = as_array(boxes)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(
            f"boxes must be (N, 4), x, y, width, height, got {boxes.shape}"
        )
    return boxes[:, 2:].max(1)


def keypoint_boxes(keypoints, visible=None):
    """The boxes ``(N, 4)`` around the labelled joints; NaN without any.

    In pixels, (x, y, width, height), covering the pixels of the outermost
    joints: one joint alone has a box of 1 x 1.
    """
    keypoints = as_array(keypoints)
    labelled = _labels(keypoints, visible)[..., None]
    low = np.where(labelled, keypoints, np.inf).min(-2)
    high = np.where(labelled, keypoints, -np.inf).max(-2)
    boxes = np.concatenate([low, high - low + 1], -1)
    return np.where(np.isfinite(boxes), boxes, np.nan)


class Normalizer(NamedTuple):
    """A metric that data allow; see `pck_normalizer`.

    Attributes
    ----------
    metric, threshold:
        Its name, such as ``"PCKh"``, and its usual threshold.
    size:
        ``(N,)`` pixels, the length that counts as 1; 1 for persons that
        are left out.
    visible:
        ``(N, K)`` 0 for all joints of persons without that length, who
        are left out.
    """

    metric: str
    threshold: float
    size: np.ndarray
    visible: np.ndarray


def pck_normalizer(
    keypoints, visible, skeleton: Skeleton, head_size=None, boxes=None
) -> Normalizer:
    """The PCK that the labels allow, in the order of what people compare.

    ============  =========  ================================================
    metric        threshold  where at least half of the persons have
    ============  =========  ================================================
    PCKh          0.5        a head size
    PCK (torso)   0.2        left shoulder and right hip labelled
    PCK (box)     0.05       the person's box: its longer side
    PCK (joints)  0.05       else: the longer side of the box around the
                             labelled joints, of persons with two or more
    ============  =========  ================================================

    (0.05 of the box is MMPose's default; papers on hands and animals also
    take 0.2.)

    Parameters
    ----------
    keypoints, visible:
        ``(N, K, 2)`` pixels and ``(N, K)``; above 0 means labelled. None:
        where the keypoints are finite.
    head_size:
        ``(N,)`` pixels, 0.6 times the diagonal of the head box; NaN where
        unknown.
    boxes:
        ``(N, 4)`` pixels, (x, y, width, height); NaN where unknown.
    """
    keypoints = _pixels(keypoints, skeleton)
    labelled = _labels(keypoints, visible)
    anybody = labelled.any(1)
    if not anybody.any():
        raise ValueError(
            f"nothing to score: {len(keypoints)} persons, no labelled joint"
        )
    around = box_size(keypoint_boxes(keypoints, labelled))
    known = {
        ("PCKh", 0.5): None if head_size is None else as_array(head_size),
        ("PCK (torso)", 0.2): torso_size(keypoints, labelled, skeleton)
        if set(_TORSO) <= set(skeleton.joints)
        else None,
        ("PCK (box)", 0.05): None if boxes is None else box_size(boxes),
        ("PCK (joints)", 0.05): np.where(labelled.sum(1) > 1, around, np.nan),
    }
    for (metric, threshold), size in known.items():
        if size is None:
            continue
        there = np.isfinite(size) & (size > 0)
        if there[anybody].mean() >= 0.5:
            break
    kept = labelled if visible is None else as_array(visible)
    kept = np.where(there[:, None], kept, 0)
    return Normalizer(metric, threshold, np.where(there, size, 1.0), kept)


def _pixels(keypoints, skeleton: Skeleton) -> np.ndarray:
    keypoints = as_array(keypoints)
    if keypoints.ndim != 3 or keypoints.shape[-1] != 2:
        raise ValueError(
            f"keypoints must be (N, K, 2), got {keypoints.shape}"
            f"{split_hint(keypoints.shape[-1] if keypoints.ndim == 3 else 0)}"
        )
    _expect(keypoints.shape[1], skeleton)
    return keypoints
