"""What the metrics share: checked arrays, ratios, texts."""

from __future__ import annotations

import numpy as np

from ..skeletons import Skeleton


def _array(values) -> np.ndarray:
    """float64, from an array, a list or a tensor on any device."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().double().numpy()
    return np.asarray(values, dtype=np.float64)


def _poses(predicted, keypoints, visible):
    """Check and convert; labelled as booleans (all, for visible None)."""
    predicted, keypoints = _array(predicted), _array(keypoints)
    if keypoints.ndim != 3 or keypoints.shape[-1] not in (2, 3):
        raise ValueError(
            f"keypoints must be (N, K, 2) or (N, K, 3), got {keypoints.shape}"
        )
    if predicted.shape != keypoints.shape:
        raise ValueError(
            f"predictions {predicted.shape} and truth {keypoints.shape} "
            "must agree: the same persons in the same order (is one of "
            "them another split?), the same joints"
        )
    labelled = (
        np.ones(keypoints.shape[:2], dtype=bool)
        if visible is None
        else _array(visible) > 0
    )
    if labelled.shape != keypoints.shape[:2]:
        raise ValueError(
            f"visible {labelled.shape} does not go with keypoints {keypoints.shape}"
        )
    if not labelled.any():
        raise ValueError(
            f"nothing to score: {len(keypoints)} persons, no labelled joint"
        )
    bad = labelled & ~np.isfinite(keypoints).all(-1)
    if bad.any():
        person, joint = np.argwhere(bad)[0]
        raise ValueError(
            f"person {person}, joint {joint}: labelled, but "
            f"at {keypoints[person, joint]}; unlabelled joints "
            "need visibility 0"
        )
    return predicted, keypoints, labelled


def _ends(normaliser, labelled):
    shape = np.shape(_array(normaliser))
    if shape not in ((), labelled.shape[:1]):
        raise ValueError(
            f"sizes to divide by {shape} do not go with {len(labelled)} persons"
        )
    return labelled.shape[:1]


def _expect(columns: int, skeleton: Skeleton) -> None:
    if columns != len(skeleton):
        raise ValueError(
            f"{columns} joints, but skeleton {skeleton.name} has {len(skeleton)}"
        )


def _ratio(part, whole):
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(part, dtype=float) / whole


def _mean(values) -> float:
    """Mean of what is not NaN; NaN if nothing is left."""
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else float("nan")


def _text(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.2f}"


def _plain(value):
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float):
        return None if np.isnan(value) else float(value)
    return value
