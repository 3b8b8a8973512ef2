"""Object keypoint similarity, and COCO's average precision over it."""

from __future__ import annotations

import numpy as np

from ._common import _array

__all__ = ["keypoint_ap", "oks"]


def oks(predicted, keypoints, visible, area, sigmas, boxes=None):
    """Object keypoint similarity of every answer with every person.

    COCO's: the mean over labelled joints of
    ``exp(-d^2 / (2 * area * (2 sigma)^2))``. For a person without labelled
    joints, d is the distance of each answered joint from the person's box
    grown by its own size on every side (0 inside).

    Parameters
    ----------
    predicted:
        ``(D, K, 2)`` pixels.
    keypoints, visible:
        ``(G, K, 2)``, NaN where not labelled, and ``(G, K)``.
    area:
        ``(G,)`` square pixels: of the person's mask in COCO, not the box.
    sigmas:
        ``(K,)``, e.g. `Skeleton.sigmas`.
    boxes:
        ``(G, 4)`` (x, y, width, height); needed for persons without
        labelled joints.

    Returns
    -------
    ``(D, G)``, between 0 and 1.
    """
    predicted, keypoints = _array(predicted), _array(keypoints)
    labelled, area = _array(visible) > 0, _array(area)
    variance = (_array(sigmas) * 2) ** 2
    if (
        predicted.ndim != 3
        or keypoints.ndim != 3
        or predicted.shape[1:] != keypoints.shape[1:]
        or keypoints.shape[2] != 2
        or labelled.shape != keypoints.shape[:2]
        or area.shape != keypoints.shape[:1]
        or variance.shape != keypoints.shape[1:2]
    ):
        raise ValueError(
            f"predicted {predicted.shape}, keypoints {keypoints.shape}, "
            f"visible {labelled.shape}, area {area.shape} and sigmas "
            f"{variance.shape} must be (D, K, 2), (G, K, 2), (G, K), (G,) "
            "and (K,)"
        )
    empty = ~labelled.any(1)
    if empty.any() and boxes is None:
        raise ValueError(
            f"person {int(np.argmax(empty))} has no labelled "
            "joint; give boxes, or leave the person out"
        )
    truth = np.where(labelled[..., None], keypoints, 0)
    off = predicted[:, None] - truth
    if empty.any():
        box = _array(boxes)[empty]
        low = (box[:, :2] - box[:, 2:])[:, None]
        high = (box[:, :2] + 2 * box[:, 2:])[:, None]
        points = predicted[:, None]
        off[:, empty] = np.maximum(0, low - points) + np.maximum(0, points - high)
    error = (off**2).sum(-1) / variance / (area + np.spacing(1))[:, None] / 2
    used = labelled | empty[:, None]
    return (np.exp(-error) * used).sum(-1) / used.sum(-1)


_AP_NAMES = ("AP", "AP50", "AP75", "APm", "APl", "AR", "AR50", "AR75", "ARm", "ARl")


