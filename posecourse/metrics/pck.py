"""Percentage of correct keypoints: PCK, PCKh and the area under their curve."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np

from ..geometry import as_array
from ..skeletons import MPII, Skeleton
from ._common import _per_person, _poses, _ratio

__all__ = [
    "JointRates",
    "auc",
    "normalized_distances",
    "pck",
    "pck_hits",
    "pck_over_thresholds",
    "pckh",
    "pckh_columns",
]

# Joints that MPII's total leaves out: they sit in the middle and are easy.
_LEFT_OUT = ("pelvis", "thorax")


def pckh_columns(skeleton: Skeleton = MPII) -> list[int]:
    """The columns that MPII's total counts: all but pelvis and thorax.

    What `JointRates.pooled` and `bootstrap_interval` take as `joints`.
    """
    return [i for i, joint in enumerate(skeleton.canonical) if joint not in _LEFT_OUT]


class JointRates(NamedTuple):
    """Hits per joint, out of how many. Unpacks as ``hits, counts``."""

    hits: np.ndarray
    counts: np.ndarray

    @property
    def per_joint(self) -> np.ndarray:
        """Fraction of each joint, ``(K,)``; NaN where never labelled."""
        return _ratio(self.hits, self.counts)

    def pooled(self, joints=None) -> float:
        """Fraction over all labelled joints, or those of some columns."""
        joints = slice(None) if joints is None else list(joints)
        return float(_ratio(self.hits[joints].sum(), self.counts[joints].sum()))


def normalized_distances(predicted, keypoints, visible, normalizer):
    """Distances from prediction to truth, in units of each person's size.

    Parameters
    ----------
    predicted, keypoints:
        ``(N, K, 2)`` pixels of the same frame.
    visible:
        ``(N, K)``; above 0 means labelled. None: where the truth is finite.
    normalizer:
        ``(N,)`` or one number, pixels: the length that counts as 1.

    Returns
    -------
    ``(N, K)``; NaN where not labelled, infinite where the prediction is
    not finite.
    """
    predicted, keypoints, labelled = _poses(predicted, keypoints, visible)
    size = _per_person(normalizer, labelled, "sizes")
    finite = np.isfinite(predicted).all(-1)
    lost = labelled & ~finite
    if lost.any():
        person, joint = np.argwhere(lost)[0]
        warnings.warn(
            f"{lost.sum()} predictions are not finite and count as misses, "
            f"the first: person {person}, joint {joint}",
            RuntimeWarning,
            stacklevel=2,
        )
    used = labelled & finite
    distances = np.full(labelled.shape, np.nan)
    distances[lost] = np.inf
    off = predicted[used] - keypoints[used]
    with np.errstate(over="ignore"):  # further than numbers reach: infinite
        distances[used] = np.linalg.norm(off, axis=-1) / np.repeat(size, used.sum(1))
    return distances


def pck_hits(predicted, keypoints, visible, normalizer, threshold):
    """Whether each joint is within ``threshold * normalizer``: ``(N, K)``.

    1 or 0, NaN where not labelled: what the intervals resample.
    """
    return _within(
        normalized_distances(predicted, keypoints, visible, normalizer), threshold
    )


def pck(predicted, keypoints, visible, normalizer, threshold=0.2):
    """Percentage of correct keypoints: within a fraction of a length.

    Parameters
    ----------
    normalizer:
        ``(N,)`` pixels. Often `torso_size` (threshold 0.2) or `box_size`
        (0.2 or 0.05); `pck_normalizer` chooses.
    threshold:
        Fraction of the normalizer.

    Returns
    -------
    `JointRates`, whose `per_joint` and `pooled()` are between 0 and 1.
    """
    return _rates(pck_hits(predicted, keypoints, visible, normalizer, threshold))


def pckh(predicted, keypoints, visible, head_size, threshold=0.5):
    """PCK normalised by the head, MPII's metric.

    `head_size` ``(N,)`` is 0.6 times the diagonal of the head box, in the
    pixels of the keypoints. With MPII's standard crop it is a tenth of the
    crop's side: PCKh@0.5 asks for 12.8 pixels of 256.

    MPII's total, ``pckh(...).pooled(pckh_columns(skeleton))``, leaves out
    pelvis and thorax; `pckh_table` does it for you. **The "0.1" of the
    literature:** the numbers published as PCKh@0.1 with SimpleBaseline,
    HRNet and DARK were read off one step too far and are at 0.11, worth
    about 4 points.
    """
    return pck(predicted, keypoints, visible, head_size, threshold)


def auc(
    predicted, keypoints, visible, normalizer, limit: float = 0.5, step: float = 0.01
):
    """Area under PCK over thresholds 0 to `limit`, divided by `limit`.

    By trapezoids at every `step`, as in MPII's evaluation (PCKh, 0.5,
    0.01); `limit` is a whole number of steps. Returns `JointRates` whose
    hits are averages over the curve.
    """
    distances = normalized_distances(predicted, keypoints, visible, normalizer)
    return _area(distances, limit, step)


def pck_over_thresholds(distances, thresholds, skeleton: Skeleton = MPII):
    """The curve of PCK: fractions at several thresholds, pooled over joints.

    At a table's threshold it is the table's weighted mean.

    Parameters
    ----------
    distances:
        ``(N, K)`` from `normalized_distances`, NaN where not labelled; the
        columns are pooled that `pckh_columns` names. Of any other shape,
        everything is pooled.
    thresholds:
        ``(T,)``.

    Returns
    -------
    ``(T,)``, NaN if nothing is labelled.
    """
    distances = as_array(distances)
    if distances.ndim == 2 and distances.shape[1] == len(skeleton):
        distances = distances[:, pckh_columns(skeleton)]
    known = np.sort(distances[~np.isnan(distances)])
    return _ratio(
        np.searchsorted(known, as_array(thresholds), side="right"), len(known)
    )


def _within(distances, threshold):
    if not 0 <= threshold < np.inf:
        raise ValueError(
            f"threshold {threshold}: a fraction of the size, 0 or more, such as 0.5"
        )
    return np.where(np.isnan(distances), np.nan, distances <= threshold)


def _rates(hit) -> JointRates:
    return JointRates(np.nansum(hit, 0), (~np.isnan(hit)).sum(0))


def _area(distances, limit, step) -> JointRates:
    if not 0 < step <= limit < np.inf:
        raise ValueError(f"step {step} must be positive and at most the limit {limit}")
    strips = round(limit / step)
    if abs(strips * step - limit) > 1e-9 * limit:
        raise ValueError(
            f"the limit {limit} is not a whole number of steps of {step}; "
            f"take a step of {limit / strips:g} or {limit / (strips + 1):g}"
        )
    thresholds = np.linspace(0, limit, strips + 1)
    hits = np.stack([(distances <= t).sum(0) for t in thresholds])
    area = ((hits[1:] + hits[:-1]) / 2).mean(0)
    return JointRates(area, (~np.isnan(distances)).sum(0))
