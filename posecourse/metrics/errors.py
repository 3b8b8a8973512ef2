"""What kinds of errors there are (after Ronchi and Perona, 2017)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from ..skeletons import MPII, Skeleton
from ._common import _array, _expect, _ratio
from .pck import normalized_distances

__all__ = ["ErrorBreakdown", "error_breakdown"]


@dataclass
class ErrorBreakdown:
    """What kinds of errors there are; see `error_breakdown`. Prints itself.

    Attributes
    ----------
    counts:
        Kind -> ``(K,)`` how many labelled joints.
    joints:
        The K joint names.
    """

    counts: dict[str, np.ndarray]
    joints: tuple[str, ...]

    @property
    def labelled(self) -> int:
        """Joints looked at."""
        return int(sum(c.sum() for c in self.counts.values()))

    @property
    def shares(self) -> dict[str, float]:
        """Kind -> fraction of the labelled joints; they add up to 1."""
        return {kind: float(c.sum() / self.labelled) for kind, c in self.counts.items()}

    @property
    def of_misses(self) -> dict[str, float]:
        """Kind -> fraction of the misses (NaN if there are none)."""
        missed = self.labelled - self.counts["good"].sum()
        return {
            kind: float(_ratio(c.sum(), missed))
            for kind, c in self.counts.items()
            if kind != "good"
        }

    def __str__(self) -> str:
        kinds = list(self.counts)
        width = max(map(len, (*self.joints, "all joints")))
        lines = [f"{'percent of':{width}}" + "".join(f"{k:>8}" for k in kinds)]
        table = np.stack([self.counts[k] for k in kinds])
        for name, part in [*zip(self.joints, table.T), ("all joints", table.sum(1))]:
            if part.sum():
                lines.append(
                    f"{name:{width}}"
                    + "".join(f"{v:8.1f}" for v in 100 * part / part.sum())
                )
        return "\n".join(lines)


def error_breakdown(
    predicted, keypoints, visible, head_size, skeleton: Skeleton = MPII, joints=None
) -> ErrorBreakdown:
    """Sort every labelled joint into one kind, by distance in head sizes.

    The first that holds:

    ========  =========================================================
    ``good``  within 0.5 of the truth
    ``swap``  within 0.5 of the same joint on the person's other side
    ``near``  within 1
    ``far``   within 2
    ``gross`` further away, or not finite
    ========  =========================================================

    A swap wants better features (a face, context), a near miss better
    resolution or labels, a gross error a better search for the person.

    Parameters
    ----------
    predicted, keypoints, visible, head_size:
        As in `pckh_table`.
    joints:
        Names; None takes those that have a left and a right.
    """
    distances = normalized_distances(predicted, keypoints, visible, head_size)
    _expect(distances.shape[1], skeleton)
    twin = np.arange(len(skeleton))
    for a, b in skeleton.flip_pairs:
        twin[a], twin[b] = b, a
    if joints is None:
        columns = np.flatnonzero(twin != np.arange(len(skeleton)))
    else:
        columns = np.array(skeleton.indices(joints), dtype=int)
    if np.isnan(distances[:, columns]).all():
        raise ValueError("no labelled joint among those to sort")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        other = normalized_distances(
            predicted, _array(keypoints)[:, twin], _array(visible)[:, twin], head_size
        )
    own, other = distances[:, columns], other[:, columns]
    other[:, twin[columns] == columns] = np.inf
    rules = {
        "good": own <= 0.5,
        "swap": other <= 0.5,
        "near": own <= 1,
        "far": own <= 2,
        "gross": own > 2,
    }
    free = ~np.isnan(own)
    counts = {}
    for kind, holds in rules.items():
        counts[kind] = (free & holds).sum(0)
        free &= ~holds
    return ErrorBreakdown(counts, tuple(skeleton.joints[c] for c in columns))
