"""Object keypoint similarity: COCO's measure of one pose against another."""

from __future__ import annotations

import warnings

import numpy as np

from ..geometry import as_array, split_hint
from ._common import _labels, _per_person, _require_places

__all__ = ["oks", "paired_oks"]


def oks(predicted, keypoints, visible, area, sigmas, boxes=None):
    """Object keypoint similarity of every pose with every person.

    COCO's: the mean over labelled joints of
    ``exp(-d^2 / (2 * area * (2 sigma)^2))``. For a person without labelled
    joints, d is the distance of each predicted joint from the person's box
    grown by its own size on every side (0 inside).

    Parameters
    ----------
    predicted:
        ``(D, K, 2)`` pixels. A joint that is not finite counts as
        infinitely far off, with a warning.
    keypoints, visible:
        ``(G, K, 2)``, NaN where not labelled, and ``(G, K)``; None: where
        the keypoints are finite.
    area:
        ``(G,)`` square pixels, above 0: of the person's mask in COCO, not
        the box.
    sigmas:
        ``(K,)``, e.g. `Skeleton.sigmas`.
    boxes:
        ``(G, 4)`` (x, y, width, height); needed for persons without
        labelled joints.

    Returns
    -------
    ``(D, G)``, between 0 and 1.
    """
    predicted, keypoints, labelled, sigmas = _checked(
        predicted, keypoints, visible, sigmas
    )
    area = _per_person(area, np.ones_like(labelled), "area")
    empty = ~labelled.any(1)
    off = predicted[:, None] - np.where(labelled[..., None], keypoints, 0)
    if empty.any():
        box = _boxes(boxes, empty)
        low = (box[:, :2] - box[:, 2:])[:, None]
        high = (box[:, :2] + 2 * box[:, 2:])[:, None]
        points = predicted[:, None]
        off[:, empty] = np.maximum(0, low - points) + np.maximum(0, points - high)
    return _similarity(off, labelled | empty[:, None], area, sigmas)


def paired_oks(predicted, keypoints, visible, area, sigmas):
    """`oks` of pose i with person i: ``(N,)``, NaN without labelled joints.

    Parameters as in `oks`, with as many poses as persons. Persons without
    labelled joints need no area.
    """
    predicted, keypoints, labelled, sigmas = _checked(
        predicted, keypoints, visible, sigmas
    )
    if len(predicted) != len(keypoints):
        raise ValueError(
            f"{len(predicted)} poses do not go with {len(keypoints)} persons"
        )
    area = _per_person(area, labelled, "area")
    off = np.where(labelled[..., None], predicted - keypoints, 0)
    return _similarity(off, labelled, np.where(labelled.any(1), area, 1), sigmas)


def _similarity(off, used, area, sigmas):
    """The mean over the `used` joints; `off` is ``(..., G, K, 2)``."""
    with np.errstate(over="ignore"):  # further than numbers reach: infinite
        error = (off**2).sum(-1) / (2 * sigmas) ** 2
        error = error / (area + np.spacing(1))[:, None] / 2
    counts = used.sum(-1)
    total = (np.exp(-error) * used).sum(-1)
    return np.where(counts > 0, total / np.maximum(counts, 1), np.nan)


def _checked(predicted, keypoints, visible, sigmas):
    predicted, keypoints = as_array(predicted), as_array(keypoints)
    sigmas, labelled = as_array(sigmas), _labels(keypoints, visible)
    if (
        predicted.ndim != 3
        or keypoints.ndim != 3
        or predicted.shape[1:] != keypoints.shape[1:]
        or keypoints.shape[2] != 2
        or labelled.shape != keypoints.shape[:2]
        or sigmas.shape != keypoints.shape[1:2]
    ):
        third = {p.shape[2] for p in (predicted, keypoints) if p.ndim == 3} == {2}
        raise ValueError(
            f"predicted {predicted.shape}, keypoints {keypoints.shape}, "
            f"visible {labelled.shape} and sigmas {sigmas.shape} must be "
            f"(D, K, 2), (G, K, 2), (G, K) and (K,){'' if third else split_hint(3)}"
        )
    if not (np.isfinite(sigmas) & (sigmas > 0)).all():
        raise ValueError(f"sigmas must be positive numbers, got {sigmas.tolist()}")
    _require_places(keypoints, labelled)
    finite = np.isfinite(predicted).all(-1)
    lost = ~finite & labelled.any(0)
    if lost.any():
        pose, joint = np.argwhere(lost)[0]
        warnings.warn(
            f"{lost.sum()} predicted joints are not finite and count as misses, "
            f"the first: pose {pose}, joint {joint}",
            RuntimeWarning,
            stacklevel=3,
        )
    predicted = np.where(finite[..., None], predicted, np.inf)
    return predicted, keypoints, labelled, sigmas


def _boxes(boxes, empty) -> np.ndarray:
    """The boxes of those who need one."""
    person = int(np.argmax(empty))
    if boxes is None:
        raise ValueError(
            f"person {person} has no labelled "
            "joint; give boxes, or leave the person out"
        )
    boxes = as_array(boxes)
    if boxes.shape != (len(empty), 4):
        raise ValueError(
            f"boxes must be ({len(empty)}, 4), x, y, width, height, got {boxes.shape}"
        )
    bad = empty & ~(np.isfinite(boxes).all(1) & (boxes[:, 2:] >= 0).all(1))
    if bad.any():
        person = int(np.argmax(bad))
        raise ValueError(
            f"person {person} has no labelled joint and the box "
            f"{boxes[person].tolist()}, which is none"
        )
    return boxes[empty]
