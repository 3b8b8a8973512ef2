"""Boxes: how much two of them overlap, and how good a detector's are.

A box is ``(x, y, width, height)``, as everywhere in this package: the corner
and the sides, pixels. (torchvision's are ``(x1, y1, x2, y2)``: `corners`.)
"""

from __future__ import annotations

import numpy as np

from ..geometry import as_array

__all__ = ["as_boxes", "box_ap", "corners", "match_boxes", "pairwise_iou"]


def as_boxes(boxes, name: str = "boxes") -> np.ndarray:
    """Boxes as a float64 array ``(N, 4)``, checked.

    Raises ValueError for another shape, for what is not finite, and for sides
    below 0.
    """
    boxes = as_array(boxes)
    if boxes.size == 0:
        boxes = boxes.reshape(0, 4)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(
            f"{name} must be (N, 4), x, y, width, height, got {boxes.shape}"
        )
    bad = ~(np.isfinite(boxes).all(1) & (boxes[:, 2:] >= 0).all(1))
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(
            f"{name}[{row}] is {boxes[row].tolist()}: four finite numbers, x, y, "
            "width and height, and no side below 0"
        )
    return boxes


def corners(boxes) -> np.ndarray:
    """``(x, y, width, height)`` -> ``(x1, y1, x2, y2)``, ``(N, 4)``."""
    boxes = as_boxes(boxes)
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def pairwise_iou(boxes, others) -> np.ndarray:
    """Intersection over union of every box with every other.

    Parameters
    ----------
    boxes, others:
        ``(N, 4)`` and ``(M, 4)``.

    Returns
    -------
    ``(N, M)``, 0 where nothing is shared (also by boxes without area).
    """
    a, b = corners(boxes), corners(others)
    low = np.maximum(a[:, None, :2], b[:, :2])
    high = np.minimum(a[:, None, 2:], b[:, 2:])
    shared = np.clip(high - low, 0, None).prod(-1)
    areas = [(box[:, 2:] - box[:, :2]).prod(-1) for box in (a, b)]
    union = areas[0][:, None] + areas[1] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def match_boxes(found, scores, boxes, ignored=None, threshold: float = 0.5):
    """Which detections of one picture are right, and who was found.

    As in COCO's evaluation: the surest detection chooses first, and takes the
    person it overlaps most of those who are left. Only one that finds nobody
    may fall on somebody who is ignored; then it is neither right nor wrong.

    Parameters
    ----------
    found, scores:
        ``(D, 4)`` and ``(D,)``.
    boxes, ignored:
        The people, ``(G, 4)``; and ``(G,)``, who is neither gained nor lost.
    threshold:
        The least intersection over union of a hit.

    Returns
    -------
    person:
        ``(D,)`` the number of the person found; -1 for a false alarm, -2 for
        a detection that does not count.
    """
    ious = pairwise_iou(found, boxes)
    free = np.ones(len(ious.T), bool) if ignored is None else ~np.asarray(ignored)
    counts, person = free.copy(), np.full(len(ious), -1)
    for d in np.argsort(-as_array(scores), kind="stable"):
        fits = np.where(free, ious[d], -1)
        if len(fits) and fits.max() >= threshold:
            person[d] = fits.argmax()
            free[person[d]] = False
        elif (ious[d][~counts] >= threshold).any():
            person[d] = -2
    return person


def box_ap(found, people, threshold: float = 0.5) -> float:
    """Average precision of boxes over many pictures, at one overlap.

    Precision read at 101 recalls, as COCO does.

    Parameters
    ----------
    found:
        For each picture ``(boxes, scores)``, ``(D, 4)`` and ``(D,)``.
    people:
        For each picture ``(boxes, ignored)``, ``(G, 4)`` and ``(G,)`` or None.

    Returns
    -------
    Between 0 and 1; NaN if there is nobody to find.
    """
    if len(found) != len(people):
        raise ValueError(f"{len(found)} pictures of boxes, {len(people)} of people")
    scores, hits, total = [np.zeros(0)], [np.zeros(0, int)], 0
    for (boxes, sure), (truth, ignored) in zip(found, people):
        hits.append(match_boxes(boxes, sure, truth, ignored, threshold))
        scores.append(as_array(sure))
        total += len(as_boxes(truth)) - (0 if ignored is None else int(np.sum(ignored)))
    if not total:
        return float("nan")
    order = np.argsort(-np.concatenate(scores), kind="stable")
    person = np.concatenate(hits)[order]
    person = person[person != -2]
    right = np.cumsum(person >= 0)
    precision = right / np.arange(1, len(right) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(right / total, np.linspace(0, 1, 101), side="left")
    return float(np.append(best, 0)[at].mean())
