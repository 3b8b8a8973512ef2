"""What distances are divided by: the head, the torso, a box."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..geometry import as_array, split_hint
from ..skeletons import Skeleton
from ._common import _expect, _labels

__all__ = [
    "PckNormalizer",
    "box_size",
    "keypoint_boxes",
    "pck_normalizer",
    "pck_normalizers",
    "torso_size",
]

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


class PckNormalizer(NamedTuple):
    """What distances are divided by, for the metric called `name`.

    Attributes
    ----------
    size:
        ``(N,)`` pixels, the length that counts as 1; 1 for persons who have
        none and are left out.
    visible:
        ``(N, K)``; 0 for persons who have no size.
    name, threshold:
        For example ``"PCKh"`` at 0.5.
    """

    size: np.ndarray
    visible: np.ndarray
    name: str
    threshold: float


def pck_normalizer(
    keypoints, visible, skeleton: Skeleton, head_size=None, boxes=None
) -> PckNormalizer:
    """The PCK that the labels allow, in the order of what people compare.

    ============  =========  ================================================
    name          threshold  where at least half of the persons have
    ============  =========  ================================================
    PCKh          0.5        a head size
    PCK (torso)   0.2        left shoulder and right hip labelled
    PCK (box)     0.1        the person's box: its longer side
    PCK (joints)  0.1        else: the longer side of the box around the
                             labelled joints, of persons with two or more
    ============  =========  ================================================

    Parameters
    ----------
    keypoints, visible:
        ``(N, K, 2)`` pixels and ``(N, K)``; above 0 means labelled. None:
        where the keypoints are finite.
    head_size:
        ``(N,)`` pixels, 0.6 times the diagonal of the head box; NaN where
        unknown.
    boxes:
        ``(N, 4)`` pixels, (x, y, width, height), or ``(N,)`` their longer
        sides; NaN where unknown.
    """
    found = pck_normalizers(keypoints, visible, skeleton, head_size, boxes)
    anybody = _labels(as_array(keypoints), visible).any(1).sum()
    for one in found:
        if (one.visible > 0).any(1).sum() >= 0.5 * anybody:
            return one
    return found[-1]


def pck_normalizers(
    keypoints, visible, skeleton: Skeleton, head_size=None, boxes=None
) -> list[PckNormalizer]:
    """All that `pck_normalizer` chooses from, for whomever they apply to."""
    keypoints = _pixels(keypoints, skeleton)
    labelled = _labels(keypoints, visible)
    if not labelled.any():
        raise ValueError(
            f"nothing to score: {len(keypoints)} persons, no labelled joint"
        )
    torso = all(joint in skeleton for joint in _TORSO)
    around = box_size(keypoint_boxes(keypoints, labelled))
    sizes = {
        ("PCKh", 0.5): head_size,
        ("PCK (torso)", 0.2): torso_size(keypoints, labelled, skeleton)
        if torso
        else None,
        ("PCK (box)", 0.1): boxes if np.ndim(boxes) < 2 else box_size(boxes),
        ("PCK (joints)", 0.1): np.where(labelled.sum(1) > 1, around, np.nan),
    }
    visible = labelled if visible is None else as_array(visible)
    found = []
    for (name, threshold), size in sizes.items():
        size = np.full(len(labelled), np.nan) if size is None else as_array(size)
        if size.shape not in ((), labelled.shape[:1]):
            raise ValueError(
                f"{name}: sizes {size.shape} do not go with {len(labelled)} persons"
            )
        size = np.broadcast_to(size, labelled.shape[:1])
        known = np.isfinite(size) & (size > 0)
        if (labelled.any(1) & known).any():
            kept = np.where(known[:, None], visible, 0)
            size = np.where(known, size, 1.0)
            found.append(PckNormalizer(size, kept, name, threshold))
    if not found:
        raise ValueError(
            f"nothing to divide by: of {len(labelled)} persons none has a size, nor "
            "two labelled joints to take one from"
        )
    return found


def _pixels(keypoints, skeleton: Skeleton) -> np.ndarray:
    keypoints = as_array(keypoints)
    if keypoints.ndim != 3 or keypoints.shape[-1] != 2:
        raise ValueError(
            f"keypoints must be (N, K, 2), got {keypoints.shape}"
            f"{split_hint(keypoints.shape[-1] if keypoints.ndim == 3 else 0)}"
        )
    _expect(keypoints.shape[1], skeleton)
    return keypoints