def keypoint_ap(truth, detections, sigmas) -> dict[str, float]:
    """Average precision and recall over OKS thresholds, as COCO does.

    Thresholds 0.50, 0.55, ..., 0.95; precision read at 101 recalls; at
    most 20 detections per picture; crowds and persons without labelled
    joints neither gained nor lost. The evaluation is faster-coco-eval's,
    which agrees with pycocotools.

    Parameters
    ----------
    truth:
        A COCO dictionary (``images``, ``annotations``, ``categories``); or
        per picture a list of persons, each a dictionary with ``keypoints``
        ``(K, 2)`` (NaN where not labelled), ``area``, and, where wanted,
        ``visible`` ``(K,)``, ``box`` (x, y, width, height), ``crowd``.
    detections:
        A list of COCO results (``image_id``, ``category_id``,
        ``keypoints`` of 3 K numbers, ``score``); or per picture, in the
        order of `truth`, a list of dictionaries with ``keypoints``
        ``(K, 2)`` and ``score``. All joints must be finite.
    sigmas:
        ``(K,)``, e.g. `Skeleton.sigmas`.

    Returns
    -------
    AP, AP50, AP75, APm, APl (medium and large persons), AR, AR50, AR75,
    ARm, ARl, each between 0 and 1, or NaN where there is nobody to find.
    """
    from faster_coco_eval import COCO, COCOeval_faster

    sigmas = _array(sigmas)
    if not isinstance(truth, dict):
        if len(truth) != len(detections):
            raise ValueError(
                f"truth has {len(truth)} pictures, detections have {len(detections)}"
            )
        truth, detections = (
            _coco_truth(truth, len(sigmas)),
            _coco_results(detections, len(sigmas)),
        )
    truth, detections = _checked(truth, detections, len(sigmas))
    quiet = {"print_function": lambda *_: None}
    reference = COCO(truth, **quiet)
    found = (
        reference.loadRes(detections)
        if detections
        else COCO({**truth, "annotations": []}, **quiet)
    )
    evaluation = COCOeval_faster(
        reference, found, "keypoints", kpt_oks_sigmas=list(sigmas), **quiet
    )
    evaluation.run()
    values = [float(v) for v in evaluation.stats[:10]]
    # COCO says -1 where there is nobody to find
    return {
        name: value if value >= 0 else float("nan")
        for name, value in zip(_AP_NAMES, values)
    }


def _coco_truth(pictures, joints: int) -> dict:
    annotations = []
    for image, people in enumerate(pictures):
        for person in people:
            points = _joints(person, joints, image)
            visible = _array(person.get("visible", np.full(joints, 2)))
            labelled = np.isfinite(points).all(-1) & (visible > 0)
            points = np.where(labelled[:, None], np.c_[points, visible], 0)
            used = points[labelled, :2]
            box = person.get("box")
            if box is None:
                low, high = (
                    (used.min(0), used.max(0))
                    if len(used)
                    else (np.zeros(2), np.zeros(2))
                )
                box = [*low, *(high - low)]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": 1,
                    "keypoints": points.ravel().tolist(),
                    "num_keypoints": len(used),
                    "area": float(person["area"]),
                    "bbox": [float(v) for v in box],
                    "iscrowd": int(bool(person.get("crowd", False))),
                }
            )
    return {
        "images": [{"id": i} for i in range(len(pictures))],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": annotations,
    }


def _coco_results(pictures, joints: int) -> list[dict]:
    results = []
    for image, poses in enumerate(pictures):
        for pose in poses:
            points = np.c_[_joints(pose, joints, image), np.ones(joints)]
            results.append(
                {
                    "image_id": image,
                    "category_id": 1,
                    "keypoints": points.ravel().tolist(),
                    "score": float(pose["score"]),
                }
            )
    return results


def _joints(pose, joints: int, image: int) -> np.ndarray:
    points = _array(pose["keypoints"])
    if points.shape != (joints, 2):
        raise ValueError(
            f"picture {image}: keypoints {points.shape}, but there are {joints} sigmas"
        )
    return points


def _checked(truth, detections, joints: int):
    """Copies, because the evaluator writes into what it is given."""
    annotations = [dict(a) for a in truth["annotations"]]
    detections = [dict(d) for d in detections]
    if not annotations:
        raise ValueError("nobody to find: the truth has no annotations")
    for one in (*annotations, *detections):
        if len(one["keypoints"]) != 3 * joints:
            raise ValueError(
                f"picture {one['image_id']}: {len(one['keypoints'])} "
                f"keypoint numbers, but {joints} sigmas need {3 * joints}"
            )
        one.setdefault("num_keypoints", sum(v > 0 for v in one["keypoints"][2::3]))
    known = {image["id"] for image in truth["images"]}
    for one in detections:
        if one["image_id"] not in known:
            raise ValueError(
                f"detections for picture {one['image_id']}, "
                "which the truth does not have"
            )
        if not np.isfinite([*one["keypoints"], one["score"]]).all():
            raise ValueError(
                f"picture {one['image_id']}: a detection has "
                "numbers that are not finite"
            )
    return {**truth, "annotations": annotations}, detections
