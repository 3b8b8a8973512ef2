"""Non-maximum suppression: one answer for each person.

A detector says the same person several times, each time a little elsewhere.
The surest answer is kept, and what is too similar to it is dropped (`box_nms`)
or trusted less (`soft_nms`). For poses, similar means the same joints in the
same places (`oks_nms`): boxes of two people may overlap much, their poses not.
"""

from __future__ import annotations

import numpy as np

from ..geometry import as_array
from ..metrics import keypoint_boxes, oks
from .boxes import as_boxes, pairwise_iou

__all__ = ["box_nms", "oks_nms", "pose_areas", "soft_nms"]


def box_nms(boxes, scores, threshold: float = 0.5) -> np.ndarray:
    """Greedy non-maximum suppression, as `torchvision.ops.nms`.

    Parameters
    ----------
    boxes, scores:
        ``(N, 4)`` (x, y, width, height) and ``(N,)``. Of equal scores the
        first counts as the surer.
    threshold:
        A box is dropped if its intersection over union with one that is kept
        is larger.

    Returns
    -------
    Numbers of the boxes that are kept, the surest first.
    """
    boxes = as_boxes(boxes)
    scores = _scores(scores, len(boxes))
    return _greedy(pairwise_iou(boxes, boxes), scores, threshold)


def soft_nms(
    boxes, scores, sigma: float = 0.5, method: str = "gaussian", threshold: float = 0.3
):
    """Lower the scores of what overlaps, instead of dropping it.

    A person close behind another keeps a chance (Bodla et al. 2017). Each time
    the surest box is taken out of the pile, the scores of those that stay are
    multiplied by ``exp(-iou^2 / sigma)``, or, with ``method="linear"``, by
    ``1 - iou`` where iou is larger than `threshold`.

    Returns
    -------
    order, scores:
        ``(N,)`` numbers of the boxes, as they were taken; and their scores
        then, which fall.
    """
    boxes = as_boxes(boxes)
    scores = _scores(scores, len(boxes)).copy()
    if method not in ("gaussian", "linear"):
        raise ValueError(f"method is gaussian or linear, got {method!r}")
    if not sigma > 0:
        raise ValueError(f"sigma must be above 0, got {sigma}")
    ious = pairwise_iou(boxes, boxes)
    waiting = np.ones(len(boxes), bool)
    order, taken = [], []
    for _ in range(len(boxes)):
        best = int(np.where(waiting, scores, -np.inf).argmax())
        waiting[best] = False
        order.append(best)
        taken.append(scores[best])
        if method == "gaussian":
            decay = np.exp(-(ious[best] ** 2) / sigma)
        else:
            decay = np.where(ious[best] > threshold, 1 - ious[best], 1)
        scores = np.where(waiting, scores * decay, scores)
    return np.array(order, int), np.array(taken)


def oks_nms(keypoints, scores, sigmas, threshold: float = 0.9, areas=None):
    """Non-maximum suppression of poses, by their similarity.

    Parameters
    ----------
    keypoints, scores:
        ``(N, K, 2)`` pixels, and ``(N,)``.
    sigmas:
        ``(K,)``, e.g. `Skeleton.sigmas`.
    threshold:
        A pose is dropped if its object keypoint similarity with one that is
        kept is larger. (0.9 is what mmpose takes.)
    areas:
        ``(N,)`` square pixels, above 0. Default: `pose_areas`. The similarity
        of two poses is measured with that of the surer one.

    Returns
    -------
    Numbers of the poses that are kept, the surest first.
    """
    keypoints = as_array(keypoints)
    scores = _scores(scores, len(keypoints))
    if not len(keypoints):
        return np.zeros(0, int)
    areas = pose_areas(keypoints) if areas is None else as_array(areas)
    known = np.isfinite(keypoints).all(-1)
    if not known.any(1).all():
        number = int(np.argmin(known.any(1)))
        raise ValueError(f"pose {number} has no joint that is known; leave it out")
    # a joint that one of two poses lacks is as far off as can be
    places = np.where(known[..., None], keypoints, 1e9)
    return _greedy(oks(places, keypoints, known, areas, sigmas).T, scores, threshold)


def pose_areas(keypoints) -> np.ndarray:
    """``(N,)``: 0.53 of the joints' boxes, square pixels, as OKS wants areas.

    A person's silhouette fills about half of the box (CrowdPose's evaluation
    takes this number).
    """
    boxes = keypoint_boxes(keypoints)
    return np.maximum(0.53 * boxes[:, 2] * boxes[:, 3], 1)


def _greedy(similar, scores, threshold: float) -> np.ndarray:
    """Row i of `similar` is how much everybody is like i."""
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold is from 0 to 1, got {threshold}")
    kept: list[int] = []
    dropped = np.zeros(len(scores), bool)
    for i in np.argsort(-scores, kind="stable"):
        if not dropped[i]:
            kept.append(int(i))
            dropped |= similar[i] > threshold
    return np.array(kept, int)


def _scores(scores, count: int) -> np.ndarray:
    scores = as_array(scores).ravel()
    if len(scores) != count:
        raise ValueError(f"{len(scores)} scores do not go with {count} candidates")
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite numbers")
    return scores
