"""What kinds of errors there are (after Ronchi and Perona, 2017)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..files import write_csv
from ..geometry import as_array
from ..skeletons import MPII, Skeleton
from ._common import _expect, _labels, _ratio
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

    @property
    def percent(self) -> dict[str, float]:
        """`shares` in percent, as tables and files have them."""
        return {kind: 100 * share for kind, share in self.shares.items()}

    def _rows(self):
        """Joint, counts of all kinds; at the end those of all joints."""
        table = np.stack(list(self.counts.values()))
        yield from zip(self.joints, table.T)
        yield "all joints", table.sum(1)

    def __str__(self) -> str:
        width = max(map(len, (*self.joints, "all joints")))
        lines = [f"{'percent of':{width}}" + "".join(f"{k:>10}" for k in self.counts)]
        lines += [
            f"{name:{width}}" + "".join(f"{v:10.1f}" for v in 100 * part / part.sum())
            for name, part in self._rows()
            if part.sum()
        ]
        return "\n".join(lines)

    def to_csv(self, path) -> Path:
        """One line per joint and one for all: labelled, percent of each kind."""
        head = ["joint", "labelled", *(f"{kind}_percent" for kind in self.counts)]
        return write_csv(
            path,
            head,
            (
                [name, part.sum(), *_ratio(100 * part, part.sum())]
                for name, part in self._rows()
            ),
        )


def error_breakdown(
    predicted,
    keypoints,
    visible,
    normalizer,
    skeleton: Skeleton = MPII,
    joints=None,
    threshold: float = 0.5,
) -> ErrorBreakdown:
    """Sort every labelled joint into one kind, by its distance.

    The first that holds, with the thresholds of PCKh, in head sizes:

    =============  ======================================================
    ``good``       within 0.5 of the truth
    ``inversion``  within 0.5 of the same joint on the person's other side
    ``near``       within 1
    ``far``        within 2
    ``gross``      further away, or not finite
    =============  ======================================================

    An inversion wants better features (a face, context), a near miss better
    resolution or labels, a gross error a better search for the person. (A
    joint of *another* person, a "swap", is among the far and gross ones: to
    tell it from them takes the labels of everybody in the picture.)

    Parameters
    ----------
    predicted, keypoints, visible, normalizer:
        As in `normalized_distances`.
    joints:
        Names; None takes those that have a left and a right, or all where
        there are no such.
    threshold:
        What is good; near is up to twice, far up to four times as far off.
    """
    distances = normalized_distances(predicted, keypoints, visible, normalizer)
    _expect(distances.shape[1], skeleton)
    twin = np.arange(len(skeleton))
    for a, b in skeleton.flip_pairs:
        twin[a], twin[b] = b, a
    if joints is None:
        sided = twin != np.arange(len(skeleton))
        columns = np.flatnonzero(sided if sided.any() else ~sided)
    else:
        columns = np.array(skeleton.indices(joints), dtype=int)
    if np.isnan(distances[:, columns]).all():
        raise ValueError("no labelled joint among those to sort")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        keypoints = as_array(keypoints)
        other = normalized_distances(
            predicted,
            keypoints[:, twin],
            _labels(keypoints, visible)[:, twin],
            normalizer,
        )
    own, other = distances[:, columns], other[:, columns]
    other[:, twin[columns] == columns] = np.inf
    rules = {
        "good": own <= threshold,
        "inversion": other <= threshold,
        "near": own <= 2 * threshold,
        "far": own <= 4 * threshold,
        "gross": own > 4 * threshold,
    }
    free = ~np.isnan(own)
    counts = {}
    for kind, holds in rules.items():
        counts[kind] = (free & holds).sum(0)
        free &= ~holds
    return ErrorBreakdown(counts, tuple(skeleton.joints[c] for c in columns))
