"""What the metrics share: checked arrays, ratios, texts."""

from __future__ import annotations

import html
from itertools import chain, repeat

import numpy as np

from ..geometry import as_array, split_hint
from ..skeletons import Skeleton


def _labels(keypoints, visible) -> np.ndarray:
    """Which joints are labelled: by `visible`, else those that are finite."""
    return np.isfinite(keypoints).all(-1) if visible is None else as_array(visible) > 0


def _poses(predicted, keypoints, visible, axes=(2,)):
    """Check and convert; labelled as booleans."""
    predicted, keypoints = as_array(predicted), as_array(keypoints)
    if keypoints.ndim != 3 or keypoints.shape[-1] not in axes:
        expected = " or ".join(f"(N, K, {axis})" for axis in axes)
        raise ValueError(
            f"keypoints must be {expected}, got {keypoints.shape}"
            f"{split_hint(keypoints.shape[-1] if keypoints.ndim == 3 else 0)}"
        )
    if predicted.shape != keypoints.shape:
        raise ValueError(
            f"predictions {predicted.shape} and truth {keypoints.shape} "
            "must agree: the same persons in the same order (is one of "
            "them another split?), the same joints"
            f"{split_hint(predicted.shape[-1] if predicted.ndim == 3 else 0)}"
        )
    labelled = _labels(keypoints, visible)
    if labelled.shape != keypoints.shape[:2]:
        raise ValueError(
            f"visible {labelled.shape} does not go with keypoints {keypoints.shape}"
        )
    if not labelled.any():
        raise ValueError(
            f"nothing to score: {len(keypoints)} persons, no labelled joint"
        )
    _require_places(keypoints, labelled)
    if keypoints.shape[-1] == 3:
        _third_is_a_place(keypoints[labelled])
    return predicted, keypoints, labelled


def _require_places(keypoints, labelled) -> None:
    """Raise ValueError for a joint that is labelled and nowhere."""
    bad = labelled & ~np.isfinite(keypoints).all(-1)
    if bad.any():
        person, joint = np.argwhere(bad)[0]
        raise ValueError(
            f"person {person}, joint {joint}: labelled, but at "
            f"{keypoints[person, joint]}; unlabelled joints need visibility 0"
        )


def _third_is_a_place(points) -> None:
    """Complain about pixels with a visibility that pass for space."""
    places, third = np.abs(points[:, :2]), points[:, 2]
    if places.max() > 10 and third.any() and np.isin(third, (0, 1, 2)).all():
        raise ValueError(
            "keypoints (N, K, 3) are places in space, but the third numbers are "
            f"0, 1 or 2 throughout{split_hint(3)}"
        )


def _per_person(lengths, labelled, what: str) -> np.ndarray:
    """``(N,)`` lengths, positive and finite for everybody who counts."""
    lengths = as_array(lengths)
    if lengths.shape not in ((), labelled.shape[:1]):
        raise ValueError(
            f"{what} {lengths.shape} does not go with {len(labelled)} persons"
        )
    lengths = np.broadcast_to(lengths, labelled.shape[:1])
    bad = labelled.any(1) & ~(np.isfinite(lengths) & (lengths > 0))
    if bad.any():
        person = int(np.argmax(bad))
        raise ValueError(
            f"person {person} has {what} {lengths[person]}; what distances are "
            f"divided by must be positive and finite ({bad.sum()} are not). Give "
            f"the person its {what}, or leave it out by setting its visibility to 0"
        )
    return lengths


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


def _text(value: float, digits: int = 2) -> str:
    return "-" if np.isnan(value) else f"{value:.{digits}f}"


def _html_table(caption: str, cells, notes) -> str:
    """A table for notebooks; the first line of `cells` is its head."""
    rows = [
        "<tr>" + "".join(f"<{tag}>{html.escape(c)}</{tag}>" for c in line) + "</tr>"
        for tag, line in zip(chain(["th"], repeat("td")), cells)
    ]
    return (
        f"<table><caption>{html.escape(caption)}</caption>{''.join(rows)}</table>"
        f"<p>{html.escape(' '.join(notes))}</p>"
    )


def _aligned(cells) -> list[str]:
    """Lines of a table: the first column to the left, others to the right."""
    cells = list(cells)
    widths = [max(map(len, column)) for column in zip(*cells)]
    return [
        "  ".join(
            [line[0].ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])]
        ).rstrip()
        for line in cells
    ]
